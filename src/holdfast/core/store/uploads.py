"""Uploads that wait to be taken in. No projection of the log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from holdfast.core.domain.knowledge import StagedUpload
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

_COLUMNS = ("id", "owner", "name", "blob", "size", "ext", "created_at")
_INSERT = f"INSERT INTO uploads ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


class UploadTable:
    """Reads and writes the table `uploads`."""

    def __init__(self, writer: Writer, reader: Reader, kept: timedelta) -> None:
        """`kept`: how long an upload waits at most."""
        self._writer = writer
        self._reader = reader
        self._kept = kept

    async def of(self, owner: str) -> tuple[StagedUpload, ...]:
        """Returns a user's uploads, oldest first."""
        rows = await self._reader.rows(
            "SELECT * FROM uploads WHERE owner = ? ORDER BY created_at, id", (owner,)
        )
        return tuple(map(self._upload, rows))

    async def find(self, owner: str, id: str) -> StagedUpload | None:
        """Returns an upload of the user's, None where there is none of that id."""
        rows = await self._reader.rows("SELECT * FROM uploads WHERE owner = ? AND id = ?", (owner, id))
        return self._upload(rows[0]) if rows else None

    async def add(self, upload: StagedUpload, most: int, most_bytes: int) -> bool:
        """Keeps an upload; says False, and keeps nothing, where its owner would have more than `most`, or
        more than `most_bytes` in them."""

        def add(db: sqlite3.Connection) -> bool:
            count, size = db.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM uploads WHERE owner = ?", (upload.owner,)
            ).fetchone()
            if count >= most or size + upload.size > most_bytes:
                return False
            ext, at = json.dumps(upload.ext), _text(upload.created_at)
            db.execute(_INSERT, (upload.id, upload.owner, upload.name, upload.blob, upload.size, ext, at))
            return True

        return await self._writer.run(add)

    async def remove(self, owner: str, ids: Sequence[str]) -> tuple[str, ...]:
        """Forgets uploads of a user's; returns the digests of those that were there."""
        wanted = json.dumps(list(ids))
        return await self._gone("owner = ? AND id IN (SELECT value FROM json_each(?))", (owner, wanted))

    async def remove_all(self, owner: str) -> tuple[str, ...]:
        """Forgets all uploads of a user; returns their digests."""
        return await self._gone("owner = ?", (owner,))

    async def remove_before(self, moment: datetime) -> tuple[str, ...]:
        """Forgets what was uploaded before a moment, by anybody; returns the digests."""
        return await self._gone("created_at < ?", (_text(moment),))

    async def _gone(self, condition: str, values: tuple[str, ...]) -> tuple[str, ...]:
        def remove(db: sqlite3.Connection) -> tuple[str, ...]:
            found = db.execute(f"DELETE FROM uploads WHERE {condition} RETURNING blob", values)
            return tuple(row[0] for row in found.fetchall())

        return await self._writer.run(remove)

    def _upload(self, row: sqlite3.Row) -> StagedUpload:
        created_at = datetime.fromisoformat(row["created_at"])
        return StagedUpload(
            id=row["id"],
            owner=row["owner"],
            name=row["name"],
            blob=row["blob"],
            size=row["size"],
            ext=json.loads(row["ext"]),
            created_at=created_at,
            expires_at=created_at + self._kept,
        )


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
