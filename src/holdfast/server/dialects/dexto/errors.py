"""Errors as Dexto's clients read them: a shape for each of the places that they come from.

- what is wrong with a request: `{"success": false, "error": {"issues": […], "name": "ZodError"}}`;
- what went wrong in the work: `code`, `message`, `scope`, `type`, and where;
- several mistakes in what was given: `DextoValidationError` with its `issues`;
- a bug: `internal_error`, without what it was;
- a body that one route alone has: `{"error": "…"}`, and others like it;
- a refused key: `{"error": "Unauthorized", …}`. Unknown paths and methods are plain text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Scope

from holdfast.core.domain.errors import (
    STATUS,
    ErrorInfo,
    ErrorKind,
    InvalidError,
    NotFoundError,
)
from holdfast.server.dialects.dexto.finishing import is_pretty
from holdfast.server.dialects.dexto.wire import PREFIX
from holdfast.server.dialects.dexto.zod import custom_issue
from holdfast.server.kit.errors import Render, headers_of, plain_message
from holdfast.server.kit.stream import method_of

NOT_FOUND = "404 Not Found"
"""The body of what is nowhere."""

_NOWHERE = frozenset({"no_such_path", "method_not_allowed"})
_BODY = "dexto_body"
_ISSUES = "issues"
_VALIDATION = "dexto_issues"

_TYPES: dict[ErrorKind, str] = {
    ErrorKind.INVALID: "user",
    ErrorKind.UNAUTHENTICATED: "forbidden",
    ErrorKind.FORBIDDEN: "forbidden",
    ErrorKind.NOT_FOUND: "not_found",
    ErrorKind.CONFLICT: "conflict",
    ErrorKind.TOO_LARGE: "user",
    ErrorKind.RATE_LIMITED: "rate_limit",
    ErrorKind.INTERNAL: "system",
    ErrorKind.UNSUPPORTED: "system",
    ErrorKind.UPSTREAM: "third_party",
    ErrorKind.UNAVAILABLE: "system",
    ErrorKind.TIMEOUT: "timeout",
}
"""What Dexto calls the kinds of errors."""

KNOWN: dict[str, tuple[str, str]] = {
    "session_not_found": ("session_not_found", "session"),
    "empty_message": ("context_message_content_empty", "context"),
    "context_message_content_empty": ("context_message_content_empty", "context"),
    "approval_not_found": ("approval_not_found", "tools"),
    "question_not_found": ("approval_not_found", "tools"),
    "custom_model_not_found": ("custom_model_not_found", "llm"),
    "invalid_session_id": ("invalid_session_id", "session"),
    "memory_not_found": ("MEMORY_NOT_FOUND", "memory"),
    "prompt_not_found": ("prompt_not_found", "prompt"),
    "mcp_resource_not_found": ("mcp_resource_not_found", "mcp"),
    "mcp_unavailable": ("mcp_connection_failed", "mcp"),
    "tool_failed": ("mcp_protocol_error", "mcp"),
    "mcp_error": ("mcp_protocol_error", "mcp"),
    "mcp_refused": ("mcp_protocol_error", "mcp"),
    "tool_timeout": ("mcp_protocol_error", "mcp"),
    "resource_no_suitable_provider": ("resource_no_suitable_provider", "resource"),
}
"""Our codes, with Dexto's code and scope for the same."""
_SCOPES = (
    ("registry_agent_", "agent_registry"),
    ("config_", "config"),
    ("context_", "context"),
    ("llm_", "llm"),
    ("mcp_", "mcp"),
    ("prompt_", "prompt"),
    ("resource_", "resource"),
    ("session_", "session"),
    ("MEMORY_", "memory"),
)
"""Scopes by how Dexto's codes begin."""

KINDS: dict[str, ErrorKind] = {
    "mcp_unavailable": ErrorKind.UPSTREAM,
    "tool_failed": ErrorKind.UPSTREAM,
    "mcp_error": ErrorKind.UPSTREAM,
    "mcp_refused": ErrorKind.UPSTREAM,
    "tool_timeout": ErrorKind.UPSTREAM,
}
"""Our codes of what is an error of another kind there."""


def only_body(body: Mapping[str, Any]) -> NotFoundError:
    """Returns the 404 of a route that has a body of its own for it."""
    return NotFoundError(str(body.get("error", "")), code="dexto_own", details={_BODY: dict(body)})


def own_refusal(body: Mapping[str, Any]) -> InvalidError:
    """Returns the 400 of a route that has a body of its own for it."""
    return InvalidError(str(body.get("error", "")), code="dexto_own", details={_BODY: dict(body)})


