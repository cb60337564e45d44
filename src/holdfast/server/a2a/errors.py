"""Errors as A2A has them: as JSON-RPC, or as Google's APIs write theirs."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from functools import wraps
from typing import Any, TypeVar

from a2a.server.context import ServerCallContext
from a2a.utils.errors import (
    A2AError,
    InternalError,
    InvalidParamsError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Scope

from holdfast.core.domain.errors import STATUS, ErrorInfo, ErrorKind, HoldfastError
from holdfast.server.a2a.asked import asked_in
from holdfast.server.kit.errors import Render, headers_of, internal_error, plain_message

_LOG = logging.getLogger(__name__)
_PARSE, _INVALID, _INTERNAL = -32700, -32600, -32603
_RPC = "a2a.rpc"
_RPC_PATH = re.compile(r"/a2a(?:/agents/[^/]+)?/?")
_DOMAIN = "holdfast"
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

P = TypeVar("P")
R = TypeVar("R")
Method = Callable[[Any, P, ServerCallContext], Coroutine[Any, Any, R]]
Stream = Callable[[Any, P, ServerCallContext], AsyncGenerator[R, None]]


def note_rpc(scope: Scope, body: Any) -> None:
    """Keeps the id of a request of JSON-RPC for an error."""
    id = body.get("id") if isinstance(body, dict) else None
    scope["state"][_RPC] = id if isinstance(id, str | int) and not isinstance(id, bool) else None


def is_rpc(scope: Scope) -> bool:
    """Says whether a request is one of JSON-RPC, by its path."""
    return scope["method"] == "POST" and _RPC_PATH.fullmatch(scope["path"]) is not None


def render_at(scope: Scope) -> Render:
    """Returns what makes the response of an error to a request."""
    if not is_rpc(scope):
        return _rest

    def rpc(
        info: ErrorInfo,
        request_id: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        status = status or STATUS[info.kind]
        number = _INTERNAL if status >= 500 else _PARSE if info.code == "invalid_json" else _INVALID
        data = {"code": info.code, "details": info.details, "request_id": request_id}
        error = {"code": number, "message": plain_message(info), "data": data}
        return _written(
            {"jsonrpc": "2.0", "id": scope["state"].get(_RPC), "error": error}, status, info, headers
        )

    return rpc


def _rest(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    status = status or STATUS[info.kind]
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": info.code.upper(),
        "domain": _DOMAIN,
        "metadata": {"request_id": request_id},
    }
    code = _CODES.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
    error = {"code": status, "status": code, "message": plain_message(info), "details": [detail]}
    return _written({"error": error}, status, info, headers)


def _written(body: Any, status: int, info: ErrorInfo, headers: Mapping[str, str] | None) -> Response:
    text = to_json(body, serialize_unknown=True, inf_nan_mode="null")
    return Response(text, status, headers_of(info, headers), media_type="application/json")


def bounded(method: Method[P, R]) -> Method[P, R]:
    """Makes a method of the SDK's handler raise nothing but what the SDK knows."""

    @wraps(method)
    async def answer(self: Any, params: P, context: ServerCallContext) -> R:
        try:
            return await method(self, params, context)
        except A2AError:
            raise
        except Exception as error:  # a boundary: else the SDK tells callers what broke
            raise _told(error, context) from error

    return answer


def bounded_stream(method: Stream[P, R]) -> Stream[P, R]:
    """Does the same for a method that yields."""

    @wraps(method)
    async def answer(self: Any, params: P, context: ServerCallContext) -> AsyncGenerator[R, None]:
        events = method(self, params, context)
        try:
            async for event in events:
                yield event
        except A2AError:
            raise
        except Exception as error:
            raise _told(error, context) from error
        finally:
            await events.aclose()

    return answer


def _told(error: Exception, context: ServerCallContext) -> A2AError:
    """Returns what the protocol says of an error. What it has no word for is kept for the door."""
    asked = asked_in(context)
    if not isinstance(error, HoldfastError):
        _LOG.error("internal error %s", asked.request_id, exc_info=error)
        return InternalError(internal_error(asked.request_id).message)
    message, data = plain_message(error.info), {"code": error.code}
    match error.info.kind:
        case ErrorKind.NOT_FOUND:
            return TaskNotFoundError(message, data)
        case ErrorKind.INVALID:
            return InvalidParamsError(message, data)
        case ErrorKind.CONFLICT:
            return UnsupportedOperationError(message, data)
    asked.refused = error
    return InternalError(message, data)
