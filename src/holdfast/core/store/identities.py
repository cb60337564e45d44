"""Who of other servers is which user here. Unlike the index tables it is no projection of the log."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from holdfast.core.domain.identity import Role, User
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer


class IdentityTable:
    """Reads and writes the table `identities`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def user(self, issuer: str, subject: str) -> User | None:
        """Returns the user whom an issuer calls so."""
        rows = await self._reader.rows(
            "SELECT u.* FROM users u JOIN identities i ON i.user_id = u.id"
            " WHERE i.issuer = ? AND i.subject = ?",
            (issuer, subject),
        )
        return User.model_validate(dict(rows[0])) if rows else None

    async def user_with(self, email: str) -> User | None:
        """Returns the user of an e-mail address, whatever its case."""
        rows = await self._reader.rows(
            "SELECT * FROM users WHERE email <> '' AND lower(email) = lower(?)", (email,)
        )
        return User.model_validate(dict(rows[0])) if rows else None

    async def set_role(self, user_id: str, role: Role) -> None:
        """Gives a user another role, as the server says where he signs in."""

        def write(db: sqlite3.Connection) -> None:
            db.execute("UPDATE users SET role = ? WHERE id = ?", (role.value, user_id))

        await self._writer.run(write)

    async def keep(self, issuer: str, subject: str, user_id: str, at: datetime) -> bool:
        """Notes who somebody is; says whether nobody was noted there before. A user who is gone is noted
        nowhere."""
        sql = "INSERT OR IGNORE INTO identities SELECT ?1, ?2, id, ?4 FROM users WHERE id = ?3"
        values = (issuer, subject, user_id, at.isoformat())

        def write(db: sqlite3.Connection) -> bool:
            return db.execute(sql, values).rowcount == 1

        return await self._writer.run(write)
