"""The trash: what was deleted, with all that is needed to bring it back.

Sessions are in it by a mark on their row; everything else is a row of its own table,
which is no projection of the log.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from holdfast.core.domain.trash import TrashKind
from holdfast.core.domain.values import utc_now
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

_ALL = """
    SELECT 'session' AS kind, id, owner, title, deleted_at FROM sessions
        WHERE deleted_at IS NOT NULL AND root_id IS NULL
    UNION ALL SELECT kind, id, owner, title, deleted_at FROM trash
"""


@dataclass(frozen=True, slots=True)
class Discarded:
    """A row of the trash, whatever it is of."""

    kind: TrashKind
    id: str
    owner: str
    title: str
    deleted_at: datetime


class TrashTable:
    """Reads what is in the trash, and empties it of all but sessions, which the log knows of."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def page(
        self, owner: str, kind: TrashKind | None, limit: int, cursor: str | None = None
    ) -> tuple[tuple[Discarded, ...], str | None]:
        """Returns what a user has deleted, latest first, and the cursor of the next page."""
        place = Keyset("trash", owner, kind)
        before = place.read(cursor, str, str) or [None, ""]
        rows = await self._reader.rows(
            f"SELECT * FROM ({_ALL}) WHERE owner = ?1 AND (?2 IS NULL OR kind = ?2)"
            " AND (?3 IS NULL OR (deleted_at, id) < (?3, ?4)) ORDER BY deleted_at DESC, id DESC LIMIT ?5",
            (owner, kind, *before, limit + 1),
        )
        kept, next_cursor = place.cut(rows, limit, "deleted_at", "id")
        return tuple(map(_discarded, kept)), next_cursor

    async def find(self, owner: str, kind: TrashKind, id: str) -> Discarded | None:
        """Returns one thing, None when it is not in the user's trash."""
        rows = await self._reader.rows(
            f"SELECT * FROM ({_ALL}) WHERE owner = ? AND kind = ? AND id = ?", (owner, kind, id)
        )
        return _discarded(rows[0]) if rows else None

    async def older(self, than: datetime) -> tuple[Discarded, ...]:
        """Returns what was deleted before a moment, of all users."""
        rows = await self._reader.rows(f"SELECT * FROM ({_ALL}) WHERE deleted_at < ?", (_text(than),))
        return tuple(map(_discarded, rows))

    async def of(self, owner: str) -> tuple[Discarded, ...]:
        """Returns all that a user has deleted."""
        rows = await self._reader.rows(f"SELECT * FROM ({_ALL}) WHERE owner = ?", (owner,))
        return tuple(map(_discarded, rows))

    async def keep(self, thing: Discarded, body: dict[str, Any]) -> None:
        """Puts a thing into the trash."""
        await self._writer.run(
            lambda db: put(db, thing.kind, thing.id, thing.owner, thing.title, body, thing.deleted_at)
        )

    async def body(self, owner: str, kind: TrashKind, id: str) -> dict[str, Any] | None:
        """Returns what is needed to bring a thing back, None when it is not there."""
        rows = await self._reader.rows(
            "SELECT body FROM trash WHERE owner = ? AND kind = ? AND id = ?", (owner, kind, id)
        )
        return dict(json.loads(rows[0]["body"])) if rows else None

    async def drop(self, owner: str, kind: TrashKind, id: str) -> None:
        """Forgets a thing for good; a session is not forgotten here."""
        await self._writer.run(lambda db: take(db, owner, kind, id))


def put(
    db: sqlite3.Connection,
    kind: TrashKind,
    id: str,
    owner: str,
    title: str,
    body: dict[str, Any],
    at: datetime | None = None,
) -> None:
    """Puts a thing into the trash, in the place of an older one of its id."""
    db.execute(
        "INSERT OR REPLACE INTO trash (kind, id, owner, title, body, deleted_at) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, id, owner, title, json.dumps(body), _text(at or utc_now())),
    )


def take(db: sqlite3.Connection, owner: str, kind: TrashKind, id: str) -> dict[str, Any] | None:
    """Takes a thing out of the trash and returns what was kept of it; None when it is not there."""
    row = db.execute(
        "DELETE FROM trash WHERE owner = ? AND kind = ? AND id = ? RETURNING body", (owner, kind, id)
    ).fetchone()
    return dict(json.loads(row[0])) if row is not None else None


def _discarded(row: sqlite3.Row) -> Discarded:
    at = datetime.fromisoformat(row["deleted_at"])
    return Discarded(row["kind"], row["id"], row["owner"], row["title"], at)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
