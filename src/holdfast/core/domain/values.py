"""The base of every domain type, the two facts each of them needs (an id and a time), and pages of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

MAX_LIMIT = 1_000
"""Most items of one page."""

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Most items in the answer.")]
"""How many items a page has at most."""

Cursor = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        description="Where to go on: `next_cursor` of the page before, from a call with the same filters.",
    ),
]
"""A place in a listing; only the engine that made it can read it."""

PageNumber = Annotated[
    int, Field(ge=1, le=1_000_000_000, description="Which page of a numbered listing, from 1.")
]
"""The number of a page."""

MAX_WAIT_S = 100.0
"""Longest wait of one request, in seconds: shorter than what clients and proxies wait for an answer."""

Wait = Annotated[
    float, Field(ge=0, le=MAX_WAIT_S, description="Seconds to wait at most for it to be done; 0: none.")
]

EventId = Annotated[int, Field(ge=0, le=2**63 - 1, description="The id of an event.")]


class Value(BaseModel):
    """A frozen value that refuses keys it does not know, and numbers that JSON cannot hold: what was written
    can be read again. Everything in the domain is one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Page(Value, Generic[T]):
    """A part of a listing.

    Pages are cut at a place in the listing's order and not at a number, so what is added or removed
    meanwhile neither repeats nor hides anything else.
    """

    items: tuple[T, ...]
    next_cursor: str | None = None
    """Where the next page begins; None when this is the last one."""


async def all_items(
    fetch: Callable[[int, str | None], Awaitable[Page[T]]], most: int | None = None
) -> tuple[T, ...]:
    """Returns the items of all pages, or the first `most`; `fetch` takes a limit and a cursor."""
    found: list[T] = []
    cursor: str | None = None
    while most is None or len(found) < most:
        page = await fetch(MAX_LIMIT if most is None else min(MAX_LIMIT, most - len(found)), cursor)
        found.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            break
    return tuple(found)


def new_id() -> str:
    """Returns a new UUID as text; the id of every object is one of these."""
    return str(uuid.uuid4())


def new_dated_id() -> str:
    """Returns a new UUID that says when it was made (version 7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = uuid.uuid4().int & ((1 << 80) - 1)
    number = (milliseconds & ((1 << 48) - 1)) << 80 | random
    number = number & ~(0xF << 76) | 0x7 << 76
    return str(uuid.UUID(int=number & ~(0x3 << 62) | 0x2 << 62))


def made_at(id: str) -> datetime | None:
    """Returns when an id was made; None for one that does not say it."""
    number = uuid.UUID(id)
    if number.version != 7:
        return None
    try:
        return datetime.fromtimestamp((number.int >> 80) / 1000, UTC)
    except (OverflowError, ValueError):  # of a year that nobody lives in
        return None


def new_call_id() -> str:
    """Returns a new id for a tool call, of the form that providers take."""
    return f"call_{uuid.uuid4().hex[:24]}"


def utc_now() -> datetime:
    """Returns the present as an aware datetime in UTC."""
    return datetime.now(UTC)
