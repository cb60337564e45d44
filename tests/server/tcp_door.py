"""The real server on a TCP socket of this machine, behind a door that wants one key."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.errors import UnauthenticatedError
from holdfast.server.kit.auth import LocalDoor
from holdfast.server.kit.errors import error_response
from holdfast.server.listener import listen
from holdfast.server.native.routes import native_app

KEY = "hf_one-key-that-is-right"


class KeyDoor:
    """Lets in who shows `KEY`; `prefix` is what a reverse proxy would take off the path."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._let_in = LocalDoor(app)
        self._prefix = prefix
        self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(self._prefix):
            return await _plain(send, 404)
        path = scope["path"].removeprefix(self._prefix)
        scope = {**scope, "path": path, "raw_path": scope["raw_path"].removeprefix(self._prefix.encode())}
        if Request(scope).headers.get("authorization") != f"Bearer {KEY}":
            self.refused += 1
            error = UnauthenticatedError("There is no such key.", code="key_refused")
            return await error_response(error.info, "-")(scope, receive, send)
        return await self._let_in(scope, receive, send)


async def _plain(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def tcp_server(workbench: Any, prefix: str = "", port: int = 0) -> AsyncIterator[tuple[str, KeyDoor]]:
    """Serves `workbench` while the block runs; gives the URL and the door."""

    async def opened() -> Any:
        return workbench

    listener = socket.create_server(("127.0.0.1", port))
    listener.setblocking(False)
    stop = asyncio.Event()
    app = native_app(opened, log=logging.getLogger("holdfast.tests"), closing=stop, ping_s=0.05)
    door = KeyDoor(app, prefix)
    task = asyncio.create_task(listen(door, listener, stop))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{prefix}", door
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task
