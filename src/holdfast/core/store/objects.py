"""What objects there are, in the table `objects`; their contents are elsewhere."""

from __future__ import annotations

import secrets
import sqlite3

from holdfast.core.domain.objects import StoredObject
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

MOST = 10_000
"""Objects of one user: empty ones take a row and a file each, too."""
_COLUMNS = "id, owner, key, name, media_type, size, content, created_at"


class ObjectTable:
    """Reads and writes rows of objects."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def find(self, id: str) -> tuple[StoredObject, str] | None:
        """Returns the object of this id and the name of its content."""
        rows = await self._reader.rows("SELECT * FROM objects WHERE id = ?", (id,))
        return (_object(rows[0]), rows[0]["content"]) if rows else None

    async def of(self, owner: str) -> tuple[StoredObject, ...]:
        """Returns a user's objects, the newest first."""
        sql = "SELECT * FROM objects WHERE owner = ? ORDER BY created_at DESC, rowid DESC"
        return tuple(map(_object, await self._reader.rows(sql, (owner,))))

    async def put(
        self, made: StoredObject, content: str, most: int, *, new: bool
    ) -> tuple[StoredObject, str] | None:
        """Keeps an object in the place of its owner's of that key, which keeps its id, or with `new` beside
        it by another key; returns it, with the name of the content that it had before (empty: none).

        None, and nothing is kept, where its owner's would have more than `most` bytes or be more than `MOST`.
        """
        return await self._writer.run(lambda db: _put(db, made, content, most, new))

    async def remove(self, id: str, owner: str) -> str | None:
        """Removes a user's object and returns the name of its content; None: he has none of that id."""
        sql = "DELETE FROM objects WHERE id = ? AND owner = ? RETURNING content"
        rows = await self._writer.run(lambda db: db.execute(sql, (id, owner)).fetchall())
        return str(rows[0][0]) if rows else None

    async def forget_user(self, owner: str) -> tuple[str, ...]:
        """Removes all of a user's, and returns the names of their contents."""
        sql = "DELETE FROM objects WHERE owner = ? RETURNING content"
        rows = await self._writer.run(lambda db: db.execute(sql, (owner,)).fetchall())
        return tuple(str(row[0]) for row in rows)


def _put(
    db: sqlite3.Connection, made: StoredObject, content: str, most: int, new: bool
) -> tuple[StoredObject, str] | None:
    sql = "SELECT id, content FROM objects WHERE owner = ? AND key = ?"
    old = db.execute(sql, (made.owner, made.key)).fetchone()
    if old and new:  # two came in one second
        made, old = made.model_copy(update={"key": f"{secrets.token_hex(4)}_{made.key}"}), None
    sql = "SELECT COALESCE(SUM(size), 0), COUNT(*) FROM objects WHERE owner = ? AND key <> ?"
    size, number = db.execute(sql, (made.owner, made.key)).fetchone()
    if size + made.size > most or number >= MOST:
        return None
    if old:
        made = made.model_copy(update={"id": old[0]})
    said = (made.id, made.owner, made.key, made.name, made.media_type, made.size, content)
    values = (*said, made.created_at.isoformat())
    db.execute(f"INSERT OR REPLACE INTO objects ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    return made, str(old[1]) if old else ""


def _object(row: sqlite3.Row) -> StoredObject:
    return StoredObject.model_validate({name: row[name] for name in StoredObject.model_fields})
