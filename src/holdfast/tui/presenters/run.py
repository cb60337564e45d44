"""The run pane as data: plan, steps, timings, tokens, cost and retries of the session's latest run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import shown
from holdfast.tui.presenters.blocks import plan_lines
from holdfast.tui.presenters.figures import cost, duration, tokens
from holdfast.tui.presenters.retrievals import outcome
from holdfast.tui.presenters.spans import BLANK, Line, line
from holdfast.tui.presenters.status import Filling, filled

if TYPE_CHECKING:
    from holdfast.core.domain.events import AnyEvent, RetrievalCompleted
    from holdfast.core.domain.tools import PlanItem

STATUS_ROLES = {
    "running": "success",
    "waiting": "warning",
    "paused": "warning",
    "completed": "muted",
    "failed": "error",
    "cancelled": "warning",
}
CONTINUABLE = ("failed", "cancelled")


@dataclass(slots=True)
class Step:
    """One model call."""

    number: int
    model: str
    reason: str = ""
    total_ms: float = 0.0
    first_ms: float | None = None
    calls: int = 0


@dataclass(slots=True)
class RunState:
    """One run, as far as its events say."""

    id: str
    number: int
    agent: str
    model: str
    started_at: datetime
    status: str = "running"
    ended_at: datetime | None = None
    error: str = ""
    steps: list[Step] = field(default_factory=list)
    plan: tuple[PlanItem, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: bool = False
    estimated: bool = False
    searches: int = 0
    """How often passages were looked up."""
    passages: int = 0
    """Passages that the model was shown."""
    dropped: int = 0
    notes: list[str] = field(default_factory=list)
    waiting: int = 0
    filling: Filling = field(default_factory=Filling)
    analysis: str = ""
    """What its model thinks of how it went."""
    suggested: tuple[str, ...] = ()
    """What could be asked next."""
    asked: bool = True
    """Whether a model is asked, or about to be, and has not begun to answer."""
    directly: str = "a tool, run directly"
    """What it does where it asks no model to answer."""

    @property
    def busy(self) -> bool:
        return self.status in ("running", "waiting", "paused")

    @property
    def continuable(self) -> bool:
        """Whether it ended before its work was done; a tool that was run directly is not gone on with."""
        return self.status in CONTINUABLE and bool(self.model)


class RunView:
    """The runs of the session that is open; the latest is shown."""

    def __init__(self) -> None:
        self.current: RunState | None = None
        self.numbers: dict[str, int] = {}

    @property
    def busy(self) -> bool:
        return self.current is not None and self.current.busy

    @property
    def silent(self) -> bool:
        """Whether the run goes on and nothing can be seen of that: its model has not begun to answer."""
        return self.current is not None and self.current.status == "running" and self.current.asked

    @property
    def continuable(self) -> bool:
        """Whether the latest run ended before its work was done."""
        return self.current is not None and self.current.continuable

    def apply(self, event: AnyEvent) -> bool:
        """Takes an event in; says whether what is shown has changed."""
        if event.type == "run.started":
            number = self.numbers.setdefault(event.run_id, len(self.numbers) + 1)
            self.current = RunState(
                event.run_id, number, sanitize_line(event.agent), sanitize_line(event.model), event.at
            )
            self.current.plan = _planned(event.plan)
            return True
        run = self.current
        if run is None or event.run_id != run.id:
            return False
        run.filling = run.filling.count(event)
        if event.type in ("step.started", "part.started", "tool_call.requested"):
            run.asked = event.type == "step.started"
        return _apply_end(run, event) or _apply_wait(run, event) or _apply_work(run, event)

    def older(self, run_ids: list[str]) -> None:
        """Numbers runs that came before the known ones, when an older page is read."""
        new = [run_id for run_id in run_ids if run_id not in self.numbers]
        known = sorted(self.numbers, key=lambda run_id: self.numbers[run_id])
        self.numbers = {run_id: number for number, run_id in enumerate([*new, *known], 1)}
        if self.current:
            self.current.number = self.numbers[self.current.id]


def _planned(steps: tuple[str, ...]) -> tuple[PlanItem, ...]:
    from holdfast.core.domain.tools import PlanItem  # start-up time: events have brought pydantic by now

    return tuple(PlanItem(text=sanitize_line(step)) for step in steps)


def _apply_end(run: RunState, event: AnyEvent) -> bool:
    if event.type == "run.completed":
        run.status = "completed"
    elif event.type == "run.failed":
        run.status = "failed"
        run.error = sanitize_line(event.error.message)
    elif event.type == "run.cancelled":
        run.status = "cancelled"
        run.error = sanitize_line(event.reason)
    else:
        return False
    run.ended_at = event.at
    return True


def _apply_wait(run: RunState, event: AnyEvent) -> bool:
    if event.type in ("approval.requested", "question.asked"):
        run.waiting += 1
    elif event.type in ("approval.resolved", "question.answered"):
        run.waiting = max(0, run.waiting - 1)
    elif event.type == "run.paused":
        run.status = "paused"
        return True
    elif event.type != "run.resumed":
        return False
    run.status = "waiting" if run.waiting else "running"
    return True


def _apply_work(run: RunState, event: AnyEvent) -> bool:
    if event.type == "step.started":
        run.model = sanitize_line(event.model)
        run.steps.append(Step(event.step, run.model))
    elif event.type == "step.completed" and run.steps:
        step = run.steps[-1]
        step.reason, step.total_ms = event.reason, event.timing.total_ms
        step.first_ms = event.timing.first_delta_ms
    elif event.type == "tool_call.requested" and run.steps:
        run.steps[-1].calls += 1
    elif event.type == "tool_call.completed":
        plans = [block.items for block in event.display if block.type == "plan"]
        if not plans:
            return False
        run.plan = plans[-1]
    elif event.type == "usage.recorded":
        run.input_tokens += event.input_tokens
        run.output_tokens += event.output_tokens
        run.cost_usd += event.cost_usd or 0.0
        run.unpriced |= event.cost_usd is None
        run.estimated |= event.estimated
    elif event.type == "retrieval.completed":
        _count_retrieval(run, event)
    elif event.type == "hook.completed":
        if event.outcome == "allow" and not event.error:
            return False
        run.notes.append(event.line)
    elif event.type == "model.retried":
        why = sanitize_line(event.error.message)
        run.notes.append(f"retry {event.attempt} of {sanitize_line(event.model)}: {why}")
    elif event.type == "model.fell_back":
        run.notes.append(f"{sanitize_line(event.from_model)} given up, now {sanitize_line(event.to_model)}")
    elif event.type == "run.analysed":
        run.analysis = sanitize(event.text)
    elif event.type == "run.suggested":
        run.suggested = tuple(sanitize_line(question) for question in event.questions)
        run.directly = "questions, asked for by you"
    elif event.type == "context.compacted":
        run.notes.append(f"context compacted: {tokens(event.tokens_before)} → {tokens(event.tokens_after)}")
        run.directly = "a compaction, asked for by you"
    else:
        return False
    return True


def _count_retrieval(run: RunState, event: RetrievalCompleted) -> None:
    run.searches += 1
    used = sum(item.used for item in event.items)
    run.passages += used
    run.dropped += len(event.items) - used
    if event.error is not None:
        run.notes.append(f"knowledge: {sanitize_line(event.error.message)}")


def run_lines(run: RunState | None, now: datetime) -> list[Line]:
    """Returns the lines of the run pane."""
    if run is None:
        return [line(("No run yet. A message starts one.", "muted"))]
    elapsed = ((run.ended_at or now) - run.started_at).total_seconds() * 1000
    lines = [
        line(
            (f"run {run.number}  ", "strong"),
            (run.status, STATUS_ROLES.get(run.status, "")),
            (f"  {duration(max(0.0, elapsed))}", "muted"),
        ),
        line((f"{run.agent} · {run.model or run.directly}", "muted")),
    ]
    if run.error:
        lines.append(line((run.error, STATUS_ROLES[run.status])))
    if run.continuable:
        lines.append(line((shown("everywhere.continue"), "key"), (" goes on from here", "muted")))
    if run.plan:
        lines += [BLANK, line(("Plan", "heading")), *plan_lines(run.plan)]
    lines += [BLANK, line(("Used", "heading")), _usage(run)]
    if run.filling.tokens:
        lines.append(line(filled(run.filling), ("  /context", "key")))
    if run.searches:
        times = "1 search" if run.searches == 1 else f"{run.searches} searches"
        found = outcome(run.passages, run.dropped)
        lines.append(line(f"{times} · {found}", (f"  {shown('everywhere.knowledge')}", "key")))
    if run.steps:
        lines += [BLANK, line(("Steps", "heading")), *(_step(step) for step in run.steps)]
    if run.analysis:
        lines += [BLANK, line(("How it went", "heading")), *map(line, run.analysis.splitlines())]
    if run.notes:
        lines += [BLANK, line(("On the way", "heading")), *(line((note, "warning")) for note in run.notes)]
    return lines


def _usage(run: RunState) -> Line:
    about = "about " if run.estimated else ""
    text = f"{about}{tokens(run.input_tokens)} in · {tokens(run.output_tokens)} out tokens"
    return line(text, (f" · {cost(run.cost_usd, run.unpriced)}", "muted"))


def _step(step: Step) -> Line:
    time = duration(step.total_ms) if step.total_ms else "…"
    facts = []
    if step.first_ms is not None:
        facts.append(f"first {duration(step.first_ms)}")
    if step.calls:
        facts.append(f"{step.calls} call{'s' if step.calls > 1 else ''}")
    usual = step.reason in ("", "stop", "tool_calls")
    return line(
        (f"{step.number:>2} ", "muted"),
        f"{time:>7}  ",
        (" · ".join(facts), "muted"),
        ("" if usual else f" · {step.reason.replace('_', ' ')}", "warning"),
    )
