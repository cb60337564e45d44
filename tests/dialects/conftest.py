"""Dialects behind the real server, on a scripted model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from socket import create_server
from typing import Any

import httpx
import pytest
from tests.runs.conftest import Bench, call, door, open_bench, say

from holdfast.server.app import DEFAULT_ROOT, engine_app
from holdfast.server.kit.auth import LocalDoor
from holdfast.server.listener import listen
from holdfast.server.lock import bind_socket

__all__ = ["call", "door", "open_bench", "say"]


class Served:
    """A workbench behind the server, and a client that is let in."""

    def __init__(self, bench: Bench, socket: Path, address: str, stop: asyncio.Event) -> None:
        self.bench = bench
        self.stop = stop
        """Closes the door when it is set."""
        self.address = address
        """On TCP, for clients that know no unix socket. Nobody is asked for a key there."""
        self.http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), verify=False),
            base_url="http://engine",
            timeout=20,
        )


@pytest.fixture
def serve(open_bench: Any, tmp_path: Path) -> Callable[..., Any]:
    """Serves all APIs of a workbench whose model plays the given steps; `root` names those at the root,
    `app` makes another application of the bench and the event that closes its door."""

    @asynccontextmanager
    async def serving(
        steps: Any = (), *, root: tuple[str, ...] = DEFAULT_ROOT, app: Any = None, **options: Any
    ) -> AsyncIterator[Served]:
        async with open_bench(steps, **options) as bench:

            async def host() -> Any:
                return bench.workbench

            stop = asyncio.Event()
            log = logging.getLogger("holdfast.tests")
            made = app(host, stop) if app else engine_app(host, log=log, closing=stop, root=root)
            socket = tmp_path / "s.sock"
            tcp = create_server(("127.0.0.1", 0))
            tcp.setblocking(False)
            listeners = (bind_socket(socket), tcp)
            servers = [asyncio.create_task(listen(LocalDoor(made), each, stop)) for each in listeners]
            served = Served(bench, socket, f"http://127.0.0.1:{tcp.getsockname()[1]}", stop)
            try:
                yield served
            finally:
                await served.http.aclose()
                stop.set()
                async with asyncio.timeout(10):
                    await asyncio.gather(*servers)

    return serving
