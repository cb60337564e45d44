"""The log of runs as a table: what its rows say, how they are found and sorted, and what stays of them."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.delegating import ChildOf
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    AnyEvent,
    ApprovalRequested,
    ApprovalResolved,
    MessageAdded,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    SessionCreated,
    SessionDeleted,
    StepCompleted,
    StepStarted,
    ToolCallCompleted,
    UsageRecorded,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import Timing
from holdfast.core.domain.run_log import RunEntry, RunQuery
from holdfast.core.domain.session_events import SessionRestored, SessionTrashed
from holdfast.core.domain.tools import Risk
from holdfast.core.services.engine import index_problems
from holdfast.core.store import migrations
from holdfast.core.store.log import EventLog
from holdfast.core.store.run_log_table import RunLogTable

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def session(id: str, owner: str = "local", **more: Any) -> SessionCreated:
    given = {"title": f"Title {id}", "agent": "a", "project": "/p", "workspace": "/w", "at": after(-60)}
    return SessionCreated(**{**given, "session_id": id, "owner": owner, **more})


def run(
    session_id: str,
    id: str,
    *,
    at: float = 0,
    took: float = 2,
    agent: str = "a",
    said: str = "Hello",
    credits: float = 1.0,
    **more: Any,
) -> list[AnyEvent]:
    """A run of `took` seconds: a step that calls a tool, and its end."""
    ids = {"session_id": session_id, "run_id": id, "at": after(at)}
    timing = Timing(request_ms=1, first_delta_ms=5, total_ms=700)
    usage = {"input_tokens": 7, "output_tokens": 3, "cost_usd": credits / 1000, "credits": credits}
    return [
        RunStarted(**ids, agent=agent, model="m", **more),
        MessageAdded(**ids, message_id=f"m-{id}", parts=(TextPart(text=said),)),
        StepStarted(**ids, step=1, model="m", prompt="p", purpose="tool_choice"),
        UsageRecorded(**ids, model="m", **usage),
        StepCompleted(**ids, step=1, reason="tool_calls", timing=timing),
        StepStarted(**ids, step=2, model="m", prompt="p"),
        StepCompleted(**ids, step=2, reason="stop", timing=timing),
        ToolCallCompleted(**ids, call_id="c", name="read_file", outcome="ok", content=(), duration_ms=40),
        ToolCallCompleted(**ids, call_id="d", name="run_command", outcome="denied", content=()),
        RunCompleted(**{**ids, "at": after(at + took)}),
    ]


async def found(log: EventLog, owner: str = "local", **query: Any) -> list[str]:
    entries, total = await RunLogTable(log.reader).page(RunQuery(**query), owner, {"b": "Berta"})
    assert total >= len(entries)
    return [entry.id for entry in entries]


async def one(log: EventLog, id: str = "r") -> RunEntry:
    entry = await RunLogTable(log.reader).entry(id, "local", {})
    assert entry is not None
    return entry


def approval(id: str) -> Approval:
    return Approval(
        id=id,
        session_id="s",
        run_id="r",
        call_id="c",
        agent="a",
        tool="write_file",
        risk=Risk.WRITE,
        subject="x",
        arguments={},
        requested_at=NOON,
    )


async def test_a_row_has_the_prompt_the_times_and_the_costs_of_a_run(log: EventLog) -> None:
    await log.append(session("s"), *run("s", "r", said="What is\n\x1b[2J due?", credits=2.5))
    entry = await one(log)
    assert (entry.prompt, entry.agent_name, entry.status) == ("What is [2J due?", "a", "completed")
    assert (entry.response_ms, entry.model_ms, entry.choice_ms, entry.parameters_ms) == (2000, 1400, 700, 0)
    assert (entry.steps, entry.tools, entry.tool_ms) == (2, 1, 40)
    assert (entry.credits, entry.usage.cost_usd, entry.usage.input_tokens) == (2.5, 0.0025, 7)
    assert (entry.started_at, entry.session, entry.below) == (NOON, True, 0)


async def test_what_a_run_waits_for_a_person_is_no_response_time(log: EventLog) -> None:
    ids = {"session_id": "s", "run_id": "r"}
    decided = {"call_id": "c", "status": "approved"}
    await log.append(
        session("s"),
        RunStarted(**ids, agent="a", model="m", at=NOON),
        ApprovalRequested(**ids, approval=approval("x"), at=after(1)),
        ApprovalRequested(**ids, approval=approval("y"), at=after(2)),
        ApprovalResolved(**ids, approval_id="x", **decided, at=after(5)),
    )
    assert (await one(log)).status == "waiting"
    await log.append(
        ApprovalResolved(**ids, approval_id="y", **decided, at=after(8)),
        RunPaused(**ids, at=after(9)),
        RunResumed(**ids, at=after(19)),
        RunCompleted(**ids, at=after(20)),
    )
    assert (await one(log)).response_ms == pytest.approx(3000)


async def test_an_interrupted_run_took_what_its_steps_and_tools_took(log: EventLog) -> None:
    *events, _ = run("s", "r")
    failed = ErrorInfo(kind="internal", code="interrupted", message="x")
    end = RunFailed(session_id="s", run_id="r", at=after(9_000), error=failed)
    await log.append(session("s"), *events, end)
    assert ((await one(log)).response_ms, (await one(log)).error) == (1440, "interrupted")


async def test_runs_are_sorted_by_each_column_and_paged_with_their_number(log: EventLog) -> None:
    await log.append(
        session("s"),
        *run("s", "r1", at=0, took=5, agent="b", credits=1),
        *run("s", "r2", at=10, took=1, agent="a", credits=9),
        *run("s", "r3", at=20, took=3, agent="c", credits=4),
        *run("s", "r4", at=30)[:-1],
    )
    assert await found(log) == ["r4", "r3", "r2", "r1"]
    assert await found(log, descending=False) == ["r1", "r2", "r3", "r4"]
    assert await found(log, sort="credits") == await found(log, sort="cost") == ["r2", "r3", "r4", "r1"]
    assert await found(log, sort="response_time") == ["r1", "r3", "r2", "r4"]
    assert await found(log, sort="response_time", descending=False) == ["r2", "r3", "r1", "r4"]
    assert await found(log, sort="agent", descending=False) == ["r4", "r2", "r1", "r3"], "as it is shown"
    assert await found(log, offset=1, limit=2) == ["r3", "r2"]
    _, total = await RunLogTable(log.reader).page(RunQuery(limit=1), "local", {})
    assert total == 4
    assert await RunLogTable(log.reader).agents("local") == {"a": 2, "b": 1, "c": 1}


async def test_runs_are_found_by_agent_session_and_words_of_prompt_or_agent(log: EventLog) -> None:
    await log.append(session("s"), session("t"))
    await log.append(*run("s", "r1", said='The "order" of ÄPFEL 100%', agent="b"), *run("t", "r2", at=1))
    assert await found(log, agents=("b",)) == await found(log, session="s") == ["r1"]
    assert await found(log, agents=()) == []
    assert await found(log, text="ord äpf") == await found(log, text="bert ord") == ["r1"], "each word"
    assert await found(log, text="hell") == ["r2"]
    assert await found(log, text="rder") == await found(log, text="%") == []
    assert await found(log, text='" OR 1') == []


async def test_runs_of_others_and_of_the_trash_are_nobodys(log: EventLog) -> None:
    await log.append(session("s"), session("t", owner="ann"), *run("s", "r1"), *run("t", "r2", said="ann's"))
    assert (await found(log), await found(log, owner="ann"), await found(log, text="ann")) == (
        ["r1"],
        ["r2"],
        [],
    )
    assert await RunLogTable(log.reader).entry("r2", "local", {}) is None
    await log.append(SessionTrashed(session_id="s"))
    assert await found(log) == []
    assert await RunLogTable(log.reader).entry("r1", "local", {}) is None
    await log.append(SessionRestored(session_id="s"))
    assert await found(log) == ["r1"]


def below(id: str, root: str, parent_run: str, depth: int = 1) -> SessionCreated:
    child_of = ChildOf(session_id="s", run_id=parent_run, call_id="c", root_id=root, depth=depth)
    return session(id, child_of=child_of)


async def test_what_sub_agents_use_counts_in_the_runs_above_and_they_are_told_below(log: EventLog) -> None:
    await log.append(
        session("s"),
        *run("s", "top", credits=1),
        below("c1", "s", "top"),
        *run("c1", "mid", at=1, agent="b", credits=2),
        below("c2", "s", "mid", 2),
        *run("c2", "low", at=2, agent="c", credits=4),
    )
    assert await found(log) == await found(log, text="hello") == ["top"]
    assert await found(log, parent="top") == await found(log, session="c1") == ["mid"]
    top, mid = await one(log, "top"), await one(log, "mid")
    assert (top.credits, top.usage.input_tokens, top.below) == (7, 21, 1)
    assert (mid.credits, mid.parent_run_id) == (6, "top")
    listed = await RunLogTable(log.reader).below("top", "local", 10, {})
    assert [entry.id for entry in listed] == ["mid", "low"]
    assert await RunLogTable(log.reader).agents("local") == {"a": 1}


async def test_a_run_that_is_not_logged_leaves_its_figures_and_no_word(log: EventLog) -> None:
    await log.append(session("s"), *run("s", "r", said="A secret", logged=False), *run("s", "other", at=9))
    entry = await one(log)
    assert (entry.prompt, entry.logged, entry.credits, entry.response_ms) == ("", False, 1.0, 2000)
    assert await found(log, text="secret") == []
    await log.append(SessionTrashed(session_id="s"), SessionDeleted(session_id="s"))
    assert await found(log) == ["r"]
    assert not (await one(log)).session
    await log.rebuild_index()
    assert (await one(log)).credits == 1.0


async def test_copies_in_a_fork_and_what_was_imported_are_not_listed(log: EventLog) -> None:
    await log.append(session("s"), *run("s", "r"), session("f", forked_from="s", at=after(10)))
    await log.append(*run("f", "copy"), *run("f", "new", at=20))
    await log.append(session("i", imported_from="chatgpt", at=after(30)), *run("i", "old"))
    assert await found(log) == ["new", "r"]
    assert (await one(log, "copy")).prompt == "Hello", "but it can be looked at"
    table = RunLogTable(log.reader)
    assert [entry.id for entry, _ in await table.of_session("f", None, 9, {})] == ["new", "copy"]
    (_, first), _ = await table.of_session("f", None, 9, {})
    assert [entry.id for entry, _ in await table.of_session("f", first, 9, {})] == ["copy"]


def rows(path: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(path) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM run_log ORDER BY run_id")]


async def test_the_table_made_anew_and_the_one_made_of_an_older_database_are_the_same(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {"session_id": "s", "run_id": "r"}
    await log.append(session("s"), *run("s", "r", credits=2)[:3])
    await log.append(
        ApprovalRequested(**ids, approval=approval("x"), at=after(1)),
        ApprovalResolved(**ids, approval_id="x", call_id="c", status="approved", at=after(1.5)),
        *run("s", "r", credits=2)[3:],
        below("c1", "s", "r"),
        *run("c1", "mid", at=1, agent="b", credits=4),
        *run("s", "open", at=5)[:-1],
        session("t"),
        *run("t", "gone", at=6),
        SessionTrashed(session_id="t"),
        session("f", forked_from="s", at=after(10)),
        *run("f", "copy"),
    )
    path = tmp_path / "holdfast.db"
    kept = rows(path)
    await log.rebuild_index()
    assert rows(path) == kept
    number = next(n for n, (name, _) in enumerate(migrations.STEPS) if name == "the_log_of_runs")
    with sqlite3.connect(path) as db:  # as the version before it has left it, which knew no purposes
        db.execute("DROP TABLE run_log")
        db.executescript(migrations.STEPS[number][1])
    for before, now in zip(kept, rows(path), strict=True):
        before |= {"choice_ms": 0.0, "purpose": "reply", "idle_since": None}
        if before["copied"]:
            before["credits"] = 0.0  # the copies of a fork are on no bill
        assert now == {
            name: pytest.approx(v, abs=0.5) if isinstance(v, float) else v for name, v in before.items()
        }


async def test_the_doctor_sees_runs_that_are_not_in_the_log_as_they_are(log: EventLog) -> None:
    await log.append(
        session("s"), *run("s", "r"), session("f", forked_from="s", at=after(10)), *run("f", "copy")
    )
    assert await log.writer.run(index_problems) == []
    await log.writer.run(
        lambda db: db.execute("UPDATE run_log SET status = 'running' WHERE run_id = 'r'").close()
    )
    assert await log.writer.run(index_problems) == ["1 runs are not in the log of runs as they are"]
    await log.rebuild_index()
    assert await log.writer.run(index_problems) == []
