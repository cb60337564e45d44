"""What users have accepted. No projection of the log."""

from __future__ import annotations

import sqlite3

from holdfast.core.domain.agreements import Agreement
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer


class AgreementTable:
    """Reads and writes the table `agreements`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def of(self, user_id: str) -> tuple[Agreement, ...]:
        """Returns what a user has accepted, oldest first."""
        rows = await self._reader.rows(
            "SELECT name, title, text, accepted_at FROM agreements WHERE user_id = ?"
            " ORDER BY accepted_at, name",
            (user_id,),
        )
        return tuple(Agreement.model_validate(dict(row)) for row in rows)

    async def keep(self, user_id: str, agreement: Agreement) -> None:
        """Keeps that a user has accepted an agreement, in the place of an older text of it."""
        values = {**agreement.model_dump(mode="json"), "user_id": user_id}
        sql = "INSERT OR REPLACE INTO agreements VALUES (:user_id, :name, :title, :text, :accepted_at)"

        def keep(db: sqlite3.Connection) -> None:
            db.execute(sql, values)

        await self._writer.run(keep)
