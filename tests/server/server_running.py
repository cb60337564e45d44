"""The real server on a unix socket in the test's own loop, behind it a fake workbench."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from server_fakes import FakeWorkbench

from holdfast.server.kit.auth import LocalDoor
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
        transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://engine/holdfast/v1", timeout=10)

    async def close(self) -> None:
        await self.remote.close()
        await self.http.aclose()


@asynccontextmanager
async def running_server(fake: FakeWorkbench, socket: Path, **options: Any) -> AsyncIterator[None]:
    """Serves `fake` on `socket` while the block runs."""

    async def workbench() -> FakeWorkbench:
        return fake

    stop = asyncio.Event()
    app = native_app(workbench, log=logging.getLogger("holdfast.tests"), closing=stop, **options)
    task = asyncio.create_task(listen(LocalDoor(app), bind_socket(socket), stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task
