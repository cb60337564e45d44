"""What is typed to find sessions: words, and filters such as `agent:coder since:7d is:starred`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeVar

from pydantic import AwareDatetime

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import Value, utc_now

T = TypeVar("T")

Archived = Literal["no", "yes", "only"]
"""Whether sessions in the archive are left out, taken too, or taken alone."""
Role = Literal["user", "assistant"]

MAX_QUERY = 1_000
"""Characters of a query that count, and as many words of them as are looked for: every reader waits."""
MAX_WORDS = 20
FILTERS = ("agent", "project", "since", "until", "archived", "role", "is")
"""What can stand before a colon; any other word with a colon in it is a word."""

_PIECE = re.compile(r'(?:(\w+):)?"([^"]*)"?|(\S+)')
_SPAN = re.compile(r"(\d{1,4})([hdwmy])")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "m": 24 * 30, "y": 24 * 365}
_ROLES: dict[str, Role] = {"user": "user", "you": "user", "me": "user", "assistant": "assistant"}
_ARCHIVED: dict[str, Archived] = {"no": "no", "yes": "yes", "only": "only"}


class SessionQuery(Value):
    """What sessions, or texts in them, are looked for."""

    words: tuple[str, ...] = ()
    """Each must be there; in a text each is also the beginning of a word."""
    phrases: tuple[str, ...] = ()
    """What stood in quotation marks: must be there as it is."""
    agents: tuple[str, ...] = ()
    """Any of these."""
    projects: tuple[str, ...] = ()
    """Each stands in the path of the project's folder."""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    """Before this."""
    archived: Archived = "no"
    role: Role | None = None
    """Who has said it."""
    starred: bool = False
    unread: bool = False
    waiting: bool = False
    key: tuple[str, ...] = ()
    """What was typed, in pieces: names the listing that a cursor belongs to."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Words and phrases."""
        return (*self.words, *self.phrases)


def parsed(text: str, archived: Archived = "no", now: datetime | None = None) -> SessionQuery:
    """Returns what a typed query means; `archived` where it does not say so. Raises `InvalidError`."""
    now = now or utc_now()
    text = text[:MAX_QUERY].replace("\0", " ")
    found: dict[str, list[str]] = {name: [] for name in (*FILTERS, "word", "phrase")}
    for match in _PIECE.finditer(text):
        name, value = _named(match)
        if value and value not in found[name]:
            found[name].append(value)
    words = found["word"][:MAX_WORDS]
    phrases = found["phrase"][: MAX_WORDS - len(words)]
    states = set(found["is"])
    if unknown := states - {"starred", "unread", "waiting"}:
        raise _invalid("is", min(unknown), "starred, unread or waiting")
    return SessionQuery(
        words=tuple(words),
        phrases=tuple(phrases),
        agents=tuple(found["agent"][:MAX_WORDS]),
        projects=tuple(found["project"][:MAX_WORDS]),
        since=_moment("since", found["since"], now),
        until=_moment("until", found["until"], now),
        archived=_choice("archived", found["archived"], _ARCHIVED) or archived,
        role=_choice("role", found["role"], _ROLES),
        starred="starred" in states,
        unread="unread" in states,
        waiting="waiting" in states,
        key=tuple(match.group() for match in _PIECE.finditer(text)),
    )


def _named(match: re.Match[str]) -> tuple[str, str]:
    """Returns the filter that a piece is of (or `word`, or `phrase`), and its value."""
    name, quoted, plain = match.groups()
    if plain is None:
        return (name, quoted) if name in FILTERS else ("phrase", f"{name or ''} {quoted}".strip())
    name, colon, value = plain.partition(":")
    return (name, value) if colon and name in FILTERS else ("word", plain)


def _choice(name: str, values: list[str], known: dict[str, T]) -> T | None:
    if not values:
        return None
    if values[-1] not in known:
        raise _invalid(name, values[-1], ", ".join(known))
    return known[values[-1]]


def _moment(name: str, values: list[str], now: datetime) -> datetime | None:
    """Returns a moment that is said as `7d` (ago), `today`, `yesterday` or a date."""
    if not values:
        return None
    said = values[-1]
    if span := _SPAN.fullmatch(said):
        hours = int(span[1]) * _HOURS[span[2]]
        begin = datetime(1970, 1, 1, tzinfo=UTC)
        return now.astimezone(UTC) - min(timedelta(hours=hours), now - begin)
    here = now.astimezone()
    if said in ("today", "yesterday"):
        day = here.date() - timedelta(days=said == "yesterday")
    else:
        try:
            day = date.fromisoformat(said)
        except ValueError:
            raise _invalid(name, said, "7d, 12h, 2w, today, yesterday or a date as 2026-01-31") from None
    try:
        return datetime.combine(day, time(), here.tzinfo).astimezone(UTC)
    except OverflowError:  # the first or the last day there is, seen from here
        return datetime.combine(day, time(), UTC)


def _invalid(name: str, value: str, expected: str) -> InvalidError:
    shown = shorten(sanitize_line(value), 40)
    return InvalidError(f"{name}:{shown} is not understood; write {expected}.", code="invalid_search")
