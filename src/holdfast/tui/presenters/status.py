"""The header line as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.presenters.figures import cost, tokens
from holdfast.tui.presenters.spans import Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.events import RunEvent, SessionEvent
    from holdfast.core.domain.runs import Usage

EngineState = Literal["starting", "ready", "lost", "failed"]

ENGINE: dict[EngineState, tuple[str, str]] = {
    "starting": ("engine starting… ○", "warning"),
    "ready": ("engine ●", "success"),
    "lost": ("engine lost – reconnecting ○", "error"),
    "failed": ("engine failed ✗", "error"),
}


@dataclass(frozen=True, slots=True)
class Header:
    """What the header line says."""

    agent: str = ""
    model: str = ""
    engine: EngineState = "starting"
    tokens: int = 0
    cost_usd: float = 0.0
    unpriced: bool = False
    waiting: int = 0

    def count(self, event: SessionEvent | RunEvent) -> Header:
        """Returns the header after an event of the open session."""
        if event.type == "usage.recorded":
            return replace(
                self,
                tokens=self.tokens + event.input_tokens + event.output_tokens,
                cost_usd=self.cost_usd + (event.cost_usd or 0.0),
                unpriced=self.unpriced or event.cost_usd is None,
            )
        if event.type == "run.started":
            return replace(self, agent=event.agent, model=event.model)
        if event.type == "step.started":
            return replace(self, model=event.model)
        if event.type == "session.configured":
            return replace(self, agent=event.agent, model=event.model or self.model)
        return self

    def used(self, usage: Usage) -> Header:
        """Returns the header with a session's sums."""
        total = usage.input_tokens + usage.output_tokens
        return replace(self, tokens=total, cost_usd=usage.cost_usd, unpriced=usage.unpriced)


def left(header: Header) -> Line:
    """Returns who answers and how the engine does."""
    parts: list[tuple[str, str] | str] = [("Holdfast", "brand")]
    for text in (header.agent, header.model):
        if text:
            parts += [(" · ", "muted"), shorten(sanitize_line(text), 40)]
    parts += [(" · ", "muted"), ENGINE[header.engine]]
    return line(*parts)


def right(header: Header) -> Line:
    """Returns what was used and how many decisions wait."""
    parts: list[tuple[str, str] | str] = [
        (f"{tokens(header.tokens)} tok · {cost(header.cost_usd, header.unpriced)}", "muted")
    ]
    if header.waiting:
        parts += [(" · ", "muted"), (f"⚠ {header.waiting}", "warning")]
    return line(*parts)
