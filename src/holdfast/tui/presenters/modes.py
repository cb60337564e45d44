"""The mode as the app shows it: a sign and a word that are always there, what it means, what comes next."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.figures import cost
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.events import AnyEvent
    from holdfast.core.domain.modes import AutoLimits, SessionMode

CYCLE = ("ask", "edits", "plan", "auto")
"""What one key goes through; the other modes are for the command line and the API, and lead to the first."""

SIGNS: dict[str, tuple[str, str]] = {
    "ask": ("?", "muted"),
    "none": ("?", "muted"),
    "reads": ("○", "muted"),
    "edits": ("✎", "accent"),
    "plan": ("◇", "accent"),
    "auto": ("»", "warning"),
    "all": ("!", "error"),
}
"""The sign of each mode, and its style."""

WORDS: dict[str, tuple[str, str]] = {
    "ask": ("ask", "asks you for everything that no rule allows"),
    "edits": ("accept edits", "files of the workspace are written without asking; programs and the rest ask"),
    "plan": ("plan", "only reads; the agent replies with a plan, and you approve it"),
    "auto": ("autonomous", "does everything that no rule denies, until a limit is reached"),
    "reads": ("reads", "asks, but an agent's own ask rules do not count for reading"),
    "none": ("ask", "asks you for everything that no rule allows"),
    "all": ("all", "does everything that no rule denies, without limits"),
}
"""How each mode is called, and what it does."""

_LIMIT = re.compile(r"(\$\s*)?(\d+(?:\.\d+)?)\s*([a-z$]*)", re.IGNORECASE)
_UNITS = {
    "steps": ("step", "steps", "s", ""),
    "minutes": ("min", "mins", "minute", "minutes", "m"),
    "cost_usd": ("$", "usd", "dollar", "dollars"),
}


@dataclass(frozen=True, slots=True)
class ModeView:
    """The mode of the open session, or of the one to come."""

    mode: str = "ask"
    chosen: bool = False
    """Whether somebody chose it for this session; else it is the setting."""
    limits: AutoLimits | None = None
    steps: int = 0
    """Model calls since it was switched on."""
    cost_usd: float = 0.0
    run: str = ""
    """What the run under way was started with, where that is something else."""

    @property
    def shown(self) -> str:
        """The mode that holds now."""
        return self.run or self.mode

    @property
    def after(self) -> str:
        """The mode that the key goes to."""
        shown = self.shown
        return CYCLE[(CYCLE.index(shown) + 1) % len(CYCLE)] if shown in CYCLE else CYCLE[0]

    def apply(self, event: AnyEvent) -> ModeView:
        """Returns the mode after an event of the session."""
        if event.type == "session.mode_changed":
            return ModeView(event.mode.value, True, event.limits)
        if event.type == "run.started":
            asked = event.options.approve
            own = "" if asked is None or asked.value == self.mode else asked.value
            return replace(self, run=own)
        if event.type in ("run.completed", "run.failed", "run.cancelled"):
            return replace(self, run="")
        if event.type == "step.started":
            return replace(self, steps=self.steps + 1)
        if event.type == "usage.recorded":
            return replace(self, cost_usd=self.cost_usd + (event.cost_usd or 0.0))
        return self


def mode_view(mode: SessionMode | None, usual: str) -> ModeView:
    """Returns the view of a session's mode; `usual` is the setting where it has none."""
    if mode is None:
        return ModeView(usual)
    return ModeView(mode.mode.value, True, mode.limits, mode.steps, mode.cost_usd)


def mode_piece(view: ModeView, *, short: bool = False) -> tuple[str, str]:
    """Returns sign and word, for the header: with `auto` also how far it has gone."""
    sign, style = SIGNS[view.shown]
    used = ""
    if view.shown == "auto" and view.limits is not None and not short:
        used = f" {view.steps}/{view.limits.steps}"
    return f"{sign} {view.shown}{used}", style


def mode_lines(view: ModeView) -> list[Line]:
    """Returns what the mode is and how far its limits are used up, for the end of the run pane."""
    sign, style = SIGNS[view.shown]
    word, what = WORDS[view.shown]
    lines = [BLANK, line(("Mode", "heading")), line((f"{sign} {word}  ", style), (what, "muted"))]
    limits = view.limits
    if view.shown == "auto" and limits is not None:
        spent = f" · {cost(view.cost_usd, False)} of ${limits.cost_usd:g}" if limits.cost_usd else ""
        lines.append(line((f"{view.steps} of {limits.steps} steps{spent} · {limits.minutes:g} min", "muted")))
    return lines


def told(event: AnyEvent, me: str) -> str:
    """Returns what to say of a change of the mode that was not made here; empty: nothing."""
    if event.type != "session.mode_changed":
        return ""
    word = WORDS[event.mode.value][0]
    if not event.by:
        return f"{sanitize_line(event.reason).capitalize()}: the agent asks again."
    who = sanitize_line(event.by)
    using = sanitize_line(event.client)
    whose = "" if who in ("", me) else f" by {who}"
    return f"Mode: {word}{whose}{f' ({using})' if using else ''}."


def mode_choices(view: ModeView, limits: AutoLimits) -> list[Choice]:
    """Returns the modes to choose from, the one that holds now marked."""
    choices = []
    for name in CYCLE:
        sign, style = SIGNS[name]
        word, what = WORDS[name]
        now = ("  now", "success") if name == view.shown else ("", "")
        detail = [line((f"{sign} {word}", "heading")), line(what)]
        if name == "auto":
            detail += [BLANK, line(("asks again after ", "muted"), limits_text(limits))]
        if name == "edits":
            dotted = "Names that begin with a dot and agent files ask still."
            detail += [BLANK, line((dotted, "muted"))]
        choices.append(
            Choice(name, line((f"{sign} ", style), (word, "strong"), now), detail, f"{name} {word}")
        )
    return choices


def limits_text(limits: AutoLimits) -> str:
    """Returns the limits of `auto` as a person may write them."""
    spent = f", ${limits.cost_usd:g}" if limits.cost_usd is not None else ""
    return f"{limits.steps} steps{spent}, {limits.minutes:g} min"


def parse_limits(text: str, usual: AutoLimits) -> AutoLimits | None:
    """Returns the limits that `text` says, such as `20 steps, $2, 10 min`; what it leaves out is as `usual`.
    None when it says something else."""
    found: dict[str, float] = {}
    rest = _LIMIT.sub(lambda match: _taken(match, found), text)
    if rest.replace(",", " ").strip() or "?" in found:
        return None
    values = usual.model_dump() | found
    try:
        return type(usual).model_validate({**values, "steps": int(values["steps"])})
    except ValueError:
        return None


def _taken(match: re.Match[str], found: dict[str, float]) -> str:
    dollars, number, unit = match[1], match[2], match[3].lower()
    if dollars and unit:
        found["?"] = 0
        return ""
    name = "cost_usd" if dollars else next((n for n, units in _UNITS.items() if unit in units), "?")
    found["?" if name in found else name] = float(number)
    return ""
