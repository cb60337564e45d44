"""Fixtures of the server's tests: a fake workbench, and uvicorn on a unix socket in the test's own loop."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from server_fakes import FakeWorkbench

from holdfast.core.config.paths import Paths
from holdfast.server.listener import listen
from holdfast.server.lock import bind_socket
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.native.follow import Backoff
from holdfast.server.native.routes import native_app

QUICK = Backoff(first_s=0.01, most_s=0.02, patience_s=5)


class Served:
    """A fake workbench behind the real server, and the two kinds of client."""

    def __init__(self, fake: FakeWorkbench, socket: Path) -> None:
        self.fake = fake
        self.socket = socket
        self.remote = RemoteWorkbench(socket, backoff=QUICK)
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://engine/holdfast/v1", timeout=10)

    async def close(self) -> None:
        await self.remote.close()
        await self.http.aclose()


@asynccontextmanager
async def running_server(fake: FakeWorkbench, socket: Path, **options: object) -> AsyncIterator[None]:
    """Serves `fake` on `socket` while the block runs."""

    async def workbench() -> FakeWorkbench:
        return fake

    stop = asyncio.Event()
    app = native_app(workbench, log=logging.getLogger("holdfast.tests"), closing=stop, **options)
    task = asyncio.create_task(listen(app, bind_socket(socket), stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="hf") as folder:
        yield Path(folder)


@pytest.fixture
def paths(short_folder: Path) -> Paths:
    """A home of its own."""
    found = Paths.resolve({"HOLDFAST_HOME": str(short_folder)})
    found.make()
    return found


@pytest.fixture
def serving() -> Callable[..., object]:
    """`async with serving(fake, socket)`: a server that can be ended and begun again."""
    return running_server


@pytest.fixture
async def served(short_folder: Path) -> AsyncIterator[Served]:
    """A server with a small limit on bodies and frequent pings."""
    fake = FakeWorkbench()
    socket = short_folder / "s.sock"
    async with running_server(fake, socket, max_body=6 * 1024 * 1024, ping_s=0.05):
        served = Served(fake, socket)
        yield served
        await served.close()
