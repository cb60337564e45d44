"""What has come of a run so far: the fold of its events that every dialect's encoder stands on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    LoggedEvent,
    MessageAdded,
    ModelFellBack,
    PartCompleted,
    PartDelta,
    PartKind,
    PartStarted,
    RetrievalCompleted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    StepCompleted,
    StepStarted,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.knowledge import Citation, Lookup
from holdfast.core.domain.messages import ResultPart, UserPart
from holdfast.core.domain.runs import RunOptions, Usage

BETWEEN = "\n\n"
"""Stands between two texts in the one reply that the caller of a dialect sees."""


@dataclass(slots=True)
class CallState:
    """A call of a tool."""

    call_id: str
    step: int
    name: str
    asked: dict[str, Any]
    """The arguments as the model gave them."""
    executed: dict[str, Any] | None = None
    """The arguments as they were used; None when it was not executed."""
    outcome: str = ""
    """Empty while it is open."""
    content: tuple[ResultPart, ...] = ()
    duration_ms: float = 0.0

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was executed with, or is to be."""
        return self.asked if self.executed is None else self.executed

    @property
    def text(self) -> str:
        """What the model sees of the result, as far as it is text."""
        return "\n".join(part.text for part in self.content if part.type == "text")


@dataclass(slots=True)
class PartState:
    """A text that was said, or thought."""

    kind: PartKind
    pieces: list[str] = field(default_factory=list)
    """Its text so far: joined when somebody asks, for a reply comes in very many."""
    citations: tuple[Citation, ...] = ()

    @property
    def text(self) -> str:
        """All that was said so far."""
        return "".join(self.pieces)


@dataclass(slots=True)
class StepState:
    """One call of a model."""

    number: int
    parts: list[PartState] = field(default_factory=list)
    calls: list[CallState] = field(default_factory=list)
    reason: str = ""
    """Why it ended; empty while it goes on."""

    @property
    def text(self) -> str:
        """What it said."""
        return self._joined("text")

    @property
    def reasoning(self) -> str:
        """What it thought, where the model tells all of it."""
        return self._joined("reasoning")

    @property
    def reasoning_summary(self) -> str:
        """What it says that it thought."""
        return self._joined("reasoning_summary")

    def _joined(self, kind: PartKind) -> str:
        return BETWEEN.join(part.text for part in self.parts if part.kind == kind and part.text)


@dataclass(slots=True)
class RunState:
    """A run, as far as its events were taken. `take` them in their order, each once."""

    run_id: str = ""
    session_id: str = ""
    agent: str = ""
    model: str = ""
    options: RunOptions = field(default_factory=RunOptions)
    """What was asked for."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    status: Literal["running", "completed", "failed", "cancelled"] = "running"
    reason: str = ""
    """Why it ended."""
    error: ErrorInfo | None = None
    message_id: str = ""
    """Of the message that has begun it."""
    asked: tuple[UserPart, ...] = ()
    """What that message says."""
    steps: list[StepState] = field(default_factory=list)
    calls: dict[str, CallState] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    """Those that wait, by their ids."""
    lookups: list[Lookup] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    part: PartState | None = None
    """The part that is open."""
    separator: str = ""
    """What stands before the text of the delta that was taken last, in the reply as a whole."""

    @property
    def ended(self) -> bool:
        return self.status != "running"

    @property
    def step(self) -> StepState:
        """The latest step; the texts of scripts stand in one of number 0."""
        if not self.steps:
            self.steps.append(StepState(0))
        return self.steps[-1]

    @property
    def reply(self) -> str:
        """The texts of all steps as one."""
        return BETWEEN.join(step.text for step in self.steps if step.text)

    @property
    def last_text(self) -> str:
        """The text that was said last: the answer, without what was said on the way."""
        return next((step.text for step in reversed(self.steps) if step.text), "")

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What the numbers in the reply stand for."""
        return tuple(one for step in self.steps for part in step.parts for one in part.citations)

    @property
    def open_calls(self) -> Iterable[CallState]:
        """The calls that have no result yet."""
        return (call for call in self.calls.values() if not call.outcome)

    def take(self, logged: LoggedEvent) -> None:
        """Takes the next event of the run."""
        event = logged.event
        match event:
            case RunStarted():
                self.run_id, self.session_id = event.run_id, event.session_id
                self.agent, self.model, self.started_at = event.agent, event.model, event.at
                self.options = event.options
            case MessageAdded():
                self._take_message(event)
            case StepStarted():
                self.model = event.model
                self.steps.append(StepState(event.step))
            case ModelFellBack():
                self.model = event.to_model
            case StepCompleted():
                self.step.reason = event.reason
            case PartStarted() | PartDelta() | PartCompleted():
                self._take_part(event)
            case ToolCallRequested():
                call = CallState(event.call_id, event.step, event.name, event.arguments)
                self.calls[event.call_id] = call
                self.step.calls.append(call)
            case ToolCallStarted():
                self.calls[event.call_id].executed = event.arguments
            case ToolCallCompleted():
                call = self.calls[event.call_id]
                call.outcome, call.content = event.outcome, event.content
                call.duration_ms = event.duration_ms
            case ApprovalRequested():
                self.approvals[event.approval.id] = event.approval
            case ApprovalResolved():
                self.approvals.pop(event.approval_id, None)
            case RetrievalCompleted():
                self.lookups.append(event)
            case UsageRecorded():
                self.usage += usage_of(event)
            case RunCompleted() | RunFailed() | RunCancelled():
                self._end(event)

    def _take_message(self, event: MessageAdded) -> None:
        if not self.message_id:
            self.message_id, self.asked = event.message_id, event.parts
        if event.origin == "repair":  # the reply did not fit, and is said anew
            for step in self.steps:
                step.parts = [part for part in step.parts if part.kind != "text"]

    def _take_part(self, event: PartStarted | PartDelta | PartCompleted) -> None:
        match event:
            case PartStarted():
                self.part = PartState(event.kind)
                self.step.parts.append(self.part)
            case PartDelta() if self.part is not None:
                first = self.part.kind == "text" and not any(self.part.pieces)
                self.separator = BETWEEN if first and self.reply else ""
                self.part.pieces.append(event.text)
            case PartCompleted() if self.part is not None:
                self.part.pieces, self.part.citations = [event.text], event.citations
                self.part = None

    def _end(self, event: RunCompleted | RunFailed | RunCancelled) -> None:
        self.ended_at = event.at
        match event:
            case RunCompleted():
                self.status, self.reason = "completed", event.reason
            case RunFailed():
                self.status, self.reason, self.error = "failed", event.error.code, event.error
            case RunCancelled():
                self.status, self.reason = "cancelled", event.reason


def usage_of(event: UsageRecorded) -> Usage:
    """Returns what one call of a model has used."""
    return Usage(
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        cached_tokens=event.cached_tokens,
        reasoning_tokens=event.reasoning_tokens,
        cost_usd=event.cost_usd or 0.0,
        estimated=event.estimated,
        unpriced=event.cost_usd is None,
    )
