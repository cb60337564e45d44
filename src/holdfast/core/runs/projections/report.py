"""One run in full, as a projection of its events: for the log of runs and for the map of a session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import (
    AnyEvent,
    ApprovalRequested,
    ApprovalResolved,
    ChildRunCompleted,
    ChildRunStarted,
    ContextCompacted,
    HookCompleted,
    LoggedEvent,
    MessageAdded,
    ModelFellBack,
    ModelRetried,
    PartCompleted,
    QuestionAnswered,
    QuestionAsked,
    RetrievalCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCompleted,
    StepStarted,
    ToolArgumentsMissing,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.messages import Message, ToolCallPart, ToolResultPart, text_of
from holdfast.core.domain.run_log import (
    ChildReport,
    Happening,
    MessageReport,
    ModelReport,
    NoteReport,
    RunEntry,
    RunReport,
    Said,
    StepReport,
    ToolReport,
    WaitReport,
)
from holdfast.core.domain.runs import Usage

T = TypeVar("T", MessageReport, StepReport, ModelReport, ToolReport, WaitReport, ChildReport, NoteReport)

_BEGINS = ("send", "continue", "agent")


def report_of(entry: RunEntry, events: Iterable[LoggedEvent]) -> RunReport:
    """Returns the report of the run of `entry`, from its events, with no word of what was said where the log
    keeps none."""
    way = _Way()
    for logged in events:
        way.take(logged.id, logged.event)
    report = RunReport(
        run=entry,
        prompt=way.prompt or "",
        history=way.history,
        response="\n\n".join(text for text in way.texts if text.strip()),
        error=way.error,
        waited_ms=way.waited_ms,
        way=tuple(way.happened),
    )
    return report if entry.logged else without_words(report)


def without_words(report: RunReport) -> RunReport:
    """Returns the report with its figures alone: no text, no arguments, and no message of an error, which
    could repeat them."""
    error = report.error
    return report.model_copy(
        update={
            "prompt": "",
            "history": (),
            "response": "",
            "error": None if error is None else ErrorInfo(kind=error.kind, code=error.code, message=""),
            "way": tuple(_silent(each) for each in report.way),
        }
    )


def _silent(each: Happening) -> Happening:
    match each:
        case ToolReport():
            return each.model_copy(update={"arguments": {}})
        case ChildReport():
            return each.model_copy(update={"task": ""})
        case MessageReport() | StepReport() | WaitReport() | NoteReport():
            return each.model_copy(update={"text": ""})
        case _:
            return each


class _Way:
    """What has happened so far; a thing that goes on is found again by its id, and replaced."""

    def __init__(self) -> None:
        self.prompt: str | None = None
        self.history: tuple[Said, ...] = ()
        self.texts: list[str] = []
        self.error: ErrorInfo | None = None
        self.waited_ms = 0.0
        self.happened: list[Happening] = []
        self._places: dict[tuple[str, object], int] = {}
        self._step: int | None = None
        """The step that is open."""
        self._idle: set[str] = set()
        """What the run waits for."""
        self._idle_since: datetime | None = None

    def take(self, event_id: int, event: AnyEvent) -> None:
        at = {"event_id": event_id, "at": event.at}
        match event:
            case RunStarted(options=options):
                self.history = tuple(map(_said, options.history or ()))
            case RunFailed(error=error):
                self.error = error
                self._idle_for(None, event.at)
            case MessageAdded():
                self._message(at, event)
            case PartCompleted(kind="text", text=text):
                self.texts.append(text)
                if self._step is not None:
                    before = self._get("step", self._step, StepReport)
                    self._change(
                        before, "step", self._step, text="\n\n".join(filter(None, (before.text, text)))
                    )
            case RunPaused():
                self._idle_for("pause", event.at)
            case RunResumed():
                self._idle_over("pause", event.at)
            case _:
                self._take_step(at, event)
                self._take_call(at, event)
                self._take_wait(at, event)
                self._take_note(at, event)

    def _message(self, at: dict[str, Any], event: MessageAdded) -> None:
        text = text_of(tuple(part for part in event.parts if not isinstance(part, ToolResultPart)))
        if self.prompt is None and event.origin in _BEGINS:
            self.prompt = text
        elif event.origin == "repair":
            self.texts.clear()  # the reply did not fit, and is said anew
        self._add(MessageReport(**at, origin=event.origin, text=text))

    def _take_step(self, at: dict[str, Any], event: AnyEvent) -> None:
        match event:
            case StepStarted(step=step):
                self._step = step
                started = StepReport(**at, step=step, purpose=event.purpose, model=event.model)
                self._add(started, "step", step)
            case StepCompleted(step=step, timing=timing, reason=reason):
                self._change(
                    self._get("step", step, StepReport),
                    "step",
                    step,
                    reason=reason,
                    chosen=event.chosen,
                    request_ms=timing.request_ms,
                    first_token_ms=timing.first_delta_ms,
                    total_ms=timing.total_ms,
                )
                self._step = None
            case UsageRecorded():
                used = _usage(event)
                if self._step is None:
                    self._add(ModelReport(**at, model=event.model, usage=used, credits=event.credits))
                    return
                paid = self._get("step", self._step, StepReport)
                sums = {"usage": paid.usage + used, "credits": paid.credits + event.credits}
                self._change(paid, "step", self._step, **sums)

    def _take_call(self, at: dict[str, Any], event: AnyEvent) -> None:
        match event:
            case ToolCallRequested(call_id=call_id):
                call = ToolReport(
                    **at, call_id=call_id, step=event.step, name=event.name, arguments=event.arguments
                )
                self._add(call, "tool", call_id)
            case ToolCallStarted(call_id=call_id):
                before = self._get("tool", call_id, ToolReport)
                self._change(before, "tool", call_id, arguments=event.arguments)
            case ToolCallCompleted(call_id=call_id):
                before = self._get("tool", call_id, ToolReport)
                done = {"outcome": event.outcome, "duration_ms": event.duration_ms}
                self._change(before, "tool", call_id, **done)
            case ChildRunStarted(child_run_id=run_id):
                child = ChildReport(
                    **at,
                    call_id=event.call_id,
                    run_id=run_id,
                    session_id=event.child_session_id,
                    agent=event.agent,
                    task=event.task,
                    background=event.background,
                )
                self._add(child, "child", run_id)
            case ChildRunCompleted(child_run_id=run_id):
                started = self._get("child", run_id, ChildReport)
                took = (event.at - started.at).total_seconds() * 1000
                self._change(started, "child", run_id, status=event.status, duration_ms=took)

    def _take_wait(self, at: dict[str, Any], event: AnyEvent) -> None:
        match event:
            case ApprovalRequested(approval=approval):
                text = f"{approval.tool}: {approval.subject}"
                asked = WaitReport(**at, kind="approval", id=approval.id, call_id=approval.call_id, text=text)
                self._add(asked, "wait", approval.id)
                self._idle_for(approval.id, event.at)
            case ApprovalResolved(approval_id=id, status=status):
                self._answered(id, status, event.at)
            case QuestionAsked(question=question):
                asked = WaitReport(
                    **at, kind="question", id=question.id, call_id=question.call_id, text=question.text
                )
                self._add(asked, "wait", question.id)
                self._idle_for(question.id, event.at)
            case QuestionAnswered(question_id=id):
                self._answered(id, "cancelled" if event.answer is None else "answered", event.at)

    def _answered(self, id: str, outcome: str, at: datetime) -> None:
        asked = self._get("wait", id, WaitReport)
        waited = (at - asked.at).total_seconds() * 1000
        self._change(asked, "wait", id, outcome=outcome, waited_ms=waited)
        self._idle_over(id, at)

    def _take_note(self, at: dict[str, Any], event: AnyEvent) -> None:
        match event:
            case ModelRetried():
                text = f"{event.model} is asked again: {event.error.message}"
                self._add(NoteReport(**at, text=text, duration_ms=event.delay_s * 1000))
            case ModelFellBack():
                text = f"{event.to_model} in the place of {event.from_model}: {event.error.message}"
                self._add(NoteReport(**at, text=text))
            case ContextCompacted():
                kept = f"{event.tokens_before:,} tokens became {event.tokens_after:,}"
                self._add(NoteReport(**at, text=f"The context was made smaller: {kept}"))
            case RetrievalCompleted():
                used = sum(item.used for item in event.items)
                self._add(NoteReport(**at, text=f"Looked up: {used} passages", duration_ms=event.duration_ms))
            case ToolArgumentsMissing():
                self._add(NoteReport(**at, text=f"{event.name} needs more: {event.question}"))
            case HookCompleted() if event.outcome != "allow" or event.error:
                self._add(NoteReport(**at, text=event.line, duration_ms=event.duration_ms))

    # --- what goes on

    def _add(self, happened: Happening, kind: str = "", id: object = "") -> None:
        if kind:
            self._places[kind, id] = len(self.happened)
        self.happened.append(happened)

    def _get(self, kind: str, id: object, of: type[T]) -> T:
        found = self.happened[self._places[kind, id]]
        assert isinstance(found, of)
        return found

    def _change(self, before: T, kind: str, id: object, **changes: object) -> None:
        self.happened[self._places[kind, id]] = before.model_copy(update=changes)

    def _idle_for(self, what: str | None, at: datetime) -> None:
        """The run waits for `what` from now on; None: for nothing more."""
        if what is None:
            self._idle.clear()
            self._idle_end(at)
            return
        self._idle.add(what)
        self._idle_since = self._idle_since or at

    def _idle_over(self, what: str, at: datetime) -> None:
        self._idle.discard(what)
        if not self._idle:
            self._idle_end(at)

    def _idle_end(self, at: datetime) -> None:
        if self._idle_since is not None:
            self.waited_ms += (at - self._idle_since).total_seconds() * 1000
        self._idle_since = None


def _said(message: Message) -> Said:
    texts = []
    for part in message.parts:
        match part:
            case ToolCallPart():
                texts.append(f"[tool: {part.name}]")
            case ToolResultPart():
                texts.append(text_of(part.content))
            case _:
                texts.append(text_of((part,)))
    return Said(role=message.role, text="\n".join(texts))


def _usage(event: UsageRecorded) -> Usage:
    figures: dict[str, Any] = {
        name: getattr(event, name) for name in Usage.model_fields if name not in ("cost_usd", "unpriced")
    }
    return Usage(**figures, cost_usd=event.cost_usd or 0.0, unpriced=event.cost_usd is None)
