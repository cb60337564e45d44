"""The index tables: what listings see, and that they can be made anew from the log."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from holdfast.core.domain.approvals import Approval, ApproveMode, Decision
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    MessageAdded,
    MessageDequeued,
    MessageQueued,
    PartCompleted,
    RunCompleted,
    RunFailed,
    SessionDeleted,
    SessionModeChanged,
    SessionRenamed,
    StepStarted,
    UsageRecorded,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.modes import AutoLimits
from holdfast.core.domain.runs import RunStatus
from holdfast.core.domain.search import parsed
from holdfast.core.domain.tools import Risk
from holdfast.core.domain.values import utc_now
from holdfast.core.store.modes import read_mode
from holdfast.core.store.search import MessageSearch

IDS = {"session_id": "s", "run_id": "r"}


def approval(id: str = "a") -> Approval:
    return Approval(
        id=id,
        **IDS,
        call_id="c",
        agent="general",
        tool="write_file",
        risk=Risk.WRITE,
        subject="x.md",
        arguments={"path": "x.md"},
        requested_at=utc_now(),
        expires_at=utc_now() + timedelta(hours=1),
    )


def message(text: str) -> MessageAdded:
    return MessageAdded(**IDS, message_id="m", parts=(TextPart(text=text),))


async def test_a_session_lists_its_run_its_waiting_things_and_its_usage(log, created, started) -> None:
    await log.append(
        created("s"), started()[0], message("Hello"), StepStarted(**IDS, step=1, model="m", prompt="p")
    )
    await log.append(UsageRecorded(**IDS, model="m", input_tokens=7, output_tokens=3, cost_usd=None))
    await log.append(ApprovalRequested(**IDS, approval=approval()))
    (session,) = (await log.reader.sessions(parsed(""), 10)).items
    assert (session.status, session.pending, session.messages) == (RunStatus.WAITING, 1, 1)
    assert (session.usage.input_tokens, session.usage.unpriced) == (7, True)
    decision = Decision(outcome="deny", reason="no")
    await log.append(
        ApprovalResolved(**IDS, approval_id="a", call_id="c", status="denied", decision=decision)
    )
    assert (await log.reader.run("r")).status == RunStatus.RUNNING
    assert (await log.reader.approval("a")).decision == decision
    await log.append(RunCompleted(**IDS))
    assert (await log.reader.session("s")).status == RunStatus.COMPLETED
    assert await log.reader.open_runs() == ()


async def test_words_are_found_in_messages_and_replies_with_their_place(log, created, started) -> None:
    await log.append(created("s", "Sales"), *started(), message("What were the sales in Oslo?"))
    await log.append(PartCompleted(**IDS, part_id="1.1", kind="text", text='Oslo sold 12 "units".'))
    hits = (await MessageSearch(log.reader).page(parsed("oslo", "yes"), 10)).items
    assert {hit.role for hit in hits} == {"user", "assistant"}
    assert all("\x02Oslo\x03" in hit.excerpt and hit.session_title == "Sales" for hit in hits)
    assert (await MessageSearch(log.reader).page(parsed('" OR *', "yes"), 10)).items == ()
    assert (await MessageSearch(log.reader).page(parsed("", "yes"), 10)).items == ()


async def test_titles_are_filtered_by_words_and_wildcards_mean_nothing(log, created) -> None:
    await log.append(created("a", "Sales 100% up"), created("b", "Sales down"))
    assert [s.id for s in (await log.reader.sessions(parsed("100%"), 10)).items] == ["a"]
    assert {s.id for s in (await log.reader.sessions(parsed("sales"), 10)).items} == {"a", "b"}
    assert (await log.reader.sessions(parsed("_ales"), 10)).items == ()


async def test_the_queue_lists_what_waits_in_order(log, created) -> None:
    parts = (TextPart(text="later"),)
    await log.append(created("s"))
    for name in ("one", "two"):
        await log.append(MessageQueued(session_id="s", message_id=name, parts=parts))
    await log.append(MessageDequeued(session_id="s", message_id="one", reason="sent"))
    assert [queued.id for queued in await log.reader.queue("s")] == ["two"]


async def test_a_deleted_session_leaves_one_event_and_no_words(log, created, started, blobs) -> None:
    digest = blobs.put(b"prompt")
    await log.append(created("s"), created("t"), *started(), message("secret plans"))
    await log.append(StepStarted(**IDS, step=1, model="m", prompt=digest))
    assert await log.reader.blobs_of("s") == {digest}
    await log.append(SessionDeleted(session_id="s"))
    assert await log.reader.session("s") is None
    assert (await MessageSearch(log.reader).page(parsed("secret", "yes"), 10)).items == ()
    assert await log.reader.unused_blobs({digest}) == {digest}
    assert (await log.reader.counts())[0] == 1


async def test_the_index_made_anew_is_the_index_as_it_was(log, created, started) -> None:
    await log.append(
        created("s"), *started(), message("Hello"), ApprovalRequested(**IDS, approval=approval())
    )
    await log.append(
        SessionRenamed(session_id="s", title="New"),
        UsageRecorded(**IDS, model="m", input_tokens=1, output_tokens=2),
    )
    error = ErrorInfo(kind="timeout", code="timeout", message="late")
    await log.append(RunFailed(**IDS, error=error))

    def dump(db):
        tables = ("sessions", "runs", "approvals", "questions", "queue", "blob_uses", "search")
        return {table: db.execute(f"SELECT * FROM {table}").fetchall() for table in tables}

    before = await log.writer.run(dump)
    await log.writer.run(lambda db: db.execute("DELETE FROM runs"))
    await log.rebuild_index()
    assert await log.writer.run(dump) == before


async def test_a_page_of_history_begins_with_a_run_and_has_no_deltas_of_ended_ones(
    log, created, started, delta
) -> None:
    await log.append(created("s"))
    for run in ("r1", "r2", "r3"):
        ids = {"session_id": "s", "run_id": run}
        start, part = started("s", run)
        await log.append(start, part, delta("hi", "s", run))
        if run != "r3":
            await log.append(PartCompleted(**ids, part_id="1.1", kind="text", text="hi"), RunCompleted(**ids))
    page = await log.reader.page_before("s", None, 4)
    assert [(each.event.run_id, each.event.type) for each in page][:2] == [
        ("r2", "run.started"),
        ("r2", "part.started"),
    ]
    assert [each.event.run_id for each in page if each.event.type == "part.delta"] == ["r3"]
    older = await log.reader.page_before("s", page[0].id, 100)
    assert [each.event.type for each in older] == [
        "session.created",
        "run.started",
        "part.started",
        "part.completed",
        "run.completed",
    ]
    assert await log.reader.page_before("s", older[0].id, 100) == []


async def test_a_search_of_thousands_of_words_holds_nobody_up(log, created, started) -> None:
    await log.append(created("s"), started()[0], message("word " * 2_000))
    query = " ".join(["word", *(f"w{n}" for n in range(5_000))])
    async with asyncio.timeout(5):
        assert (await MessageSearch(log.reader).page(parsed(query, "yes"), 10)).items == ()
        assert (await MessageSearch(log.reader).page(parsed("word " * 20_000, "yes"), 10)).items != ()
        assert (await MessageSearch(log.reader).page(parsed("\0", "yes"), 10)).items == ()
        assert (await log.reader.sessions(parsed(query), 10)).items == ()


async def test_a_mode_that_comes_after_a_deletion_is_nobodys(log, created) -> None:
    await log.append(created("s"), SessionDeleted(session_id="s"))
    await log.append(SessionModeChanged(session_id="s", mode=ApproveMode.AUTO, limits=AutoLimits()))
    await log.append(created("s"))
    assert await read_mode(log.reader, "s") is None
    await log.append(SessionModeChanged(session_id="s", mode=ApproveMode.PLAN))
    found = await read_mode(log.reader, "s")
    assert found is not None
    assert found.mode is ApproveMode.PLAN
