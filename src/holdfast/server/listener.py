"""uvicorn on a socket that is bound already, with its signals and its logging left to us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from holdfast.server.lock import BACKLOG

STOP_GRACE_S = 3
"""Seconds that requests have to end after the stop; then they are cancelled."""

KEEP_ALIVE_S = 75
"""Longer than clients keep an idle connection, so that none is closed while it is used again."""

MAX_HEAD = 64 * 1024
"""Largest request line with its headers, in bytes."""


MAX_MESSAGE = 5 * 1024 * 1024
"""Largest message on a WebSocket, in bytes."""

PING_S = 20.0
"""Between two pings on a WebSocket, in seconds."""

PONG_S = 60.0
"""For the answer to a ping, in seconds: there are clients who give none while they work on a message."""


class Server(uvicorn.Server):
    """Waits for an event where uvicorn looks ten times a second, so that an idle engine sleeps."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leaves the signals alone: the engine has to close more than its listener."""
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._stop.wait()


def _open_socket(**options: Any) -> asyncio.Protocol:
    from holdfast.server.sockets import SocketProtocol  # start-up time: with the first that is asked for

    return SocketProtocol(**options)


OPTIONS: dict[str, Any] = {
    "ws": _open_socket,
    "ws_max_size": MAX_MESSAGE,
    "ws_per_message_deflate": False,
    "ws_ping_interval": PING_S,
    "ws_ping_timeout": PONG_S,
    "loop": "asyncio",
    "interface": "asgi3",
    "lifespan": "off",
    "log_config": None,
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "date_header": False,
    "backlog": BACKLOG,
    "h11_max_incomplete_event_size": MAX_HEAD,
    "timeout_graceful_shutdown": STOP_GRACE_S,
}
"""What uvicorn is told for every listener."""


async def listen(app: ASGIApp, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serves `app` on `listener` until `stop` is set; then ends requests within `STOP_GRACE_S`."""
    config = uvicorn.Config(app, http="h11", timeout_keep_alive=KEEP_ALIVE_S, **OPTIONS)
    await Server(config, stop).serve(sockets=[listener])
