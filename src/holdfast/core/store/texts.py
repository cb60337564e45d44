"""Where a text stands in what was said, to the character: the search of the app knows words."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from holdfast.core.domain.events import EVENT, ToolCallCompleted
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.runs import SessionMatches, TextMatch, TextMatches, TextRole
from holdfast.core.store.reader import Reader

AROUND = 50
"""Characters of an excerpt on each side."""

_SAID = """
    SELECT search.rowid AS id, search.session_id, role, search.at, text FROM search
    JOIN sessions s ON s.id = search.session_id
    WHERE s.owner = ?1 AND s.deleted_at IS NULL AND s.root_id IS NULL AND (?2 IS NULL OR s.id = ?2)
        AND (?3 IS NULL OR role = ?3) AND text GLOB ?4
"""
_RESULTS = """
    SELECT e.id, e.session_id, e.body, e.blob FROM events e JOIN sessions s ON s.id = e.session_id
    WHERE s.owner = ?1 AND s.deleted_at IS NULL AND s.root_id IS NULL AND (?2 IS NULL OR s.id = ?2)
        AND e.type = 'tool_call.completed'
        AND (e.blob IS NOT NULL OR e.body GLOB ?3)
"""


@dataclass(frozen=True, slots=True)
class _Text:
    """What is looked through."""

    event_id: int
    session_id: str
    role: TextRole
    at: object
    text: str


class TextSearch:
    """Looks through what was said in the sessions of one user, and what tools gave."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def find(
        self,
        text: str,
        owner: str,
        role: TextRole | None = None,
        session_id: str | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> TextMatches:
        """Returns where `text` stands, in small or capital letters."""
        rows: list[sqlite3.Row] = []
        results: list[sqlite3.Row] = []
        if role != "tool":
            rows = await self._reader.rows(_SAID, (owner, session_id, role, _glob(text)))
        if role in (None, "tool"):
            written = json.dumps(text, ensure_ascii=False)[1:-1]
            results = await self._reader.rows(_RESULTS, (owner, session_id, _glob(written)))
        return await asyncio.to_thread(self._matches, text, rows, results, offset, limit)

    def _matches(
        self,
        text: str,
        rows: Sequence[sqlite3.Row],
        results: Sequence[sqlite3.Row],
        offset: int,
        limit: int,
    ) -> TextMatches:
        said = (_Text(row["id"], row["session_id"], row["role"], row["at"], row["text"]) for row in rows)
        wanted = re.compile(re.escape(text), re.IGNORECASE)
        found = [
            (_rank(each.text, match), -each.event_id, _match(each, match))
            for texts in (said, self._given(results))
            for each in texts
            if (match := wanted.search(each.text)) is not None
        ]
        best = [match for _, _, match in sorted(found, key=lambda each: each[:2])]
        return TextMatches(
            total=len(best), items=tuple(best[offset : offset + limit]), sessions=_by_session(best)
        )

    def _given(self, rows: Iterable[sqlite3.Row]) -> Iterator[_Text]:
        """Yields what tools gave."""
        for row in rows:
            event = EVENT.validate_json(self._reader.body_of(row))
            if isinstance(event, ToolCallCompleted):
                yield _Text(row["id"], row["session_id"], "tool", event.at, text_of(event.content))


def _glob(text: str) -> str:
    """Returns the pattern of texts in which `text` stands, each letter small or capital: SQLite's own
    comparison only knows those of ASCII."""
    return f"*{''.join(map(_forms, text))}*"


def _forms(character: str) -> str:
    forms = {character, character.lower(), character.upper(), character.title()}
    plain = sorted(each for each in forms if len(each) == 1)
    return f"[{''.join(plain)}]" if len(plain) > 1 or character in "*?[" else character


def _rank(text: str, match: re.Match[str]) -> int:
    """Returns the lower a number, the better `text` is what was looked for."""
    if match.group() == text.strip():
        return 0
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    return 1 if not before.isalnum() and not after.isalnum() else 2


def _match(found: _Text, match: re.Match[str]) -> TextMatch:
    start, end = max(0, match.start() - AROUND), min(len(found.text), match.end() + AROUND)
    excerpt = found.text[start:end]
    return TextMatch.model_validate(
        {
            "session_id": found.session_id,
            "event_id": found.event_id,
            "role": found.role,
            "matched": match.group(),
            "excerpt": f"{'...' * (start > 0)}{excerpt}{'...' * (end < len(found.text))}",
            "at": found.at,
        }
    )


def _by_session(best: Iterable[TextMatch]) -> tuple[SessionMatches, ...]:
    """Returns the sessions of matches, which are given best first."""
    groups: dict[str, list[TextMatch]] = {}
    for match in best:
        groups.setdefault(match.session_id, []).append(match)
    ordered = sorted(
        groups.values(), key=lambda group: (len(group), max(one.event_id for one in group)), reverse=True
    )
    return tuple(
        SessionMatches(session_id=group[0].session_id, count=len(group), first=group[0]) for group in ordered
    )
