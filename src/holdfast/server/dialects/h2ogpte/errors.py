"""Errors as h2oGPTe's clients read them: `{"code": 404, "message": "…"}`, of which `code` is the status."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import Response

from holdfast.core.domain.errors import STATUS, ErrorInfo
from holdfast.server.kit.errors import headers_of


class ErrorBody(BaseModel):
    """The body of every error. `error` is what clients read of it below `/rpc`, and of `/file`."""

    code: int
    message: str
    error: str
    request_id: str


def error_response(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Returns an error as a response."""
    code = status or STATUS[info.kind]
    body = ErrorBody(code=code, message=info.message, error=info.message, request_id=request_id)
    return Response(to_json(body), code, headers_of(info, headers), media_type="application/json")
