"""Stopping an engine when its runs have ended, at the latest after a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import ConflictError, InvalidError, UnsupportedError
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions, Session


class Stop:
    """Notes that the engine was asked to stop."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.times = 0

    def __call__(self) -> None:
        self.asked.set()
        self.times += 1


@pytest.fixture
def steps(say: Any, call: Any) -> list[Any]:
    """A run that goes on until there is a file `go` in its workspace."""
    wait = json.dumps({"command": "while [ ! -e go ]; do sleep 0.02; done"})
    return [call(("run_command", wait)), say("Done")]


async def started(bench: Any) -> tuple[Session, str, Callable[[], None]]:
    """Starts the run; returns its session, its id, and what lets it end."""
    session = await bench.session()
    run_id = await bench.send(session, approve="all")
    await bench.until("tool_call.started", run_id=run_id)
    return session, run_id, (Path(session.workspace) / "go").touch


async def test_a_drain_waits_for_the_runs_and_lets_no_other_start(open_bench: Any, steps: list[Any]) -> None:
    stop = Stop()
    async with open_bench(steps, stop=stop) as bench:
        session, run_id, end = await started(bench)
        engine, runs = bench.workbench.engine, bench.workbench.runs
        await engine.stop(drain_s=60)
        assert stop.times == 0
        with pytest.raises(ConflictError) as refused:
            await bench.send(await bench.session())
        assert refused.value.code == "engine_stopping"
        assert refused.value.retryable
        queued = await runs.send(session.id, (TextPart(text="and then"),), RunOptions())
        assert queued.run_id is None
        end()
        async with asyncio.timeout(20):
            await stop.asked.wait()
        assert (await runs.get(run_id)).status == "completed"
        waiting = await bench.workbench.sessions.queue(session.id)
        assert [message.id for message in waiting] == [queued.message_id]
        assert stop.times == 1


async def test_a_drain_ends_after_its_time(open_bench: Any, steps: list[Any]) -> None:
    stop = Stop()
    async with open_bench(steps, stop=stop) as bench:
        await started(bench)
        await bench.workbench.engine.stop(drain_s=0.1)
        async with asyncio.timeout(20):
            await stop.asked.wait()
        assert (await bench.workbench.engine.status()).active_runs == 1


async def test_a_second_word_shortens_a_drain(open_bench: Any, steps: list[Any]) -> None:
    stop = Stop()
    async with open_bench(steps, stop=stop) as bench:
        await started(bench)
        await bench.workbench.engine.stop(drain_s=3600)
        await bench.workbench.engine.stop()
        assert stop.times == 1


async def test_what_waits_for_a_person_does_not_hold_a_drain(open_bench: Any, say: Any, call: Any) -> None:
    stop = Stop()
    write = call(("write_file", json.dumps({"path": "a.md", "content": "x"})))
    async with open_bench([write, say("Done")], stop=stop) as bench:
        await bench.send(await bench.session())
        await bench.approval()
        await bench.workbench.engine.stop(drain_s=3600)
        assert stop.times == 1


@pytest.mark.parametrize("drain_s", [-1, float("nan"), float("inf"), 1e9])
async def test_a_drain_that_makes_no_sense_is_refused(open_bench: Any, drain_s: float) -> None:
    stop = Stop()
    async with open_bench([], stop=stop) as bench:
        with pytest.raises(InvalidError):
            await bench.workbench.engine.stop(drain_s=drain_s)
        assert stop.times == 0


async def test_what_lives_inside_of_the_app_is_not_stopped_and_opens_no_listener(open_bench: Any) -> None:
    async with open_bench([]) as bench:
        engine = bench.workbench.engine
        for wrong in (engine.stop(), engine.stop(drain_s=1), engine.listen(), engine.listeners()):
            with pytest.raises(UnsupportedError):
                await wrong
        with pytest.raises(UnsupportedError):
            engine.access("x")
