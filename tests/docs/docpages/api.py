"""The page of the engine's API."""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from docpages import events
from docpages.markdown import code, docstring, fenced, page, summary, table
from docpages.models import paged, plain, records_in, type_name
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import LoggedEvent
from holdfast.server.native.operations import OPERATIONS, PREFIX, Operation, workbench_methods
from holdfast.server.native.routes import LIVE_PATH

_INTRO = f"""\
The engine answers HTTP on a unix socket that only you can open; `holdfast engine status` shows its path.
The terminal app and the commands are clients of it. It listens on no network port.

- Every path begins with `{PREFIX}`.
- Parameters that are not part of the path are query parameters for `GET` and `DELETE`, and keys of a JSON
  object in the body for everything else. Unknown ones are errors. Where a file is the body, it stands there
  as it is, without a form around it, and all other parameters are in the query.
- Long listings come in pages: `items`, and `next_cursor`, which goes into the next request as `cursor`; null
  at the end.
- Answers are JSON. Errors have one shape, see [errors](errors.md); their `request_id`, also in the header
  `X-Request-Id`, names the place in the engine's log.
- `GET {LIVE_PATH}` answers `{{"status":"live"}}` as soon as the process is there."""

_EXAMPLE = """\
curl --unix-socket "$SOCKET" http://holdfast/holdfast/v1/engine/status"""

_STREAM = f"""\
`GET {PREFIX}/events/stream` answers with server-sent events: `id` is the event's id, `event` its type,
`data` its JSON. A client that comes back sends the last id it saw as `Last-Event-ID`, or as `after`, and
misses nothing and gets nothing twice. Without either, the stream begins now. Comments keep a silent
connection open."""

_NOUNS = {
    "agents": "Agents",
    "sessions": "Sessions",
    "runs": "Runs",
    "approvals": "Approvals",
    "events": "Events",
    "files": "Files",
    "tools": "Tools",
    "models": "Models",
    "keys": "Keys",
    "users": "Users",
    "usage": "Usage",
    "webhooks": "Webhooks",
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
            ("Request", "Operation", "Success"),
            [(code(f"{o.method} {o.path}"), f"[{o.name}](#{_anchor(o)})", str(o.status)) for o in OPERATIONS],
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
        docstring(method) if method.__doc__ else "",
        _parameters(operation, method),
        f"Answers {operation.status}{result}.",
    )
    return "\n\n".join(part for part in parts if part)


def _parameters(operation: Operation, method: Any) -> str:
    hints = get_type_hints(method)
    rows: list[tuple[str, str, str, str]] = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        hint = hints[parameter.name]
        if parameter.name == operation.raw_in:
            rows.append((code(parameter.name), "body", "the file itself", "required"))
            continue
        if operation.in_query and isinstance(hint, type) and issubclass(hint, BaseModel):
            rows += [
                (code(name), "query", type_name(field.annotation, _link), plain(field.default))
                for name, field in hint.model_fields.items()
            ]
            continue
        given = "required" if parameter.default is parameter.empty else plain(parameter.default)
        rows.append((code(parameter.name), _place(operation, parameter.name), type_name(hint, _link), given))
    return table(("Parameter", "In", "Type", "Default"), rows)


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
