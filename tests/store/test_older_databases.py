"""A database of the first released version, opened today: everything is there, and the way back too.

`version_1.json` has the rows that version 1 has written, with the contents of its large events; `%LONG%`
stands for a long text.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.identity import LOCAL, Role
from holdfast.core.domain.runs import RunStatus
from holdfast.core.domain.search import parsed
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store import migrations
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.log import EventLog
from holdfast.core.store.search import MessageSearch
from holdfast.core.store.usage import UsageTable

LONG = "x" * 70_000
TABLES = ("events", "sessions", "runs", "approvals", "questions", "queue", "blob_uses")


@pytest.fixture
def rows() -> dict[str, Any]:
    text = (Path(__file__).parent / "version_1.json").read_text()
    return dict(json.loads(text.replace("%LONG%", LONG)))


@pytest.fixture
def old(tmp_path: Path, blobs: FileBlobs, rows: dict[str, Any]) -> Path:
    """Writes the database of version 1, and the blobs of its events."""
    path = tmp_path / "holdfast.db"
    path.touch(0o600)
    db = sqlite3.connect(path)
    db.executescript(migrations.STEPS[0][1])
    for table in (*TABLES, "search"):
        for row in rows[table]:
            columns, marks = ", ".join(row), ", ".join("?" * len(row))
            db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
    db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (rows["sequence"],))
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()
    for digest, body in rows["blobs"].items():
        assert blobs.put(body.encode()) == digest
    return path


async def listed(log: EventLog) -> dict[str, Any]:
    """Returns what the listings say."""
    reader = log.reader
    sessions = (await reader.sessions(parsed(""), 100, owner=LOCAL)).items
    runs = [run for each in sessions for run in (await reader.runs(each.id, 100)).items]
    return {
        "sessions": sessions,
        "runs": runs,
        "approvals": (await reader.approvals(None, False, 100, owner=LOCAL)).items,
        "questions": (await reader.questions(None, 100, owner=LOCAL)).items,
        "queue": await reader.queue("waits"),
        "hits": [
            hit.event_id
            for hit in (await MessageSearch(reader).page(parsed("turnover"), 100, owner=LOCAL)).items
        ],
        "blobs": await reader.all_blobs(),
    }


async def test_everything_of_a_version_1_database_is_there_and_the_local_users(
    old: Path, blobs: FileBlobs, rows: dict[str, Any]
) -> None:
    log = await EventLog.open(old, blobs)
    try:
        events = await log.read_all(EventFilter())
        before = len(rows["events"])
        assert [each.id for each in events[:before]] == [row["id"] for row in rows["events"]]
        assert {each.event.type for each in events[before:]} == {"session.seen"}, "nothing old is unread"
        assert await log.read(EventFilter(), owner=LOCAL) == events
        assert await log.read(EventFilter(), owner="somebody") == []
        assert any(getattr(each.event, "text", "") == LONG for each in events)
        found = await listed(log)
        assert {each.owner for each in found["sessions"]} == {LOCAL}
        by_id = {each.id: each for each in found["sessions"]}
        assert not any(each.unread or each.starred or each.archived for each in found["sessions"])
        assert by_id.keys() == {row["id"] for row in rows["sessions"]}
        assert by_id["sales"].title == "Quarterly figures"
        assert by_id["sales"].usage.cost_usd == 0.5
        assert [each.status for each in (by_id["waits"], by_id["asks"])] == [RunStatus.WAITING] * 2
        assert (found["approvals"][0].session_id, found["questions"][0].text) == ("waits", "Which quarter?")
        assert [each.parts[0].text for each in found["queue"]] == ["And then this"]
        assert len(found["hits"]) == 2, "the session and its fork"
        (user,) = await Accounts(log.writer, log.reader).users()
        assert (user.id, user.role) == (LOCAL, Role.ADMIN)
        used = await UsageTable(log.reader).report(
            "session", None, None, asking=LOCAL, everybody=False, limit=9
        )
        spent = {each.key: each.cost_usd for each in used.groups}
        assert spent == {"sales": 0.5, "waits": 0.0, "asks": 0.0}, "a fork is not paid for twice"
        before = await listed(log)
        assert await log.rebuild_index() > 50
        assert await listed(log) == before
    finally:
        await log.close()


async def test_an_older_database_is_kept_beside_the_new_one_and_can_be_gone_back_to(
    old: Path, blobs: FileBlobs, rows: dict[str, Any]
) -> None:
    log = await EventLog.open(old, blobs)
    await log.close()
    backup = old.with_name("holdfast.db.v1.bak")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    db = sqlite3.connect(backup)
    try:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        for table in TABLES:
            assert db.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (len(rows[table]),)
    finally:
        db.close()
    log = await EventLog.open(old, blobs)
    await log.close()
    assert [each.name for each in old.parent.glob("*.bak")] == [backup.name], "one is made for each version"


async def test_a_step_that_fails_leaves_what_came_before_and_says_which(
    old: Path, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrations.STEPS
    broken = (*steps[:2], ("a_step", "CREATE TABLE half (id); CREATE TABLE half (id);"), *steps[3:])
    monkeypatch.setattr(migrations, "STEPS", broken)
    with pytest.raises(StoreError, match=r"version 3 \(a_step\)"):
        await EventLog.open(old, blobs)
    monkeypatch.setattr(migrations, "STEPS", steps)
    log = await EventLog.open(old, blobs)
    try:
        assert len((await listed(log))["sessions"]) == 4
        assert await log.reader.rows("SELECT 1 FROM sqlite_master WHERE name = 'half'") == []
    finally:
        await log.close()


async def test_what_is_no_part_of_the_log_outlives_a_new_index(log: EventLog) -> None:
    tables = ("users", "credentials", "webhooks", "deliveries", "idempotency", "usage")

    def fill(db: sqlite3.Connection) -> None:
        for table in tables:
            columns = [row[1:3] for row in db.execute(f"PRAGMA table_info({table})")]
            values = [1 if kind in ("INTEGER", "REAL") else "x" for _, kind in columns]
            db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)

    async def kept() -> dict[str, list[tuple[Any, ...]]]:
        return {
            table: [tuple(row) for row in await log.reader.rows(f"SELECT * FROM {table}")] for table in tables
        }

    await log.writer.run(fill)
    before = await kept()
    assert all(before.values())
    await log.rebuild_index()
    assert await kept() == before


def test_a_released_step_is_never_changed() -> None:
    (name, script), *_ = migrations.STEPS
    assert name == "events_and_index"
    assert (
        hashlib.sha256(script.encode()).hexdigest()
        == "b742a1b5d38cc4021c52f1fe12464b770af3ecaf01b4fd2609411287308e4999"
    )
