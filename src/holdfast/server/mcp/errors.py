"""Errors before a message is read, as JSON-RPC has them: without the id of a request."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import to_json
from starlette.responses import Response

from holdfast.core.domain.errors import STATUS, ErrorInfo
from holdfast.server.kit.errors import headers_of

_INVALID_REQUEST = -32600
_INTERNAL = -32603


def error_response(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Returns an error as a response; our own stable code is in its data."""
    status = status or STATUS[info.kind]
    data = {"code": info.code, "details": info.details, "request_id": request_id}
    code = _INTERNAL if status >= 500 else _INVALID_REQUEST
    error = {"code": code, "message": info.message, "data": data}
    body = to_json(
        {"jsonrpc": "2.0", "id": None, "error": error}, serialize_unknown=True, inf_nan_mode="null"
    )
    return Response(body, status, headers_of(info, headers), media_type="application/json")
