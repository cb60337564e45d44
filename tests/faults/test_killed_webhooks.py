"""`kill -9` of the engine while it delivers: every event comes, in order, and repetitions can be told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.e2e.bench import Bench

from holdfast.core.domain.events import EventFilter
from holdfast.server.native.client import RemoteWorkbench

pytestmark = pytest.mark.thorough

KILLS = 3
PER_ROUND = 40


class Receiver:
    """Takes one request a connection, answers 200 after a moment, and keeps the bodies."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.signatures: list[tuple[bytes, str]] = []
        self.grown = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers["content-length"]))
            self.bodies.append(json.loads(body))
            self.signatures.append((body, headers["x-holdfast-signature"]))
            async with self.grown:
                self.grown.notify_all()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the engine was killed
        finally:
            writer.close()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20), self.grown:
            await self.grown.wait_for(lambda: len({body["event_id"] for body in self.bodies}) >= count)


@asynccontextmanager
async def listening() -> Any:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    async with server:
        yield receiver, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


async def rename(workbench: RemoteWorkbench, session_id: str, round: int) -> None:
    for number in range(PER_ROUND):
        await workbench.sessions.rename(session_id, f"title {round}.{number}")


async def test_a_receiver_misses_nothing_and_can_tell_what_comes_twice(bench: Bench) -> None:
    async with listening() as (receiver, url):
        made = bench.json("webhooks", "add", url, "--event", "session.renamed")
        bench.kill_engine()
        workbench = bench.start_engine()
        session = await workbench.sessions.create("general", str(bench.project), model="offline")
        for round in range(KILLS):
            await rename(workbench, session.id, round)
            await receiver.until(round * PER_ROUND + PER_ROUND // 2)
            bench.kill_engine()
            await workbench.close()
            workbench = bench.start_engine()
        await receiver.until(KILLS * PER_ROUND)
        page = await workbench.events.read(EventFilter(session_id=session.id))
        committed = [each.id for each in page.items if each.event.type == "session.renamed"]
        await workbench.close()
    got = [body["event_id"] for body in receiver.bodies]
    assert list(dict.fromkeys(got)) == committed
    assert len(got) - len(committed) <= KILLS, "what was on its way when the engine died, no more"
    assert len({(body["event_id"], body["id"]) for body in receiver.bodies}) == len(committed)
    for body, signature in receiver.signatures:
        digest = hmac.new(made["secret"].encode(), body, hashlib.sha256).hexdigest()
        assert signature == f"sha256={digest}"
