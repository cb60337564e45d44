"""Errors as Powabase's clients read them: `{"error": "…"}`, and `code` where it may be relied on."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import Response

from holdfast.core.domain.errors import STATUS, ErrorInfo
from holdfast.server.kit.errors import headers_of, plain_message

_BAD = frozenset({"model_not_found"})
"""Codes of what is a bad request there, where no path and no id names a model."""


class ErrorBody(BaseModel):
    """The body of every error."""

    error: str
    code: str


def error_body(info: ErrorInfo) -> dict[str, str]:
    """Returns an error as Powabase says it."""
    return {"error": plain_message(info), "code": info.code}


def error_response(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Returns an error as a response."""
    said = status or (400 if info.code in _BAD else STATUS[info.kind])
    return Response(to_json(error_body(info)), said, headers_of(info, headers), media_type="application/json")
