"""Whatever moment the engine dies at, the next start leaves a log that keeps every promise."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from pathlib import Path

import pytest
from grammar import check, check_accepted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import ConflictError, ModelStreamCut, ModelUnavailable
from holdfast.core.domain.events import RUN_ENDS, EventFilter
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import Finished, ReasoningDelta, TextDelta, ToolCallDelta, ToolSchema
from holdfast.core.domain.runs import RunStatus
from holdfast.core.domain.tools import MISSING_TOOL
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import RunState
from holdfast.core.store.log import EventLog

CALLS = [
    ("write_file", {"path": "free.md", "content": "x"}),
    ("write_file", {"path": "asked.md", "content": "x"}),
    ("write_file", {"path": "forbidden.md", "content": "x"}),
    ("list_files", {}),
    ("read_file", {"path": "nothing.md"}),
    ("ask_user", {"question": "Well?"}),
    ("no_such_tool", {}),
    ("get_weather", {"town": "Bath"}),
    (MISSING_TOOL, {"tool": "write_file", "question": "Which?"}),
]
WEATHER = ToolSchema(name="get_weather", description="", parameters={"type": "object"})
"""A tool that the caller executes."""

texts = st.text(min_size=1, max_size=12)
a_call = st.sampled_from(CALLS)
step = st.builds(
    lambda reasoning, said, wanted, end: [
        *(ReasoningDelta(text=each) for each in reasoning),
        *(TextDelta(text=each) for each in said),
        *(
            ToolCallDelta(key=str(n), name=name, arguments=json.dumps(arguments))
            for n, (name, arguments) in enumerate(wanted)
        ),
        *end,
    ],
    st.lists(texts, max_size=2),
    st.lists(texts, max_size=3),
    st.lists(a_call, max_size=3),
    st.sampled_from(
        [[Finished(reason="stop")]] * 4
        + [[ModelStreamCut("cut")], [ModelUnavailable("down")], [RuntimeError("bug")]]
    ),
)
steps = st.lists(step, min_size=1, max_size=4)
decisions = st.lists(
    st.sampled_from(["approve", "deny", "answer", "cancel", "steer"]), min_size=12, max_size=12
)


async def drive(bench, run_id: str, choices: list[str]) -> None:
    """Plays a person until the run has ended."""
    pending = list(choices)
    async with asyncio.timeout(20):
        async for logged in bench.workbench.events.follow(EventFilter(run_id=run_id), 0):
            event = logged.event
            if event.type in RUN_ENDS:
                return
            if event.type not in ("approval.requested", "question.asked"):
                continue
            choice = pending.pop(0) if pending else "cancel"
            if choice == "cancel":
                await bench.workbench.runs.cancel(run_id)
                continue
            if choice == "steer":
                await bench.workbench.runs.steer(run_id, (TextPart(text="meanwhile"),))
            # Decided before the restart, or asked again because an earlier call changed the file.
            with contextlib.suppress(ConflictError):
                await decide(bench, event, choice)


async def settle(bench, session) -> None:
    """Says one thing more, and plays on until nothing runs or waits. What waits behind a run that failed
    is started by the next message. The model must always get a context that providers take."""
    said = False
    async with asyncio.timeout(30):
        while True:
            running = [r for r in (await bench.workbench.runs.list(session.id)).items if not r.status.ended]
            for run in running:
                await drive(bench, run.id, [])
            if not running and said and not await bench.workbench.sessions.queue(session.id):
                break
            if not running:
                await bench.workbench.runs.send(session.id, (TextPart(text="And now?"),))
                said = True
    for request in bench.model.requests:
        check_accepted(request.messages)


async def decide(bench, event, choice: str) -> None:
    if event.type == "question.asked":
        await bench.workbench.runs.answer(event.question.id, "yes")
        return
    outcome = "deny" if choice == "deny" else "approve"
    await bench.workbench.approvals.decide(event.approval.id, Decision(outcome=outcome))


def common(function):
    return settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )(function)


@pytest.mark.thorough
@common
@given(steps=steps, choices=decisions, cut=st.floats(0, 1), phased=st.booleans())
async def test_a_death_at_any_event_leaves_runs_ended_or_waiting(
    open_bench, steps, choices, cut, phased
) -> None:
    shutil.rmtree(Path(open_bench.home), ignore_errors=True)
    async with open_bench([*steps, [TextDelta(text="end"), Finished(reason="stop")]]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, client_tools=(WEATHER,), tool_phases=phased)
        await drive(bench, run_id, choices)
        await settle(bench, session)
        log = (await bench.workbench.events.read(EventFilter(), 0, 1000)).items
    runs = check(log)
    assert all(run.ended for run in runs.values()), "terminal exactly once"

    # The same log, but only up to the cut: what a kill -9 at that commit would have left.
    kept = [logged.event for logged in log[: max(1, int(len(log) * cut))]]
    database = bench.home / "data" / "holdfast.db"
    for file in database.parent.glob("holdfast.db*"):
        file.unlink()
    raw = await EventLog.open(database, FileBlobs(bench.home / "data" / "blobs"))
    await raw.append(*kept)
    await raw.close()

    async with open_bench([[TextDelta(text="end"), Finished(reason="stop")]] * 20) as again:
        for run in (await again.workbench.runs.list(session.id)).items:
            if not run.status.ended:
                assert run.status in (RunStatus.WAITING, RunStatus.RUNNING)
                await drive(again, run.id, ["approve"] * 12)
        await settle(again, session)
        after = (await again.workbench.events.read(EventFilter(), 0, 1000)).items
        runs = check(after)
        assert all(run.ended for run in runs.values())
        assert [each.event for each in after[: len(kept)]] == kept, "a committed event was lost or changed"
        assert (await again.workbench.approvals.list()).items == ()
        assert (await again.workbench.engine.check())[3].state == "ok"


@pytest.mark.thorough
@common
@given(steps=steps, choices=decisions, cut=st.integers(0, 200), phased=st.booleans())
async def test_projections_of_a_replayed_log_are_those_of_the_live_one(
    open_bench, steps, choices, cut, phased
) -> None:
    """Replay equals live, at every cut point, with the deltas of ended parts or without."""
    shutil.rmtree(Path(open_bench.home), ignore_errors=True)
    async with open_bench([*steps, [TextDelta(text="end"), Finished(reason="stop")]]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, client_tools=(WEATHER,), tool_phases=phased)
        await drive(bench, run_id, choices)
        await settle(bench, session)
        events = (await bench.workbench.events.read(EventFilter(session_id=session.id), 0, 1000)).items
        short = (
            await bench.workbench.events.read(EventFilter(session_id=session.id, deltas=False), 0, 1000)
        ).items
    live, late = ContextProjection(), ContextProjection()
    for number, logged in enumerate(events):
        live.apply(logged)
        if number == cut:
            late = ContextProjection()
            for each in events[: number + 1]:
                late.apply(each)
            assert late.messages == live.messages
    without = ContextProjection()
    for logged in short:
        without.apply(logged)
    assert without.messages == live.messages
    state = RunState(session.id, run_id)
    for logged in events:
        if logged.event.run_id == run_id and logged.event.type not in RUN_ENDS:
            state.apply(logged.event)
    assert state.closing("error") == [], "the end left something open"


async def test_a_waiting_approval_is_still_waiting_after_a_restart_and_goes_on(open_bench, say, call) -> None:
    steps = [call(("write_file", '{"path": "a.md", "content": "x"}'))]
    async with open_bench(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        before = await bench.approval()
    async with open_bench([say("Done")]) as bench:
        (approval,) = (await bench.workbench.approvals.list()).items
        assert approval == before
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert events[-1].event.type == "run.completed"
        assert [entry.path for entry in await bench.workbench.files.list(session.id)] == ["a.md"]


async def test_a_stop_interrupts_what_executes_and_it_can_be_continued(open_bench, say, call) -> None:
    async with open_bench([call(("run_command", '{"command": "sleep 60"}'))]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve="all")
        await bench.until("tool_call.started", run_id=run_id)
    async with open_bench([say("Going on")]) as bench:
        run = await bench.workbench.runs.get(run_id)
        assert (run.status, run.error.code) == (RunStatus.FAILED, "interrupted")
        submitted = await bench.workbench.runs.go_on(session.id)
        assert (await bench.end(submitted.run_id))[-1].event.type == "run.completed"


async def test_a_queued_message_survives_a_restart(open_bench, say, call) -> None:
    async with open_bench([call(("write_file", '{"path": "a", "content": "b"}'))]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
        await bench.workbench.runs.send(session.id, (TextPart(text="later"),))
    async with open_bench([say("one"), say("two")]) as bench:
        (queued,) = await bench.workbench.sessions.queue(session.id)
        assert queued.parts[0].text == "later"
        approval = await bench.approval()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        events = await bench.end(run_id)
        await bench.until("run.completed", after=events[-1].id)
        assert bench.model.requests[-1].messages[-1].text == "later"


@pytest.mark.parametrize("where", ["before", "all"])
async def test_a_fork_is_a_session_of_its_own(open_bench, say, call, where) -> None:
    steps = [
        call(("write_file", '{"path": "free.md", "content": "one"}')),
        say("first"),
        say("second"),
        say("new"),
    ]
    async with open_bench(steps) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "question one"))
        events = await bench.end(await bench.send(session, "question two"))
        before = events[0].id if where == "before" else None
        fork = await bench.workbench.sessions.fork(session.id, before)
        assert fork.forked_from == session.id
        assert [entry.path for entry in await bench.workbench.files.list(fork.id)] == ["free.md"]
        await bench.end(await bench.send(fork, "question three"))
        said = [m.text for m in bench.model.requests[-1].messages if m.role == "user"]
        expected = ["question one", "question three"]
        assert said == (expected if where == "before" else ["question one", "question two", "question three"])
        await bench.workbench.sessions.delete(session.id)
        check(
            (await bench.workbench.events.read(EventFilter(session_id=fork.id), 0, 1000)).items, deltas=False
        )
        assert (await bench.workbench.sessions.get(fork.id)).messages > 0


async def test_a_fork_in_the_middle_of_a_run_is_closed_as_cancelled(open_bench, say, call) -> None:
    steps = [call(("list_files", "{}"), ("list_files", '{"path": "."}')), say("done")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session))
        for cut in events[2:]:
            fork = await bench.workbench.sessions.fork(session.id, cut.id)
            copies = (await bench.workbench.events.read(EventFilter(session_id=fork.id), 0, 1000)).items
            runs = check(copies, deltas=False)
            assert all(run.ended for run in runs.values())
