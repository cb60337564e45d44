"""Pages of listings: complete, without repetition, whatever is written while they are read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.events import MessageAdded, RunStarted, SessionDeleted
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.search import parsed
from holdfast.core.domain.values import Page, all_items
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.reader import Reader
from holdfast.core.store.search import MessageSearch

START = datetime(2026, 1, 1, tzinfo=UTC)


def used(session_id: str, minute: int) -> RunStarted:
    return RunStarted(
        session_id=session_id,
        run_id=f"{session_id}-{minute}",
        agent="a",
        model="m",
        at=START + timedelta(minutes=minute),
    )


def said(session_id: str, words: str) -> MessageAdded:
    return MessageAdded(
        session_id=session_id, run_id=f"{session_id}-0", message_id=words, parts=(TextPart(text=words),)
    )


async def test_pages_of_sessions_follow_on_each_other_also_where_times_are_equal(log, created) -> None:
    for number in range(7):
        await log.append(created(f"s{number}"), used(f"s{number}", number // 3))
    found, cursor = [], None
    while True:
        page = await log.reader.sessions(parsed(""), 2, cursor)
        found += [session.id for session in page.items]
        if (cursor := page.next_cursor) is None:
            break
        assert len(page.items) == 2
    assert found == ["s6", "s5", "s4", "s3", "s2", "s1", "s0"]


async def test_the_last_page_says_that_it_is_the_last_also_when_it_is_full(log, created) -> None:
    for number in range(4):
        await log.append(created(f"s{number}"), used(f"s{number}", number))
    first = await log.reader.sessions(parsed(""), 2)
    second = await log.reader.sessions(parsed(""), 2, first.next_cursor)
    assert first.next_cursor is not None and second.next_cursor is None
    assert len(second.items) == 2


async def test_what_happens_between_two_pages_neither_repeats_nor_hides_a_session(log, created) -> None:
    for number in range(6):
        await log.append(created(f"s{number}"), used(f"s{number}", number))
    first = await log.reader.sessions(parsed(""), 2)
    assert [session.id for session in first.items] == ["s5", "s4"]
    await log.append(created("new"), used("new", 90), used("s5", 91))
    await log.append(SessionDeleted(session_id="s4"))
    rest = await all_items(lambda _, at: log.reader.sessions(parsed(""), 2, at or first.next_cursor))
    assert [session.id for session in rest] == ["s3", "s2", "s1", "s0"]


async def test_pages_of_runs_begin_with_the_latest(log, created) -> None:
    await log.append(created("s"), *(used("s", number) for number in range(5)))
    pages = []
    cursor = None
    for _ in range(3):
        page = await log.reader.runs("s", 2, cursor)
        pages.append([run.id for run in page.items])
        cursor = page.next_cursor
    assert pages == [["s-4", "s-3"], ["s-2", "s-1"], ["s-0"]]
    assert cursor is None


async def test_hits_come_page_by_page_best_first_and_new_texts_do_not_move_them(log, created) -> None:
    await log.append(created("s"), used("s", 0))
    for number in range(12):
        often = number % 4 + 1
        await log.append(said("s", "word " * often + "other " * (4 - often)))
    whole = [hit.event_id for hit in (await MessageSearch(log.reader).page(parsed("word", "yes"), 100)).items]
    assert len(whole) == 12
    found, cursor = [], None
    while True:
        page = await MessageSearch(log.reader).page(parsed("word", "yes"), 3, cursor)
        found += [hit.event_id for hit in page.items]
        if (cursor := page.next_cursor) is None:
            break
        # New texts change every score.
        await log.append(said("s", "word and much else " * 9), said("s", "nothing of it"))
    assert found == whole


async def test_the_place_of_a_hit_that_is_gone_is_still_a_place(log, created) -> None:
    await log.append(created("s"), used("s", 0), created("t"), used("t", 0))
    await log.append(said("t", "word word word word"))
    for _ in range(3):
        await log.append(said("s", "word"))
    first = await MessageSearch(log.reader).page(parsed("word", "yes"), 1)
    assert first.items[0].session_id == "t"
    await log.append(SessionDeleted(session_id="t"))
    rest = await all_items(
        lambda _, at: MessageSearch(log.reader).page(parsed("word", "yes"), 1, at or first.next_cursor)
    )
    assert [hit.session_id for hit in rest] == ["s", "s", "s"]


async def test_a_cursor_is_good_for_its_own_listing_and_filters_only(log, created) -> None:
    for number in range(3):
        await log.append(created(f"s{number}", "Sales"), used(f"s{number}", number))
    cursor = (await log.reader.sessions(parsed(""), 1)).next_cursor
    for other in (
        log.reader.sessions(parsed("sales"), 1, cursor),
        log.reader.runs("s0", 1, cursor),
        log.reader.approvals(None, True, 1, cursor),
        log.reader.questions(None, 1, cursor),
        MessageSearch(log.reader).page(parsed("sales", "yes"), 1, cursor),
        MessageSearch(log.reader).page(parsed("", "yes"), 1, cursor),
    ):
        with pytest.raises(InvalidError) as refused:
            await other
        assert refused.value.code == "invalid_cursor"
        assert refused.value.details["fields"][0]["field"] == "cursor"


MARK = json.loads(base64.urlsafe_b64decode(Keyset("runs", "s").write(1)))[0]


def cursor_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "====", "ü", "\ud800", "\0", "a b", "1" * 999),
        cursor_of("x"),
        cursor_of({}),
        cursor_of(None),
        cursor_of(7),
        cursor_of([]),
        cursor_of([MARK]),
        cursor_of([MARK, "1"]),
        cursor_of([MARK, True]),
        cursor_of([MARK, 1.5]),
        cursor_of([MARK, 1, 2]),
        cursor_of([MARK, 2**63]),
        cursor_of(["x", 1]),
        base64.urlsafe_b64encode(b"[" * 500).decode(),
    ],
)
def test_a_cursor_that_nobody_has_written_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError) as refused:
        Keyset("runs", "s").read(cursor, int)
    assert refused.value.code == "invalid_cursor"


@given(st.text(), st.floats(allow_nan=False), st.integers(-(2**63) + 1, 2**63 - 1))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_cursor_gives_back_exactly_what_was_written(text: str, score: float, number: int) -> None:
    place = Keyset("x", text, None)
    assert place.read(place.write(text, score, number), str, float, int) == [text, score, number]


@pytest.mark.parametrize("most", [None, 0, 1, 999, 1000, 1001, 2500, 9999])
async def test_all_items_are_taken_or_as_many_as_are_wanted(most: int | None) -> None:
    numbers = range(2_500)

    async def fetch(limit: int, cursor: str | None) -> Page[int]:
        assert 1 <= limit <= 1_000
        start = int(cursor or 0)
        more = start + limit < len(numbers)
        return Page[int](
            items=tuple(numbers[start : start + limit]), next_cursor=str(start + limit) if more else None
        )

    assert await all_items(fetch, most) == tuple(numbers[:most])


class Noting:
    """A reader that notes what was asked."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.asked: list[tuple[str, list[Any]]] = []

    async def last_event_id(self) -> int:
        return await self._reader.last_event_id()

    async def rows(self, sql: str, values: Iterable[Any] = ()) -> list[Any]:
        self.asked.append((sql, list(values)))
        return await self._reader.rows(*self.asked[-1])


async def test_the_excerpts_of_a_page_are_found_in_one_search(log, created) -> None:
    words = [said("s", f"word{n}") for n in range(5)]
    await log.append(created("s"), used("s", 0), *words)
    reader = Noting(log.reader)
    assert len((await MessageSearch(reader).page(parsed("word"), 5)).items) == 5  # type: ignore[arg-type]
    (excerpts,) = [each for each in reader.asked if "snippet" in each[0]]
    plan = await log.reader.rows(f"EXPLAIN QUERY PLAN {excerpts[0]}", excerpts[1])
    (step,) = [row["detail"] for row in plan if "VIRTUAL TABLE" in row["detail"]]
    assert "=" not in step, "a search for each hit"
