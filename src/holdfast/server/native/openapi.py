"""The native API as an OpenAPI document, made from the table of operations."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

from pydantic_core import to_json

from holdfast import __version__
from holdfast.core.domain.identity import Role
from holdfast.core.services.needs import Needs
from holdfast.core.services.workbench import nouns
from holdfast.server.kit.idempotency import HEADER, LONGEST_KEY, REPLAYED
from holdfast.server.kit.schemas import Schema, without_null
from holdfast.server.native.examples import EXAMPLES
from holdfast.server.native.extra import EXTRA_ROUTES, ExtraRoute
from holdfast.server.native.operation import PREFIX, Operation, names_in, workbench_methods
from holdfast.server.native.operations import Place, operations, places
from holdfast.server.native.schemas import Schemas, has_result, make_schemas
from holdfast.server.native.words import said_of

_ABOUT = f"""\
Everything that Holdfast's terminal app can do. The engine answers under `{PREFIX}`.

**Keys.** On the unix socket everybody is let in, for only its owner can open it. On TCP each request needs
`Authorization: Bearer KEY`; `holdfast keys create NAME` makes one. What others own is answered like what
does not exist (404).

**Parameters.** Those that are not in the path stand in the query of `GET` and `DELETE`, and are keys of a
JSON object for everything else. Unknown ones are errors (400), and so is U+0000 in any of them. Answers may
have more keys in a later version.

**Errors** have one body; `code` is stable, `details.fields` names each wrong field. `Retry-After` stands in
the answer when the same request may succeed later. `X-Request-Id`, in every answer, is what the engine's
log knows the request by.

**Pages.** A listing that can be long comes in pages of `limit` items; `next_cursor` is the `cursor` of the
next page, and null at the end.

**Repetition.** A `POST` that makes something takes `{HEADER}`: who repeats a request with its key
within 24 hours gets the first answer again, with `{REPLAYED}: true`. The key is the caller's own,
for this operation and this request only (409 `idempotency_key_reused`). Not kept are answers 401, 403, 429
and from 500 on, and those with `Retry-After`.

