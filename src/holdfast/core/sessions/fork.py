"""Copies of a session's events for a fork: new ids for session, runs, approvals and messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from holdfast.core.domain.events import (
    DELTAS,
    EVENT,
    AnyEvent,
    LoggedEvent,
    PartCompleted,
    PartStarted,
)
from holdfast.core.domain.session_events import MARKS
from holdfast.core.domain.values import new_id

_NOT_COPIED = (
    *DELTAS,
    "session.created",
    "session.renamed",
    "session.configured",
    "session.annotated",
    "session.cleared",
    "session.deleted",
    *MARKS,
    "session.mode_changed",
    "session.grants_dropped",
    "message.queued",
    "message.dequeued",
)
_IDS = ("run_id", "approval_id", "question_id", "message_id", "continues")
_RECORDS = ("approval", "question")


class Renaming:
    """Gives every old id one new id, the same wherever it stands."""

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        self._new: dict[str, str] = {}

    def new(self, old: str) -> str:
        """Returns the new id of `old`."""
        return self._new.setdefault(old, new_id())

    def event(self, event: AnyEvent) -> AnyEvent:
        """Returns the event with new ids; its time and content stay."""
        fields = self._record(event.model_dump(mode="json"))
        for name in _RECORDS:
            if isinstance(record := fields.get(name), dict):
                fields[name] = self._record(record) | {"id": self.new(record["id"])}
        if event.type == "context.compacted":
            fields["through_event_id"] = None
        return EVENT.validate_python(fields)

    def _record(self, fields: dict[str, Any]) -> dict[str, Any]:
        ids = {name: self.new(fields[name]) for name in _IDS if fields.get(name)}
        return fields | ids | {"session_id": self._session_id}


def copied(events: Sequence[LoggedEvent], run_ids: set[str]) -> Iterator[LoggedEvent]:
    """Yields what a fork takes over: events of the runs in `run_ids`, and those outside of runs.

    Deltas are not: completed parts say it all. A part that the fork cuts in the middle is left out.
    """
    whole = {
        (logged.event.run_id, logged.event.part_id)
        for logged in events
        if isinstance(logged.event, PartCompleted)
    }
    for logged in events:
        event = logged.event
        if event.type in _NOT_COPIED:
            continue
        if isinstance(event, PartStarted) and (event.run_id, event.part_id) not in whole:
            continue
        if event.run_id is None or event.run_id in run_ids:
            yield logged
