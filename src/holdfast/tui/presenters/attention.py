"""When a person who looks elsewhere is called: something waits for them, or a run has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line
from holdfast.tui.presenters.figures import duration

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.core.domain.events import LoggedEvent

APART_S = 5.0
"""Between two calls; what happens meanwhile is told by the next one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One notification."""

    title: str
    body: str


class Attention:
    """Follows the events of all sessions and says what a person should be called for.

    `titles` returns the title of a session for people.
    """

    def __init__(self, titles: Callable[[str], str]) -> None:
        self._titles = titles
        self._begun: dict[str, datetime] = {}
        self._untold: list[tuple[str, str]] = []
        """What has happened since the last call: what, and in which session."""
        self._called = float("-inf")
        self.focused = True
        self.after_s = 10.0
        """Runs that took less are not told of when they end."""
        self.ended = ""
        """How the last run ended that the person has not seen end: `done`, `failed`, or nothing."""

    def focus(self, focused: bool) -> None:
        """The terminal has got or lost the focus; with it, everything has been seen."""
        self.focused = focused
        if focused:
            self._untold.clear()
            self.ended = ""

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session in."""
        event = logged.event
        if event.type == "run.started":
            self._begun[event.run_id] = event.at
        elif event.type in ("approval.requested", "question.asked"):
            self._note("needs you", event.session_id)
        elif event.type in ("run.completed", "run.failed", "run.cancelled"):
            begun = self._begun.pop(event.run_id, None)
            if event.type != "run.cancelled":
                how = "done" if event.type == "run.completed" else "failed"
                self._end(
                    how, None if begun is None else (event.at - begun).total_seconds(), event.session_id
                )

    def _end(self, how: str, took: float | None, session_id: str) -> None:
        """Notes the end of a run; `took` is None for one that began before the app was there."""
        if took is not None and took < self.after_s:
            return
        self._note(how if took is None else f"{how} after {duration(took * 1000)}", session_id)
        self.ended = "" if self.focused else how

    def _note(self, what: str, session_id: str) -> None:
        if not self.focused:
            self._untold.append((what, session_id))

    def due(self, now: float) -> float | None:
        """Returns in how many seconds the next call is to be made; None when there is nothing to tell."""
        return max(0.0, self._called + APART_S - now) if self._untold else None

    def call(self, now: float) -> Call | None:
        """Returns what to tell now, all that happened since the last call as one; None for nothing."""
        if not self._untold:
            return None
        told, self._untold = list(dict.fromkeys(self._untold)), []
        self._called = now
        first = next((one for one in told if one[0] == "needs you"), told[-1])
        title = f"Holdfast {first[0]}"
        more = f", and {len(told) - 1} more" if len(told) > 1 else ""
        return Call(title, sanitize_line(self._titles(first[1])) + more)
