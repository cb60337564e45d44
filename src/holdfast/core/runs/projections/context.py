"""What a model sees of a session: the log, folded into messages. There is no second history."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from holdfast.core.domain.events import (
    ContextCompacted,
    LoggedEvent,
    MessageAdded,
    PartCompleted,
    StepStarted,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
)
from holdfast.core.domain.messages import Message, Part, TextPart, ToolCallPart, ToolResultPart

SUMMARY_HEADER = "Summary of the conversation before this point:\n\n"


@dataclass(slots=True)
class Entry:
    """One message in the making, and the event that began it."""

    event_id: int
    role: Literal["user", "assistant", "tool"]
    parts: list[Part] = field(default_factory=list)

    @property
    def message(self) -> Message:
        return Message(role=self.role, parts=tuple(self.parts))


class ContextProjection:
    """Folds committed events, in order of their ids, into the model's messages."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._calls: dict[str, Entry] = {}

    @property
    def entries(self) -> list[Entry]:
        """The messages that are not empty, with the ids of the events that began them."""
        return [entry for entry in self._entries if entry.parts]

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(entry.message for entry in self.entries)

    def apply(self, logged: LoggedEvent) -> None:
        """Takes in the next event; those that a model does not see change nothing."""
        event = logged.event
        match event:
            case MessageAdded():
                self._entries.append(Entry(logged.id, "user", list(event.parts)))
            case StepStarted():
                self._entries.append(Entry(logged.id, "assistant"))
            case PartCompleted(kind="text") if event.text:
                self._reply(logged.id).parts.append(TextPart(text=event.text))
            case ToolCallRequested():
                entry = self._reply(logged.id)
                self._calls[event.call_id] = entry
                entry.parts.append(
                    ToolCallPart(call_id=event.call_id, name=event.name, arguments=event.arguments)
                )
            case ToolCallStarted():
                self._edit(event)
            case ToolCallCompleted():
                result = ToolResultPart(
                    call_id=event.call_id,
                    name=event.name,
                    content=event.content,
                    is_error=event.outcome != "ok",
                )
                self._calls.pop(event.call_id, None)
                self._entries.append(Entry(logged.id, "tool", [result]))
            case ContextCompacted():
                kept = [entry for entry in self._entries if entry.event_id > event.through_event_id]
                summary = TextPart(text=SUMMARY_HEADER + event.summary)
                self._entries = [Entry(event.through_event_id, "user", [summary]), *kept]

    def _reply(self, event_id: int) -> Entry:
        """Returns the assistant message that is being written."""
        if not self._entries or self._entries[-1].role != "assistant":
            self._entries.append(Entry(event_id, "assistant"))
        return self._entries[-1]

    def _edit(self, event: ToolCallStarted) -> None:
        """Shows the call to the model as it was executed: a person may have edited it."""
        entry = self._calls.get(event.call_id)
        if entry is None:
            return
        entry.parts = [
            part.model_copy(update={"arguments": event.arguments})
            if isinstance(part, ToolCallPart) and part.call_id == event.call_id
            else part
            for part in entry.parts
        ]
