"""The guided tour: what to do next, and how it is noticed that it was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.tui.keys import clicks, shown
from holdfast.tui.presenters.spans import Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.events import AnyEvent

FIRST_MESSAGE = "Write a report on sales.csv"
"""Put into the message field, so that the tour begins with one key."""
AGENT = "guide"
SEARCHED = 3
"""Letters of a search that count."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing to do."""

    id: str
    title: str
    keys: tuple[str, ...]
    """Ids of the keys that its text names, in their order."""
    text: str
    """With `{}` for each of them."""
    done: str
    """Said when it was done."""


STOPS = (
    Stop(
        "ask",
        "Ask",
        ("composer.send",),
        "{} sends what stands in the field below; or ask in your own words.",
        "Sent: the run belongs to the engine, whatever becomes of this window.",
    ),
    Stop(
        "approve",
        "Approve",
        ("everywhere.approvals", "list.choose", "decide.once"),
        "The agent wants to write report.md. {} then {} shows all of it; {} lets it, once.",
        "You let it write: nothing changes before somebody does.",
    ),
    Stop(
        "deny",
        "Deny",
        ("decide.reason", "composer.send"),
        "Now it would replace notes.md. Press {}, say why not, then {}: it reads your reason.",
        "Denied; what you said is what the agent goes on with.",
    ),
    Stop(
        "open",
        "Look at what it made",
        ("everywhere.files", "list.choose", "everywhere.back"),
        "{} goes to the files, {} opens the one at the cursor, {} closes it.",
        "A run's changes can be taken back: /undo.",
    ),
    Stop(
        "context",
        "See what it was made from",
        ("composer.send", "everywhere.back"),
        "Type /context and {}: every part that the model saw, its size and its text. {} closes it.",
        "No part of a request is hidden from you.",
    ),
    Stop(
        "fork",
        "Go another way",
        ("composer.send",),
        "Type /fork and {}: a copy goes on from here, the first session stays as it is.",
        "You are in the copy now; both are in the list of sessions.",
    ),
    Stop(
        "search",
        "Find it again",
        ("everywhere.sessions", "sessions.search"),
        "{} goes to the sessions, {} searches all that was ever said: try the word north.",
        "A hit opens where it was said.",
    ),
)
_END = "That was the tour. {} leaves it, and nothing of it stays. `holdfast` alone begins for real."


class Tour:
    """Where a person is on the tour; told of what happens, it says whether that moved it on."""

    def __init__(self) -> None:
        self._at = 0
        self._said = ""

    @property
    def stop(self) -> Stop | None:
        """The present stop; None at the end."""
        return STOPS[self._at] if self._at < len(STOPS) else None

    def take(self, event: AnyEvent) -> bool:
        """Takes an event of any session."""
        stop = self.stop.id if self.stop else ""
        if event.type == "message.added" and stop == "ask":
            return self._next()
        if event.type == "approval.resolved" and stop in ("approve", "deny"):
            return self._decided(stop, event.status)
        if event.type == "session.created" and stop == "fork" and event.forked_from is not None:
            return self._next()
        return False

    def _decided(self, stop: str, status: str) -> bool:
        other = {"approve": "denied", "deny": "approved"}[stop]
        if status == other == "denied":
            return self._next("You denied it, which is as good: the agent hears of it.")
        if status == other:
            return self._next("You let it. /undo takes back what a run has changed.")
        return self._next() if status in ("approved", "denied") else False

    def did(self, command: str, argument: str) -> bool:
        """Takes what a person has had done by a command."""
        stop = self.stop.id if self.stop else ""
        if (command, stop) in (("preview", "open"), ("context", "context")):
            return self._next()
        if command == "search" and stop == "search" and len(argument.strip()) >= SEARCHED:
            return self._next()
        return False

    def skip(self) -> bool:
        """Goes to the next stop; says whether there was one."""
        if self.stop is None:
            return False
        self._at += 1
        self._said = ""
        return True

    def _next(self, said: str = "") -> bool:
        stop = self.stop
        self._said = said or (stop.done if stop is not None else "")
        self._at += 1
        return True

    def lines(self) -> list[Line]:
        """Returns the panel: what was done, and what to do next."""
        stop = self.stop
        done = [line(("✓ ", "success"), (self._said, "muted"))] if self._said else []
        if stop is None:
            return [*done, line(("Tour  ", "heading"), *_filled(_END, ("everywhere.quit",)))]
        head = line(
            (f"Tour {self._at + 1}/{len(STOPS)}  ", "heading"),
            (stop.title, "strong"),
            ("   ", "muted"),
            (shown("tour.skip"), "key"),
            (" skips   ", "muted"),
            (shown("everywhere.quit"), "key"),
            (" leaves", "muted"),
        )
        return [*done, head, _filled(stop.text, stop.keys)]


def _filled(text: str, keys: tuple[str, ...]) -> Line:
    """Returns a text with the keys as they are now in the places that are marked."""
    pieces = text.split("{}")
    spans: list[tuple[str, str]] = [(pieces[0], "")]
    for key, piece in zip(keys, pieces[1:], strict=True):
        spans += [(shown(key), "key"), (piece, "")]
    return line(*(span for span in spans if span[0]))


def tour_actions() -> dict[str, str]:
    """Returns what a click on a key of the panel does."""
    return {key: f"app.{action.removeprefix('app.')}" for key, action in clicks("tour", "everywhere").items()}
