"""The page of the engine's API."""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docpages import events
from docpages.markdown import code, fenced, page, summary, table
from docpages.models import meaning, paged, plain, records_in, type_name
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.identity import Role
from holdfast.core.services.needs import Needs
from holdfast.server.kit.idempotency import HEADER, LONGEST_KEY, REPLAYED
from holdfast.server.native.extra import DOCS, EXTRA_ROUTES, OPENAPI
from holdfast.server.native.operation import PREFIX, Operation, workbench_methods
from holdfast.server.native.operations import OPERATIONS, places
from holdfast.server.native.words import meanings, said_of

_INTRO = f"""\
The engine answers HTTP on a unix socket that only you can open, and on TCP where `holdfast serve` opens a
listener. The terminal app and the commands are clients of it. Every path begins with `{PREFIX}`.

The same for programs is the OpenAPI document, `{OPENAPI.path}`; `{DOCS.path}` shows it in a browser.

- **Keys.** On the socket nobody needs one. On TCP each request has `Authorization: Bearer KEY`. What the key
  must allow stands beside each operation: its scope, and where it is about the engine, the role `admin`. What
  others own is answered like what does not exist.
- **Parameters** that are not part of the path are query parameters for `GET` and `DELETE`, and keys of a JSON
  object in the body for everything else. Unknown ones are errors. Where a file is the body, it stands there
  as it is, without a form around it, and all other parameters are in the query.
- **Answers** are JSON; later versions may add keys. Errors have one shape, see [errors](errors.md); their
  `request_id`, also in the header `X-Request-Id`, names the place in the engine's log. `Retry-After` stands
  where the same request may succeed later.
- **Pages.** Long listings come in pages: `items`, and `next_cursor`, which goes into the next request as
  `cursor`; null at the end. What is added or removed meanwhile neither repeats nor hides anything else.
- **Repetition.** Where it says so, a request takes an `{HEADER}` of 1 to {LONGEST_KEY} visible ASCII
  characters, chosen by the caller. The same request with the same key gets the first answer again, with
  `{REPLAYED}: true`, for 24 hours and over new starts of the engine; with another body it is refused
  (409). Answers 401, 403, 429 and from 500 on are not kept, nor those with `Retry-After`."""

_EXAMPLE = """\
curl --unix-socket "$SOCKET" http://holdfast/holdfast/v1/engine/status"""

_STREAM = f"""\
**Events** are answered in pages, or as server-sent events to who sends `Accept: text/event-stream` or adds
`/stream` to the path: of everything (`{PREFIX}/events`), of one session
(`{PREFIX}/sessions/ID/events`) and of one run (`{PREFIX}/runs/ID/events`). In a stream `id`
is the event's id, `event` its type, `data` its JSON. A client that comes back sends the last id it saw as
`Last-Event-ID`, or as `after`, and misses nothing and gets nothing twice. Without either, the stream begins
now. Comments keep a silent connection open."""

_ONCE = {
    "kept": "Takes an `Idempotency-Key`.",
    "refused": "Refuses an `Idempotency-Key`, for the answer has a secret, which is not kept.",
}

_NOUNS = {
    "agents": "Agents",
    "agent_files": "Files of agents",
    "drafts": "Drafts of agents and prompts",
    "sessions": "Sessions",
    "trash": "The trash",
    "runs": "Runs",
    "approvals": "Approvals",
    "events": "Events",
    "files": "Files",
    "objects": "Kept objects",
    "tools": "Tools",
    "skills": "Skills",
    "prompts": "Prompts",
    "mcp": "MCP servers",
    "knowledge": "Knowledge",
    "jobs": "Jobs",
    "memory": "Memory",
    "models": "Models",
    "keys": "Keys",
    "users": "Users",
    "accounts": "Accounts: how people sign in",
    "oauth": "OAuth 2.0",
    "usage": "Usage",
    "hooks": "Hooks",
    "webhooks": "Webhooks",
    "releases": "Releases of programs",
    "engine": "The engine",
}


