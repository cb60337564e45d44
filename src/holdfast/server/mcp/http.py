"""The MCP server under `/mcp`, by streamable HTTP. It imports the library at its first request."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.services.workbench import Host
from holdfast.server.kit.auth import Admitted
from holdfast.server.kit.body import MAX_BODY, read_json
from holdfast.server.kit.compose import Api, MadeApi
from holdfast.server.kit.errors import Boundary
from holdfast.server.kit.meter import named
from holdfast.server.mcp.errors import error_response

if TYPE_CHECKING:
    from holdfast.server.mcp.sessions import Sessions

PREFIX = "/mcp"
NAME = "mcp"

_LAST_WORDS_S = 0.5
"""For a session that ends with its door to say so."""


def mcp_api(
    host: Callable[[], Awaitable[Host]],
    *,
    log: logging.Logger,
    closing: asyncio.Event,
    max_body: int = MAX_BODY,
) -> Api:
    """Returns the API at `PREFIX`. `closing` ends its sessions when set; `max_body` is in bytes."""
    endpoint = named("mcp", cast("Callable[[Request], Awaitable[Response]]", _Door(host, closing, max_body)))
    routes = tuple(
        Route(path, endpoint, methods=["GET", "POST", "DELETE"]) for path in (PREFIX, f"{PREFIX}/")
    )
    router = Router(list(routes), redirect_slashes=False, default=_nothing_there)
    return MadeApi(NAME, PREFIX, Boundary(Admitted(router), log, render=error_response), routes)


async def _nothing_there(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404, f"There is nothing at {scope['path']}; MCP clients ask {PREFIX}")


class _Door:
    """Takes requests, and hands them to the sessions of their key."""

    def __init__(self, host: Callable[[], Awaitable[Host]], closing: asyncio.Event, max_body: int) -> None:
        self._host = host
        self._closing = closing
        self._max_body = max_body
        self._sessions: Sessions | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, request: Request) -> ASGIApp:
        body = await read_json(request, self._max_body) if request.method == "POST" else b""
        sessions = await self._loaded()
        answer = await sessions.answer_to(request)
        return _Answer(answer, body, self._closing)

    async def _loaded(self) -> Sessions:
        async with self._loading:
            if self._sessions is None:
                # More than half a second of imports, in a thread: the engine's loop goes on meanwhile.
                module = await asyncio.to_thread(importlib.import_module, "holdfast.server.mcp.sessions")
                self._sessions = module.Sessions(self._host, self._closing, self._max_body)
            return self._sessions


class _Answer:
    """The answer to one request, which ends with the door that it came in by."""

    def __init__(self, app: ASGIApp, body: bytes, closing: asyncio.Event) -> None:
        self._app = app
        self._body: bytes | None = body
        self._closing = closing
        self._begun = False
        self._whole = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_again() -> Message:
            if self._body is None:
                return await receive()
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}

        async def send_noted(message: Message) -> None:
            self._begun = True
            self._whole = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        answering = asyncio.ensure_future(self._app(scope, receive_again, send_noted))
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({answering, closing}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({answering}, timeout=_LAST_WORDS_S)
        finally:
            for task in (answering, closing):
                task.cancel()
            await asyncio.gather(answering, closing, return_exceptions=True)
        if not answering.cancelled():
            answering.result()
        elif not self._begun:
            raise UnavailableError("The engine is stopping", code="engine_stopping", retryable=True)
        elif not self._whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
