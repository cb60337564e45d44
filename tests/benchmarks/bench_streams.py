"""The engine as a server: many runs streaming at once, what one more subscriber costs, requests a second."""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from engines import home, script, start_engine

from holdfast.core.domain.events import RUN_ENDS, EventFilter
from holdfast.core.domain.messages import TextPart
from holdfast.server.native.client import RemoteWorkbench

RUNS = 200
PER_SECOND = 25
SECONDS = 12
READER_PROCESSES = 4
HERE = Path(__file__).parent
_TICKS = os.sysconf("SC_CLK_TCK")


def run() -> list[dict[str, Any]]:
    """Returns the rows."""
    return [*asyncio.run(_streams()), *asyncio.run(_subscribers()), *asyncio.run(_requests())]


async def _streams() -> list[dict[str, Any]]:
    with home() as environment:
        engine = start_engine(environment)
        socket = Path(environment["HOLDFAST_HOME"], "engine.sock")
        workbench = RemoteWorkbench(socket)
        model = _model(environment)
        await _streamed(workbench, socket, model, 1)  # warm
        alone = await _streamed(workbench, socket, model, 1)
        idle_mb = _rss_mb(engine.pid)
        probes: list[float] = []
        peak: list[float] = []
        watching = asyncio.create_task(_probe(socket, engine.pid, probes, peak))
        cpu = _cpu_s(engine.pid)
        began = time.monotonic()
        many = await _streamed(workbench, socket, model, RUNS)
        taken = time.monotonic() - began
        cpu = (_cpu_s(engine.pid) - cpu) / taken
        watching.cancel()
        await workbench.close()
    one, all_of_them = _p95(alone), _p95(many)
    per_run = (max(peak) - idle_mb) / RUNS
    live = statistics.quantiles(probes, n=100)[98]
    return [
        {
            "name": f"delta latency, {RUNS} runs at {PER_SECOND}/s with a reader each, 95th percentile",
            "value": all_of_them,
            "unit": "ms",
            "reference": one,
            "ratio": all_of_them / one,
            "goal": "≤ 3",
            "ok": all_of_them <= 3 * one,
        },
        {
            "name": f"memory of the engine for each of the {RUNS} runs",
            "value": per_run,
            "unit": "MB",
            "goal": "< 1 MB",
            "ok": per_run < 1,
        },
        {
            "name": "GET health/live meanwhile, 99th percentile",
            "value": live,
            "unit": "ms",
            "goal": "< 20 ms",
            "ok": live < 20,
        },
        {"name": "engine meanwhile, share of a core", "value": cpu, "unit": ""},
    ]


def _model(environment: dict[str, str], seconds: float = SECONDS) -> str:
    text = {"type": "text", "text": "a few words ", "repeat": int(seconds * PER_SECOND)}
    name = script(environment, [[text]], 1 / PER_SECOND)
    path = Path(name.removeprefix("scripted/"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "by": "conversation"}))
    return name


async def _streamed(workbench: RemoteWorkbench, socket: Path, model: str, count: int) -> list[float]:
    """Starts `count` runs at random times in about a second; returns the latencies of all their deltas."""
    chance = random.Random(count)
    sessions = [
        await workbench.sessions.create("general", str(Path.cwd()), model=model) for _ in range(count)
    ]
    runs = []
    for session in sessions:
        sent = await workbench.runs.send(session.id, (TextPart(text="go"),))
        assert sent.run_id is not None
        runs.append(sent.run_id)
        await asyncio.sleep(chance.uniform(0, 2 / count))
    shares = [runs[n::READER_PROCESSES] for n in range(READER_PROCESSES) if runs[n::READER_PROCESSES]]
    readers = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(HERE / "stream_reader.py"), str(socket), *share, stdout=subprocess.PIPE
        )
        for share in shares
    ]
    outputs = await asyncio.gather(*(reader.communicate() for reader in readers))
    return [latency for output, _ in outputs for latency in json.loads(output)]


async def _probe(socket: Path, pid: int, probes: list[float], peak: list[float]) -> None:
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(socket))) as http:
        while True:
            began = time.perf_counter()
            await http.get("http://engine/holdfast/v1/health/live")
            probes.append((time.perf_counter() - began) * 1000)
            peak.append(_rss_mb(pid))
            await asyncio.sleep(0.02)


async def _subscribers() -> list[dict[str, Any]]:
    """CPU of the engine for a run of many deltas, with one subscriber and with a hundred more."""
    with home() as environment:
        engine = start_engine(environment)
        socket = Path(environment["HOLDFAST_HOME"], "engine.sock")
        workbench = RemoteWorkbench(socket)
        text = {"type": "text", "text": "word ", "repeat": 2_000}
        model = script(environment, [[text]] * 9, 0.002)
        costs: dict[int, list[float]] = {1: [], 51: []}
        events = 0
        for _ in range(2):
            for count, taken in costs.items():
                session = await workbench.sessions.create("general", str(Path.cwd()), model=model)
                before = _cpu_s(engine.pid)
                sent = await workbench.runs.send(session.id, (TextPart(text="go"),))
                readers = [_count(workbench, str(sent.run_id)) for _ in range(count)]
                events = max(await asyncio.gather(*readers))
                taken.append(_cpu_s(engine.pid) - before)
        await workbench.close()
    extra = (min(costs[51]) - min(costs[1])) / 50 / events * 1e6
    return [
        {"name": "an event delivered to one more subscriber, CPU of the engine", "value": extra, "unit": "µs"}
    ]


async def _count(workbench: RemoteWorkbench, run_id: str) -> int:
    seen = 0
    async for logged in workbench.events.follow(EventFilter(run_id=run_id), 0):
        seen += 1
        if logged.event.type in RUN_ENDS:
            break
    return seen


async def _requests() -> list[dict[str, Any]]:
    """Requests a second of one session, in turns with a bare Starlette route behind the same server."""
    with home() as environment:
        start_engine(environment)
        socket = Path(environment["HOLDFAST_HOME"], "engine.sock")
        bare_socket = Path(environment["HOLDFAST_HOME"], "bare.sock")
        bare = subprocess.Popen([sys.executable, str(HERE / "bare_server.py"), str(bare_socket)])
        try:
            workbench = RemoteWorkbench(socket)
            session = await workbench.sessions.create("general", str(Path.cwd()))
            while not bare_socket.exists():
                await asyncio.sleep(0.01)
            ours, theirs = [], []
            for _ in range(5):
                ours.append(await _rate(socket, f"/holdfast/v1/sessions/{session.id}"))
                theirs.append(await _rate(bare_socket, "/"))
            await workbench.close()
        finally:
            bare.kill()
            bare.wait()
    value, reference = statistics.median(ours), statistics.median(theirs)
    return [
        {
            "name": "GET session / a bare Starlette route, one connection",
            "value": value,
            "unit": "requests/s",
            "reference": reference,
            "ratio": value / reference,
        }
    ]


async def _rate(socket: Path, path: str, seconds: float = 1.0) -> float:
    reader, writer = await asyncio.open_unix_connection(socket)
    request = f"GET {path} HTTP/1.1\r\nHost: engine\r\n\r\n".encode()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.partition(b":")[2]))
        done += 1
    taken = time.perf_counter() - began
    writer.close()
    return done / taken


def _p95(latencies: list[float]) -> float:
    return statistics.quantiles(latencies, n=20)[18]


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
