"""A disk that takes no more: clear errors, and the reserve for the ends of runs."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import EventFilter, RunCompleted
from holdfast.core.domain.identity import LOCAL, Role, User
from holdfast.core.domain.values import utc_now
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.log import EventLog
from holdfast.core.store.reserve import RESERVE, Reserve

FEW_PAGES = 20
ENDS = 100
"""So many ends of runs that some need space that is not there."""


class FullBlobs(FileBlobs):
    """A store of contents whose disk is full."""

    def put(self, data: bytes) -> str:
        raise StoreError(f"Cannot keep {len(data)} bytes", code="disk_full")


def limit(log: EventLog, pages: int) -> None:
    """Makes the database unable to grow beyond what it has and a few pages."""
    db: sqlite3.Connection = log.writer._db
    now = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {now + pages}")


async def test_a_content_that_cannot_be_kept_fails_its_event_and_no_other(tmp_path: Path, created) -> None:
    log = await EventLog.open(tmp_path / "holdfast.db", FullBlobs(tmp_path / "blobs"))
    async with asyncio.timeout(10):
        with pytest.raises(StoreError) as failed:
            await log.append(created("big", "x" * 100_000))
        assert failed.value.code == "disk_full"
        await log.append(created("small"))
    await log.close()


async def test_a_full_disk_refuses_events_and_takes_the_end_of_a_run(log, created, started, tmp_path) -> None:
    await log.append(created("s"))
    await log.append(*started())
    limit(log, 0)
    given = []

    class Giving(Reserve):
        def give(self) -> bool:
            given.append(super().give())
            limit(log, FEW_PAGES)
            return given[-1]

    log.writer._reserve = Giving(tmp_path / "reserve")
    with pytest.raises(StoreError) as failed:
        for number in range(1000):
            await log.append(created(f"more{number}", "x" * 2000))
    assert failed.value.code == "disk_full"
    assert given == [], "what is no end of a run does not get the reserve"
    for number in range(ENDS):
        await log.append(RunCompleted(session_id="s", run_id=f"r{number}"))
    assert given and all(given)
    assert (tmp_path / "reserve").stat().st_size == RESERVE, "it is kept again"
    ends = [e for e in await log.read_all(EventFilter()) if e.event.type == "run.completed"]
    assert len(ends) == ENDS


def test_the_reserve_is_kept_once_given_once_and_private(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve")
    assert not reserve.give()
    reserve.keep()
    reserve.keep()
    found = (tmp_path / "reserve").stat()
    assert (found.st_size, found.st_mode & 0o777) == (RESERVE, 0o600)
    assert found.st_blocks * 512 >= RESERVE, "a file with holes would reserve nothing"
    assert reserve.give()
    assert not reserve.give()


def test_no_space_for_the_reserve_is_no_error(tmp_path: Path) -> None:
    Reserve(tmp_path / "no" / "such" / "folder").keep()


async def test_a_removal_that_cannot_be_committed_is_taken_back(log: EventLog) -> None:
    accounts = Accounts(log.writer, log.reader)
    for name in ("ann", "bob"):
        await accounts.add_user(User(id=name, name=name, role=Role.USER, created_at=utc_now()))

    def refer(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("CREATE TABLE held (id TEXT REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)")
        db.execute("INSERT INTO held VALUES ('ann')")

    await log.writer.run(refer)  # what commits is refused at its very end
    with pytest.raises(StoreError):
        await accounts.remove_user("ann")
    await accounts.remove_user("bob")
    assert [user.id for user in await accounts.users() if user.id != LOCAL] == ["ann"]
