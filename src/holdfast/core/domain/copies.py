"""Tells the events that a fork has copied from those that happened."""

from __future__ import annotations

from datetime import datetime

from holdfast.core.domain.events import AnyEvent, RunCancelled, SessionCreated, SessionDeleted

_MOST_FORKS = 10_000


class Copies:
    """Reads all events in the order of the log.

    A fork begins with its `session.created`, then come the copies with the times of their originals; what was
    imported alike. What happened in a fork that was made before the first event that was read is not taken
    for a copy.
    """

    def __init__(self) -> None:
        self._made_at: dict[str, datetime] = {}

    def has(self, event: AnyEvent) -> bool:
        """Says whether `event` is a copy, or only ends the copy of a run that was under way."""
        if isinstance(event, SessionCreated):
            if event.forked_from is not None or event.imported_from:
                self._remember(event.session_id, event.at)
            return False
        if isinstance(event, SessionDeleted):
            self._made_at.pop(event.session_id, None)
            return False
        made_at = self._made_at.get(event.session_id)
        if made_at is None:
            return False
        return event.at <= made_at or (isinstance(event, RunCancelled) and event.reason == "forked")

    def _remember(self, session_id: str, at: datetime) -> None:
        if len(self._made_at) == _MOST_FORKS:
            del self._made_at[next(iter(self._made_at))]
        self._made_at[session_id] = at
