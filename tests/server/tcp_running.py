"""Listeners on TCP in the test's own loop, behind them a fake workbench with one key."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from server_fakes import FakeWorkbench

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.status import AccessLine, ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.tcp import Behind, OpenListener

KEY = "hf_" + "k" * 43
WRONG_KEY = "hf_" + "w" * 43
ANN = Principal(user_id="u1", name="ann", role=Role.ADMIN, scope=Scope.ADMIN, credential_id="c1")
BEARER = {"Authorization": f"Bearer {KEY}"}


@dataclass
class Tcp:
    """An open listener and what a test asks it with."""

    opened: OpenListener
    fake: FakeWorkbench
    lines: list[AccessLine] = field(default_factory=list)
    reading: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return self.opened.state.port

    def client(self, **options: Any) -> httpx.AsyncClient:
        options = {"headers": BEARER, "verify": False} | options
        return httpx.AsyncClient(base_url=self.opened.state.url, timeout=10, trust_env=False, **options)

    async def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Asks once, on a connection of its own, with the key unless other headers are given."""
        async with self.client(headers=BEARER if headers is None else headers) as client:
            return await client.get(path)

    async def stop_reading(self) -> None:
        """Stops taking access lines: from now on nobody follows the listener but the test."""
        assert self.reading is not None
        self.reading.cancel()
        await asyncio.gather(self.reading, return_exceptions=True)

    async def connect(self) -> Raw:
        return Raw(*await asyncio.open_connection("127.0.0.1", self.port))


class Raw:
    """A connection that says exactly what a test wants."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, text: str | bytes) -> None:
        self.writer.write(text.encode() if isinstance(text, str) else text)
        await self.writer.drain()

    async def all(self) -> bytes:
        """Returns what comes until the other end closes."""
        heard = b""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65_536):
                    heard += piece
        await self.close()
        return heard

    async def status(self) -> int:
        """Returns the status of the next answer."""
        async with asyncio.timeout(10):
            return int((await self.reader.readline()).split()[1])

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def listening(
    folder: Path,
    wanted: ListenOptions | None = None,
    *,
    settings: ServerSettings | None = None,
    patience: Patience | None = None,
    fake: FakeWorkbench | None = None,
) -> AsyncIterator[Tcp]:
    """Opens a listener; closes it at the end of the block."""
    fake = fake or FakeWorkbench()
    fake.secrets[KEY] = ANN

    async def host() -> Any:
        return fake

    behind = Behind(
        host,
        logging.getLogger("holdfast.tests"),
        settings or ServerSettings(),
        patience or Patience(),
        folder,
    )
    opened = await OpenListener.open(wanted or ListenOptions(port=0), behind)
    tcp = Tcp(opened, fake)

    async def read() -> None:
        async for line in opened.access.follow():
            tcp.lines.append(line)

    tcp.reading = asyncio.create_task(read())
    try:
        yield tcp
    finally:
        opened.close()
        async with asyncio.timeout(10):
            await opened.task
            await asyncio.wait({tcp.reading})


async def until(condition: Any, seconds: float = 10) -> None:
    """Waits, bounded, until `condition()` holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.005)
