"""The events of a run that tell what happened on the way: models, retrievals, hooks, usage."""

from __future__ import annotations

from typing import Any, Literal

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.hooks import HookOutcome, HookPoint, HookType
from holdfast.core.domain.knowledge import Lookup
from holdfast.core.domain.session_events import SessionScoped
from holdfast.core.domain.text import sanitize_line

StepPurpose = Literal["reply", "tool_choice", "tool_parameters"]
"""What a model is asked for in a step."""

_OUTCOMES: dict[HookOutcome, str] = {
    "allow": "allowed",
    "deny": "denied",
    "modify": "changed",
    "ask": "asks about",
}


class RunScoped(SessionScoped):
    """Of a run."""

    run_id: str


class ModelRetried(RunScoped):
    """A model call failed before its first delta and is made again after `delay_s` seconds."""

    type: Literal["model.retried"] = "model.retried"
    model: str
    attempt: int
    delay_s: float
    error: ErrorInfo


class ModelFellBack(RunScoped):
    """A model was given up; the rest of the run uses the next of `fallback_models`."""

    type: Literal["model.fell_back"] = "model.fell_back"
    from_model: str
    to_model: str
    error: ErrorInfo


class ContextCompacted(RunScoped):
    """Before a step: the oldest `messages_dropped` messages that the model saw are now the summary."""

    type: Literal["context.compacted"] = "context.compacted"
    summary: str
    through_event_id: int | None = None
    """The last event that the summary covers; None in a fork, whose events have ids of their own."""
    tokens_before: int
    tokens_after: int
    messages_dropped: int
    messages_kept: int = 0
    """How many stay behind the summary; 0 in logs from before this was told."""


class RetrievalCompleted(RunScoped, Lookup):
    """Passages were looked up: before the first step, then the model sees those that are used as a message;
    or inside a call, whose result shows them. With an error nothing was found, and the run goes on."""

    type: Literal["retrieval.completed"] = "retrieval.completed"
    call_id: str | None = None
    """The call that searched; None before the first step."""


class HookCompleted(RunScoped):
    """A hook has decided, at its point: `before_run` before the first step; `before_model` before a step;
    `after_model` and `before_response` inside the step, before the reply's text, the latter before
    `run.analysed` and `run.suggested`, too; those of calls before the call starts, or inside of it;
    `after_run` before `run.completed`."""

    type: Literal["hook.completed"] = "hook.completed"
    point: HookPoint
    hook_id: str
    hook_type: HookType
    name: str = ""
    """What people are told that the hook is."""
    outcome: HookOutcome
    """`ask`: a person is asked; `approval.requested` follows."""
    reason: str = ""
    error: str = ""
    """What kept the hook from deciding; then the outcome is that of a failure."""
    duration_ms: float = 0.0
    call_id: str | None = None
    """The call that it looked at."""
    tool: str = ""
    arguments: dict[str, Any] | None = None
    """Of an outcome `modify` before a call: its arguments from now on. No decision on it counts then."""
    message: str | None = None
    """Of an outcome `modify` before a run: the text that models see in the place of the message's."""

    @property
    def line(self) -> str:
        """What people are told of it, in a line."""
        who = self.name or f"{self.hook_type.value} at {self.point.value}"
        what = f"{_OUTCOMES[self.outcome]} {self.tool}".rstrip()
        error = f"it failed: {self.error}" if self.error else ""
        return sanitize_line(" · ".join(filter(None, (f"hook {who}: {what}", self.reason, error))))


class QuestionsSuggested(RunScoped):
    """Behind the reply of a run, or as all that a run does: what the person could ask next."""

    type: Literal["run.suggested"] = "run.suggested"
    questions: tuple[str, ...]


class RunAnalysed(RunScoped):
    """Behind the reply of a run: what its model thinks of how it went."""

    type: Literal["run.analysed"] = "run.analysed"
    text: str


class ToolArgumentsMissing(RunScoped):
    """In a step for the arguments of a tool: no call of it can be made, for something is missing that only
    the person knows. The part of text behind it asks for that, and the run ends with this step's calls."""

    type: Literal["tool_call.missing"] = "tool_call.missing"
    step: int
    name: str
    """The tool's."""
    question: str


class UsageRecorded(RunScoped):
    """When a model call has ended, however it did: in a step, before a summary or suggestions, behind a
    retrieval that asked the model, or inside a call that did."""

    type: Literal["usage.recorded"] = "usage.recorded"
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    credits: float = 0.0
    """What the call is charged for, at the prices of that moment."""
    plan: str = ""
    """Of the agent, which the charge is by; empty: it has none."""
    estimated: bool = False
    """Whether the figures are counted from the texts, for none were reported: so where a call was cut off."""
    purpose: StepPurpose = "reply"
    """Of the step that it was made in."""
