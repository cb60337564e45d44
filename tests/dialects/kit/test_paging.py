"""Windows by number, out of listings that come in pages."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.values import Page
from holdfast.server.kit.paging import first_items, window
from holdfast.server.kit.reading import ids_of

NUMBERS = st.integers(0, 30)


@given(st.integers(0, 25), NUMBERS, NUMBERS, st.integers(1, 7))
def test_a_window_is_a_slice_of_the_listing(count: int, offset: int, limit: int, page_size: int) -> None:
    listing = tuple(range(count))
    read: list[int] = []

    async def fetch(most: int, cursor: str | None) -> Page[int]:
        start = int(cursor or 0)
        items = listing[start : start + min(most, page_size)]
        read.extend(items)
        end = start + len(items)
        return Page[int](items=items, next_cursor=str(end) if end < count else None)

    expected = listing[offset : offset + limit]
    assert asyncio.run(first_items(fetch, offset, limit)) == expected
    assert len(read) <= offset + limit
    whole = window(listing, offset, limit)
    assert (whole.items, whole.total, whole.offset, whole.limit) == (expected, count, offset, limit)


@given(st.lists(st.text("abc-1", min_size=1), max_size=5))
def test_ids_that_are_joined_are_taken_apart_again(ids: list[str]) -> None:
    assert ids_of(",".join(ids)) == tuple(ids)
    assert ids_of(" , ".join(ids) + ",") == tuple(ids)
