"""Where one message's run stands, read from the events of its session. Pure: no output, no waiting."""

from __future__ import annotations

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    ChildRunCompleted,
    ChildRunStarted,
    LoggedEvent,
    MessageAdded,
    MessageDequeued,
    MessageQueued,
    QuestionAnswered,
    QuestionAsked,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    SessionConfigured,
    SessionCreated,
    SessionDeleted,
    SessionRenamed,
    ToolCallCompleted,
    ToolCallStarted,
)
from holdfast.core.domain.tools import Question

Ended = RunCompleted | RunFailed | RunCancelled | MessageDequeued | SessionDeleted
"""What can end the wait for a reply: the run's end, or that the message will never be sent."""


class Progress:
    """Picks the events that belong to one message and keeps what the run does and waits for.

    `run_id` is None while the message is queued: then the run is found by the message's id.
    """

    def __init__(self, message_id: str, run_id: str | None) -> None:
        self.message_id = message_id
        self.run_id = run_id
        self.end: Ended | None = None
        self.waiting: dict[str, Approval | Question] = {}
        self.children: dict[str, str] = {}
        """Runs of sub-agents, at any depth, with their sessions: what waits in them waits here."""
        self._below: dict[str, str] = {}
        """Those that have not ended, each with the run above it."""
        self._executing: set[str] = set()
        self._started: LoggedEvent | None = None
        self._handed_over = False

    @property
    def blocked(self) -> bool:
        """True when neither the run nor one below it can do anything until a person decides."""
        asking = {item.run_id for item in self.waiting.values()}
        stuck = asking.union(self._below.values())
        return bool(asking) and not self._executing and stuck.issuperset(self._below)

    def take(self, logged: LoggedEvent) -> list[LoggedEvent]:
        """Returns the events that `logged` makes ours, in order: none, itself, or with one held back."""
        event = logged.event
        if self._handed_over and isinstance(event, RunStarted) and event.hand_overs:
            self.run_id, self._handed_over = event.run_id, False
            return [logged]
        if self.run_id is None and isinstance(event, RunStarted):
            self._started = logged  # ours only if our message follows
            return []
        if self.run_id is None and isinstance(event, MessageAdded) and event.message_id == self.message_id:
            self.run_id = event.run_id
            return [logged] if self._started is None else [self._started, logged]
        if event.run_id in self.children:
            self._note_child(logged)
            return []
        if not self._is_ours(logged):
            return []
        self._note(logged)
        return [logged]

    def _is_ours(self, logged: LoggedEvent) -> bool:
        match logged.event:
            case SessionCreated() | SessionRenamed() | SessionConfigured() | SessionDeleted():
                return True
            case MessageQueued(message_id=message_id) | MessageDequeued(message_id=message_id):
                return message_id == self.message_id
            case event:
                return event.run_id is not None and event.run_id == self.run_id

    def of_child(self, logged: LoggedEvent) -> bool:
        """Says whether an event is of a run of a sub-agent."""
        return logged.event.run_id in self.children

    def _note_child(self, logged: LoggedEvent) -> None:
        """Notes what a run of a sub-agent does and waits for; its end is not ours."""
        if not isinstance(logged.event, (RunCompleted, RunFailed, RunCancelled)):
            self._note(logged)

    def _note(self, logged: LoggedEvent) -> None:
        match logged.event:
            case RunCompleted(reason="handed_over"):
                self.run_id, self._handed_over = None, True  # what the other agent does is the reply
            case RunCompleted() | RunFailed() | RunCancelled() | SessionDeleted() as end:
                self.end = end
            case MessageDequeued(reason="pulled_back") as end:
                self.end = end
            case ChildRunStarted() as started:
                self.children[started.child_run_id] = started.child_session_id
                self._executing.discard(started.call_id)  # that one waits for what the sub-agent does
                self._below[started.child_run_id] = started.run_id
            case ChildRunCompleted(child_run_id=child_run_id):
                self._below.pop(child_run_id, None)
            case ToolCallStarted(call_id=call_id):
                self._executing.add(call_id)
            case ToolCallCompleted(call_id=call_id):
                self._executing.discard(call_id)
            case ApprovalRequested(approval=approval):
                self.waiting[approval.id] = approval
            case ApprovalResolved(approval_id=approval_id):
                self.waiting.pop(approval_id, None)
            case QuestionAsked(question=question):
                self._executing.discard(question.call_id)
                self.waiting[question.id] = question
            case QuestionAnswered(question_id=question_id, call_id=call_id):
                self.waiting.pop(question_id, None)
                self._executing.add(call_id)
