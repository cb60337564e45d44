"""What becomes of a task, piece by piece. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from holdfast.core.domain.events import MessageAdded, PartCompleted, PartDelta, ToolCallStarted
from holdfast.server.kit.run_state import RunState
from holdfast.server.tasks.following import Heard

REPLY = "reply"
"""The id of the artifact that is what the agent has said."""


@dataclass(frozen=True, slots=True)
class ReplyPiece:
    """A piece of the reply, or all of it anew."""

    text: str
    append: bool
    last: bool = False


@dataclass(frozen=True, slots=True)
class Working:
    """The task goes on."""

    number: int
    """From 1 in each stream."""
    at: datetime
    line: str = ""
    """What it does now."""


class Updates:
    """Makes the updates of one stream; `state` is the run, which has taken each event already."""

    def __init__(self, run_id: str, state: RunState, *, waits: bool = False) -> None:
        """`waits`: something does already."""
        self._run_id = run_id
        self._state = state
        self._told = state.reply
        """The reply as the client has it."""
        self._number = 0
        self._waited = waits

    def of(self, heard: Heard) -> Iterable[ReplyPiece | Working]:
        """Returns the updates of what was heard. That it waits, and how it ends, is not among them."""
        event = heard.logged.event
        if self._waited and not heard.waits and not heard.ended:  # others have decided it
            yield self._working(event.at)
        self._waited = heard.waits
        if event.run_id != self._run_id:
            return
        match event:
            case PartDelta() if self._state.part is not None and self._state.part.kind == "text":
                yield self._append(self._state.separator + event.text)
            case PartCompleted(kind="text") | MessageAdded(origin="repair"):
                yield from self._corrected()
            case ToolCallStarted() if heard.line:
                yield self._working(event.at, heard.line)

    def last(self) -> Iterable[ReplyPiece]:
        """Returns what closes the reply of a task that has ended."""
        yield from self._corrected()
        if self._told:
            yield ReplyPiece("", append=True, last=True)

    def _working(self, at: datetime, line: str = "") -> Working:
        self._number += 1
        return Working(self._number, at, line)

    def _append(self, text: str) -> ReplyPiece:
        begun, self._told = bool(self._told), self._told + text
        return ReplyPiece(text, append=begun)

    def _corrected(self) -> Iterable[ReplyPiece]:
        """The whole reply anew, where it is not what its pieces were."""
        reply = self._state.reply
        if reply == self._told or not reply:
            return
        if reply.startswith(self._told):
            yield self._append(reply.removeprefix(self._told))
        else:
            self._told = reply
            yield ReplyPiece(reply, append=False)
