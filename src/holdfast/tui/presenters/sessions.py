"""The sessions pane as data: which sessions there are, how each of them does, and search hits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.presenters.figures import age
from holdfast.tui.presenters.spans import Line, Span

if TYPE_CHECKING:
    from holdfast.core.domain.events import AnyEvent, LoggedEvent
    from holdfast.core.domain.runs import SearchHit, Session

Effect = Literal["none", "changed", "reload"]
"""What an event did to the list; `reload`: the list must be asked for again."""

GLYPHS = {
    "running": ("●", "success"),
    "paused": ("‖", "warning"),
    "waiting": ("⚠", "warning"),
    "failed": ("✗", "error"),
}
IDLE = ("○", "muted")
LEAD = 8
"""Characters of an excerpt before the first hit: the pane is narrow."""
_ENDS = {"run.completed": "completed", "run.failed": "failed", "run.cancelled": "cancelled"}


@dataclass(slots=True)
class SessionState:
    """What is known of one session; kept up to date by events."""

    id: str
    title: str
    agent: str
    status: str
    pending: int
    updated_at: datetime
    forked: bool
    begun: bool
    """Whether something was said or named in it; else it is listed only while it is open."""
    seen: int
    """The last event that is counted in here; the same one may come again when the log is joined."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One line of the sessions pane."""

    id: str
    glyph: Span
    title: str
    age: str
    agent: str
    forked: bool
    """Whether it is a copy of another session, whose title it begins with."""
    current: bool


@dataclass(frozen=True, slots=True)
class HitRow:
    """One place that full-text search found."""

    session_id: str
    event_id: int
    title: str
    excerpt: Line


class SessionList:
    """All sessions, latest first."""

    def __init__(self) -> None:
        self._known: dict[str, SessionState] = {}
        self.loaded = False

    def replace(self, sessions: Iterable[Session]) -> None:
        """Takes the list as the engine gave it."""
        self._known = {s.id: _state(s) for s in sessions}
        self.loaded = True

    def merge(self, session: Session) -> None:
        """Takes one session that was made or changed."""
        self._known[session.id] = _state(session)

    def remove(self, session_id: str) -> None:
        self._known.pop(session_id, None)

    def get(self, session_id: str | None) -> SessionState | None:
        return self._known.get(session_id) if session_id else None

    def title(self, session_id: str) -> str:
        """Returns the session's title for people."""
        known = self._known.get(session_id)
        return _title(known.title) if known else "session " + sanitize_line(session_id)[:8]

    def rows(self, now: datetime, current: str | None, query: str = "") -> list[SessionRow]:
        """Returns the lines to show; `query` filters by words in title or agent."""
        words = query.casefold().split()
        found = [s for s in self._known.values() if (s.begun or s.id == current) and _has(s, words)]
        found.sort(key=lambda s: s.updated_at, reverse=True)
        return [_row(s, now, current) for s in found]

    def apply(self, logged: LoggedEvent) -> Effect:
        """Takes one event of any session in."""
        event = logged.event
        if not event.session_id:  # of a user: jobs, knowledge and memory
            return "none"
        known = self._known.get(event.session_id)
        if event.type == "session.deleted":
            self.remove(event.session_id)
            return "changed"
        if known is None:
            return "reload"
        if logged.id <= known.seen:
            return "none"
        known.seen = logged.id
        return "changed" if _update(known, event) else "none"


def _update(known: SessionState, event: AnyEvent) -> bool:
    known.begun = known.begun or event.type in ("message.added", "run.started", "session.renamed")
    if event.type in _ENDS:
        known.status, known.pending = _ENDS[event.type], 0
    elif event.type in ("run.started", "run.resumed"):
        known.status = "waiting" if known.pending else "running"
    elif event.type == "run.paused":
        known.status = "paused"
    elif event.type in ("approval.requested", "question.asked"):
        known.pending += 1
        known.status = "waiting"
    elif event.type in ("approval.resolved", "question.answered"):
        known.pending = max(0, known.pending - 1)
        known.status = "waiting" if known.pending else "running"
    elif event.type == "session.renamed":
        known.title = event.title
    elif event.type == "session.configured":
        known.agent = event.agent
    elif event.type != "message.added":
        return False
    known.updated_at = max(known.updated_at, event.at)
    return True


def hit_rows(hits: Iterable[SearchHit]) -> list[HitRow]:
    """Returns search hits as lines, the words that were found marked."""
    return [
        HitRow(hit.session_id, hit.event_id, _title(sanitize_line(hit.session_title)), _excerpt(hit.excerpt))
        for hit in hits
    ]


def _excerpt(text: str) -> Line:
    pieces = [sanitize_line(piece) for piece in text.replace("\x03", "\x02").split("\x02")]
    if len(pieces[0]) > LEAD:
        pieces[0] = "…" + pieces[0][-LEAD:]
    return tuple((piece, "hit" if i % 2 else "muted") for i, piece in enumerate(pieces) if piece)


def _state(session: Session) -> SessionState:
    status = session.status.value if session.status else "idle"
    return SessionState(
        id=session.id,
        title=session.title,
        agent=session.agent,
        status="waiting" if session.pending and status == "running" else status,
        pending=session.pending,
        updated_at=session.updated_at,
        forked=session.forked_from is not None,
        begun=bool(session.messages or session.status or session.title),
        seen=session.last_event_id,
    )


def _row(state: SessionState, now: datetime, current: str | None) -> SessionRow:
    return SessionRow(
        id=state.id,
        glyph=GLYPHS.get(state.status, IDLE),
        title=_title(state.title),
        age=age(state.updated_at, now),
        agent=sanitize_line(state.agent),
        forked=state.forked,
        current=state.id == current,
    )


def _has(state: SessionState, words: list[str]) -> bool:
    text = f"{state.title} {state.agent}".casefold()
    return all(word in text for word in words)


def _title(title: str) -> str:
    return shorten(sanitize_line(title).strip(), 200) or "new session"
