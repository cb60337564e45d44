"""The header line as data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.presenters.figures import cost, tokens
from holdfast.tui.presenters.spans import Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.events import AnyEvent, UsageRecorded
    from holdfast.core.domain.runs import Usage
    from holdfast.tui.start import Start

_Piece = tuple[str, str] | str

EngineState = Literal["starting", "ready", "slow", "lost", "failed"]

ENGINE: dict[EngineState, tuple[str, str]] = {
    "starting": ("starting… ○", "warning"),
    "ready": ("●", "success"),
    "slow": ("no answer yet ○", "warning"),
    "lost": ("lost – reconnecting ○", "error"),
    "failed": ("failed ✗", "error"),
}
MAX_PLACE = 32
MAX_WHO = 24


@dataclass(frozen=True, slots=True)
class Filling:
    """How full the model's window is: by the last request and what came of it."""

    tokens: int = 0
    about: bool = True
    """Whether it is counted by a rule of thumb and not by the provider."""
    window: int | None = None
    """How many tokens the model takes; None: not known."""
    asking: bool = False
    """Whether the model is at a step: what others use meanwhile is none of it."""

    def count(self, event: AnyEvent) -> Filling:
        """Returns the filling after an event of the session."""
        if event.type == "step.started":
            return Filling(event.tokens, True, event.window, asking=True)
        if event.type == "step.completed":
            return replace(self, asking=False)
        if event.type == "usage.recorded" and self.asking:
            return replace(self, tokens=event.input_tokens + event.output_tokens, about=event.estimated)
        if event.type == "context.compacted":
            less = event.tokens_before - event.tokens_after  # instructions and tools stay
            return replace(self, tokens=max(event.tokens_after, self.tokens - less), about=True)
        return self


@dataclass(frozen=True, slots=True)
class Header:
    """What the header line says."""

    agent: str = ""
    model: str = ""
    engine: EngineState = "starting"
    place: str = ""
    """Where an engine elsewhere is."""
    is_open: bool = False
    """Whether others can read what goes to and fro."""
    version: str = ""
    """The engine's, where it is another one than the app's."""
    may_send: bool = True
    """False for a key that may only look."""
    who: str = ""
    """As whom one is let in at an engine elsewhere; empty: not known yet, or this machine's own engine."""
    role: str = ""
    tokens: int = 0
    cost_usd: float = 0.0
    unpriced: bool = False
    filling: Filling = Filling()
    waiting: int = 0
    mode: tuple[tuple[str, str], tuple[str, str]] = (("", ""), ("", ""))
    """Sign and word of the mode, and the same in short, each with its style; empty: not known yet."""
    mouse_released: bool = False
    """Whether the terminal has the mouse, not the app."""
    budget: tuple[str, str, str] = ("", "", "")
    """How far a budget is used, in words, in short, and how urgent that is; empty: there is none to tell."""
    indexing: str = ""
    """What is taken into knowledge, and how far that is: `docs 34 %`."""

    def count(self, event: AnyEvent) -> Header:
        """Returns the header after an event of the open session."""
        filling = self.filling.count(event)
        if event.type == "usage.recorded":
            return replace(self.spent(event), filling=filling)
        if event.type == "run.started":
            return replace(self, agent=event.agent, model=event.model or self.model)
        if event.type == "step.started":
            return replace(self, model=event.model, filling=filling)
        if event.type == "session.configured":
            return replace(self, agent=event.agent, model=event.model or self.model)
        return self if filling is self.filling else replace(self, filling=filling)

    def spent(self, event: UsageRecorded) -> Header:
        """Returns the header after a model call of the open session, or of a sub-agent in it."""
        return replace(
            self,
            tokens=self.tokens + event.input_tokens + event.output_tokens,
            cost_usd=self.cost_usd + (event.cost_usd or 0.0),
            unpriced=self.unpriced or event.cost_usd is None,
        )

    def used(self, usage: Usage) -> Header:
        """Returns the header with a session's sums."""
        total = usage.input_tokens + usage.output_tokens
        return replace(self, tokens=total, cost_usd=usage.cost_usd, unpriced=usage.unpriced)


def first_header(start: Start) -> Header:
    """Returns the header before the engine is reached."""
    engine = start.remote.engine if start.remote is not None else None
    return Header(place=engine.place, is_open=engine.is_open) if engine is not None else Header()


def left(header: Header) -> Line:
    """Returns who answers and how the engine does."""
    return lefts(header)[0]


def lefts(header: Header) -> list[Line]:
    """Returns the same at several lengths, the longest first: how the engine does is always in it."""
    agent, model = shorten(sanitize_line(header.agent), 40), _model(header)
    choices: list[list[_Piece]] = [[("Holdfast", "brand"), agent, model], [agent, model], [agent], []]
    whole = [line(*_before(pieces), *_engine(header), *_who(header)) for pieces in choices]
    return [*whole, line(*_engine(header))] if header.who else whole


