"""What came of running a conversation, as it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.core.domain import events
from holdfast.tui.presenters.compare import Answer
from holdfast.tui.presenters.entries import Entry, Remove, Update, fold
from holdfast.tui.presenters.playground.state import OpenCall

if TYPE_CHECKING:
    from holdfast.core.domain.events import LoggedEvent
    from holdfast.core.domain.runs import Run


class Played(Answer):
    """What came of running the conversation, as it goes on."""

    def __init__(self, session_id: str, run_id: str) -> None:
        super().__init__("", session_id, run_id, "")
        self.entries: list[Entry] = []
        """What the agent has said and done; what it was told stands in the conversation."""
        self.fresh: list[Update] = []
        """What has changed in them since they were drawn."""
        self.open_calls: list[OpenCall] = []
        """What the person is to execute, once the run has ended with that."""
        self.run: Run | None = None
        """The run as the engine tells it, once it has ended."""
        self._asked: dict[str, OpenCall] = {}

    def apply(self, logged: LoggedEvent) -> list[Update]:
        event = logged.event
        if isinstance(event, events.ToolCallRequested):
            self._asked[event.call_id] = OpenCall(event.call_id, event.name, event.arguments)
        elif isinstance(event, events.ToolCallCompleted) and event.outcome == "client":
            self.open_calls.append(self._asked[event.call_id])
        updates = [one for one in super().apply(logged) if not _told(one)]
        fold(self.entries, updates)
        self.fresh += updates
        return updates

    @property
    def reply(self) -> str:
        """What the agent has said so far."""
        return "\n\n".join(one.text for one in self.entries if one.kind == "reply" and one.text)

    def raw(self) -> dict[str, Any]:
        """Returns what programs are told of it: the reply, the calls that are theirs, the run."""
        calls = [{"name": one.name, "parameters": one.arguments} for one in self.open_calls]
        told: dict[str, Any] = {"response": self.reply}
        if calls:
            told["tool_calls"] = calls
        if self.run is not None:
            told["run"] = self.run.model_dump(mode="json", exclude_none=True)
        else:
            told["run"] = {"id": self.run_id, "session_id": self.session_id, "status": "running"}
        return told


def _told(update: Update) -> bool:
    return not isinstance(update, Remove) and update.entry.kind in ("user", "queued")
