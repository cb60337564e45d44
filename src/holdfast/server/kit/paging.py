"""Pages by number, as upstreams have them, out of listings that are cut at places."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from holdfast.core.domain.values import Page, all_items

T = TypeVar("T")

Fetch = Callable[[int, str | None], Awaitable[Page[T]]]
"""Reads a page: takes a limit and a cursor."""


@dataclass(frozen=True, slots=True)
class Window(Generic[T]):
    """A part of a listing by number."""

    items: tuple[T, ...]
    total: int
    """How many the whole listing has."""
    offset: int
    limit: int


async def first_items(fetch: Fetch[T], offset: int, limit: int) -> tuple[T, ...]:
    """Returns up to `limit` items behind the first `offset`; nothing behind them is read."""
    return (await all_items(fetch, offset + limit))[offset:]


def window(items: Sequence[T], offset: int, limit: int) -> Window[T]:
    """Returns a part of a listing that was read whole."""
    return Window(tuple(items[offset : offset + limit]), len(items), offset, limit)
