"""One answer beside another: what each says, and what it took."""

from __future__ import annotations

from datetime import datetime

from holdfast.core.domain import events
from holdfast.core.domain.events import RUN_ENDS, LoggedEvent
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.entries import Update
from holdfast.tui.presenters.figures import cost, duration, tokens
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.presenters.transcript import TranscriptPresenter

_ENDS = {
    "run.completed": ("✓ done", "success"),
    "run.failed": ("✗ failed", "error"),
    "run.cancelled": ("■ stopped", "warning"),
}


class Answer:
    """Folds the events of one run."""

    def __init__(self, name: str, session_id: str, run_id: str, model: str) -> None:
        self.name = name
        """How it is called: `first` or `again`."""
        self.session_id = session_id
        self.run_id = run_id
        self.model = model
        self.waiting = False
        """Whether it waits for a person."""
        self._presenter = TranscriptPresenter()
        self._began: datetime | None = None
        self._ended: datetime | None = None
        self._end = ("", "")
        self._tokens = 0
        self._cost = 0.0
        self._unpriced = False

    @property
    def ended(self) -> bool:
        return bool(self._end[0])

    def apply(self, logged: LoggedEvent) -> list[Update]:
        """Takes an event of the run in; returns what it changes in the transcript."""
        event = logged.event
        if isinstance(event, events.RunStarted):
            self._began, self.model = event.at, event.model or self.model
        elif isinstance(event, events.UsageRecorded):
            self._tokens += event.input_tokens + event.output_tokens
            self._cost += event.cost_usd or 0.0
            self._unpriced |= event.cost_usd is None
        elif event.type in ("approval.requested", "question.asked"):
            self.waiting = True
        elif event.type in ("approval.resolved", "question.answered"):
            self.waiting = False
        elif event.type in RUN_ENDS:
            self._ended, self._end, self.waiting = event.at, _ENDS[event.type], False
        return self._presenter.apply(logged)

    def head(self, now: datetime) -> Line:
        """Returns the line above the answer: how it stands, model, tokens, cost, time."""
        running = "⚠ waits for you" if self.waiting else "● running"
        facts = [f"{tokens(self._tokens)} tok", cost(self._cost, self._unpriced)]
        if self._began is not None:
            facts.append(duration(max(0.0, ((self._ended or now) - self._began).total_seconds()) * 1000))
        return line(
            (f"{self.name}  " if self.name else "", "muted"),
            self._end if self.ended else (running, "warning"),
            (f"  {sanitize_line(self.model) or 'the usual model'}", "strong"),
            (f"  {' · '.join(facts)}", "muted"),
        )
