"""What runs used: counted once, grouped, and kept when the session, the index or the version goes."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.core.domain.events import RunStarted, SessionCreated, SessionDeleted, StepStarted, UsageRecorded
from holdfast.core.domain.usage import UsageSummary
from holdfast.core.store import migrations
from holdfast.core.store.log import EventLog
from holdfast.core.store.usage import UsageTable

DAY = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)


def session(id: str, owner: str = "local", at: datetime = DAY, **more: str) -> SessionCreated:
    return SessionCreated(
        session_id=id,
        title=f"Title {id}",
        agent="a",
        project="/p",
        workspace="/w",
        owner=owner,
        at=at,
        **more,
    )


def run(
    session_id: str,
    run_id: str,
    *,
    at: datetime = DAY,
    model: str = "m",
    agent: str = "a",
    tokens: int = 10,
    cost: float | None = 0.5,
    estimated: bool = False,
) -> list[RunStarted | StepStarted | UsageRecorded]:
    ids = {"session_id": session_id, "run_id": run_id, "at": at}
    return [
        RunStarted(**ids, agent=agent, model=model),
        StepStarted(**ids, step=1, model=model, prompt="p"),
        UsageRecorded(
            **ids,
            model=model,
            input_tokens=tokens,
            output_tokens=1,
            cached_tokens=2,
            reasoning_tokens=3,
            cost_usd=cost,
            estimated=estimated,
        ),
    ]


async def report(log: EventLog, by: str = "model", **more: object) -> UsageSummary:
    given = {"since": None, "until": None, "asking": "local", "everybody": False, "limit": 100, **more}
    return await UsageTable(log.reader).report(by, **given)  # type: ignore[arg-type]


def groups(found: UsageSummary) -> dict[str, tuple[int, int, int]]:
    return {group.key: (group.runs, group.steps, group.input_tokens) for group in found.groups}


async def test_usage_is_added_up_by_what_is_asked_for(log: EventLog) -> None:
    after = DAY + timedelta(seconds=2)
    await log.append(session("s"), session("t"))
    await log.append(*run("s", "r1"), *run("s", "r2", at=after, model="n", tokens=5, cost=9.0))
    await log.append(*run("t", "r3", agent="b", tokens=7, cost=None, estimated=True))
    assert groups(await report(log, "day")) == {"2026-11-20": (2, 2, 17), "2026-11-21": (1, 1, 5)}
    assert groups(await report(log, "month")) == {"2026-11": (3, 3, 22)}
    assert groups(await report(log, "agent")) == {"a": (2, 2, 15), "b": (1, 1, 7)}
    assert groups(await report(log, "user")) == {"local": (3, 3, 22)}
    found = await report(log, "model")
    assert [group.key for group in found.groups] == ["n", "m"]  # the dearest first
    assert (found.total.cost_usd, found.total.estimated, found.total.unpriced) == (9.5, True, True)
    assert (found.groups[0].estimated, found.groups[0].unpriced) == (False, False)
    assert (found.total.output_tokens, found.total.cached_tokens, found.total.reasoning_tokens) == (3, 6, 9)
    by_session = await report(log, "session")
    assert {group.key: group.label for group in by_session.groups} == {"s": "Title s", "t": "Title t"}


async def test_a_span_of_time_begins_with_its_start_and_ends_before_its_end(log: EventLog) -> None:
    await log.append(session("s"), *run("s", "r1"), *run("s", "r2", at=DAY + timedelta(hours=1)))
    hour = timedelta(hours=1)
    assert (await report(log, since=DAY)).total.runs == 2
    assert (await report(log, since=DAY + hour)).total.runs == 1
    assert (await report(log, until=DAY + hour)).total.runs == 1
    empty = await report(log, since=DAY + 2 * hour)
    assert (empty.total.runs, empty.total.cost_usd, empty.groups) == (0, 0.0, ())


async def test_what_is_left_out_of_the_groups_is_in_the_total(log: EventLog) -> None:
    await log.append(session("s"))
    for number in range(5):
        await log.append(*run("s", f"r{number}", at=DAY + timedelta(days=number), model=f"m{number}"))
    found = await report(log, "day", limit=2)
    assert [group.key for group in found.groups] == ["2026-11-23", "2026-11-24"]
    assert (found.left_out, found.total.runs) == (3, 5)
    assert (await report(log, "model", limit=0)).left_out == 5


async def test_only_the_own_usage_is_reported_unless_everybodys_is_asked_for(log: EventLog) -> None:
    await log.append(session("s"), session("t", owner="ann"), *run("s", "r1"), *run("t", "r2", tokens=3))
    assert (await report(log, asking="ann")).total.input_tokens == 3
    found = await report(log, "session", everybody=True)
    assert found.total.input_tokens == 13
    assert {group.key: group.label for group in found.groups} == {"s": "Title s", "t": ""}


async def test_a_deleted_session_leaves_its_bill(log: EventLog) -> None:
    await log.append(session("s"), *run("s", "r1"))
    before = await report(log)
    await log.append(SessionDeleted(session_id="s"))
    assert await report(log) == before
    (group,) = (await report(log, "session")).groups
    assert (group.key, group.label) == ("s", "")


async def test_making_the_index_anew_neither_loses_nor_doubles_usage(log: EventLog) -> None:
    await log.append(session("gone"), *run("gone", "r1", tokens=100))
    await log.append(SessionDeleted(session_id="gone"))
    await log.append(session("s", owner="ann"), *run("s", "r2"))
    before = await log.reader.rows("SELECT * FROM usage ORDER BY event_id")
    await log.rebuild_index()
    after = await log.reader.rows("SELECT * FROM usage ORDER BY event_id")
    assert [tuple(row) for row in after] == [tuple(row) for row in before]
    assert len(after) == 6


async def test_making_the_index_anew_brings_back_rows_that_were_lost(log: EventLog) -> None:
    await log.append(session("s"), *run("s", "r1"))
    before = await report(log)
    await log.writer.run(lambda db: db.execute("DELETE FROM usage") and None)
    await log.rebuild_index()
    assert await report(log) == before


async def test_usage_whose_run_can_no_longer_be_read_stays(log: EventLog) -> None:
    await log.append(session("s"), *run("s", "r1"))
    before = await report(log)
    await log.writer.run(
        lambda db: (
            db.execute("UPDATE events SET body = '', blob = ? WHERE type = 'run.started'", ("0" * 64,))
            and None
        )
    )
    await log.rebuild_index()
    assert await log.reader.run("r1") is None
    assert await report(log) == before


async def test_a_fork_is_not_paid_for_twice(log: EventLog) -> None:
    later = DAY + timedelta(hours=1)
    await log.append(session("s"), *run("s", "r1"))
    await log.append(session("f", at=later, forked_from="s"), *run("f", "copy"))
    assert (await report(log)).total.runs == 1
    await log.append(*run("f", "own", at=later + timedelta(seconds=1), tokens=4))
    assert groups(await report(log, "session")) == {"s": (1, 1, 10), "f": (1, 1, 4)}
    await log.rebuild_index()
    assert (await report(log)).total.input_tokens == 14


async def test_usage_of_models_goes_on_from_where_it_was_read(log: EventLog) -> None:
    table = UsageTable(log.reader)
    assert await table.models(0) == (0, ())
    await log.append(session("s"), *run("s", "r1", model="x"), *run("s", "r2", model="y"))
    last, first = await table.models(0)
    assert [(each.model, each.input_tokens) for each in first] == [("x", 10), ("y", 10)]
    assert await table.models(last) == (last, ())
    await log.append(*run("s", "r3", model="y", tokens=1))
    _, more = await table.models(last)
    assert [(each.model, each.input_tokens) for each in more] == [("y", 1)]


async def test_the_usage_of_an_older_database_is_taken_from_its_log(tmp_path, blobs) -> None:
    log = await EventLog.open(tmp_path / "new.db", blobs)
    later = DAY + timedelta(hours=1)
    await log.append(session("s"), *run("s", "r1", cost=None), *run("s", "r2", at=later, estimated=True))
    await log.append(session("f", at=later, forked_from="s"), *run("f", "copy"), session("u", owner="ann"))
    await log.append(*run("u", "r3", at=later, tokens=2))
    await log.append(session("gone"), *run("gone", "r4"))
    await log.append(SessionDeleted(session_id="gone"))
    await log.writer.run(lambda db: db.execute("DELETE FROM usage WHERE session_id = 'gone'") and None)
    expected = [tuple(row) for row in await log.reader.rows("SELECT * FROM usage ORDER BY event_id")]
    await log.close()
    _copy_without_usage(tmp_path / "new.db", tmp_path / "old.db")
    log = await EventLog.open(tmp_path / "old.db", blobs)
    found = [tuple(row) for row in await log.reader.rows("SELECT * FROM usage ORDER BY event_id")]
    await log.close()
    assert [row[:1] + row[2:] for row in found] == [row[:1] + row[2:] for row in expected]
    assert [row[1] for row in found] == pytest.approx([row[1] for row in expected], abs=0.001)
    assert len(found) == 9


def _copy_without_usage(new: Path, old: Path) -> None:
    """Writes the log and its index as a version without the table of usage has them."""
    step = [name for name, _ in migrations.STEPS].index("usage_that_outlives_sessions")
    db = sqlite3.connect(old)
    for _, script in migrations.STEPS[:step]:
        db.executescript(script)
    db.execute("ATTACH ? AS new", (str(new),))
    for table in ("events", "sessions", "runs"):
        columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
        db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM new.{table}")
    db.execute(f"PRAGMA user_version = {step}")
    db.commit()
    db.close()
