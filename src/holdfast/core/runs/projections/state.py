"""Where a run stands: its log, folded. Tells what is open, so that every end can close it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from holdfast.core.domain.approvals import Approval, ApprovalStatus, Decision
from holdfast.core.domain.delegating import CHILD_RUNS, HAND_OVER, ChildStatus
from holdfast.core.domain.events import (
    RUN_ENDS,
    AnyEvent,
    ApprovalRequested,
    ApprovalResolved,
    ChildRunCompleted,
    ChildRunStarted,
    HookCompleted,
    MessageAdded,
    ModelFellBack,
    PartCompleted,
    PartDelta,
    PartKind,
    PartStarted,
    QuestionAnswered,
    QuestionAsked,
    RetrievalCompleted,
    RunCompleted,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCompleted,
    StepPurpose,
    StepStarted,
    ToolArgumentsMissing,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.hooks import HookPoint
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import Timing
from holdfast.core.domain.modes import SessionMode
from holdfast.core.domain.runs import RunOptions, RunStatus, Usage
from holdfast.core.domain.tools import Question

REPEATS = 3
"""In so many steps in a row an equal call ends the run."""
CANCELLED_TEXT = "The run was stopped before this call was executed."
STOPPED_TEXT = "The run was stopped while this call was executed; it may have been done in part."
INTERRUPTED_TEXT = (
    "The engine stopped while this call was executed; it may have been done in part. "
    "Check before repeating it."
)


@dataclass(slots=True)
class CallState:
    """One tool call of a run."""

    call_id: str
    step: int
    name: str
    arguments: dict[str, Any]
    invalid: str = ""
    approval: Approval | None = None
    """The latest approval of the call."""
    inner: Approval | None = None
    """The latest approval of what its server has asked for while it executes."""
    question: Question | None = None
    """The question that it waits for."""
    answer: str | None = None
    started: bool = False
    completed: bool = False
    child: str | None = None
    """The run of a sub-agent that it waits for."""
    hooks_passed: set[str] = field(default_factory=set)
    """Ids of the hooks that have looked at it, before it starts."""
    asked_by: str = ""
    """Id of the hook for which a person is asked, whatever policy says."""
    asked_why: str = ""
    refused: str | None = None
    """Why a hook denies it."""
    changed: bool = False
    """Whether a hook has changed its arguments."""

    @property
    def wanted(self) -> dict[str, Any]:
        """The arguments that it is to be executed with: as asked for, as a hook has changed them, or as a
        person has edited them."""
        edited = self.decision.arguments if self.decision is not None else None
        return self.arguments if edited is None else edited

    @property
    def waiting(self) -> bool:
        """Whether a person has to act before it can go on."""
        if self.completed:
            return False
        approvals = (self.approval, self.inner)
        asked = any(each is not None and each.status == ApprovalStatus.PENDING for each in approvals)
        return asked or self.question is not None

    @property
    def asking(self) -> bool:
        """Whether it is a question, which a restart can take up at any moment; not one that a server asks in
        the middle of a call, which is gone with the engine."""
        own = self.question is not None and not self.question.server
        return own or self.answer is not None

    @property
    def decision(self) -> Decision | None:
        return self.approval.decision if self.approval is not None else None


@dataclass(frozen=True, slots=True)
class HandOver:
    """Another agent takes the conversation over."""

    agent: str
    task: str


@dataclass(slots=True)
class OpenPart:
    part_id: str
    kind: PartKind
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RunState:
    """The state of one run; `apply` takes its events in order."""

    session_id: str
    run_id: str
    agent: str = ""
    model: str = ""
    """The one in use: of the start, then the one that was fallen back to."""
    key: str = ""
    """Id of the API key that asked for the run; empty: none."""
    options: RunOptions = field(default_factory=RunOptions)
    started_at: datetime | None = None
    step: int = 0
    step_open: bool = False
    purpose: StepPurpose = "reply"
    """Of the step that is open."""
    missing: list[str] = field(default_factory=list)
    """The questions for what calls need, since tools were chosen last."""
    part: OpenPart | None = None
    parts: int = 0
    calls: dict[str, CallState] = field(default_factory=dict)
    recent_calls: deque[str] = field(default_factory=lambda: deque(maxlen=REPEATS))
    """The latest calls as text, to notice repetition. Equal calls of one step are one, and to look after runs
    in the background again and again is none."""
    _noted_step: int = 0
    paused: bool = False
    ended: bool = False
    handed: bool = False
    """Whether it has ended because calls were left to the caller."""
    cost_usd: float = 0.0
    unpriced: str = ""
    """The first model whose cost for a call was not told; empty: there is none."""
    repairs: int = 0
    hooks_passed: set[str] = field(default_factory=set)
    """Ids of the hooks that have looked at its message."""
    retrieved: bool = False
    """Whether something was looked up before the first step."""
    searched: bool = False
    """Whether something was looked up at all, also by a call."""

    child_count: int = 0
    """Runs of sub-agents that it has started."""
    children: dict[str, ChildRunStarted] = field(default_factory=dict)
    """Those that have not ended, by their ids."""
    untold: dict[str, ChildRunCompleted] = field(default_factory=dict)
    """Those that went on in the background and have ended, without the model having been told."""
    child_steps: int = 0
    """Model calls of those that have ended."""
    child_usage: Usage = field(default_factory=Usage)
    """What those have used."""
    hand_overs: int = 0
    """How many agents have handed the conversation over before this run."""
    mode: SessionMode | None = None
    """What was asked for in the run that has handed it over, with what was used of its limits."""
    logged: bool = True
    """Whether the log of runs keeps what is said in it."""
    handing_over: HandOver | None = None
    """Who goes on with the session when this step is done."""

    @property
    def cites(self) -> bool:
        """Whether numbers in brackets can be citations: in a JSON reply they are lists."""
        return self.options.response_format is None

    @property
    def status(self) -> RunStatus:
        """Of a run that has not ended."""
        if self.paused:
            return RunStatus.PAUSED
        return RunStatus.WAITING if any(call.waiting for call in self.calls.values()) else RunStatus.RUNNING

    @property
    def open_calls(self) -> list[CallState]:
        """The calls that have no result yet, in the order the model asked for them."""
        return [call for call in self.calls.values() if not call.completed]

    @property
    def direct(self) -> str | None:
        """The tool, when the run is one call that no model has asked for."""
        return next((call.name for call in self.calls.values() if call.step == 0), None)

    @property
    def resumable(self) -> bool:
        """Whether an engine that starts anew can take the run up: it waits for a person, or is about to
        execute what one has allowed, and nothing is under way."""
        return self.resumable_if(lambda run_id: False)

    def resumable_if(self, waits: Callable[[str], bool]) -> bool:
        """The same; `waits` says of a run of a sub-agent whether it waits for a person."""
        if self.ended or self.step_open or self.part is not None:
            return False
        if self.paused:
            return True
        waiting = [call for call in self.open_calls if call.waiting]
        decided = [call for call in self.open_calls if call.decision is not None and not call.started]
        answered = any(call.answer is not None for call in self.open_calls)
        below = [call.child for call in self.open_calls if call.child is not None]
        return bool(waiting or decided or answered or below) and all(map(waits, below))

    @property
    def under_way(self) -> bool:
        """Whether a call executes here and now; one that waits for a person or a sub-agent does not."""
        return any(call.started and not call.asking and call.child is None for call in self.open_calls)

    def apply(self, event: AnyEvent) -> None:  # noqa: PLR0912 (a case an event)
        """Takes in the next event of the run."""
        if event.type in RUN_ENDS:
            self._apply_end(event.reason if isinstance(event, RunCompleted) else "")
            return
        match event:
            case RunStarted():
                self.agent, self.model, self.options = event.agent, event.model, event.options
                self.started_at, self.key = event.at, event.key
                self.hand_overs, self.mode, self.logged = event.hand_overs, event.mode, event.logged
            case RunPaused():
                self.paused = True
            case RunResumed():
                self.paused = False
            case StepStarted():
                self.step, self.step_open, self.model = event.step, True, event.model
                self.purpose = event.purpose
                if event.purpose == "tool_choice":
                    self.missing.clear()
            case StepCompleted():
                self.step_open, self.purpose = False, "reply"
            case ModelFellBack():
                self.model = event.to_model
            case PartStarted():
                self.part = OpenPart(event.part_id, event.kind)
                self.parts += 1
            case PartDelta():
                assert self.part is not None
                self.part.texts.append(event.text)
            case PartCompleted():
                self.part = None
            case ToolArgumentsMissing():
                self.missing.append(event.question)
            case UsageRecorded():
                self.cost_usd += event.cost_usd or 0.0
                if event.cost_usd is None:
                    self.unpriced = self.unpriced or event.model
            case RetrievalCompleted():
                self.searched = True
                self.retrieved = self.retrieved or event.call_id is None
            case MessageAdded(origin="repair"):
                self.repairs += 1
            case HookCompleted(point=HookPoint.BEFORE_RUN):
                self.hooks_passed.add(event.hook_id)
            case _:
                self._apply_child(event)
                self._apply_call(event)

    def _apply_end(self, reason: str) -> None:
        self.ended = True
        self.handed = reason == "client_tools"
        if reason != "handed_over":
            self.handing_over = None

    def _apply_child(self, event: AnyEvent) -> None:
        match event:
            case MessageAdded(origin="child_run"):
                self.untold.pop(event.message_id, None)
            case ChildRunStarted():
                self.child_count += 1
                self.children[event.child_run_id] = event
                if not event.background:
                    self.calls[event.call_id].child = event.child_run_id
            case ChildRunCompleted():
                self._end_child(event)

    def _end_child(self, event: ChildRunCompleted) -> None:
        started = self.children.pop(event.child_run_id, None)
        if started is None:
            return
        if started.background:
            self.untold[event.child_run_id] = event
        else:
            self.calls[event.call_id].child = None
        self.child_steps += event.steps
        self.child_usage = self.child_usage + event.usage

    def _apply_call(self, event: AnyEvent) -> None:
        match event:
            case ToolCallRequested():
                self.calls[event.call_id] = CallState(
                    event.call_id, event.step, event.name, event.arguments, event.invalid
                )
                self._note_call(event)
            case ApprovalRequested(approval=approval) if approval.inner:
                self.calls[approval.call_id].inner = approval
            case ApprovalRequested(approval=approval):
                self.calls[approval.call_id].approval = approval
            case ApprovalResolved():
                call = self.calls[event.call_id]
                if call.inner is not None and call.inner.id == event.approval_id:
                    known = {"status": ApprovalStatus(event.status), "decision": event.decision}
                    call.inner = call.inner.model_copy(update=known)
                    return
                if call.approval is not None:
                    call.approval = call.approval.model_copy(
                        update={"status": ApprovalStatus(event.status), "decision": event.decision}
                    )
                if event.decision is not None and event.decision.arguments is not None:
                    call.hooks_passed.clear()  # these arguments they have not seen
            case HookCompleted(point=HookPoint.BEFORE_TOOL | HookPoint.BEFORE_DELEGATION, call_id=str(id)):
                self._apply_hook(self.calls[id], event)
            case ToolCallStarted():
                call = self.calls[event.call_id]
                call.started, call.arguments = True, event.arguments
            case QuestionAsked(question=question):
                self.calls[question.call_id].question = question
            case QuestionAnswered():
                call = self.calls[event.call_id]
                if call.question is None or not call.question.server:
                    call.answer = event.answer
                call.question = None
            case ToolCallCompleted():
                call = self.calls[event.call_id]
                call.completed = True
                if call.name == HAND_OVER and event.outcome == "ok":
                    self.handing_over = HandOver(call.arguments["agent"], call.arguments["task"])

    def _note_call(self, event: ToolCallRequested) -> None:
        text = f"{event.name} {json.dumps(event.arguments, sort_keys=True)}"
        if event.name == CHILD_RUNS:
            self.recent_calls.clear()
            return
        if self._noted_step != event.step or not self.recent_calls or self.recent_calls[-1] != text:
            self.recent_calls.append(text)
        self._noted_step = event.step

    def _apply_hook(self, call: CallState, event: HookCompleted) -> None:
        call.hooks_passed.add(event.hook_id)
        match event.outcome:
            case "deny":
                call.refused = event.reason or "it gives no reason"
            case "ask":
                call.asked_by, call.asked_why = event.hook_id, event.reason
            case "modify" if event.arguments is not None:
                call.arguments, call.changed = event.arguments, True
                call.approval = None  # what was allowed is not what would be done now

    def closing(self, reason: Literal["error", "cancelled"], *, interrupted: bool = False) -> list[RunEvent]:
        """Returns the events that close everything that is open; the run's last event goes behind them."""
        events = self.closing_step(reason)
        ids = {"session_id": self.session_id, "run_id": self.run_id}
        events.extend(ended_child(ids, started, "cancelled") for started in self.children.values())
        for call in self.open_calls:
            events.extend(self._closing_call(call, interrupted=interrupted))
        return events

    def closing_step(self, reason: Literal["error", "cancelled"]) -> list[RunEvent]:
        """Returns the events that close the step, after which the run may go on with another one."""
        events: list[RunEvent] = []
        ids = {"session_id": self.session_id, "run_id": self.run_id}
        if self.part is not None:
            text = "".join(self.part.texts)
            events.append(PartCompleted(**ids, part_id=self.part.part_id, kind=self.part.kind, text=text))
        if self.step_open:
            timing = Timing(request_ms=0, total_ms=0)
            events.append(StepCompleted(**ids, step=self.step, reason=reason, timing=timing))
        return events

    def withdrawing(self, call: CallState) -> list[RunEvent]:
        """Returns the events that close what a person was asked for a call."""
        events: list[RunEvent] = []
        ids = {"session_id": self.session_id, "run_id": self.run_id}
        for approval in (call.approval, call.inner):
            if approval is not None and approval.status == ApprovalStatus.PENDING:
                events.append(
                    ApprovalResolved(**ids, approval_id=approval.id, call_id=call.call_id, status="cancelled")
                )
        if call.question is not None:
            events.append(
                QuestionAnswered(**ids, question_id=call.question.id, call_id=call.call_id, answer=None)
            )
        return events

    def _closing_call(self, call: CallState, *, interrupted: bool) -> list[RunEvent]:
        events = self.withdrawing(call)
        ids = {"session_id": self.session_id, "run_id": self.run_id}
        text = CANCELLED_TEXT
        if call.started:
            text = INTERRUPTED_TEXT if interrupted else STOPPED_TEXT
        events.append(
            ToolCallCompleted(
                **ids,
                call_id=call.call_id,
                name=call.name,
                outcome="cancelled",
                content=(TextPart(text=text),),
            )
        )
        return events


def ended_child(
    ids: Mapping[str, str],
    started: ChildRunStarted,
    status: ChildStatus,
    **more: Any,
) -> ChildRunCompleted:
    """Returns the event that closes the run of a sub-agent; `ids` are those of the run above it."""
    return ChildRunCompleted(
        session_id=ids["session_id"],
        run_id=ids["run_id"],
        call_id=started.call_id,
        child_session_id=started.child_session_id,
        child_run_id=started.child_run_id,
        agent=started.agent,
        status=status,
        **more,
    )
