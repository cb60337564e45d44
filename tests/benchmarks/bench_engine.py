"""The engine: cold start to first token, overhead of a delta, cost of appending and delivering."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from engines import ENGINE, home, start_engine

from holdfast.core.domain.events import RUN_ENDS, EventFilter, PartDelta
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.log import EventLog
from holdfast.server.native.client import RemoteWorkbench

ROUNDS = 7
DELTAS = 5_000


def run() -> list[dict[str, Any]]:
    """Returns the rows; times are medians."""
    cold = statistics.median(asyncio.run(_cold()) for _ in range(ROUNDS))
    overhead = asyncio.run(_overhead())
    cpu = statistics.median(asyncio.run(_append_and_deliver()) for _ in range(3))
    return [
        {
            "name": "cold engine to first token, offline",
            "value": cold * 1000,
            "unit": "ms",
            "goal": "< 500 ms",
            "ok": cold < 0.5,
        },
        {
            "name": "provider's first byte to subscriber's first delta, warm, LiteLLM in its worker",
            "value": overhead * 1000,
            "unit": "ms",
            "goal": "< 20 ms",
            "ok": overhead < 0.02,
        },
        {
            "name": f"append and deliver {DELTAS} deltas, CPU",
            "value": cpu,
            "unit": "s",
            "goal": "< 0.5 s",
            "ok": cpu < 0.5,
        },
    ]


async def _send(workbench: RemoteWorkbench, text: str, model: str | None = None) -> tuple[str, str]:
    session = await workbench.sessions.create("general", str(Path.cwd()), model=model)
    sent = await workbench.runs.send(session.id, (TextPart(text=text),), RunOptions())
    assert sent.run_id is not None
    return session.id, sent.run_id


async def _cold() -> float:
    with home() as environment:
        began = time.monotonic()
        subprocess.Popen(ENGINE, env=environment, stderr=subprocess.DEVNULL)
        socket = Path(environment["HOLDFAST_HOME"], "engine.sock")
        while not socket.exists():
            await asyncio.sleep(0.001)
        workbench = RemoteWorkbench(socket)
        _, run_id = await _send(workbench, "what can you do?")
        async for logged in workbench.events.follow(EventFilter(run_id=run_id), 0):
            if logged.event.type == "part.delta":
                break
        taken = time.monotonic() - began
        await workbench.close()
        return taken


async def _overhead() -> float:
    """The first delta holds the provider's clock at its first byte; all processes share that clock."""
    provider = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("provider.py"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert provider.stdout is not None
    port = int(provider.stdout.readline())
    try:
        with home() as environment:
            environment |= {
                "OPENAI_API_KEY": "sk-benchmark-0000",
                "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
            }
            start_engine(environment)
            workbench = RemoteWorkbench(Path(environment["HOLDFAST_HOME"], "engine.sock"))
            taken = [await _first_delta(workbench) for _ in range(30)]
            await workbench.close()
            return statistics.median(taken[5:])
    finally:
        provider.kill()
        provider.wait()
        provider.stdout.close()


async def _first_delta(workbench: RemoteWorkbench) -> float:
    session_id, run_id = await _send(workbench, "hello", "openai/gpt-4o")
    first = None
    async for logged in workbench.events.follow(EventFilter(run_id=run_id), 0):
        event = logged.event
        if event.type == "part.delta" and first is None:
            first = time.monotonic() - float(event.text)
        if event.type in RUN_ENDS:
            break
    await workbench.sessions.delete(session_id)
    assert first is not None
    return first


async def _append_and_deliver() -> float:
    with tempfile.TemporaryDirectory() as folder:
        log = await EventLog.open(Path(folder, "db"), FileBlobs(Path(folder, "blobs")))
        stream = log.follow(EventFilter(run_id="r"), 0)
        began = time.process_time()

        async def read() -> None:
            for _ in range(DELTAS):
                await anext(stream)

        reader = asyncio.create_task(read())
        for number in range(DELTAS):
            log.append(PartDelta(session_id="s", run_id="r", part_id="1.1", text=f"delta {number:06}"))
            if number % 20 == 0:
                await asyncio.sleep(0)
        await reader
        taken = time.process_time() - began
        await stream.aclose()
        await log.close()
        return taken
