"""Readers over TCP while the engine dies, or while they go away: nothing is missing, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import Reader, log_of, open_door

pytestmark = pytest.mark.thorough

RUNS = 20
AGENT = "description: Talks.\ntools: []\nmodel: {model}\n"
ENDED = ("completed", "failed", "cancelled")


def talker(bench: Bench, words: int) -> None:
    steps = [[{"type": "text", "text": "word ", "repeat": words}]]
    bench.agent("talker", AGENT.format(model=bench.script("s", *steps, delay_s=0.02, by="conversation")))


async def start_run(client: httpx.AsyncClient) -> dict[str, Any]:
    """Starts a run in a session of its own."""
    made = await client.post("/sessions", json={"agent": "talker"})
    message = {"parts": [{"type": "text", "text": "go"}]}
    sent = await client.post(f"/sessions/{made.raise_for_status().json()['id']}/runs", json=message)
    return sent.raise_for_status().json()  # type: ignore[no-any-return]


async def ended(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    """Returns the run when it has ended."""
    async with asyncio.timeout(15):
        while True:
            run = (await client.get(f"/runs/{run_id}")).raise_for_status().json()
            if run["status"] in ENDED:
                return run  # type: ignore[no-any-return]
            await asyncio.sleep(0.05)


@asynccontextmanager
async def reading(readers: list[Reader]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(reader.read()) for reader in readers]
    try:
        yield
        failed = [task for task in tasks if task.done()]
        assert not failed, failed[0].exception()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def streams(sent: list[dict[str, Any]]) -> list[str]:
    """Returns what is read: some runs, some sessions, and some times everything."""
    kinds = ("/runs/{run_id}/events", "/sessions/{session_id}/events", "/events")
    return [kinds[number % 3].format(**each) for number, each in enumerate(sent)]


async def test_every_reader_goes_on_from_its_cursor_after_kill_9_in_the_middle_of_20_runs(
    bench: Bench,
) -> None:
    talker(bench, words=2000)
    workbench = bench.start_engine()
    door = await open_door(workbench)
    await workbench.close()
    async with door.client() as client:
        sent = await asyncio.gather(*(start_run(client) for _ in range(RUNS)))
        readers = [Reader(client, path) for path in streams(sent)]
        async with reading(readers):
            for reader in readers:
                await reader.until(lambda r=reader: r.has("part.delta", 5), "its run streams")
            seen = [len(reader.ids) for reader in readers]
            bench.kill_engine()
            workbench = bench.start_engine()
            assert await open_door(workbench, door.port, door.key) == door
            await workbench.close()
            runs = await asyncio.gather(*(ended(client, each["run_id"]) for each in sent))
            logs = [await log_of(client, reader.path) for reader in readers]
            for reader, log in zip(readers, logs, strict=True):
                await reader.until(lambda r=reader, end=log[-1]["id"]: r.ids[-1] >= end, "the end of its log")
    assert [(run["status"], run["error"]["code"]) for run in runs] == [("failed", "interrupted")] * RUNS
    for reader, log, before in zip(readers, logs, seen, strict=True):
        assert reader.events == log
        assert reader.ids == [event["id"] for event in log]
        assert reader.connections == 2 and before < len(log)


async def test_a_client_that_leaves_in_the_middle_of_a_run_loses_nothing(bench: Bench) -> None:
    talker(bench, words=60)
    workbench = bench.start_engine()
    door = await open_door(workbench)
    await workbench.close()
    async with door.client() as first:
        sent = await start_run(first)
        path = f"/runs/{sent['run_id']}/events"
        left = Reader(first, path)
        await asyncio.wait_for(left.read_once(enough=lambda: left.has("part.delta", 2)), 15)
    assert not left.has("run.completed")
    async with door.client() as second:
        assert (await ended(second, sent["run_id"]))["status"] == "completed"
        back = Reader(second, path, cursor=left.cursor)
        async with reading([back]):
            await back.until(lambda: back.has("run.completed"), "the end of the run")
        log = await log_of(second, path)
    assert left.events + back.events == log
    said = "".join(event["text"] for event in log if event["type"] == "part.delta")
    assert said == "word " * 60
