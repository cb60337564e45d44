"""What a run has come to, folded from its events and those of the runs that it has started."""

from __future__ import annotations

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.events import (
    RUN_ENDS,
    AnyEvent,
    ApprovalRequested,
    ApprovalResolved,
    ChildRunCompleted,
    ChildRunStarted,
    LoggedEvent,
    PartCompleted,
    QuestionAnswered,
    QuestionAsked,
    RunCompleted,
    RunStarted,
    StepStarted,
    ToolCallRequested,
    ToolCallStarted,
)
from holdfast.core.domain.runs import Run
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import Question, line_of

Waiting = Approval | Question
"""What a run waits for a person with."""

_LINE = 200


class Watched:
    """One run, the run of another agent that it may hand the conversation over to, and their sub-agents'.

    Takes the events of the sessions in `cursors`, oldest first in each; they may leave out deltas.
    """

    def __init__(self, run: Run) -> None:
        self.run_id = run.id
        """The run that the reply is of: the last one, where it was handed over."""
        self.cursors = {run.session_id: run.first_event_id - 1}
        """The sessions of runs that go on, with the last event that was taken of each."""
        self.reply = ""
        """The texts of the last step that said something."""
        self.waiting: dict[str, Waiting] = {}
        """What waits for a person, by its id, oldest first."""
        self.ended = False
        self._session_id = run.session_id
        self._runs: dict[str, str | None] = {run.session_id: run.id}
        self._above: dict[str, str] = {}
        self._said: list[str] = []
        self._tools: dict[tuple[str, str], str] = {}

    def take(self, logged: LoggedEvent) -> str:
        """Takes the next event; returns a line for who wants to know what goes on, empty for most."""
        event = logged.event
        session_id = event.session_id or ""
        if session_id not in self.cursors:
            return ""
        self.cursors[session_id] = logged.id
        if isinstance(event, RunStarted) and self._runs[session_id] is None:
            self._runs[session_id] = event.run_id
            if session_id == self._session_id:
                self.run_id = event.run_id
        if event.run_id is None or event.run_id != self._runs[session_id]:
            return ""
        match event:
            case RunCompleted(reason="handed_over"):
                self._runs[session_id] = None  # the next one in this session takes its place
            case ChildRunStarted():
                self._runs[event.child_session_id] = event.child_run_id
                self.cursors[event.child_session_id] = logged.id
                self._above[event.child_session_id] = session_id
            case ChildRunCompleted():
                self._forget(event.child_session_id)
            case _ if event.type in RUN_ENDS and session_id == self._session_id:
                self.ended = True
        if session_id == self._session_id:
            self._read(event)
        return self._line(event)

    def _forget(self, session_id: str) -> None:
        """Leaves out a child run that has ended, and those that it had started."""
        for child in [child for child, above in self._above.items() if above == session_id]:
            self._forget(child)
        for known in (self._runs, self.cursors, self._above):
            known.pop(session_id, None)
        for id in [id for id, one in self.waiting.items() if one.session_id == session_id]:
            del self.waiting[id]

    def _read(self, event: AnyEvent) -> None:
        match event:
            case StepStarted():
                self._said = []
            case PartCompleted(kind="text"):
                self._said.append(event.text)
                self.reply = "\n\n".join(self._said)

    def _line(self, event: AnyEvent) -> str:
        match event:
            case StepStarted():
                return f"step {event.step}"
            case ToolCallRequested():
                self._tools[event.run_id, event.call_id] = event.name
            case ToolCallStarted():
                tool = self._tools.pop((event.run_id, event.call_id), "")
                return line_of(tool, event.arguments, _LINE)
            case ApprovalRequested():
                self.waiting[event.approval.id] = event.approval
                return f"waits for approval: {about(event.approval)}"
            case QuestionAsked():
                self.waiting[event.question.id] = event.question
                return f"asks: {about(event.question)}"
            case ApprovalResolved():
                self.waiting.pop(event.approval_id, None)
            case QuestionAnswered():
                self.waiting.pop(event.question_id, None)
        return ""


def about(waiting: Waiting) -> str:
    """Returns in one line what waits."""
    if isinstance(waiting, Question):
        return shorten(sanitize_line(waiting.text), _LINE)
    return line_of(waiting.tool, waiting.arguments, _LINE)