**Events.** Everything that a run does is an event with an id that only grows. Routes of events answer with
pages, or with a stream (`Accept: text/event-stream`, or `/stream` after the path). A stream goes on after
the event that `Last-Event-ID` or `after` names; without either it begins now. A reader that comes back with
the last id that it saw misses nothing and gets nothing twice. Lines that begin with a colon keep it open; a
frame `event: error` has the reason why it ends as its data (`ErrorInfo`).
"""

_ERRORS: dict[int, tuple[str, str]] = {
    400: ("Invalid", "What was sent is wrong; the error names each field."),
    401: ("Unauthenticated", "No key was shown, or it is wrong, expired or revoked."),
    403: ("Forbidden", "The key's scope, the user's role or a policy does not allow it."),
    404: ("NotFound", "What was named does not exist, or is somebody else's."),
    408: ("RequestTimeout", "The rest of the request did not come in time."),
    409: ("Conflict", "It exists already, is busy, or has changed meanwhile."),
    413: ("TooLarge", "The body is larger than is taken."),
    415: ("UnsupportedMediaType", "The body is not of the type that is taken."),
    429: ("RateLimited", "Too many requests; `Retry-After` says when to come back."),
    500: ("Internal", "Something broke inside; the engine's log has the details under `request_id`."),
    501: ("Unsupported", "This engine cannot do it, whoever asks."),
    502: ("Upstream", "A model's provider or another server failed."),
    503: ("Unavailable", "Not possible now: the engine starts or stops, or its disk or database fails."),
    504: ("Timeout", "A time limit ran out."),
}
_LONGEST_SUMMARY = 110
_FILE_BODY = (
    "The content itself; or a form with one file, whose other fields are parameters of the query, and whose "
    "name is the file's where none is given."
)

_MAY_PASS = (408, 409, 429, 502, 503, 504)
"""Where `Retry-After` may stand."""

_EXTRA_SCHEMAS: dict[str, Schema] = {
    "health.live": {"type": "object", "required": ["status"], "properties": {"status": {"const": "live"}}},
    "health.ready": {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"enum": ["ready", "unavailable"]}},
    },
    "version": {
        "type": "object",
        "required": ["version", "api"],
        "properties": {"version": {"type": "string"}, "api": {"const": "v1"}},
    },
    "openapi": {"type": "object", "required": ["openapi", "info", "paths"]},
}

_making = threading.Lock()


def document_json() -> bytes:
    """Returns the document as JSON, made once. Takes a good part of a second: call it off the loop."""
    with _making:
        return _document_json()


@cache
def _document_json() -> bytes:
    return to_json(openapi_document())


def openapi_document() -> dict[str, Any]:
    """Returns the document."""
    schemas = make_schemas()
    paths: dict[str, dict[str, Any]] = {}
    for place in places():
        paths.setdefault(place.path, {})[place.operation.method.lower()] = _operation(place, schemas)
    for extra in EXTRA_ROUTES:
        paths[extra.path.removeprefix(PREFIX)] = {"get": _extra(extra)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": __version__,
            "summary": "The engine's native API",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX}],
        "security": [{"key": []}],
        "tags": [{"name": noun, "description": said_of(protocol)} for noun, protocol in nouns().items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**schemas.components, "Error": _error_schema()}.items())),
            "responses": {name: _error_response(status) for status, (name, _) in _ERRORS.items()},
            "headers": _headers(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


# --- one operation


def _operation(place: Place, schemas: Schemas) -> Schema:
    operation = place.operation
    method = workbench_methods()[operation.name]
    found: Schema = {
        "operationId": operation_id(place),
        "tags": [operation.noun],
        "summary": _summary(method),
        "description": f"{said_of(method)}\n\n{_needed_words(operation)}",
        "parameters": [*_parameters(place, schemas), *_request_headers(operation)],
        "responses": {str(operation.status): _success(operation, schemas), **_failures(operation, schemas)},
        **_needed(operation.needs),
        **({"security": []} if operation.public else {}),
    }
    if not operation.in_query or operation.raw_in:
        found["requestBody"] = _body(place, schemas)
    return found


def operation_id(place: Place) -> str:
    """Returns the unique, stable name of an operation on one of its paths."""
    own = place.operation.name.replace(".", "_")
    return f"{own}_of_{names_in(place.path)[0].removesuffix('_id')}" if place.of else own


def _needed_words(operation: Operation) -> str:
    if operation.public:
        return "Needs no key."
    needs = operation.needs
    role = " and the role `admin`" if needs.role is Role.ADMIN else ""
    return f"Needs a key of scope `{needs.scope}`{role}."


def _needed(needs: Needs) -> Schema:
    role = {"x-holdfast-role": needs.role} if needs.role is Role.ADMIN else {}
    return {"x-holdfast-scope": needs.scope, **role}


def _parameters(place: Place, schemas: Schemas) -> list[Schema]:
    """Returns the parameters in path and query."""
    arguments = schemas.arguments[place.operation.name]
    in_path = names_in(place.path)
    found = [_parameter(arguments, name, "path") for name in in_path]
    if place.operation.in_query:
        names = (name for name in arguments["properties"] if name not in in_path)
        found += [_parameter(arguments, name, "query") for name in names]
    return found


def _parameter(arguments: Schema, name: str, where: str) -> Schema:
    schema = without_null(arguments["properties"][name])
    required = where == "path" or name in arguments.get("required", ())
    if where == "path":
        schema = {**schema, "minLength": 1} if schema.get("type") == "string" else schema
        schema.pop("default", None)
    described = {"description": text} if (text := schema.pop("description", "")) else {}
    return {"name": name, "in": where, "required": required, **described, "schema": schema}


def _request_headers(operation: Operation) -> list[Schema]:
    found: list[Schema] = []
    if operation.once == "kept":
        pattern = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"}
        text = (
            "The caller's own name for this request: with it, a repetition is answered again, not done again."
        )
        found.append(_header(HEADER, text, pattern))
    if _streams_events(operation):
        event_id = {"type": "string", "pattern": "^[0-9]{0,18}$"}
        found.append(
            _header("Last-Event-ID", "A stream goes on after this event; stands before `after`.", event_id)
        )
    return found


def _header(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _streams_events(operation: Operation) -> bool:
    return "events.follow" in (operation.name, operation.streamed)


def _body(place: Place, schemas: Schemas) -> Schema:
    if place.operation.raw_in:
        file = {"type": "string", "format": "binary"}
        form = {"type": "object", "required": ["file"], "properties": {"file": file}}
        content: Schema = {
            "application/octet-stream": {"schema": file},
            "multipart/form-data": {"schema": form},
        }
        return {"description": _FILE_BODY, "required": True, "content": content}
    arguments = schemas.arguments[place.operation.name]
    in_path = names_in(place.path)
    properties = {name: each for name, each in arguments["properties"].items() if name not in in_path}
    required = [name for name in arguments.get("required", ()) if name in properties]
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    name = "".join(part.capitalize() for part in re.split(r"[._]", place.operation.name)) + "Request"
    schemas.components[name] = schema
    content = {"schema": _ref("schemas", name), "example": EXAMPLES[place.operation.name]}
    return {"required": bool(required), "content": {"application/json": content}}


# --- answers


def _success(operation: Operation, schemas: Schemas) -> Schema:
    found: Schema = {"description": "Done.", "headers": {"X-Request-Id": _ref("headers", "X-Request-Id")}}
    if operation.once == "kept":
        found["headers"][REPLAYED] = _ref("headers", REPLAYED)
    content = _content(operation, schemas)
    return {**found, "content": content} if content else found


def _content(operation: Operation, schemas: Schemas) -> Schema:
    if operation.raw_out:
        file = {"schema": {"type": "string", "format": "binary"}}
        return {"application/octet-stream": file, "*/*": file}  # generators of clients know the first
    if not has_result(operation):
        return {}
    result = schemas.results[operation.name]
    if operation.stream:
        return {"text/event-stream": {"schema": _frame(operation, result)}}
    content = {"application/json": {"schema": result}}
    return (
        {**content, **_content(operations()[operation.streamed], schemas)} if operation.streamed else content
    )


def _frame(operation: Operation, item: Schema) -> Schema:
    """Returns what one frame of a stream is, for OpenAPI 3.1 has no words for a stream."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": item}
    properties: Schema = {"data": data}
    if _streams_events(operation):
        properties = {
            "id": {"type": "string", "description": "The id of the event."},
            "event": {"type": "string", "description": "The `type` of the event, or `error`."},
            **properties,
        }
    text = "One frame of the stream."
    return {"type": "object", "description": text, "required": ["data"], "properties": properties}


