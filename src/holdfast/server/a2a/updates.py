"""A run that goes on, as the events of a task."""

from __future__ import annotations

from collections.abc import Iterable

from a2a.types.a2a_pb2 import TaskArtifactUpdateEvent, TaskStatusUpdateEvent

from holdfast.core.domain.events import MessageAdded, PartCompleted, PartDelta, ToolCallStarted
from holdfast.core.domain.runs import Run
from holdfast.server.a2a.mapping import reply_update, working
from holdfast.server.kit.run_state import RunState
from holdfast.server.tasks.following import Heard

Update = TaskArtifactUpdateEvent | TaskStatusUpdateEvent


class Updates:
    """Makes the events of one stream; `state` is the run, which has taken each event already."""

    def __init__(self, run: Run, state: RunState) -> None:
        self._ids = (run.id, run.session_id)
        self._state = state
        self._told = state.reply
        """The reply as the client has it."""
        self._number = 0
        self._waited = False

    def of(self, heard: Heard) -> Iterable[Update]:
        """Returns the events of one that was heard; none for what ends the stream."""
        event = heard.logged.event
        if self._waited and not heard.waits and not heard.ended:  # others have decided it
            yield working(*self._ids, self._next, event.at)
        self._waited = heard.waits
        if event.run_id != self._ids[0]:
            return
        match event:
            case PartDelta() if self._state.part is not None and self._state.part.kind == "text":
                yield self._append(self._state.separator + event.text)
            case PartCompleted(kind="text") | MessageAdded(origin="repair"):
                yield from self._corrected()
            case ToolCallStarted() if heard.line:
                yield working(*self._ids, self._next, event.at, heard.line)

    def last(self) -> Iterable[Update]:
        """Returns what closes the reply of a task that has ended."""
        yield from self._corrected()
        if self._told:
            yield reply_update(*self._ids, "", append=True, last=True)

    @property
    def _next(self) -> int:
        self._number += 1
        return self._number

    def _append(self, text: str) -> Update:
        begun, self._told = bool(self._told), self._told + text
        return reply_update(*self._ids, text, append=begun)

    def _corrected(self) -> Iterable[Update]:
        """The whole reply anew, where it is not what its pieces were."""
        reply = self._state.reply
        if reply == self._told or not reply:
            return
        if reply.startswith(self._told):
            yield self._append(reply.removeprefix(self._told))
        else:
            self._told = reply
            yield reply_update(*self._ids, reply, append=False)
