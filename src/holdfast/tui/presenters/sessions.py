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
    from holdfast.core.domain.search import Archived, SessionQuery

Effect = Literal["none", "changed", "reload"]
"""What an event did to the list; `reload`: the list must be asked for again."""

GLYPHS = {
    "running": ("◐", "success"),
    "paused": ("‖", "warning"),
    "waiting": ("⚠", "warning"),
    "failed": ("✗", "error"),
}
UNREAD = ("●", "accent")
ARCHIVED = ("◌", "muted")
IDLE = ("○", "muted")
STAR = ("★", "warning")
MARK = ("✓", "accent")
LEAD = 8
"""Characters of an excerpt before the first hit: the pane is narrow."""
_MARKS = ("session.starred", "session.archived", "session.seen", "session.restored")
_WAITS = ("approval.requested", "approval.resolved", "question.asked", "question.answered")
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
    origin: str | None
    """The session that it is a copy of."""
    begun: bool
    """Whether something was said or named in it; else it is listed only while it is open."""
    seen: int
    """The last event that is counted in here; the same one may come again when the log is joined."""
    project: str = ""
    starred: bool = False
    archived: bool = False
    unread: bool = False
    """Whether a run has ended since the owner looked."""
    child: bool = False
    """Whether a sub-agent works in it: then it is listed only while it is open."""


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
    starred: bool = False
    unread: bool = False
    marked: bool = False


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
        self._roots: dict[str, str] = {}
        """Sessions that sub-agents work in, as far as they were heard of, and for which session each."""
        self.loaded = False
        self.version = 0
        """Counts the changes: what was made of the list before is old when it differs."""
        self.marked: set[str] = set()
        """What the person has chosen to do something with at once."""

    def replace(self, sessions: Iterable[Session]) -> None:
        """Takes the list as the engine gave it."""
        self._known = {s.id: _state(s) for s in sessions}
        self.marked &= self._known.keys()
        self.loaded = True
        self.version += 1

    def merge(self, *sessions: Session) -> None:
        """Takes sessions that were made or changed, or a further page of them."""
        self._known.update({session.id: _state(session) for session in sessions})
        self.version += 1

    def remove(self, session_id: str) -> None:
        self._known.pop(session_id, None)
        self.marked.discard(session_id)
        self.version += 1

    def mark(self, session_id: str) -> None:
        """Marks a session, or takes the mark away."""
        self.marked ^= {session_id}
        self.version += 1

    def mark_all(self, ids: Iterable[str]) -> None:
        """Marks all of these; when they are marked already, none any more."""
        wanted = {each for each in ids if each in self._known}
        self.marked = set() if wanted and wanted == self.marked else wanted
        self.version += 1

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._known

    def get(self, session_id: str | None) -> SessionState | None:
        return self._known.get(session_id) if session_id else None

    def title(self, session_id: str) -> str:
        """Returns the session's title for people."""
        known = self._known.get(session_id)
        return _title(known.title) if known else "session " + sanitize_line(session_id)[:8]

    def rows(self, now: datetime, current: str | None, query: str = "") -> list[SessionRow]:
        """Returns the lines to show; `query` filters by words in title or agent."""
        return [self.row(state, now, current) for state in self.states(current, query)]

    def states(self, current: str | None, query: str = "", archived: Archived = "no") -> list[SessionState]:
        """Returns the sessions to list, latest first: those with something in them, and the open one."""
        if not self._known:
            return []
        wanted = _wanted(query, archived)
        found = [
            s
            for s in self._known.values()
            if ((s.begun and not s.child) or s.id == current) and _fits(s, wanted, current)
        ]
        found.sort(key=lambda s: s.updated_at, reverse=True)
        return found

    def row(self, state: SessionState, now: datetime, current: str | None) -> SessionRow:
        """Returns the line of a session."""
        return _row(state, now, current, state.id in self.marked)

    def root_of(self, session_id: str) -> str:
        """Returns the session that a sub-agent's is part of, as far as that was heard; else itself."""
        return self._roots.get(session_id, session_id)

    def apply(self, logged: LoggedEvent) -> Effect:
        """Takes one event of any session in."""
        event = logged.event
        if not event.session_id:  # of a user: jobs, knowledge and memory
            return "none"
        known = self._known.get(event.session_id)
        self.learn(event)
        if known is None and event.session_id in self._roots:
            return self._apply_below(event)
        if event.type in ("session.deleted", "session.trashed"):
            self.remove(event.session_id)
            return "changed"
        if known is None:
            return "reload"
        if logged.id <= known.seen:
            return "none"
        known.seen = logged.id
        if not _update(known, event):
            return "none"
        self.version += 1
        return "changed"

    def learn(self, event: AnyEvent) -> None:
        """Notes for which session a sub-agent works in another one, which is in no list."""
        if event.type == "session.created" and event.child_of is not None:
            self._roots[event.session_id] = event.child_of.root_id
        elif event.type == "child_run.started":
            self._roots[event.child_session_id] = self._roots.get(event.session_id, event.session_id)
        elif event.type == "approval.requested" and event.approval.parent_session_id:
            self._roots[event.session_id] = event.approval.parent_session_id

    def _apply_below(self, event: AnyEvent) -> Effect:
        """Takes an event of a sub-agent's session in: what waits there waits in the one that it works for."""
        known = self._known.get(self._roots[event.session_id])
        if known is None or event.type not in _WAITS:
            return "none"
        _update(known, event)
        self.version += 1
        return "changed"