def _failures(operation: Operation, schemas: Schemas) -> Schema:
    statuses = {400, 401, 403, 429, 500, 503}
    if schemas.arguments[operation.name]["properties"]:
        statuses.add(404)
    if operation.method != "GET":
        statuses |= {409, 501, 502, 504}
    if not operation.in_query or operation.raw_in:
        statuses |= {408, 413, 415}
    return {str(status): _ref("responses", _ERRORS[status][0]) for status in sorted(statuses)}


def _error_response(status: int) -> Schema:
    headers = {"X-Request-Id": _ref("headers", "X-Request-Id")}
    if status in _MAY_PASS:
        headers["Retry-After"] = _ref("headers", "Retry-After")
    content = {"application/json": {"schema": _ref("schemas", "Error")}}
    return {"description": _ERRORS[status][1], "headers": headers, "content": content}


def _headers() -> Schema:
    return {
        "X-Request-Id": {
            "description": "The request's id in the engine's log.",
            "schema": {"type": "string"},
        },
        "Retry-After": {
            "description": "Seconds after which the same request may succeed.",
            "schema": {"type": "integer", "minimum": 1},
        },
        REPLAYED: {"description": "The answer was given before.", "schema": {"const": "true"}},
    }


def _error_schema() -> Schema:
    fields = {
        "code": ("string", "What it is; stable."),
        "message": ("string", "What went wrong and what to do next, for a person."),
        "details": ("object", "What programs may want to know, by code; `fields` lists wrong fields."),
        "request_id": ("string", "What the engine's log knows the request by."),
    }
    error = {
        "type": "object",
        "required": list(fields),
        "additionalProperties": False,
        "properties": {name: {"type": kind, "description": text} for name, (kind, text) in fields.items()},
    }
    return {
        "type": "object",
        "description": "The body of every error.",
        "required": ["error"],
        "additionalProperties": False,
        "properties": {"error": error},
    }


# --- routes beside the table


def _extra(extra: ExtraRoute) -> Schema:
    schema = _EXTRA_SCHEMAS.get(extra.name, {"type": "string"})
    media_type = extra.media_type.partition(";")[0]
    answer = {"description": extra.summary, "content": {media_type: {"schema": schema}}}
    found: Schema = {
        "operationId": extra.name.replace(".", "_"),
        "tags": ["engine"],
        "summary": extra.summary.rstrip("."),
        "responses": {str(status): answer for status in extra.statuses},
    }
    statuses = (403,) if extra.needs is None else (401, 403, 429, 500, 503)
    found["responses"] |= {str(status): _ref("responses", _ERRORS[status][0]) for status in statuses}
    return {**found, "security": []} if extra.needs is None else {**found, **_needed(extra.needs)}


# --- words


def _ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _summary(method: object) -> str:
    text = re.sub(r"\s*\([^)]*\)", "", " ".join(said_of(method).split()))
    first = re.split(r"(?<=[.;:])\s", text, maxsplit=1)[0].rstrip(".;:")
    return first if len(first) <= _LONGEST_SUMMARY else first[:_LONGEST_SUMMARY].rpartition(", ")[0] or first
