"""Errors as HTTP: the native body, and the boundary behind which nothing is left uncaught."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Protocol

from pydantic_core import PydanticSerializationError, to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from holdfast import __version__
from holdfast.core.domain.errors import STATUS, AgentFileError, ErrorInfo, ErrorKind, HoldfastError
from holdfast.core.domain.values import new_id
from holdfast.server.kit.auth import is_let_in
from holdfast.server.kit.stream import STARTS, method_of

RETRY_AFTER_S = 1
"""What `Retry-After` says where trying again may help."""

VERSION_HEADER = "holdfast-version"
"""Tells who was let in which version the engine is."""


def error_response(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Returns the one error body of the native API.

    What the body does not say stands elsewhere: the kind is the status, and `Retry-After` says that the
    same request may succeed later.
    """
    error = {"code": info.code, "message": info.message, "details": info.details, "request_id": request_id}
    return Response(
        to_json({"error": error}, serialize_unknown=True, inf_nan_mode="null"),
        status or STATUS[info.kind],
        headers_of(info, headers),
        media_type="application/json",
    )


def headers_of(info: ErrorInfo, headers: Mapping[str, str] | None) -> dict[str, str]:
    """Returns the headers of an error's response, `headers` among them: when to try again, where that may
    help, and how to show a key, where one is missing."""
    more = dict(headers or {})
    if info.retryable:
        more["Retry-After"] = str(retry_after_s(info))
    if info.kind is ErrorKind.UNAUTHENTICATED:
        more["WWW-Authenticate"] = "Bearer"
    return more


def plain_message(info: ErrorInfo) -> str:
    """Returns what an error says to callers who know of no agent files: of mistakes in one their keys and
    what is wrong, not where the file is."""
    found = info.details.get("diagnostics") if info.code == AgentFileError.default_code else None
    if not found:
        return info.message
    return "; ".join(f"{one['key_path']}: {one['message']}{_expected(one['expected'])}" for one in found)


def _expected(what: str) -> str:
    return f" (expected {what})" if what else ""


def retry_after_s(info: ErrorInfo) -> int:
    """Returns the seconds after which it is worth asking again."""
    said = info.details.get("retry_after_s")
    if not isinstance(said, int | float) or not math.isfinite(said):
        return RETRY_AFTER_S
    return max(RETRY_AFTER_S, math.ceil(said))


def internal_error(request_id: str) -> ErrorInfo:
    """Returns what people see of a bug: where to find the rest."""
    return ErrorInfo(
        kind=ErrorKind.INTERNAL,
        code="internal",
        message=f"Something broke inside Holdfast; its log has the details under the reference {request_id}",
    )


class Render(Protocol):
    """Makes the response of an error; `status` is given where it is not that of the error's kind."""

    def __call__(
        self,
        info: ErrorInfo,
        request_id: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response: ...


RenderAt = Callable[[Scope], Render]
"""Says what makes the response of an error to a request."""

_REFUSED = 1008
_BROKEN = 1011
_LONGEST_REASON = 123
"""Bytes in the reason of a WebSocket's end."""


class Boundary:
    """Answers every error of `app` in the shape of its API, and gives each request an id.

    A bug is logged with its traceback and the request's id, which is all that the client sees. On a
    WebSocket that is open already, an error is the reason of its end.
    """

    def __init__(
        self,
        app: ASGIApp,
        log: logging.Logger,
        *,
        render: Render = error_response,
        render_at: RenderAt | None = None,
    ) -> None:
        """`render` makes the response of an error, in the shape that the API's clients read; `render_at` says
        what does, where that differs from request to request."""
        self._app = app
        self._log = log
        self._render_at = render_at or (lambda scope: render)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        scope["app"] = self  # routes then raise for a wrong method instead of answering in plain text
        started = False

        async def send_marked(message: Message) -> None:
            nonlocal started
            if message["type"] in STARTS:
                started = True
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                if is_let_in(scope):
                    message["headers"].append((VERSION_HEADER.encode(), __version__.encode()))
            await send(message)

        try:
            return await self._app(scope, receive, send_marked)
        except HoldfastError as error:
            info = error.info
            response = self._rendered(scope, info, request_id)
        except HTTPException as error:
            info = _routing_error(scope, error)
            response = self._rendered(
                scope, info, request_id, status=error.status_code, headers=error.headers
            )
        except (ClientDisconnect, WebSocketDisconnect):
            return None
        except Exception:  # noqa: BLE001 - the boundary: a bug ends one request, not the engine
            self._log.exception("internal error %s: %s %s", request_id, method_of(scope), scope["path"])
            info = internal_error(request_id)
            response = self._render_at(scope)(info, request_id)
        if not started:
            return await response(scope, receive, send_marked)
        if scope["type"] == "websocket":
            await _end(send, info)
        return None

    def _rendered(
        self,
        scope: Scope,
        info: ErrorInfo,
        request_id: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        render = self._render_at(scope)
        try:
            return render(info, request_id, status=status, headers=headers)
        except (PydanticSerializationError, UnicodeEncodeError):  # half a character, which no answer can hold
            said = info.message.encode("utf-8", "replace").decode()
            plain = info.model_copy(update={"message": said, "details": {}})
            return render(plain, request_id, status=status, headers=headers)


async def _end(send: Send, info: ErrorInfo) -> None:
    """Ends a WebSocket, unless it has ended."""
    code = _BROKEN if info.kind is ErrorKind.INTERNAL else _REFUSED
    reason = info.message.encode("utf-8", "replace")[:_LONGEST_REASON].decode(errors="ignore")
    try:
        await send({"type": "websocket.close", "code": code, "reason": reason})
    except (OSError, RuntimeError):  # servers say the second of one that was closed
        return


def _routing_error(scope: Scope, error: HTTPException) -> ErrorInfo:
    if error.status_code == 405:
        message = (
            f"{scope['method']} is not possible here; {(error.headers or {}).get('Allow', 'nothing')} is"
        )
        return ErrorInfo(kind=ErrorKind.INVALID, code="method_not_allowed", message=message)
    if error.status_code == 415:
        return ErrorInfo(kind=ErrorKind.INVALID, code="unsupported_media_type", message=error.detail)
    if error.status_code == 408:
        message = "The rest of the request did not come in time; send it again"
        return ErrorInfo(kind=ErrorKind.TIMEOUT, code="request_timeout", message=message)
    return ErrorInfo(kind=ErrorKind.NOT_FOUND, code="no_such_path", message=error.detail)
