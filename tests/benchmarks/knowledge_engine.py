"""An engine for benchmarks of knowledge, in the home that the environment names: orders in, figures out.

Reads a JSON object a line from standard input and answers with one:

    {"do": "ingest", "paths": [...], "ask": [...]}   takes files and folders into the collection `bench` and
                                                     meanwhile asks the questions, over and over
    {"do": "search", "query": ..., "method": ...}    the seconds that a search takes
    {"do": "gap"}                                    the longest gap since the last such order

`seconds` go until Chroma has all vectors, `ended` until the job ends; `gap` is the longest time for which the
engine's loop did nothing else.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from holdfast import bootstrap
from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.services.workbench import Workbench

TICK_S = 0.002
USES = (KnowledgeUse(collection="bench"),)


async def main() -> None:
    async with bootstrap.workbench(in_process=True) as workbench:
        gc.freeze()
        with suppress(ConflictError):  # in a home that was filled before
            await workbench.knowledge.create("bench")
        await workbench.knowledge.search("start everything", USES)
        print(json.dumps({"ready": True}), flush=True)
        gaps = [0.0]
        ticks = asyncio.create_task(_tick(gaps))
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await _done(workbench, json.loads(line), gaps)), flush=True)
        ticks.cancel()


async def _done(workbench: Workbench, order: dict[str, Any], gaps: list[float]) -> dict[str, Any]:
    match order["do"]:
        case "ingest":
            gaps[:] = [0.0]
            taken = await _ingest(workbench, order["paths"], order["ask"])
            longest = max(gaps)
            await asyncio.sleep(1)  # the worker tidies up when nothing is asked of it
            return {**taken, "gap": longest, **memory()}
        case "search":
            began = time.perf_counter()
            found = await workbench.knowledge.search(order["query"], USES, method=order["method"])
            return {"seconds": time.perf_counter() - began, "found": len(found.passages)}
        case _:
            longest, gaps[:] = max(gaps), [0.0]
            return {"gap": longest}


async def _ingest(workbench: Workbench, paths: Sequence[str], ask: Sequence[str]) -> dict[str, Any]:
    searches = asyncio.create_task(_ask(workbench, ask))
    began = time.perf_counter()
    job = await workbench.knowledge.add("bench", tuple(paths))
    while not job.status.ended:
        job = await workbench.jobs.get(job.id, wait_s=10)
    ended = time.perf_counter() - began
    searches.cancel()
    while await asyncio.to_thread(_undelivered):
        await asyncio.sleep(0.02)
    return {
        "ended": ended,
        "seconds": time.perf_counter() - began,
        "status": job.status,
        "failed": job.progress.failed,
        "chunks": job.progress.chunks,
        "searches": await searches,
    }


def _undelivered() -> int:
    """Returns how many vectors Chroma has yet to be given."""
    with closing(sqlite3.connect(bootstrap.paths().knowledge / "knowledge.db")) as database:
        return int(database.execute("SELECT count(*) FROM waiting").fetchone()[0])


async def _tick(gaps: list[float]) -> None:
    last = time.perf_counter()
    while True:
        await asyncio.sleep(TICK_S)
        now = time.perf_counter()
        gaps.append(now - last - TICK_S)
        last = now


async def _ask(workbench: Workbench, questions: Sequence[str]) -> list[float]:
    """Searches ten times a second, as people and agents do while something is taken in."""
    taken: list[float] = []
    try:
        while questions:
            for question in questions:
                await asyncio.sleep(0.1)
                began = time.perf_counter()
                await workbench.knowledge.search(question, USES)
                taken.append(time.perf_counter() - began)
    except asyncio.CancelledError:
        return taken
    return taken


def memory() -> dict[str, float]:
    """Returns the resident MB of this process and of the knowledge worker, and the most that either had."""
    return _resident("self", "engine") | _worker()


def _worker() -> dict[str, float]:
    children = Path("/proc/self/task").glob("*/children")
    for pid in " ".join(path.read_text() for path in children).split():
        if b"knowledge.worker" in Path("/proc", pid, "cmdline").read_bytes():
            return _resident(pid, "worker")
    return {}


def _resident(pid: str, name: str) -> dict[str, float]:
    lines = Path("/proc", pid, "status").read_text().splitlines()
    values = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    return {f"{name}_mb": int(values["VmRSS"]) / 1024, f"{name}_most_mb": int(values["VmHWM"]) / 1024}


if __name__ == "__main__":
    asyncio.run(main())
