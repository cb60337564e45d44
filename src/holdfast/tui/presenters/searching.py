"""The search in all sessions as data: hits in groups, each under its session, the best session first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.tui.presenters.figures import age
from holdfast.tui.presenters.spans import BLANK, Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.runs import SearchHit

SHORTEST = 2
"""Characters from which on is searched."""
ROLES = {"user": "you", "assistant": "agent"}


@dataclass(frozen=True, slots=True)
class Place:
    """One hit."""

    session_id: str
    event_id: int
    role: str
    at: datetime
    excerpt: Line

    @property
    def id(self) -> str:
        return f"{self.session_id}:{self.event_id}"


@dataclass(slots=True)
class Group:
    """The hits in one session."""

    session_id: str
    title: str
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SearchLine:
    """One row of the results: the heading of a session, or a hit below it."""

    id: str
    lines: tuple[Line, ...]
    place: Place | None = None


@dataclass(slots=True)
class SearchState:
    """What is looked for, and what was found of it so far."""

    words: str = ""
    groups: list[Group] = field(default_factory=list)
    cursor: str | None = None
    """Where the next page begins; None: there is none."""
    busy: bool = False
    error: str = ""
    archived: bool = True
    version: int = 0

    @property
    def count(self) -> int:
        return sum(len(group.places) for group in self.groups)

    def begin(self, words: str) -> None:
        """Looks for other words; what was found before is shown until their hits come."""
        self.words, self.cursor, self.error = words, None, ""
        self.busy = len(words.strip()) >= SHORTEST
        if not self.busy:
            self.groups = []
        self.version += 1

    def take(self, hits: Iterable[SearchHit], cursor: str | None, *, more: bool = False) -> None:
        """Takes hits: the first ones of other words, or more of the same."""
        known = {group.session_id: group for group in self.groups} if more else {}
        self.groups = list(known.values())
        for hit in hits:
            group = known.get(hit.session_id)
            if group is None:
                title = shorten(sanitize_line(hit.session_title).strip(), 200) or "new session"
                group = known[hit.session_id] = Group(hit.session_id, title)
                self.groups.append(group)
            group.places.append(
                Place(hit.session_id, hit.event_id, ROLES.get(hit.role, "?"), hit.at, excerpt(hit.excerpt))
            )
        self.cursor, self.busy, self.error = cursor, False, ""
        self.version += 1

    def fail(self, message: str) -> None:
        """Notes why nothing was found."""
        self.busy, self.error, self.groups, self.cursor = False, sanitize_line(message), [], None
        self.version += 1

    @property
    def query(self) -> str:
        """What the engine is asked for."""
        words = self.words.strip()
        return words if self.archived or "archived:" in words else f"{words} archived:no"


def excerpt(text: str, lead: int = 60) -> Line:
    """Returns an excerpt with its hits marked; of what is before the first, the last `lead` characters."""
    pieces = [sanitize_line(piece) for piece in text.replace("\x03", "\x02").split("\x02")]
    if len(pieces[0]) > lead:
        pieces[0] = "…" + pieces[0][-lead:]
    return tuple((piece, "hit" if i % 2 else "muted") for i, piece in enumerate(pieces) if piece)


def result_lines(state: SearchState, now: datetime) -> list[SearchLine]:
    """Returns the rows of the results."""
    rows: list[SearchLine] = []
    for group in state.groups:
        count = len(group.places)
        head = line((group.title, "heading"), (f"  {count} place{'s' * (count > 1)}", "muted"))
        rows.append(SearchLine(f"of:{group.session_id}", (head,)))
        for place in group.places:
            who = (f"  {place.role:<5} {age(place.at, now):>4}  ", "muted")
            rows.append(SearchLine(place.id, ((who, *place.excerpt),), place))
    return rows


def note_lines(state: SearchState) -> list[Line]:
    """Returns what stands in the place of results while there are none."""
    if state.error:
        return [line((state.error, "error"))]
    if len(state.words.strip()) < SHORTEST:
        return FILTERS
    if state.busy and not state.groups:
        return [line(("Searching…", "muted"))]
    if not state.groups:
        archive = "" if state.archived else " outside of the archive"
        return [line((f"Nothing is found{archive}.", "muted"))]
    return []


def count_line(state: SearchState) -> Line:
    """Returns how much was found."""
    archive = "with the archive" if state.archived else "without the archive"
    if state.busy:
        return line(("searching…   ", "muted"), (archive, "muted"))
    if not state.groups:
        return line((archive, "muted"))
    more = "+" if state.cursor else ""
    sessions = len(state.groups)
    places = f"{state.count}{more} place{'s' * (state.count > 1 or bool(more))}"
    found = f"{places} in {sessions}{more} session{'s' * (sessions > 1 or bool(more))}   "
    return line((found, ""), (archive, "muted"))


FILTERS: list[Line] = [
    line(("Words that you or an agent have said, in any session.", "muted")),
    BLANK,
    *(
        line((f"{keys:<28}", "key"), (what, "muted"))
        for keys, what in (
            ('"last quarter"', "these words together"),
            ("agent:coder", "sessions of this agent"),
            ("project:website", "sessions of a folder of that name"),
            ("since:7d until:2026-01-31", "when it was said: 7d, 12h, today, yesterday, a date"),
            ("role:user", "what you said; role:assistant: what agents said"),
            ("is:starred", "sessions with a star; is:unread, is:waiting"),
            ("archived:only", "only in the archive; archived:no: not in it"),
        )
    ),
]
