"""Hashes of passwords. No projection of the log."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer


class PasswordTable:
    """Reads and writes the table `passwords`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def of(self, user_id: str) -> tuple[str, str] | None:
        """Returns the hash of a user's password, and when the password was set; None: there is none."""
        rows = await self._reader.rows("SELECT hash, changed_at FROM passwords WHERE user_id = ?", (user_id,))
        return (rows[0]["hash"], rows[0]["changed_at"]) if rows else None

    async def keep(self, user_id: str, hash: str | None, at: datetime) -> None:
        """Keeps the hash of a new password of a user, unless the user is gone; None: he has none any more."""
        if hash is None:
            await self._write("DELETE FROM passwords WHERE user_id = ?", (user_id,))
            return
        sql = "INSERT OR REPLACE INTO passwords SELECT id, ?2, ?3 FROM users WHERE id = ?1"
        await self._write(sql, (user_id, hash, at.isoformat()))

    async def rehash(self, user_id: str, before: str, after: str) -> None:
        """Puts another hash of the same password in the place of `before`, if that is still there."""
        sql = "UPDATE passwords SET hash = ?3 WHERE user_id = ?1 AND hash = ?2"
        await self._write(sql, (user_id, before, after))

    async def _write(self, sql: str, values: tuple[str, ...]) -> None:
        def write(db: sqlite3.Connection) -> None:
            db.execute(sql, values)

        await self._writer.run(write)
