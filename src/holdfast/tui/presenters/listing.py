"""The list of sessions in groups, or as a tree of forks: which lines there are, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.presenters.spans import Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.runs import SessionCounts
    from holdfast.core.domain.search import Archived
    from holdfast.tui.presenters.sessions import SessionState

SIGNS = (
    ("★ ✓ ◌", "starred, marked, archived"),
    ("● ○", "unread: a run has ended since you looked; read"),
    ("◐ ‖ ⚠ ✗", "runs, paused, waits for you, failed"),
)
"""What the signs in the list mean."""

Grouping = Literal["none", "date", "project", "agent", "tree"]

GROUPINGS: dict[Grouping, str] = {
    "date": "by date",
    "project": "by project",
    "agent": "by agent",
    "tree": "forks below what they came from",
    "none": "latest first",
}
"""What each way to order the list is called; the key goes from one to the next."""
ARCHIVES: dict[Archived, str] = {
    "no": "without the archive",
    "only": "the archive",
    "yes": "with the archive",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """The line above a group."""

    text: str
    count: int

    @property
    def id(self) -> str:
        return f"heading:{self.text}"


@dataclass(frozen=True, slots=True)
class Listed:
    """One session in the list."""

    state: SessionState
    prefix: str = ""
    """The lines that lead to it in a tree."""

    @property
    def id(self) -> str:
        return self.state.id


Item = Heading | Listed


def arranged(states: Sequence[SessionState], grouping: Grouping, now: datetime) -> list[Item]:
    """Returns the lines of a list; `states` stand latest first, and so do the sessions of each group.

    Those with a star make a group of their own at the top, but in the tree.
    """
    if grouping == "tree":
        return list(_tree(states))
    stars = [state for state in states if state.starred]
    rest = [state for state in states if not state.starred]
    items: list[Item] = _group("★ starred", stars) if stars else []
    if grouping == "none":
        return [*items, *(_group("others", rest) if stars and rest else map(Listed, rest))]
    groups: dict[str, list[SessionState]] = {}
    begins = _begins(now)
    for state in rest:
        groups.setdefault(_group_of(state, grouping, begins), []).append(state)
    return items + [item for name, found in groups.items() for item in _group(name, found)]


def _group(name: str, states: Sequence[SessionState]) -> list[Item]:
    return [Heading(name, len(states)), *map(Listed, states)]


def _group_of(state: SessionState, grouping: Grouping, begins: Sequence[datetime]) -> str:
    if grouping == "agent":
        return sanitize_line(state.agent) or "no agent"
    if grouping == "project":
        return shorten(sanitize_line(PurePath(state.project).name), 60) or "no project"
    return _day(state.updated_at, begins)


def day_of(at: datetime, now: datetime) -> str:
    """Returns in which part of the past something was, as the clock on the wall has it."""
    return _day(at, _begins(now))


_DAYS = ("today", "yesterday", "this week", "older")


def _begins(now: datetime) -> Sequence[datetime]:
    """Returns when today has begun, yesterday, and the last seven days."""
    today = now.astimezone().date()
    days = (today, today - timedelta(days=1), today - timedelta(days=6))
    return [datetime.combine(day, time()).astimezone() for day in days]


def _day(at: datetime, begins: Sequence[datetime]) -> str:
    return next((name for name, begin in zip(_DAYS, begins, strict=False) if at >= begin), _DAYS[-1])


def _tree(states: Sequence[SessionState]) -> Iterable[Item]:
    """Yields sessions with their copies below them; a copy whose origin is not listed stands alone."""
    known = {state.id for state in states}
    children: dict[str | None, list[SessionState]] = {}
    for state in states:
        origin = state.origin if state.origin in known and state.origin != state.id else None
        children.setdefault(origin, []).append(state)
    stack = [("", "", state) for state in reversed(children.get(None, []))]
    while stack:
        prefix, below, state = stack.pop()
        yield Listed(state, prefix)
        forks = children.get(state.id, [])
        for number, fork in reversed(list(enumerate(forks, 1))):
            last = number == len(forks)
            stack.append((below + ("└ " if last else "├ "), below + ("  " if last else "│ "), fork))


def head_line(counts: SessionCounts | None, marked: int, archived: Archived) -> Line:
    """Returns the title of the pane: how many sessions there are, and how many ask for attention."""
    if marked:
        return line(("Sessions ", "heading"), (f"✓ {marked} marked", "accent"))
    if archived == "only":
        return line(("Archive ", "heading"), (f"◌ {counts.archived if counts else ''}", "muted"))
    if counts is None:
        return line(("Sessions", "heading"))
    said = [(f"{counts.sessions}", "muted")]
    said += [(f" ● {counts.unread}", "accent")] if counts.unread else []
    said += [(f" ⚠ {counts.waiting}", "warning")] if counts.waiting else []
    return line(("Sessions ", "heading"), *said)


def after(grouping: str) -> Grouping:
    """Returns the way to order the list that comes after one."""
    names = list(GROUPINGS)
    return names[(names.index(grouping) + 1) % len(names)] if grouping in GROUPINGS else names[0]