def api_page() -> str:
    """Returns the page."""
    sections: list[str] = []
    for noun, group in groupby(OPERATIONS, key=lambda operation: operation.noun):
        sections += [f"## {_NOUNS[noun]}", *(_section(operation) for operation in group)]
    return page(
        "The engine's API",
        _INTRO,
        fenced(_EXAMPLE, "sh"),
        _STREAM,
        "## All operations",
        table(
            ("Request", "Operation", "Needs", "Success"),
            [
                (
                    code(f"{place.operation.method} {place.path}"),
                    f"[{place.operation.name}](#{_anchor(place.operation)})",
                    _asked(place.operation),
                    str(place.operation.status),
                )
                for place in sorted(places(), key=lambda place: OPERATIONS.index(place.operation))
            ],
        ),
        "Beside the operations there are:",
        table(
            ("Request", "Needs", "What it does"),
            [(code(f"GET {e.path.removeprefix(PREFIX)}"), _needs(e.needs), e.summary) for e in EXTRA_ROUTES],
        ),
        *sections,
        "## Records",
        *(events.record_section(record, _link) for record in _own_records()),
    )


def _section(operation: Operation) -> str:
    method = workbench_methods()[operation.name]
    result = _result(operation, get_type_hints(method)["return"])
    parts = (
        f"### `{operation.name}`",
        fenced(f"{operation.method} {PREFIX}{operation.path}", "http"),
        "\n\n".join(" ".join(block.split()) for block in said_of(method).split("\n\n")),
        _parameters(operation, method),
        f"Answers {operation.status}{result}. Needs {_asked(operation)}.",
        _ONCE.get(operation.once, ""),
    )
    return "\n\n".join(part for part in parts if part)


def _asked(operation: Operation) -> str:
    """Returns what an operation needs."""
    return _needs(None if operation.public else operation.needs)


def _needs(needs: Needs | None) -> str:
    if needs is None:
        return "no key"
    role = f", role {code(needs.role)}" if needs.role is Role.ADMIN else ""
    return f"scope {code(needs.scope)}{role}"


def _parameters(operation: Operation, method: Any) -> str:
    hints = get_type_hints(method)
    bounds = get_type_hints(method, include_extras=True)
    said = meanings(operation)
    rows: list[tuple[str, ...]] = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        hint = hints[parameter.name]
        if parameter.name == operation.raw_in:
            rows.append((code(parameter.name), "body", "a file", "required", "The content itself."))
            continue
        if operation.in_query and isinstance(hint, type) and issubclass(hint, BaseModel):
            rows += [
                (code(name), "query", type_name(field.annotation, _link), plain(field.default), said[name])
                for name, field in hint.model_fields.items()
            ]
            continue
        given = "required" if parameter.default is parameter.empty else plain(parameter.default)
        bound = meaning(FieldInfo.from_annotation(bounds[parameter.name]), "")
        kind = type_name(hint, _link) + (f", {bound[:1].lower()}{bound[1:].rstrip('.')}" if bound else "")
        where = _place(operation, parameter.name)
        rows.append((code(parameter.name), where, kind, given, said[parameter.name]))
    return table(("Parameter", "In", "Type", "Default", "Meaning"), rows)


def _place(operation: Operation, name: str) -> str:
    if name in operation.path_names:
        return "path"
    return "query" if operation.in_query else "body"


def _result(operation: Operation, hint: Any) -> str:
    if operation.stream:
        return " and a stream of [events](events.md)"
    if operation.raw_out:
        return " with the file itself"
    if hint is type(None):
        return " without a body"
    if LoggedEvent in get_args(hint):
        return " with a list of [events](events.md)"
    if paged(hint) is LoggedEvent:
        return " with a page of [events](events.md)"
    null = ", or null when there is none" if type(None) in get_args(hint) else ""
    return f" with {_article(type_name(hint, _link))}{null}"


def _article(name: str) -> str:
    if name.startswith(("list", "page")):
        return f"a {name}"
    return name if name.startswith("[") else f"JSON: {name}"


def _own_records() -> list[type[BaseModel]]:
    """Returns the records of results and parameters that the page of events does not have."""
    elsewhere = {*events.records(), *events.all_events(), LoggedEvent, ErrorInfo}
    found: set[type[BaseModel]] = set()
    for operation in OPERATIONS:
        for hint in get_type_hints(workbench_methods()[operation.name]).values():
            found |= set(records_in(hint))
    wanted = {record for record in found - elsewhere if record.__name__ != "EventFilter"}
    return sorted(wanted, key=lambda record: record.__name__)


def _link(record: type[BaseModel]) -> str:
    return events.link(record, "events.md" if record in events.records() else "")


def _anchor(operation: Operation) -> str:
    return operation.name.replace(".", "")


def undescribed() -> list[str]:
    """Returns the operations whose methods say nothing."""
    return [o.name for o in OPERATIONS if not summary(workbench_methods()[o.name])]
