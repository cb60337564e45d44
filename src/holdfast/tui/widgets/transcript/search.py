"""Finding words in entries and in their lines."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from holdfast.tui.presenters.entries import Entry
from holdfast.tui.presenters.words import in_small, occurrences, words_of
from holdfast.tui.widgets.transcript import styles
from holdfast.tui.widgets.transcript.block import place_of
from holdfast.tui.widgets.transcript.column import Column
from holdfast.tui.widgets.transcript.item import Item
from holdfast.tui.widgets.transcript.line import Line, Mark


@dataclass(slots=True, frozen=True)
class Hit:
    """Where a line holds the words: the line's key and the first character."""

    key: int
    start: int


class HitPlace(NamedTuple):
    """A hit by the entry that it stands in."""

    entry_id: str
    nth: int
    """Which one in the entry, from 0."""
    shown: int
    """How many the entry shows."""


class Search:
    """What is looked for, and the hit that a person stands on."""

    def __init__(self, text: str) -> None:
        self.needle = text.lower()
        self.current: Hit | None = None

    def matches(self, entry: Entry) -> int:
        """Returns how often the words stand in an entry's source."""
        return sum(1 for _ in occurrences(words_of(entry), self.needle))

    def _may_hold(self, entry: Entry) -> bool:
        return self.needle in in_small(words_of(entry))

    def step(self, column: Column, top: int, step: int, *, wrap: bool = True) -> bool:
        """Makes the next hit the current one (the previous when `step` is -1), round the ends if `wrap`; the
        first time, the next from the row `top` on. Returns whether there is one."""
        here = self.current
        place = column.locate(top)
        if place is None:
            return False
        at = column.items[place.item].number if here is None else place_of(here.key)[0]
        for number, item in enumerate(_ahead(column, at, step, wrap)):
            if not self._may_hold(item.entry):
                continue
            hits = self.hits(column, item)[::step]
            if number == 0 and here is not None and item.number == at:
                now = (here.key, here.start)
                hits = [h for h in hits if (h.key, h.start) != now and ((h.key, h.start) > now) == (step > 0)]
            if hits:
                self.current = hits[0]
                return True
        return False

    def place(self, column: Column) -> HitPlace | None:
        """Returns where the current hit stands among those of its entry."""
        here = self.current
        items = column.between(*[place_of(here.key)[0]] * 2) if here is not None else []
        if here is None or not items:
            return None
        hits = self._shown(column, items[0])
        return HitPlace(items[0].entry.id, hits.index(here) if here in hits else 0, len(hits))

    def hits(self, column: Column, item: Item) -> list[Hit]:
        """Returns the hits in an item, which is opened when they are hidden in it."""
        hits = self._shown(column, item)
        if not hits and item.collapsed:
            item.wish = False
            column.rebuild(item)
            hits = self._shown(column, item)
        return hits

    def _shown(self, column: Column, item: Item) -> list[Hit]:
        column.make(item)
        return [
            Hit(block.key + number, at)
            for block in item.blocks
            for number, line in enumerate(block.read(column.width))
            for at in occurrences(line.content.plain, self.needle)
        ]

    def marks(self, key: int, line: Line) -> list[Mark]:
        """Returns the highlights of a line."""
        return [
            (
                at,
                at + len(self.needle),
                styles.CURRENT_HIT if Hit(key, at) == self.current else styles.HIT,
            )
            for at in occurrences(line.content.plain, self.needle)
        ]


def _ahead(column: Column, at: int, step: int, wrap: bool) -> Iterator[Item]:
    """Yields the items from the one of number `at` on, or backwards, then all of them once more if `wrap`."""
    items = column.items
    if step > 0:
        first = bisect_left(items, at, key=_number)
        yield from islice(items, first, None)
    else:
        last = bisect_right(items, at, key=_number) - 1
        yield from (items[position] for position in range(last, -1, -1))
    if wrap:
        yield from items[::step]


_number = attrgetter("number")