def _update(known: SessionState, event: AnyEvent) -> bool:
    known.begun = known.begun or event.type in ("message.added", "run.started", "session.renamed")
    if event.type in _MARKS:
        return _take_mark(known, event)
    if event.type in _ENDS:
        known.status, known.pending, known.unread = _ENDS[event.type], 0, True
    elif event.type in ("run.started", "run.resumed"):
        known.status = "waiting" if known.pending else "running"
        known.archived = known.archived and event.type == "run.resumed"
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


def _take_mark(known: SessionState, event: AnyEvent) -> bool:
    """Takes what a person does with a session as a whole; its place in the list stays."""
    if event.type == "session.starred":
        known.starred = event.starred
    elif event.type == "session.archived":
        known.archived = event.archived
    elif event.type == "session.seen":
        known.unread = False
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
        origin=session.forked_from,
        begun=bool(session.messages or session.status or session.title),
        seen=session.last_event_id,
        project=session.project,
        starred=session.starred,
        archived=session.archived,
        unread=session.unread > 0,
        child=session.child_of is not None,
    )


def _row(state: SessionState, now: datetime, current: str | None, marked: bool) -> SessionRow:
    rest = UNREAD if state.unread else ARCHIVED if state.archived else IDLE
    return SessionRow(
        id=state.id,
        glyph=rest if state.unread and state.status == "failed" else GLYPHS.get(state.status, rest),
        title=_title(state.title),
        age=age(state.updated_at, now),
        agent=sanitize_line(state.agent),
        forked=state.origin is not None,
        current=state.id == current,
        starred=state.starred,
        unread=state.unread and state.id != current,
        marked=marked,
    )


def _wanted(query: str, archived: Archived) -> SessionQuery:
    """Returns what is looked for; everything while what is typed is no query yet."""
    # Start-up time: there are sessions only when the domain's types are loaded.
    from holdfast.core.domain.errors import InvalidError
    from holdfast.core.domain.search import SessionQuery, parsed

    try:
        return parsed(query, archived)
    except InvalidError:
        return SessionQuery(archived=archived)


def _fits(state: SessionState, wanted: SessionQuery, current: str | None) -> bool:
    """Says what the engine's list says too, of what is here already."""
    if wanted.archived != "yes" and state.archived != (wanted.archived == "only") and state.id != current:
        return False
    if wanted.agents and state.agent not in wanted.agents:
        return False
    if not all(part.casefold() in state.project.casefold() for part in wanted.projects):
        return False
    if (wanted.since and state.updated_at < wanted.since) or (
        wanted.until and state.updated_at >= wanted.until
    ):
        return False
    marks = (
        (wanted.starred, state.starred),
        (wanted.unread, state.unread),
        (wanted.waiting, state.pending > 0),
    )
    text = f"{state.title} {state.agent}".casefold()
    return all(has for asked, has in marks if asked) and all(word.casefold() in text for word in wanted.texts)


def _title(title: str) -> str:
    return shorten(sanitize_line(title).strip(), 200) or "new session"