def not_here(message: str) -> NotFoundError:
    """Returns the 404 whose body is `{"error": message}`."""
    return only_body({"error": message})


def validation(issues: Iterable[Mapping[str, Any]], code: str = "agent_invalid_config") -> InvalidError:
    """Returns the error that tells of several mistakes, each a `validation_issue`."""
    found = [dict(one) for one in issues]
    return InvalidError(_summary(found), code=code, details={_VALIDATION: found})


def validation_issue(
    code: str, message: str, *, scope: str, path: Iterable[str | int] = (), context: Any = None
) -> dict[str, Any]:
    """Returns one mistake of `validation`."""
    place = list(path)
    issue = {"code": code, "message": message, "scope": scope, "type": "user", "severity": "error"}
    more = {"path": place} if place else {}
    return {**issue, **more, **({"context": context} if context is not None else {})}


def render_at(scope: Scope) -> Render:
    """Returns what makes the response of an error to a request: some say where they come from."""
    place = {"endpoint": scope["path"].removeprefix(PREFIX), "method": method_of(scope)}
    return partial(_response, place, indent=2 if is_pretty(scope) else None)


def _response(
    place: Mapping[str, str],
    info: ErrorInfo,
    request_id: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    indent: int | None = None,
) -> Response:
    if info.code in _NOWHERE:
        return Response(NOT_FOUND, 404, media_type="text/plain")
    code = status or STATUS[KINDS.get(info.code, info.kind)]
    body = body_of(info, request_id, place)
    return Response(
        to_json(body, indent=indent), code, headers_of(info, headers), media_type="application/json"
    )


def body_of(info: ErrorInfo, request_id: str, place: Mapping[str, str]) -> dict[str, Any]:
    """Returns the body of an error; `place` has the `endpoint` and the `method`."""
    if _BODY in info.details:
        own: dict[str, Any] = info.details[_BODY]
        return own
    if info.kind is ErrorKind.UNAUTHENTICATED:
        return {"error": "Unauthorized", "message": info.message}
    if info.kind is ErrorKind.INTERNAL:
        return _unexpected(place)
    if _VALIDATION in info.details:
        return _several(info, request_id, place)
    if info.code == "invalid_json":
        said = {"code": "invalid_json", "message": info.message, "scope": "agent", "type": "user"}
        return {**said, "severity": "error", **place}
    if issues := _issues(info):
        return {"success": False, "error": {"issues": issues, "name": "ZodError"}}
    return {**typed(info), "traceId": request_id, **place}


def typed(info: ErrorInfo) -> dict[str, Any]:
    """Returns what is said of an error of the work, wherever that is said."""
    code, scope = KNOWN.get(info.code, (info.code, _scope(info)))
    kind = KINDS.get(info.code, info.kind)
    body = {"code": code, "message": plain_message(info), "scope": scope, "type": _TYPES[kind]}
    context = info.details.get("context")
    return {**body, "context": context} if isinstance(context, dict) else body


def _scope(info: ErrorInfo) -> str:
    of_code = (scope for start, scope in _SCOPES if info.code.startswith(start))
    return next(of_code, "llm" if info.kind is ErrorKind.UPSTREAM else "agent")


def _unexpected(place: Mapping[str, str]) -> dict[str, Any]:
    message = "An unexpected error occurred. Please try again later."
    said = {"code": "internal_error", "message": message, "scope": "system", "type": "system"}
    return {**said, "severity": "error", **place}


def _several(info: ErrorInfo, request_id: str, place: Mapping[str, str]) -> dict[str, Any]:
    issues: list[dict[str, Any]] = info.details[_VALIDATION]
    errors = sum(one["severity"] == "error" for one in issues)
    return {
        "name": "DextoValidationError",
        "message": info.message,
        "issues": issues,
        "traceId": request_id,
        "errorCount": errors,
        "warningCount": len(issues) - errors,
        **place,
    }


def _summary(issues: list[dict[str, Any]]) -> str:
    if len(issues) == 1:
        return str(issues[0]["message"])
    errors = sum(one["severity"] == "error" for one in issues)
    return f"Validation failed with {errors} errors"


def _issues(info: ErrorInfo) -> list[dict[str, Any]]:
    """Returns what is wrong with the request, where that is the error."""
    if _ISSUES in info.details:
        issues: list[dict[str, Any]] = info.details[_ISSUES]
        return issues
    fields = info.details.get("fields") if info.code == "invalid_request" else None
    return [custom_issue(one["message"], *str(one["field"]).split(".")) for one in fields or ()]
