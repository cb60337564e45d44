"""Errors as GenLabs' clients read them: `{"error": "…"}`, whose texts they compare.

Each of its endpoints has words of its own for the same thing; they stand in `TEXTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Scope

from holdfast.core.domain.errors import STATUS, ErrorInfo, ErrorKind, InvalidError
from holdfast.server.dialects.genlabs.wire import PREFIX
from holdfast.server.kit.auth import WRONG_TOO_OFTEN
from holdfast.server.kit.errors import Render, headers_of, plain_message, retry_after_s

UNKNOWN_KEY = "Not authenticated, invalid session id or api key"
_BODY = "genlabs_body"
_STATUS = "genlabs_status"

_Texts = dict[ErrorKind, str]
TEXTS: dict[str, _Texts] = {
    "create_agent": {ErrorKind.INTERNAL: "Failed to create model"},
    "delete_agent": {
        ErrorKind.NOT_FOUND: "Model not found or does not belong to you",
        ErrorKind.INTERNAL: "Failed to delete model",
    },
    "get_agent_details": {
        ErrorKind.UNAUTHENTICATED: "Not authenticated, invalid session ID or API key",
        ErrorKind.NOT_FOUND: "Model not found",
        ErrorKind.INTERNAL: "Failed to fetch model details",
    },
    "update_agent": {
        ErrorKind.NOT_FOUND: "Model not found",
        ErrorKind.INTERNAL: "Failed to update model",
    },
    "create_tool": {ErrorKind.INTERNAL: "Failed to create tool"},
    "get_tools": {ErrorKind.INTERNAL: "Failed to fetch tools"},
    "delete_tool": {
        ErrorKind.NOT_FOUND: "Tool not found or unauthorized",
        ErrorKind.INTERNAL: "Failed to delete tool",
    },
    "update_tool": {
        ErrorKind.NOT_FOUND: "Tool not found",
        ErrorKind.INTERNAL: "Failed to update tool",
    },
    "get_tool_details": {
        ErrorKind.NOT_FOUND: "Tool not found",
        ErrorKind.INTERNAL: "Failed to get tool details",
    },
    "get_logs": {
        ErrorKind.NOT_FOUND: "Model not found",
        ErrorKind.INTERNAL: "Failed to fetch logs",
    },
    "get_log_details": {
        ErrorKind.NOT_FOUND: "Log not found",
        ErrorKind.INTERNAL: "Failed to fetch log details",
    },
    "get_session_map": {ErrorKind.INTERNAL: "Failed to fetch session map"},
    "v1": {ErrorKind.NOT_FOUND: "Model not found"},
    "v2": {ErrorKind.NOT_FOUND: "Model not found"},
}
"""What is said instead of our own words, by the first segment of the path, with `_` for `-`."""


def own(body: Mapping[str, Any], status: int = 400) -> InvalidError:
    """Returns the error whose body and status are given, word for word."""
    details = {_BODY: dict(body), _STATUS: status}
    return InvalidError(str(body.get("error", "")), code="genlabs_own", details=details)


def said(text: str, status: int = 400) -> InvalidError:
    """Returns the error of which only the text matters."""
    return own({"error": text}, status)


def render_at(scope: Scope) -> Render:
    """Returns what makes the response of an error to a request, in the words of its endpoint."""
    path = scope["path"].removeprefix(PREFIX).strip("/")
    return partial(_response, path.partition("/")[0].replace("-", "_"))


def _response(
    endpoint: str,
    info: ErrorInfo,
    request_id: str,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    code = info.details.get(_STATUS) or status or STATUS[info.kind]
    body = info.details.get(_BODY) or {"error": _text(endpoint, info)}
    if endpoint in _CALLS and info.kind is ErrorKind.RATE_LIMITED:
        code, body = _limited(info)
        headers = {**(headers or {}), **_left(info)}
    if info.kind is ErrorKind.UNAVAILABLE and ErrorKind.INTERNAL in TEXTS.get(endpoint, {}):
        code, body = 500, {"error": TEXTS[endpoint][ErrorKind.INTERNAL]}
    if info.code == WRONG_TOO_OFTEN or (info.code == "scope_missing" and endpoint not in _CALLS):
        code, body = 401, {"error": _text(endpoint, info.model_copy(update=_REFUSED))}
    return Response(to_json(body), code, headers_of(info, headers), media_type="application/json")


_CALLS = ("v1", "v2")
"""The endpoints that call agents."""
SPENT = ("insufficient_credits", "budget_spent")
"""Codes of what could not be done because nothing was left."""
NO_CREDITS = "Insufficient credits"


def _limited(info: ErrorInfo) -> tuple[int, dict[str, Any]]:
    if info.code in SPENT:
        return 402, {"error": NO_CREDITS}
    more = {name: value for name, value in info.details.items() if name in ("tier", "limit")}
    return 429, {"error": "Rate limit exceeded", **more}


def _left(info: ErrorInfo) -> dict[str, str]:
    """Returns the headers that calls have where they are limited, for one that was too many."""
    if "limit" not in info.details or info.code in SPENT:
        return {}
    return {
        "X-RateLimit-Limit": str(info.details["limit"]),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(retry_after_s(info)),
    }


_REFUSED = {"kind": ErrorKind.UNAUTHENTICATED}
"""What a key is that may not manage agents, and each wrong one, however many there were: not known."""


def _text(endpoint: str, info: ErrorInfo) -> str:
    known = TEXTS.get(endpoint, {}).get(info.kind)
    if info.kind is ErrorKind.UNAUTHENTICATED:
        return known or UNKNOWN_KEY
    return known or plain_message(info)
