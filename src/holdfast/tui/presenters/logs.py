"""The log viewer as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.core.domain.logs import NAMES, LogLevel, LogName
from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.logs import LogLine, LogPage

MOST_LINES = 5_000
"""More records are not kept; the oldest go."""
ROLES = {"debug": "muted", "info": "accent", "warning": "warning", "error": "error", "critical": "error"}
CHOICES: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")
TITLES = {
    "engine": "the engine",
    "models": "the worker of models",
    "knowledge": "the worker of knowledge",
    "app": "bugs of the app and the commands",
}


@dataclass(slots=True)
class LogState:
    """What is shown of which log."""

    name: LogName = "engine"
    level: LogLevel = "debug"
    words: str = ""
    lines: list[LogLine] = field(default_factory=list)
    before: str | None = None
    after: str = ""
    following: bool = True
    loaded: bool = False
    error: str = ""

    def start(self) -> None:
        """Forgets the lines: others are wanted."""
        self.lines, self.before, self.after, self.loaded, self.error = [], None, "", False, ""

    def take_last(self, page: LogPage) -> None:
        """Takes the end of the log."""
        self.lines, self.before, self.after = list(page.lines), page.before, page.after
        self.loaded, self.error = True, ""

    def take_older(self, page: LogPage) -> None:
        """Takes what is before."""
        self.lines = [*page.lines, *self.lines]
        self.before = page.before

    def take_newer(self, page: LogPage) -> bool:
        """Takes what was written since; says whether that is anything."""
        self.after = page.after or self.after
        self.lines = [*self.lines, *page.lines][-MOST_LINES:]
        return bool(page.lines)

    def next_level(self) -> None:
        self.level = CHOICES[(CHOICES.index(self.level) + 1) % len(CHOICES)]

    def next_log(self, step: int = 1) -> None:
        self.name = NAMES[(NAMES.index(self.name) + step) % len(NAMES)]


def log_lines(state: LogState) -> list[Line]:
    """Returns the records, each with its time, its level as a word, and where it comes from."""
    if state.error:
        return [line((state.error, "error"))]
    if not state.loaded:
        return [line(("Reading the log…", "muted"))]
    if not state.lines:
        wanted = state.words or state.level != "debug"
        return [line(("No line fits." if wanted else "Nothing is written here yet.", "muted"))]
    older = (
        [line((f"{shown('logs.older')}", "key"), (" shows older lines", "muted")), BLANK]
        if state.before
        else []
    )
    return [*older, *(each for one in state.lines for each in _record(one))]


def _record(one: LogLine) -> list[Line]:
    first, *rest = sanitize(one.text).split("\n")
    at = f"{sanitize_line(one.at)[:23]} " if one.at else ""
    head = line(
        (at, "muted"),
        (f"{one.level:<8} ", ROLES[one.level]),
        (f"{sanitize_line(one.source)}  ", "muted"),
        first,
    )
    return [head, *(line(("    ", "indent"), (text.strip("\r"), "muted")) for text in rest if text.strip())]


def as_text(state: LogState) -> str:
    """Returns the shown records as text, to be copied."""
    return "".join(f"{one.at} {one.level.upper()} {one.source}: {one.text}\n".lstrip() for one in state.lines)


def headline(state: LogState, place: str = "") -> Line:
    """Returns what is shown."""
    of = f" at {sanitize_line(place)}" if place else ""
    level = "" if state.level == "debug" else f"  {state.level} and worse"
    words = f"  with “{sanitize_line(state.words)}”" if state.words else ""
    follow = ("  ● following", "success") if state.following else ("  ○ stands still", "muted")
    return line((f"Log of {TITLES[state.name]}{of}", "brand"), (level + words, "accent"), follow)


def footer(state: LogState, typing: bool) -> list[tuple[str, str, str]]:
    """Returns key, label and command of each key."""
    back, last = foot("logs.back"), foot("logs.help")
    if typing:
        return [back, (shown("words.to_list"), "to the lines", ""), last]
    follow = "stand still" if state.following else "follow"
    keys = [back, foot("logs.follow", follow), foot("logs.level"), foot("logs.next"), foot("logs.words")]
    return [*keys, *([foot("logs.older")] if state.before else []), foot("logs.copy"), last]
