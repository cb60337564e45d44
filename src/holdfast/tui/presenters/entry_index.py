"""Finds entries of the transcript by id and by event."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from holdfast.tui.presenters.entries import Append, Change, Entry, Remove, Update


class EntryIndex:
    """Knows the entries that were given to the transcript."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        """Yields the entries in the order of their events; queued messages and what has none at the end."""
        return iter(
            sorted(self._entries.values(), key=lambda e: e.event_id if e.kind != "queued" else 1 << 62)
        )

    @property
    def first_event(self) -> int:
        """The event that the first entry began with; 0 when there is none."""
        return min((e.event_id for e in self._entries.values() if e.event_id), default=0)

    def clear(self) -> None:
        self._entries.clear()

    def add(self, entries: Iterable[Entry]) -> None:
        self._entries.update((entry.id, entry) for entry in entries)

    def apply(self, updates: Iterable[Update]) -> None:
        for update in updates:
            if isinstance(update, Remove):
                self._entries.pop(update.id, None)
            elif isinstance(update, Append | Change):
                self._entries[update.entry.id] = update.entry

    def get(self, entry_id: str | None) -> Entry | None:
        return self._entries.get(entry_id) if entry_id is not None else None

    def last(self, subject: str) -> Entry | None:
        """Returns the latest notice that is about a subject."""
        about = (e for e in self._entries.values() if e.kind == "notice" and e.subject == subject)
        return max(about, key=lambda e: e.event_id, default=None)

    def last_child(self) -> str:
        """Returns the session of the latest sub-agent that a call has started; empty where there is none."""
        started = (e for e in self._entries.values() if e.child)
        last = max(started, key=lambda e: e.event_id, default=None)
        return last.child if last is not None else ""

    def at_event(self, event_id: int) -> Entry | None:
        """Returns the entry that an event belongs to: the last that began at it or before it."""
        began = sorted((e for e in self._entries.values() if e.event_id), key=lambda e: e.event_id)
        index = bisect_right([e.event_id for e in began], event_id)
        return began[index - 1] if index else (began[0] if began else None)
