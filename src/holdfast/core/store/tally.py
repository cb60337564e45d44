"""Counts what is committed, since the log was opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from holdfast.core.domain.copies import Copies
from holdfast.core.domain.events import RUN_ENDS, LoggedEvent


class Tally:
    """How many events were appended, and how many runs ended in which way."""

    def __init__(self) -> None:
        self.events = 0
        self.runs_ended: Counter[str] = Counter({end.removeprefix("run."): 0 for end in RUN_ENDS})
        """By status; the copies of runs that a fork makes are not counted."""
        self._copies = Copies()

    def add(self, batch: Sequence[LoggedEvent]) -> None:
        """Counts events that were committed."""
        self.events += len(batch)
        for logged in batch:
            event = logged.event
            if not event.type.startswith(("run.", "session.")):
                continue
            copy = self._copies.has(event)
            if event.type in RUN_ENDS and not copy:
                self.runs_ended[event.type.removeprefix("run.")] += 1
