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
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.services.workbench import Host
from holdfast.server.kit.auth import Admitted
from holdfast.server.kit.body import MAX_BODY, read_json
from holdfast.server.kit.compose import Api, MadeApi
from holdfast.server.kit.errors import Boundary
from holdfast.server.kit.lent import Lent
from holdfast.server.kit.meter import named
from holdfast.server.mcp.errors import error_response

if TYPE_CHECKING:
    from holdfast.server.mcp.sessions import Sessions

PREFIX = "/mcp"
NAME = "mcp"


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
        return Lent(answer, body, self._closing)

    async def _loaded(self) -> Sessions:
        async with self._loading:
            if self._sessions is None:
                # More than half a second of imports, in a thread: the engine's loop goes on meanwhile.
                module = await asyncio.to_thread(importlib.import_module, "holdfast.server.mcp.sessions")
                self._sessions = module.Sessions(self._host, self._closing, self._max_body)
            return self._sessions
