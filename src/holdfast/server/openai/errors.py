"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from holdfast.core.domain.errors import STATUS, ErrorInfo, ErrorKind
from holdfast.server.kit.errors import headers_of

_TYPES = {
    ErrorKind.UNAUTHENTICATED: "authentication_error",
    ErrorKind.FORBIDDEN: "permission_error",
    ErrorKind.RATE_LIMITED: "rate_limit_error",
}
_STATUS = {**STATUS, ErrorKind.UNSUPPORTED: 400}
"""A 501 would be asked again by OpenAI's clients, in vain."""


def error_body(info: ErrorInfo) -> dict[str, Any]:
    """Returns an error as OpenAI's clients read it."""
    fallback = "server_error" if _STATUS[info.kind] >= 500 else "invalid_request_error"
    fields = info.details.get("fields")
    first = fields[0].get("field") if isinstance(fields, list) and fields else None
    return {
        "error": {
            "message": info.message,
            "type": _TYPES.get(info.kind, fallback),
            "param": info.details.get("param") or first,
            "code": "invalid_api_key" if info.kind is ErrorKind.UNAUTHENTICATED else info.code,
        }
    }


def error_response(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Returns an error as a response."""
    more = headers_of(info, headers)
    if not info.retryable:
        more["X-Should-Retry"] = "false"  # read by OpenAI's clients, which ask again by themselves
    return Response(
        to_json(error_body(info), serialize_unknown=True, inf_nan_mode="null"),
        status or _STATUS[info.kind],
        more,
        media_type="application/json",
    )
