"""What a restart, a repeated request or a full disk must neither lose nor double."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from grammar import check

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import (
    ConflictError,
    InvalidError,
    ModelUnavailable,
    NotFoundError,
    StoreError,
)
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.log import EventLog

ASKED = ("write_file", json.dumps({"path": "asked.md", "content": "x"}))


def said(text: str) -> tuple[TextPart]:
    return (TextPart(text=text),)


async def logged(bench: Any) -> list[Any]:
    return [each async for each in _read(bench)]


async def _read(bench: Any) -> Any:
    last = (await bench.workbench.engine.status()).last_event_id
    async for each in bench.workbench.events.follow(EventFilter(), 0):
        yield each
        if each.id == last:
            return


async def kill(bench: Any) -> None:
    """Leaves the log as a kill -9 at this moment would: the engine that closes writes elsewhere."""
    events = [each.event for each in await logged(bench)]
    bench.killed = events


async def as_killed(bench: Any) -> None:
    """Puts the log back to what it was when `kill` was called; the bench must be closed."""
    database = bench.home / "data" / "holdfast.db"
    for file in database.parent.glob("holdfast.db*"):
        file.unlink()
    raw = await EventLog.open(database, FileBlobs(bench.home / "data" / "blobs"))
    await raw.append(*bench.killed)
    await raw.close()


@pytest.fixture
def door() -> str:
    return "local"


# --- steers


async def test_a_steer_is_in_the_log_at_once_and_survives_a_kill(open_bench, say, call) -> None:
    async with open_bench([call(("run_command", '{"command": "sleep 60"}'))]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve="all")
        await bench.until("tool_call.started", run_id=run_id)
        await bench.workbench.runs.steer(run_id, said("be brief"))
        await kill(bench)
        last = bench.killed[-1]
        assert (last.type, last.steer, last.parts) == ("message.queued", True, said("be brief"))
    await as_killed(bench)
    async with open_bench([say("one"), say("two")]) as again:
        assert (await again.workbench.runs.get(run_id)).error.code == "interrupted"
        (waiting,) = await again.workbench.sessions.queue(session.id)
        assert waiting.parts == said("be brief")
        await again.workbench.runs.send(session.id, said("go on"))
        events = await again.until("run.completed")
        await again.until("run.completed", after=events[-1].id)
        said_last = [m.text for m in again.model.requests[-1].messages if m.role == "user"]
        assert said_last[-2:] == ["be brief", "go on"]


async def test_a_steer_of_a_run_that_is_taken_up_comes_after_it(open_bench, say, call) -> None:
    async with open_bench([call(ASKED)]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
        await bench.workbench.runs.steer(run_id, said("be brief"))
    async with open_bench([say("one"), say("two")]) as again:
        approval = await again.approval()
        await again.workbench.approvals.decide(approval.id, Decision(outcome="deny"))
        events = await again.end(run_id)
        await again.until("run.completed", after=events[-1].id)
        assert again.model.requests[-1].messages[-1].text == "be brief"
        check(await logged(again))


async def test_steers_enter_in_order_and_leave_the_queue(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("done")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        for text in ("one", "two", "three"):
            await bench.workbench.runs.steer(run_id, said(text))
        one, two, three = await bench.workbench.sessions.queue(session.id)
        pulled = await bench.workbench.sessions.pull_back(session.id, two.id)
        assert pulled.parts == said("two")
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.end(run_id)
        assert [m.text for m in bench.model.requests[-1].messages if m.role == "user"][1:] == ["one", "three"]
        assert await bench.workbench.sessions.queue(session.id) == ()
        events = await logged(bench)
        check(events)
        course = [
            (each.event.type, each.event.message_id)
            for each in events
            if each.event.type in ("message.dequeued", "message.added")
        ]
        assert course[1:] == [
            ("message.dequeued", two.id),
            *(("message.dequeued", one.id), ("message.added", one.id)),
            *(("message.dequeued", three.id), ("message.added", three.id)),
        ]
        with pytest.raises(NotFoundError):
            await bench.workbench.sessions.pull_back(session.id, one.id)


async def test_a_steer_that_is_entering_cannot_be_pulled_back(open_bench, say, call, monkeypatch) -> None:
    async with open_bench([call(ASKED), say("done")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        await bench.workbench.runs.steer(run_id, said("be brief"))
        (waiting,) = await bench.workbench.sessions.queue(session.id)
        pulling: list[asyncio.Task[Any]] = []
        append = EventLog.append

        def noticed(log: EventLog, *events: Any, durable: bool = False) -> Any:
            if any(event.type == "message.added" for event in events):
                pull = bench.workbench.sessions.pull_back(session.id, waiting.id)
                pulling.append(asyncio.ensure_future(pull))
            return append(log, *events, durable=durable)

        monkeypatch.setattr(EventLog, "append", noticed)
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.end(run_id)
        with pytest.raises(NotFoundError):
            await pulling[0]
        dequeued = [
            each.event.reason for each in await logged(bench) if each.event.type == "message.dequeued"
        ]
        assert dequeued == ["sent"]


async def test_a_run_that_has_ended_takes_no_steer(open_bench, say) -> None:
    async with open_bench([say("done")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.end(run_id)
        with pytest.raises(ConflictError) as caught:
            await bench.workbench.runs.steer(run_id, said("too late"))
        assert caught.value.code == "run_ended"
        assert await bench.workbench.sessions.queue(session.id) == ()


# --- ids that clients choose


async def conflict(awaitable: Any) -> str:
    with pytest.raises(ConflictError) as caught:
        await awaitable
    return caught.value.code


@pytest.mark.parametrize("door", ["local", "remote"])
async def test_a_message_id_is_taken_once_in_a_session(open_bench, say, call) -> None:
    async with open_bench([say("one"), call(ASKED)]) as bench:
        session, send = await bench.session(), bench.workbench.runs.send
        sent = await send(session.id, said("long " * 20_000), None, "m1")
        await bench.end(sent.run_id)
        assert await conflict(send(session.id, said("b"), None, "m1")) == "message_exists"
        await bench.send(session)
        await bench.approval()
        await send(session.id, said("c"), None, "m2")  # waits
        assert await conflict(send(session.id, said("d"), None, "m2")) == "message_exists"
        assert await conflict(send(session.id, said("d"), None, "m1")) == "message_exists"
        await bench.workbench.sessions.pull_back(session.id, "m2")
        assert await conflict(send(session.id, said("e"), None, "m2")) == "message_exists"


@pytest.mark.parametrize("door", ["local", "remote"])
async def test_of_two_messages_with_one_id_one_is_taken(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("two")]) as bench:
        session, send = await bench.session(), bench.workbench.runs.send
        results = await asyncio.gather(
            *(send(session.id, said("a"), None, "m") for _ in range(5)), return_exceptions=True
        )
        refused = [each for each in results if isinstance(each, ConflictError)]
        assert [each.code for each in refused] == ["message_exists"] * 4
        await bench.approval()
        results = await asyncio.gather(
            *(send(session.id, said("a"), None, "queued") for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(each, ConflictError) for each in results) == 4
        assert len(await bench.workbench.sessions.queue(session.id)) == 1


async def test_two_sessions_may_have_messages_of_the_same_id_waiting(open_bench, call) -> None:
    async with open_bench([call(ASKED), call(ASKED)]) as bench:
        one, other = await bench.session(), await bench.session()
        for session in (one, other):
            await bench.send(session)
        await bench.approvals(2)
        for session in (one, other):
            await bench.workbench.runs.send(session.id, said("later"), None, "1")
        await bench.workbench.sessions.pull_back(one.id, "1")
        (waiting,) = await bench.workbench.sessions.queue(other.id)
        assert waiting.id == "1"


@pytest.mark.parametrize("door", ["local", "remote"])
async def test_of_two_sessions_with_one_id_one_is_made(open_bench) -> None:
    async with open_bench([]) as bench:
        results = await asyncio.gather(
            *(bench.session(id="mine", title=str(n)) for n in range(5)), return_exceptions=True
        )
        refused = [each for each in results if isinstance(each, ConflictError)]
        assert [each.code for each in refused] == ["session_exists"] * 4
        assert await conflict(bench.session(id="mine")) == "session_exists"
        created = [each for each in await logged(bench) if each.event.type == "session.created"]
        assert len(created) == 1


# --- forks


async def test_a_fork_is_one_append(open_bench, say, call, monkeypatch) -> None:
    async with open_bench([say("a"), say("summary"), call(ASKED), say("b")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "old " * 3_000))
        bench.catalog.window = 4_000
        run_id = await bench.send(session, "new")
        await bench.approval()  # a run in the middle, after a compaction
        batches: list[list[str]] = []
        append = EventLog.append_many

        async def noticed(log: EventLog, events: Sequence[Any]) -> Any:
            batches.append([event.type for event in events])
            return await append(log, events)

        monkeypatch.setattr(EventLog, "append_many", noticed)
        fork = await bench.workbench.sessions.fork(session.id)
        monkeypatch.undo()
        assert len(batches) == 1
        assert (batches[0][0], *batches[0][-2:]) == ("session.created", "run.cancelled", "session.seen")
        assert "context.compacted" in batches[0]
        await bench.workbench.runs.cancel(run_id)
        await bench.end(await bench.send(fork, "more"))
        texts = str(bench.model.requests[-1].messages)
        assert "summary" in texts
        assert "old old" not in texts
        again = await bench.workbench.sessions.fork(fork.id)
        await bench.end(await bench.send(again, "and more"))
        assert "old old" not in str(bench.model.requests[-1].messages)


async def test_a_fork_that_cannot_be_written_leaves_nothing(open_bench, say, monkeypatch) -> None:
    async with open_bench([say("a")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session))
        folders = sorted(Path(session.workspace).parent.iterdir())

        async def full(log: EventLog, events: Sequence[Any]) -> Any:
            raise StoreError("The disk is full.", code="disk_full")

        monkeypatch.setattr(EventLog, "append_many", full)
        with pytest.raises(StoreError):
            await bench.workbench.sessions.fork(session.id)
        monkeypatch.undo()
        assert sorted(Path(session.workspace).parent.iterdir()) == folders
        assert len([e for e in await logged(bench) if e.event.type == "session.created"]) == 1


# --- where a run stands


async def test_a_run_that_fell_back_stays_with_its_model_over_a_restart(open_bench, say, call) -> None:
    async with open_bench([[ModelUnavailable("down")], call(ASKED)], retries=0) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.approval()
    async with open_bench([say("done")], retries=0) as again:
        approval = await again.approval()
        await again.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await again.end(run_id)
        assert [request.model for request in again.model.requests] == ["second"]


async def test_equal_calls_before_and_after_a_restart_are_counted_together(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), call(ASKED)]) as bench:
        run_id = await bench.send(await bench.session())
        first = await bench.approval()
        await bench.workbench.approvals.decide(first.id, Decision(outcome="approve"))
        resolved = (await bench.until("approval.resolved"))[-1].id
        await bench.until("approval.requested", after=resolved)
    async with open_bench([call(ASKED), say("never")]) as again:
        approval = await again.approval()
        await again.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await again.end(run_id)
        assert events[-1].event.error.code == "repeated_call"
        assert "write_file" in events[-1].event.error.message


# --- messages behind others


async def test_a_message_is_refused_whole_where_what_waits_before_it_cannot_start(
    open_bench, say, call
) -> None:
    async with open_bench([call(ASKED), say("done"), say("again")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        runs, sessions = bench.workbench.runs, bench.workbench.sessions
        await runs.send(session.id, said("one"), RunOptions(tools=("run_command",)))
        source = await bench.workbench.agents.source("tester")
        await bench.workbench.agents.update("tester", source.text.replace("run_command, ", ""))
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.end(run_id)
        async with bench.workbench._core.supervisor.idle(session.id):
            (waiting,) = await sessions.queue(session.id)
        with pytest.raises(InvalidError, match="run_command"):
            await runs.send(session.id, said("two"), message_id="mine")
        assert await sessions.queue(session.id) == (waiting,)
        await sessions.pull_back(session.id, waiting.id)
        submitted = await runs.send(session.id, said("two"), message_id="mine")
        assert (await bench.end(submitted.run_id))[-1].event.type == "run.completed"
