"""Sessions by number: part of a listing in any order, and how many there are in all."""

from __future__ import annotations

import json
from dataclasses import dataclass

from holdfast.core.domain.conversations import SessionOrder, SessionsFound
from holdfast.core.domain.runs import Session
from holdfast.core.store.conditions import like
from holdfast.core.store.reader import Reader
from holdfast.core.store.rows import SESSION, session_of

_ORDERS: dict[SessionOrder, str] = {
    "updated": "s.updated_at",
    "created": "s.created_at",
    "title": "lower(s.title)",
    "messages": "s.messages",
}
_PEOPLE = ("send", "steer")


@dataclass(frozen=True, slots=True)
class SessionsWanted:
    """Which sessions of a user are meant."""

    owner: str
    text: str = ""
    """Stands in the title, or in the id."""
    agent: str | None = None
    """The name of their agent."""
    path: str | None = None
    """Where in `ext` another id of theirs stands, in the words of SQLite's JSON."""


class SessionPages:
    """Reads pages of sessions, and shared ones."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(
        self, wanted: SessionsWanted, order: SessionOrder, *, descending: bool, offset: int, limit: int
    ) -> SessionsFound:
        """Returns up to `limit` of the sessions that are wanted behind the first `offset`."""
        # An index on the owner would not help: what is matched stands in the middle of texts.
        where = (
            "s.deleted_at IS NULL AND s.root_id IS NULL AND s.owner = ?1 AND (?2 IS NULL OR s.agent = ?2)"
            " AND (?3 = '%%' OR s.title LIKE ?3 ESCAPE '\\' OR s.id LIKE ?3 ESCAPE '\\'"
            " OR (?4 IS NOT NULL AND json_extract(s.ext, ?4) LIKE ?3 ESCAPE '\\'))"
        )
        values = (wanted.owner, wanted.agent, f"%{like(wanted.text)}%", wanted.path)
        (count,) = await self._reader.rows(f"SELECT COUNT(*) AS total FROM sessions s WHERE {where}", values)
        way = "DESC" if descending else "ASC"
        rows = await self._reader.rows(
            f"{SESSION} WHERE {where} ORDER BY {_ORDERS[order]} {way}, s.rowid {way} LIMIT ?5 OFFSET ?6",
            (*values, limit, offset),
        )
        items = tuple(session_of(row) for row in rows)
        counts = await self._by_people(items)
        return SessionsFound(items=items, total=count["total"], user_messages=counts)

    async def _by_people(self, sessions: tuple[Session, ...]) -> dict[str, int]:
        found = await self._reader.rows(
            "SELECT session_id, COUNT(*) AS number FROM events WHERE type = 'message.added'"
            " AND session_id IN (SELECT value FROM json_each(?1))"
            # A body that is too large for the table is a person's.
            " AND (body = '' OR json_extract(body, '$.origin') IN (SELECT value FROM json_each(?2)))"
            " GROUP BY session_id",
            (json.dumps([each.id for each in sessions]), json.dumps(_PEOPLE)),
        )
        counted = {row["session_id"]: row["number"] for row in found}
        return {each.id: counted.get(each.id, 0) for each in sessions}

    async def shared(self, session_id: str, path: str | None) -> Session | None:
        """Returns the shared session of this id, else the only one whose other id, at the place `path` of its
        `ext`, it is; None where there is none. It may be anybody's."""
        rows = await self._reader.rows(
            f"{SESSION} WHERE s.shared = 1 AND s.deleted_at IS NULL AND s.root_id IS NULL"
            " AND (s.id = ?1 OR (?2 IS NOT NULL AND json_extract(s.ext, ?2) = ?1))"
            " ORDER BY s.id = ?1 DESC LIMIT 2",
            (session_id, path),
        )
        found = [session_of(row) for row in rows]
        if len(found) == 1 or (found and found[0].id == session_id):
            return found[0]
        return None
