"""`kill -9` of the engine at any moment: what was seen is kept, and every run is ended or waits."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.bench import Bench, all_events, until
from tests.runs.grammar import check

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import Run, RunStatus
from holdfast.server.native.client import RemoteWorkbench

pytestmark = pytest.mark.thorough

ROUNDS = 4
MOST_EVENTS = 46
"""About so many events a run has, with the session's and the queue's, until its approval waits."""


def text(words: str, repeat: int) -> dict[str, Any]:
    return {"type": "text", "text": words, "repeat": repeat}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "key": "one", "name": name, "arguments": arguments}


STEPS = [
    [text("reading ", 30), call("write_file", path="a.md", content="A")],
    [
        {"type": "reasoning", "text": "hm ", "repeat": 10},
        text("running ", 20),
        call("run_command", command="for i in 1 2 3; do echo $i; sleep 0.03; done"),
    ],
    [text("asking ", 20), call("run_python", code="print(1)")],
    [text("done ", 10)],
]
AGENT = """
description: Does a little of everything.
tools: [write_file, run_command, run_python]
approvals: {{allow: [write_file, run_command]}}
model: {model}
"""


@pytest.mark.parametrize("seed", [1])
async def test_nothing_that_was_seen_is_lost_at_whatever_moment(bench: Bench, seed: int) -> None:
    moments = random.Random(seed)
    bench.agent("busy", AGENT.format(model=bench.script("s", *STEPS, delay_s=0.005, by="conversation")))
    for part in range(ROUNDS):
        moment = int((part + moments.random()) / ROUNDS * MOST_EVENTS)
        seen, run_id, queued = await _run_and_kill(bench, moment)
        workbench = bench.start_engine()
        try:
            events = await all_events(workbench)
            first, last = seen[0].id, seen[-1].id
            assert [logged for logged in events if first <= logged.id <= last] == seen
            check(events)
            run = await workbench.runs.get(run_id)
            assert run.status in (RunStatus.WAITING, RunStatus.FAILED, RunStatus.COMPLETED)
            assert await _queued_or_sent(workbench, run.session_id, queued, events)
            await _bring_to_an_end(workbench, run)
            check(await all_events(workbench))
            assert [found for found in await workbench.engine.check() if found.state == "error"] == []
        finally:
            await workbench.close()
            bench.kill_engine()


async def _run_and_kill(bench: Bench, moment: int) -> tuple[list[LoggedEvent], str, str]:
    """Starts a run, queues a message, kills after `moment` events; returns what a reader saw until then."""
    seen: list[LoggedEvent] = []
    workbench = bench.start_engine()
    last = (await workbench.engine.status()).last_event_id

    reached = asyncio.Event()

    async def read() -> None:
        async for logged in workbench.events.follow(EventFilter(), after=last):
            seen.append(logged)
            if len(seen) >= moment:
                reached.set()

    reading = asyncio.create_task(read())
    session = await workbench.sessions.create("busy", str(bench.project))
    sent = await workbench.runs.send(session.id, (TextPart(text="go"),))
    queued = await workbench.runs.send(session.id, (TextPart(text="and then"),))
    async with asyncio.timeout(15):
        await reached.wait()
    bench.kill_engine()
    await asyncio.wait({reading}, timeout=0.05)  # what is in the socket still arrives
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await workbench.close()
    assert sent.run_id is not None and queued.run_id is None
    return seen, sent.run_id, queued.message_id


async def _queued_or_sent(
    workbench: RemoteWorkbench, session_id: str, message_id: str, events: list[LoggedEvent]
) -> bool:
    waiting = {message.id for message in await workbench.sessions.queue(session_id)}
    added = {logged.event.message_id for logged in events if logged.event.type == "message.added"}
    return message_id in waiting | added


async def _bring_to_an_end(workbench: RemoteWorkbench, run: Run) -> None:
    """Continues an interrupted run and approves what waits, until a run of the session has completed."""
    if run.status is RunStatus.FAILED:
        assert run.error is not None and run.error.code == "interrupted"
        again = await workbench.runs.go_on(run.session_id)
        assert again.run_id is not None
        run = await workbench.runs.get(again.run_id)
    async with asyncio.timeout(15):
        while not run.status.ended:
            for approval in (await workbench.approvals.list(run.session_id)).items:
                await workbench.approvals.decide(approval.id, Decision(outcome="approve"))
            await asyncio.sleep(0.02)
            run = await workbench.runs.get(run.id)
    assert run.status is RunStatus.COMPLETED, run.error


async def test_a_command_does_not_outlive_the_engine_that_ran_it(bench: Bench) -> None:
    seconds = f"300.{os.getpid()}"  # confined, a program does not know its own number
    steps = [[call("run_command", command=f"echo begun; exec sleep {seconds}")], [text("done", 1)]]
    bench.agent("busy", AGENT.format(model=bench.script("s", *steps)))
    workbench = bench.start_engine()
    session = await workbench.sessions.create("busy", str(bench.project))
    await workbench.runs.send(session.id, (TextPart(text="go"),))
    async with asyncio.timeout(15):
        async for logged in workbench.events.follow(EventFilter(session_id=session.id), after=0):
            if logged.event.type == "tool_call.progressed":
                break
    until(lambda: runs("sleep", seconds), "the command runs")
    bench.kill_engine()
    until(lambda: not runs("sleep", seconds), "the command has ended", timeout=5)
    await workbench.close()


def runs(*command: str) -> bool:
    """Says whether a process of this machine has this command line."""
    wanted = "\0".join(command).encode() + b"\0"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if process.joinpath("cmdline").read_bytes() == wanted:
                return True
    return False
