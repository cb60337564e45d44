"""The log of runs as a list of any length: its columns, its rows, and what is asked of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.keys import foot, shown
from holdfast.tui.presenters.figures import age, cost, counted, duration
from holdfast.tui.presenters.spans import BLANK, Line, Span, fit, line, space
from holdfast.tui.presenters.status import EngineState, engine_note

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.run_log import RunEntry, RunReport, RunsFound, RunSort

PAGE = 100
"""Runs that are read at once."""
MOST_REPORTS = 30
"""Runs in full that are kept; older ones are read again."""

STATUS: dict[str, Span] = {
    "running": ("◐", "accent"),
    "paused": ("‖", "warning"),
    "waiting": ("⚠", "warning"),
    "completed": ("✓", "success"),
    "failed": ("✗", "error"),
    "cancelled": ("⊘", "muted"),
}
SORTS: dict[RunSort, str] = {
    "time": "when it began",
    "agent": "agent",
    "response_time": "response time",
    "credits": "credits",
    "cost": "cost",
}
"""What the runs can be sorted by; the key goes from one to the next."""
ASCENDING = ("agent",)
"""What begins with the smallest when it is chosen."""


@dataclass(frozen=True, slots=True)
class Head:
    """One column."""

    sort: RunSort | Literal["tools", "prompt"]
    title: str
    width: int
    right: bool = False


@dataclass
class RunLogState:
    """What the screen of runs shows."""

    text: str = ""
    agent: str = ""
    """The only one whose runs are shown; empty: all."""
    sort: RunSort = "time"
    descending: bool = True
    total: int | None = None
    """None: not read yet."""
    agents: dict[str, int] = field(default_factory=dict)
    """How many runs each agent has."""
    pages: dict[int, tuple[RunEntry, ...]] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    """Pages that are on their way."""
    reports: dict[str, RunReport] = field(default_factory=dict)
    switched: dict[str, bool] = field(default_factory=dict)
    """Agents whose logging was switched here, with how it is now."""
    error: str = ""
    wanted: str = ""
    """Where the cursor is to go when it is drawn next."""

    def take(self, found: RunsFound, page: int, *, anew: bool) -> None:
        """Takes a page; `anew`: all others are of another time, or of another question."""
        if anew:
            self.pages.clear()
            self.asked.clear()
        self.total, self.agents, self.error = found.total, found.agents, ""
        self.pages[page] = found.runs
        self.asked.discard(page)

    def keep(self, report: RunReport) -> None:
        """Keeps a run in full."""
        self.reports[report.run.id] = report
        while len(self.reports) > MOST_REPORTS:
            del self.reports[next(iter(self.reports))]

    def at(self, number: int) -> RunEntry | None:
        """Returns the run at a place of the list; None where it was not read yet."""
        page = self.pages.get(number // PAGE, ())
        return page[number % PAGE] if number % PAGE < len(page) else None

    def named(self, place: str | None) -> RunEntry | None:
        """Returns the run of a row."""
        return self.at(int(place)) if place and place.isdigit() else None

    def place_of(self, run_id: str) -> str:
        """Returns the row of a run that was read; empty: it was not."""
        for page, entries in self.pages.items():
            for index, entry in enumerate(entries):
                if entry.id == run_id:
                    return str(page * PAGE + index)
        return ""

    def missing(self, number: int) -> int | None:
        """Returns the page that is to be asked for, so that a row can be shown; None: it is there, or on its
        way."""
        page = number // PAGE
        return None if page in self.pages or page in self.asked else page

    def sort_by(self, sort: RunSort) -> None:
        """Sorts by a column; once more: the other way round."""
        self.descending = not self.descending if sort == self.sort else sort not in ASCENDING
        self.sort = sort

    def next_sort(self) -> None:
        names = list(SORTS)
        self.sort_by(names[(names.index(self.sort) + 1) % len(names)])


@dataclass(frozen=True)
class Columns:
    """How the columns share a width."""

    width: int

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """The columns that there is room for."""
        width = self.width
        heads = [
            Head("time", "when", 11 if width >= 96 else 6),
            Head("agent", "agent", max(8, min(22, width // 6))),
            Head("response_time", "took", 9, right=True),
        ]
        if width >= 66:
            heads.append(Head("credits", "credits", 9, right=True))
        if width >= 84:
            heads.append(Head("cost", "cost", 9, right=True))
        if width >= 100:
            heads.append(Head("tools", "tools", 12, right=True))
        used = 2 + sum(head.width + 1 for head in heads)
        return (*heads, Head("prompt", "prompt", max(8, width - used - 1)))


def titles(state: RunLogState, width: int) -> list[tuple[str, str, Line]]:
    """Returns the titles of the columns: what each sorts by (empty: nothing), its name, how it looks."""
    found = [("", "  ", line("  "))]
    for head in Columns(width).heads:
        here = head.sort == state.sort
        text = f"{head.title} {'▼' if state.descending else '▲'}" if here else head.title
        role = "accent" if here else "muted"
        sort = head.sort if head.sort in SORTS else ""
        found.append((sort, head.title, line((_cell(text, head), role), " ")))
    return found


def _cell(text: str, head: Head) -> str:
    text = fit(text, head.width)
    fill = space(text, head.width)[:-1]
    return fill + text if head.right else text + fill


def row_line(state: RunLogState, number: int, width: int, now: datetime) -> Line:
    """Returns one row of the list."""
    entry = state.at(number)
    if entry is None:
        return line(("  …", "muted"))
    cells: list[Span] = [STATUS[entry.status], (" ", "")]
    for head in Columns(width).heads:
        text, role = _value(entry, head, now)
        cells += [(_cell(text, head), role), (" ", "")]
    return tuple(cells)


def _value(entry: RunEntry, head: Head, now: datetime) -> Span:
    match head.sort:
        case "time":
            at = entry.started_at.astimezone()
            return (f"{at:%m-%d %H:%M}" if head.width > 6 else age(entry.started_at, now), "muted")
        case "agent":
            return sanitize_line(entry.agent_name or entry.agent), "strong"
        case "response_time":
            return ("…" if entry.response_ms is None else duration(entry.response_ms), "")
        case "credits":
            return (credits_text(entry.credits) if entry.credits else "", "")
        case "cost":
            usage = entry.usage
            return (cost(usage.cost_usd, usage.unpriced) if usage.cost_usd or usage.unpriced else "", "")
        case "tools":
            return (f"{entry.tools} · {duration(entry.tool_ms)}" if entry.tools else "", "muted")
        case "prompt":
            below = f"⑂{entry.below} " if entry.below else ""
            if not entry.logged:
                return f"{below}(not logged)", "muted"
            return below + (sanitize_line(entry.prompt) or "(no message)"), "" if entry.prompt else "muted"


def credits_text(credits: float) -> str:
    """Returns an amount of credits."""
    return f"{credits:,.0f}" if credits >= 100 else f"{credits:.3g}"


def headline(state: RunLogState, waiting: int, engine: EngineState = "ready") -> Line:
    """Returns the first line."""
    of = f"  of {sanitize_line(state.agent)}" if state.agent else ""
    words = f"  with “{sanitize_line(state.text)}”" if state.text.strip() else ""
    total = "" if state.total is None else f"  {counted(state.total, 'run')}"
    way = (
        "first" if state.sort == "agent" else "the latest first" if state.sort == "time" else "the most first"
    )
    if not state.descending:
        way = {"time": "the oldest first", "agent": "A first"}.get(state.sort, "the least first")
    elif state.sort == "agent":
        way = "Z first"
    return line(
        ("Runs", "brand"),
        engine_note(engine),
        (total, "strong"),
        (of + words, "accent"),
        (f"  by {SORTS[state.sort]}, {way}", "muted"),
        (f"  ⚠ {waiting}" if waiting else "", "warning"),
    )


def note_lines(state: RunLogState, *, some: bool) -> list[Line]:
    """Returns what stands below the list: loading, nothing there, what went wrong."""
    if state.error:
        return [line((state.error, "error"))]
    if state.total is None:
        return [line(("Reading the log of runs …", "muted"))]
    if some:
        return []
    if state.text.strip() or state.agent:
        said = [line(("No run fits.", "muted"))]
        if state.agent:
            said.append(line((shown("runs.agent"), "key"), (" shows those of other agents", "muted")))
        return said
    return [
        line("No run yet."),
        BLANK,
        line(
            ("Send a message in a session, with ", "muted"),
            ("holdfast run", "code"),
            (" or by any API:", "muted"),
        ),
        line(("each is listed here, with what was said, what it took and what it cost.", "muted")),
    ]


def footer(state: RunLogState, entry: RunEntry | None, *, typing: bool = False) -> list[tuple[str, str, str]]:
    """Returns the keys for what is under the cursor."""
    back, last = foot("runs.back"), foot("runs.help")
    if typing:
        return [back, (shown("words.to_list"), "to the list", ""), last]
    always = [foot("runs.words"), foot("runs.agent"), foot("runs.sort"), foot("runs.reverse"), last]
    if entry is None:
        return [back, *always]
    there = [foot("runs.open"), foot("runs.map")] if entry.session else []
    logged = state.switched.get(entry.agent, entry.logged)
    switch = foot("runs.logging", "stop logging" if logged else "log again")
    return [back, *there, *always[:-1], switch, last]


def agent_rows(state: RunLogState) -> Sequence[tuple[str, str]]:
    """Returns the agents that can be chosen, each with how many runs it has; the first means all."""
    every = sum(state.agents.values())
    listed = [("", f"all agents  {counted(every, 'run')}")]
    return listed + [
        (name, f"{sanitize_line(name)}  {counted(count, 'run')}") for name, count in state.agents.items()
    ]
