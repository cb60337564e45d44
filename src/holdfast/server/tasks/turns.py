"""What was said in a conversation, as a list of turns. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from holdfast.core.domain.events import LoggedEvent, MessageAdded, PartCompleted, ToolCallCompleted
from holdfast.core.domain.messages import text_of

_SAID = ("send", "steer", "agent")


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that one side has said."""

    id: str
    """The same whenever it is read."""
    role: Literal["user", "agent", "tool"]
    text: str
    run_id: str
    at: datetime


def turns_of(events: Iterable[LoggedEvent]) -> tuple[Turn, ...]:
    """Returns the turns in the events of a session or a run, in their order; what has no text is left out."""
    turns: list[Turn] = []
    for logged in events:
        event = logged.event
        match event:
            case MessageAdded(origin="repair"):  # what the run has said did not fit, and is said anew
                turns = [one for one in turns if (one.run_id, one.role) != (event.run_id, "agent")]
            case MessageAdded() if event.origin in _SAID:
                _add(turns, Turn(event.message_id, "user", text_of(event.parts), event.run_id, event.at))
            case PartCompleted(kind="text"):
                id = _id(event.run_id, event.part_id)
                _add(turns, Turn(id, "agent", event.text, event.run_id, event.at))
            case ToolCallCompleted():
                id = _id(event.run_id, event.call_id)
                _add(turns, Turn(id, "tool", text_of(event.content), event.run_id, event.at))
    return tuple(turns)


def _add(turns: list[Turn], turn: Turn) -> None:
    if turn.text.strip():
        turns.append(turn)


def _id(run_id: str, part: str) -> str:
    """A part's id is its own in its run only."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run_id}/{part}"))