def _who(header: Header) -> list[tuple[str, str]]:
    """Returns whose session it is."""
    if not header.who:
        return []
    role = f" ({sanitize_line(header.role)})" if header.role else ""
    return [(f" {shorten(sanitize_line(header.who), MAX_WHO)}{role}", "accent")]


def _before(pieces: list[_Piece]) -> list[_Piece]:
    return [part for piece in pieces if piece for part in (piece, (" · ", "muted"))]


def _engine(header: Header) -> list[tuple[str, str]]:
    state, role = ENGINE[header.engine]
    if header.place and header.engine == "starting":
        state = "connecting… ○"
    name = shorten(sanitize_line(header.place), MAX_PLACE) or "engine"
    version = f" {shorten(sanitize_line(header.version), 20)}" if header.version else ""
    parts = [(f"{name}{version} {state}", role)]
    if header.is_open:
        parts.append((" not encrypted", "warning"))
    if not header.may_send:
        parts.append((" read only", "muted"))
    return parts


def engine_note(engine: EngineState) -> tuple[str, str]:
    """Returns what screens without the header say of the engine: nothing while it is ready."""
    state, role = ENGINE[engine]
    return ("", "") if engine == "ready" else (f"  engine {state}", role)


def rights(header: Header) -> list[Line]:
    """Returns what `right` does at several lengths, the longest first."""
    return list(dict.fromkeys((right(header), right(header, short=True))))


def right(header: Header, *, short: bool = False) -> Line:
    """Returns how full the window is, what was used and how many decisions wait."""
    mode = header.mode[short]
    parts: list[tuple[str, str] | str] = [mode, (" · ", "muted")] if mode[0] else []
    parts += _filled(header.filling, short)
    if header.mouse_released:
        parts += [("mouse: terminal", "accent"), (" · ", "muted")]
    if header.indexing:
        parts += [(f"indexing {header.indexing}", "accent"), (" · ", "muted")]
    words, brief, role = header.budget
    if words:
        parts += [(brief if short else words, role), (" · ", "muted")]
    parts += [(f"{tokens(header.tokens)} tok · {cost(header.cost_usd, header.unpriced)}", "muted")]
    if header.waiting:
        parts += [(" · ", "muted"), (f"⚠ {header.waiting}", "warning")]
    return line(*parts)


def _model(header: Header) -> str:
    """Returns the model's name; of replies that are written down, as the tour has them, no path of a file."""
    return "scripted" if header.model.startswith("scripted/") else shorten(sanitize_line(header.model), 40)


def command_at(header: Header, text: str) -> str:
    """Returns the command that a click on a piece of the header gives; empty: none."""
    if text in (header.mode[0][0], header.mode[1][0]) and text:
        return "mode"
    if text == shorten(sanitize_line(header.agent), 40) and text:
        return "agent"
    if text == _model(header) and text:
        return "model"
    pieces = (*_filled(header.filling, False), *_filled(header.filling, True))
    if text != " · " and any(text == piece[0] for piece in pieces):
        return "context"
    if text == _engine(header)[0][0]:
        return "health"
    begins = {
        "budget": "limits",
        "⚠": "approvals",
        "indexing": "collections",
        "mouse:": "mouse",
        "Holdfast": "palette",
    }
    return begins.get(text.split(" ")[0], "usage" if " tok · " in text else "")


def _filled(filling: Filling, short: bool) -> list[tuple[str, str] | str]:
    """Returns how full the model's window is, in words and as a bar; nothing before the first request."""
    if not filling.tokens:
        return []
    about = "~" if filling.about else ""
    if not filling.window:
        return [] if short else [(f"context {about}{tokens(filling.tokens)}", "muted"), (" · ", "muted")]
    share = filling.tokens / filling.window
    words = f"{about}{percent(share)}" if short else f"window {about}{percent(share)} {bar(share)}"
    return [(words, role_of(share)), (" · ", "muted")]


def role_of(share: float) -> str:
    """Returns how urgent a filling is: at about four fifths older messages give way to a summary."""
    return "error" if share >= 0.95 else "warning" if share >= 0.7 else "muted"


def filled(filling: Filling) -> str:
    """Returns how full the model's window is, and how large that is."""
    about = "~" if filling.about else ""
    if not filling.window:
        return f"{about}{tokens(filling.tokens)} tokens in the model's window"
    share = filling.tokens / filling.window
    return f"window {about}{percent(share)} {bar(share)} of {tokens(filling.window)}"


def percent(share: float) -> str:
    """Returns a share as people read it: never 0 % of something, nor 100 % of what is not all."""
    rounded = round(share * 100)
    return "<1 %" if share > 0 and rounded == 0 else f"{rounded} %"


def bar(share: float, cells: int = 5) -> str:
    """Returns a share as a row of signs."""
    filled = min(cells, max(1 if share > 0 else 0, round(share * cells)))
    return "▰" * filled + "▱" * (cells - filled)
