"""Where words stand in the open session, what is not on the screen included."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from holdfast.tui.presenters.entries import Entry
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.presenters.words import in_small, words_of


@dataclass(slots=True)
class _Said:
    """An entry that is not on the screen: no more of it than finding needs."""

    id: str
    event_id: int
    words: str


@dataclass(slots=True)
class Hits:
    """How often the words stand in one entry."""

    entry_id: str
    event_id: int
    count: int
    here: bool
    """Whether the transcript has the entry."""


class Places:
    """The places of one needle in all entries of a session, in the order of the session."""

    def __init__(self) -> None:
        self.needle = ""
        self.complete = False
        """Whether everything before what is on the screen has been read."""
        self._older: list[_Said] = []
        self._kept: dict[str, str] = {}
        self._hits: list[Hits] = []
        self._ends: list[int] = []
        self._seen: dict[str, int] = {}

    def add_older(self, entries: Iterable[Entry]) -> None:
        """Takes in a page of entries that comes before all that is known."""
        page = [_Said(entry.id, entry.event_id, in_small(words_of(entry))) for entry in entries]
        self._older[:0] = page

    def search(self, needle: str, here: Iterable[Entry]) -> None:
        """Looks for `needle` in what was read and in the entries that the transcript has."""
        if needle != self.needle:
            self._seen.clear()
        self.needle = needle
        small = in_small(needle)
        shown = {entry.id: entry for entry in here}
        hits = [
            Hits(said.id, said.event_id, said.words.count(small), False)
            for said in self._older
            if said.id not in shown and small
        ]
        hits += [
            Hits(entry.id, entry.event_id, self._words(entry).count(small), True)
            for entry in shown.values()
            if small
        ]
        self._hits = sorted((one for one in hits if one.count), key=lambda one: one.event_id or 1 << 62)
        for one in self._hits:
            one.count = self._seen.get(one.entry_id, one.count)
        self._add_up()

    def _words(self, entry: Entry) -> str:
        if entry.open:
            return in_small(words_of(entry))
        # Changed once more only by a decision: a few words of a remark are then found late.
        if entry.id not in self._kept:
            self._kept[entry.id] = in_small(words_of(entry))
        return self._kept[entry.id]

    def _add_up(self) -> None:
        self._ends = list(accumulate(one.count for one in self._hits))

    @property
    def total(self) -> int:
        """How many places there are."""
        return self._ends[-1] if self._ends else 0

    def number(self, entry_id: str, nth: int, shown: int) -> int:
        """Returns the number of a place, from 1: the `nth` (from 0) of the `shown` that its entry shows.
        What an entry shows counts from then on: signs of Markdown in its source are no places."""
        index = next((i for i, one in enumerate(self._hits) if one.entry_id == entry_id), None)
        if index is None:
            return 0
        self._seen[entry_id] = shown
        if self._hits[index].count != shown:
            self._hits[index].count = shown
            self._add_up()
        return self._ends[index] - shown + nth + 1

    def further(self, event_id: int, step: int) -> Hits | None:
        """Returns the nearest entry with the words that the transcript does not have, before an event
        (`step` -1); with `step` 1 the first of all, which comes after the last."""
        away = [one for one in self._hits if not one.here]
        if step > 0:
            return away[0] if away else None
        at = bisect_left([one.event_id for one in away], event_id)
        return away[at - 1] if at else None

    @property
    def above(self) -> int:
        """How many places stand in what the transcript does not have."""
        return sum(one.count for one in self._hits if not one.here)


def count_line(places: Places, number: int) -> Line:
    """Returns what stands beside the field: `3 of 17`."""
    more = "" if places.complete else " …"
    if not places.needle:
        return line(("type to find", "muted"))
    if not places.total:
        return line((f"no place{more}", "muted" if more else "warning"))
    if number:
        return line((f"{number:,} of {places.total:,}{more}", "strong"))
    above = "further up" if places.above == places.total else "in all"
    return line((f"{places.total:,} {above}{more}", "strong"))


def word_in(query: str, text: str) -> str:
    """Returns what of a search over all sessions is to be marked in an entry: the whole of it where it
    stands there so, else its longest word that does."""
    small = in_small(text)
    phrase = query.strip().strip('"')
    words = sorted((word.strip('"*') for word in query.split()), key=len, reverse=True)
    return next((one for one in (phrase, *words) if one and in_small(one) in small), phrase)
