"""The promises of the log: durable before visible, one cursor, no gap, no repetition, bounded memory."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.errors import StoreError, StoreTooNew
from holdfast.core.domain.events import EventFilter, LoggedEvent, PartDelta, SessionDeleted
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.store import broadcast
from holdfast.core.store import log as log_module
from holdfast.core.store.log import EventLog


async def take(log: EventLog, filter: EventFilter, after: int | None, count: int) -> list[LoggedEvent]:
    found: list[LoggedEvent] = []
    async with asyncio.timeout(10):
        async for logged in log.follow(filter, after):
            found.append(logged)
            if len(found) == count:
                return found
    return found


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=10), awaited=st.booleans())
async def test_an_event_is_in_the_database_when_a_follower_sees_it(
    tmp_path_factory, sizes: list[int], awaited: bool
) -> None:
    """Durable before visible, however the appends are grouped."""
    folder = tmp_path_factory.mktemp("log")
    log = await EventLog.open(folder / "db", FileBlobs(folder / "blobs"))
    other = sqlite3.connect(folder / "db")

    async def follow() -> None:
        seen = 0
        async for logged in log.follow(EventFilter(), 0):
            row = other.execute("SELECT COUNT(*) FROM events WHERE id = ?", (logged.id,)).fetchone()
            assert row == (1,), "seen before it was committed"
            seen += 1
            if seen == sum(sizes):
                return

    follower = asyncio.create_task(follow())
    for size in sizes:
        events = [PartDelta(session_id="s", run_id="r", part_id="1", text="x") for _ in range(size)]
        appended = log.append(*events)
        if awaited:
            await appended
    async with asyncio.timeout(10):
        await follower
    other.close()
    await log.close()


async def test_ids_are_never_used_again_after_a_delete(log, created) -> None:
    first = (await log.append(created("a")))[0].id
    await log.append(SessionDeleted(session_id="a"))
    second = (await log.append(created("b")))[0].id
    assert second == first + 2


async def test_a_follower_from_now_sees_only_what_comes_later(log, created) -> None:
    await log.append(created("old"))
    stream = log.follow(EventFilter(), None)
    first = asyncio.ensure_future(anext(stream))
    async with asyncio.timeout(10):
        while not first.done():
            await log.append(created(f"new{await log.reader.last_event_id()}"))
    assert (await first).event.session_id.startswith("new")
    await stream.aclose()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    cursor=st.integers(0, 60),
    queue=st.sampled_from([1, 3, 50, 2000]),
    page=st.sampled_from([1, 7, 1000]),
)
async def test_every_follower_sees_every_event_once_in_order(
    tmp_path_factory, sizes: list[int], cursor: int, queue: int, page: int
) -> None:
    """Gap-free join, with queues that overflow and pages that end anywhere."""
    folder = tmp_path_factory.mktemp("log")
    saved = broadcast.QUEUE, log_module._PAGE
    broadcast.QUEUE, log_module._PAGE = queue, page
    log = await EventLog.open(folder / "db", FileBlobs(folder / "blobs"))
    try:

        async def write() -> None:
            for size in sizes:
                events = [PartDelta(session_id="s", run_id="r", part_id="1", text="x") for _ in range(size)]
                await log.append(*events)
                await asyncio.sleep(0)

        total = sum(sizes)
        expected = list(range(cursor + 1, total + 1))
        reader = asyncio.create_task(take(log, EventFilter(run_id="r"), cursor, max(1, len(expected))))
        await write()
        if expected:
            assert [each.id for each in await reader] == expected
        else:
            reader.cancel()
    finally:
        broadcast.QUEUE, log_module._PAGE = saved
        await log.close()


async def test_a_slow_follower_holds_a_bounded_queue_and_misses_nothing(log, delta) -> None:
    stream = log.follow(EventFilter(run_id="r"), 0)
    await log.append(delta("first"))
    assert (await anext(stream)).event.text == "first"
    for start in range(0, 6000, 500):
        await log.append(*(delta(str(start + each)) for each in range(500)))
    (follower,) = log._followers
    assert len(follower.waiting) <= broadcast.QUEUE
    rest = [(await anext(stream)).event.text for _ in range(6000)]
    assert rest == [str(number) for number in range(6000)]
    await stream.aclose()
    assert not list(log._followers)


async def test_a_filter_leaves_out_other_sessions_and_deltas(log, created, delta, started) -> None:
    await log.append(created("s"), created("t"), *started(), delta("a"), delta("b", "t", "q"))
    events = await log.read(EventFilter(session_id="s", deltas=False))
    assert [each.event.type for each in events] == ["session.created", "run.started", "part.started"]
    assert len(await log.read(EventFilter(run_id="q"))) == 1


async def test_a_large_event_is_kept_as_a_blob_and_reads_as_it_was(log, delta, blobs) -> None:
    text = "long " * 40_000
    await log.append(delta(text))
    (read,) = await log.read(EventFilter())
    assert read.event.text == text
    (digest,) = await log.reader.all_blobs()
    assert blobs.path(digest).is_file()


async def test_secrets_are_gone_before_anything_is_stored(tmp_path: Path, blobs, delta) -> None:
    log = await EventLog.open(tmp_path / "db", blobs, lambda text: text.replace("sk-canary", "[redacted]"))
    (logged,) = await log.append(delta("key sk-canary!"))
    assert logged.event.text == "key [redacted]!"
    await log.close()
    assert b"sk-canary" not in (tmp_path / "db").read_bytes()


@pytest.mark.parametrize("secret", ["session_id", "part_id", "part.delta"])
async def test_a_secret_that_is_a_word_of_events_is_redacted_where_it_is_said(
    tmp_path: Path, blobs, delta, secret: str
) -> None:
    log = await EventLog.open(tmp_path / "db", blobs, lambda text: text.replace(secret, "[redacted]"))
    (logged,) = await log.append(delta(f"key {secret}!"))
    assert (logged.event.type, logged.event.text) == ("part.delta", "key [redacted]!")
    await log.close()


async def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path, blobs) -> None:
    db = sqlite3.connect(tmp_path / "db")
    db.execute("PRAGMA user_version = 999")
    db.commit()
    db.close()
    before = (tmp_path / "db").read_bytes()
    with pytest.raises(StoreTooNew, match="999"):
        await EventLog.open(tmp_path / "db", blobs)
    assert (tmp_path / "db").read_bytes()[:100].count(b"SQLite") == before[:100].count(b"SQLite")


async def test_a_file_that_is_no_database_gets_a_clear_error(tmp_path: Path, blobs) -> None:
    (tmp_path / "db").write_bytes(b"this is not a database, but long enough to look at" * 100)
    with pytest.raises(StoreError, match="damaged"):
        await EventLog.open(tmp_path / "db", blobs)


async def test_a_closed_database_says_so_and_lets_nobody_wait(tmp_path: Path, blobs, created) -> None:
    log = await EventLog.open(tmp_path / "closed.db", blobs)
    await log.close()
    async with asyncio.timeout(10):
        for asked in (log.append(created("s")), log.writer.run(lambda db: None)):
            with pytest.raises(StoreError) as caught:
                await asked
            assert caught.value.code == "store_closed"


async def test_one_bad_append_does_not_take_others_with_it(log, created) -> None:
    jobs = [log.append(created("a")), log.append(created("a")), log.append(created("b"))]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(results[1], StoreError)
    assert {each.event.session_id for each in await log.read(EventFilter())} == {"a", "b"}


async def test_a_full_disk_is_an_error_that_says_so_and_nothing_is_lost(log, created) -> None:
    await log.append(created("kept"))
    pages = await log.writer.run(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    await log.writer.run(lambda db: db.execute(f"PRAGMA max_page_count = {pages + 1}"))
    with pytest.raises(StoreError, match="disk is full") as caught:
        for number in range(500):
            await log.append(created(f"s{number}", "t" * 2000))
    assert caught.value.code == "disk_full"
    await log.writer.run(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
    await log.append(created("later"))
    sessions = {each.event.session_id for each in await log.read_all(EventFilter())}
    assert {"kept", "later"} <= sessions


async def test_half_a_character_is_replaced_and_the_rest_is_kept(log, delta) -> None:
    (logged,) = await log.append(delta("fine \ud800 text"))
    assert logged.event.text == "fine ? text"
