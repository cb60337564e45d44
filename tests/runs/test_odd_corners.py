"""Rare states of a home: the engine starts, listings list, and what cannot be read says why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import (
    ContextTooLong,
    HoldfastError,
    InvalidError,
    ModelNotFound,
    ModelRateLimited,
    ModelUnavailable,
)
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import UsageReport
from holdfast.core.domain.runs import RunStatus
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.log import EventLog

ASKED = ("write_file", json.dumps({"path": "asked.md", "content": "x"}))
QUESTION = ("ask_user", json.dumps({"question": "Well?"}))


async def test_an_answer_that_was_given_before_the_engine_died_reaches_the_model(
    open_bench, say, call
) -> None:
    async with open_bench([call(QUESTION), say("done")]) as bench:
        run_id = await bench.send(await bench.session())
        asked = (await bench.until("question.asked"))[-1].event
        await bench.workbench.runs.answer(asked.question.id, "blue")
        await bench.end(run_id)
        log = (await bench.workbench.events.read(EventFilter(), 0, 1000)).items
    kept = []
    for logged in log:
        kept.append(logged.event)
        if logged.event.type == "question.answered":
            break
    database = bench.home / "data" / "holdfast.db"
    for file in database.parent.glob("holdfast.db*"):
        file.unlink()
    raw = await EventLog.open(database, FileBlobs(bench.home / "data" / "blobs"))
    await raw.append(*kept)
    await raw.close()
    async with open_bench([say("done")]) as again:
        events = await again.end(run_id)
        assert events[-1].event.type == "run.completed"
        assert "blue" in str(again.model.requests[0].messages)


async def body_blobs(bench: Any) -> set[str]:
    """Returns the digests of event bodies that are too large for the table."""
    sql = "SELECT blob FROM events WHERE blob IS NOT NULL"
    return {row[0] for row in await bench.workbench._core.log.reader.rows(sql)}


async def test_an_engine_starts_although_a_waiting_run_has_lost_a_body(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("fine")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, "long " * 20_000)
        await bench.approval()
        digests = await body_blobs(bench)
        assert digests
    for digest in digests:
        bench.blobs.path(digest).unlink()
    async with open_bench([say("fine")]) as again:
        assert (await again.workbench.runs.get(run_id)).status == RunStatus.FAILED
        assert [each.id for each in (await again.workbench.sessions.list()).items] == [session.id]
        with pytest.raises(HoldfastError):
            await again.workbench.sessions.export(session.id, "json")
        other = await again.session()
        assert (await again.end(await again.send(other)))[-1].event.type == "run.completed"


@pytest.mark.parametrize(
    "query", ['"', "!", "a\x00b", "\ud800", "NEAR(", "a AND", "col:x", "*", "-x", "^", "'", "🦀", "(", "%_\\"]
)
async def test_any_characters_may_be_searched_for(open_bench, say, query: str) -> None:
    async with open_bench([say("one 🦀")]) as bench:
        await bench.end(await bench.send(await bench.session()))
        await bench.workbench.sessions.search(query)
        await bench.workbench.sessions.list(query)


@pytest.mark.parametrize(
    "wanted", ["../up", "/etc", "a/b", "", ".", "..", "a\nb", "字" * 128, "x" * 129, "a\x00"]
)
async def test_an_id_that_is_no_file_name_is_refused(open_bench, wanted: str) -> None:
    async with open_bench() as bench:
        with pytest.raises(InvalidError):
            await bench.session(id=wanted)


@pytest.mark.parametrize("texts", [(), ("",), (" \n", "\t")])
async def test_a_message_that_says_nothing_is_refused(open_bench, say, call, texts: tuple[str, ...]) -> None:
    parts = tuple(TextPart(text=text) for text in texts)
    async with open_bench([call(ASKED), say("fine")]) as bench:
        session = await bench.session()
        with pytest.raises(InvalidError, match="needs a text"):
            await bench.workbench.runs.send(session, parts)
        run_id = await bench.send(session)
        await bench.approval()
        with pytest.raises(InvalidError, match="needs a text"):
            await bench.workbench.runs.steer(run_id, parts)


async def test_pages_of_history_never_begin_inside_a_run(open_bench, say) -> None:
    async with open_bench([say("one"), say("two")]) as bench:
        session = await bench.session()
        for text in ("first", "second"):
            await bench.end(await bench.send(session, text))
        for limit in range(1, 30):
            seen, before = [], None
            while page := (await bench.workbench.events.page_before(session.id, before, limit)).items:
                runs = {logged.event.run_id for logged in page} - {None}
                starts = {e.event.run_id for e in page if e.event.type == "run.started"}
                assert runs == starts, f"limit {limit}"
                seen = [*page, *seen]
                before = page[0].id
            wanted = EventFilter(session_id=session.id, deltas=False)
            all_ = (await bench.workbench.events.read(wanted, 0, 1000)).items
            assert [logged.id for logged in seen] == [logged.id for logged in all_]


async def test_a_run_that_left_nothing_behind_does_not_stand_in_the_way_of_undo(
    open_bench, say, call
) -> None:
    write = ("write_file", json.dumps({"path": "free.md", "content": "x"}))
    make = ("run_command", json.dumps({"command": "echo x > scratch"}))
    remove = ("run_command", json.dumps({"command": "rm scratch"}))
    steps = [call(write), say("one"), call(make), call(remove), say("two")]
    async with open_bench(steps) as bench:
        session = await bench.session()
        for _ in range(2):
            await bench.end(await bench.send(session, approve="all"))
        left = [e.path for e in await bench.workbench.files.undo(session.id) if e.state != "deleted"]
        assert left == []
        back = [e.path for e in await bench.workbench.files.redo(session.id) if e.state != "deleted"]
        assert back == ["free.md"]


async def test_undo_and_redo_of_several_runs_go_there_and_back(open_bench, say, call) -> None:
    def write(text: str):
        return call(("write_file", json.dumps({"path": "free.md", "content": text})))

    async with open_bench([write("1"), say("a"), write("2"), say("b")]) as bench:
        session = await bench.session()
        files = bench.workbench.files
        for _ in range(2):
            await bench.end(await bench.send(session))
        states = []
        for act in (files.undo, files.undo, files.redo, files.redo):
            await act(session.id)
            path = bench.home / "data" / "workspaces" / session.id / "free.md"
            states.append(path.read_text() if path.exists() else None)
        assert states == ["1", None, "1", "2"]
        fork = await bench.workbench.sessions.fork(session.id)
        await files.undo(fork.id)
        assert (await files.read(fork.id, "free.md")).text == "1"
        assert (await files.read(session.id, "free.md")).text == "2"
        await bench.workbench.sessions.delete(session.id)
        await files.redo(fork.id)
        assert (await files.read(fork.id, "free.md")).text == "2"


async def test_a_fall_back_with_a_smaller_window_gets_a_context_that_fits(open_bench, say) -> None:
    async with open_bench(
        [say("a"), say("b"), [ModelNotFound("gone")], [ContextTooLong("long")], say("sum"), say("end")]
    ) as bench:
        windows = {"scripted": 1_000_000, "second": 4_000}
        get = bench.catalog.get

        async def info(model: str, owner: str = ""):
            return (await get(model)).model_copy(update={"context_window": windows[model]})

        bench.catalog.get = info
        session = await bench.session()
        for text in ("one " * 8_000, "two " * 8_000, "three"):
            events = await bench.end(await bench.send(session, text))
        assert events[-1].event.type == "run.completed"
        last = bench.model.requests[-1]
        assert sum(len(str(m)) for m in last.messages) < 4_000 * 4


async def test_one_huge_message_fails_the_run_without_summarising_the_summary(open_bench, say) -> None:
    async with open_bench([say("a"), say("summary"), [ContextTooLong("long")], say("never")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "short"))
        bench.catalog.window = 4_000
        events = await bench.end(await bench.send(session, "huge " * 6_000))
        assert events[-1].event.error.code == "context_too_long"
        assert sum(logged.event.type == "context.compacted" for logged in events) == 1
        assert len(bench.model.requests) == 3


async def test_a_decision_on_a_run_that_restarted_keeps_its_edit(open_bench, say, call) -> None:
    async with open_bench([call(ASKED)]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
    async with open_bench([say("done")]) as again:
        edited = {"path": "asked.md", "content": "edited"}
        await again.workbench.approvals.decide(approval.id, Decision(outcome="approve", arguments=edited))
        await again.end(run_id)
        assert (await again.workbench.files.read(session.id, "asked.md")).text == "edited"


async def test_compaction_survives_a_restart_and_a_fork(open_bench, say) -> None:
    async with open_bench([say("a"), say("sum of it"), say("b")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "old " * 3_000))
        bench.catalog.window = 4_000
        events = await bench.end(await bench.send(session, "new"))
        assert any(logged.event.type == "context.compacted" for logged in events)
        fork = await bench.workbench.sessions.fork(session.id)
    async with open_bench([say("c"), say("d")]) as again:
        for each in (session, fork):
            await again.workbench.runs.send(each.id, (TextPart(text="more"),))
            await again.until(
                "run.completed", after=(await again.workbench.engine.status()).last_event_id - 1
            )
        texts = [str(request.messages) for request in again.model.requests]
        assert all("sum of it" in each and "old old" not in each for each in texts)


async def test_the_index_is_made_anew_without_the_events_whose_bodies_are_lost(open_bench, say) -> None:
    async with open_bench([say("one"), say("two")]) as bench:
        lost, whole = await bench.session(), await bench.session()
        await bench.end(await bench.send(lost, "long " * 20_000))
        await bench.end(await bench.send(whole, "short"))
        for digest in await body_blobs(bench):
            bench.blobs.path(digest).unlink()
        await bench.workbench._core.log.rebuild_index()
        assert {each.id for each in (await bench.workbench.sessions.list()).items} == {lost.id, whole.id}
        assert [hit.session_id for hit in (await bench.workbench.sessions.search("short")).items] == [
            whole.id
        ]


async def test_a_summary_that_takes_too_long_ends_the_run_at_its_time_limit(open_bench, say) -> None:
    async with open_bench([say("a"), say("never")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "old " * 3_000))
        bench.catalog.window = 4_000
        bench.model._delay_s = 30.0
        events = await bench.end(await bench.send(session, "new", timeout_s=0.2))
        assert events[-1].event.error.code == "timeout"


async def test_a_fall_back_after_a_long_wait_asked_for_starts_its_attempts_anew(open_bench, say) -> None:
    busy = ModelRateLimited("busy", retry_after_s=600)
    steps = [[busy], [ModelUnavailable("down")], [ModelUnavailable("down")], say("at last")]
    async with open_bench(steps, retries=2) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        assert events[-1].event.type == "run.completed"
        retries = [each.event.attempt for each in events if each.event.type == "model.retried"]
        assert retries == [1, 2]


async def test_what_a_summary_costs_is_counted(open_bench, say) -> None:
    usage = UsageReport(input_tokens=7, output_tokens=3, cost_usd=0.5)
    async with open_bench([say("a"), [*say("summary"), usage], say("b")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "old " * 3_000))
        bench.catalog.window = 4_000
        await bench.end(await bench.send(session, "new"))
        assert (await bench.workbench.sessions.get(session.id)).usage.cost_usd == 0.5


async def test_a_paused_run_stays_paused_over_a_restart_and_goes_on(open_bench, say, call) -> None:
    async with open_bench([call(ASKED)]) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.workbench.runs.pause(run_id)
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.until("run.paused")
    async with open_bench([say("done")]) as again:
        assert (await again.workbench.runs.get(run_id)).status == RunStatus.PAUSED
        await again.workbench.runs.resume(run_id)
        assert (await again.end(run_id))[-1].event.type == "run.completed"


async def test_what_was_allowed_for_a_session_is_asked_again_in_its_fork(open_bench, say, call) -> None:
    async with open_bench([call(ASKED), say("b"), call(ASKED), say("c")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve", scope="session"))
        await bench.end(run_id)
        fork = await bench.workbench.sessions.fork(session.id)
        run_id = await bench.send(fork)
        events = await bench.until(("approval.requested", "run.completed"), run_id=run_id)
        assert events[-1].event.type == "approval.requested"
