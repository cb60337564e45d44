"""Releases, in the table `releases`."""

from __future__ import annotations

import json
import sqlite3

from holdfast.core.domain.releases import Release
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

_NEWEST = "ORDER BY published_at DESC, rowid DESC"


class ReleaseTable:
    """Reads and writes releases."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> tuple[Release, ...]:
        """Returns all, the newest first."""
        return tuple(map(_release, await self._reader.rows(f"SELECT * FROM releases {_NEWEST}")))

    async def latest(self) -> Release | None:
        """Returns the newest."""
        rows = await self._reader.rows(f"SELECT * FROM releases {_NEWEST} LIMIT 1")
        return _release(rows[0]) if rows else None

    async def add(self, release: Release, most: int) -> bool:
        """Adds a release, unless there is one of its version, or there are `most`; says whether it did."""
        artifacts = json.dumps([each.model_dump() for each in release.artifacts])
        values = (release.version, release.notes, release.published_at.isoformat(), artifacts, most)
        sql = (
            "INSERT OR IGNORE INTO releases (version, notes, published_at, artifacts)"
            " SELECT ?, ?, ?, ? WHERE (SELECT COUNT(*) FROM releases) < ?"
        )
        return await self._writer.run(lambda db: db.execute(sql, values).rowcount == 1)

    async def remove(self, version: str) -> bool:
        """Removes a release; says whether there was one."""
        sql = "DELETE FROM releases WHERE version = ?"
        return await self._writer.run(lambda db: db.execute(sql, (version,)).rowcount == 1)


def _release(row: sqlite3.Row) -> Release:
    found = {name: row[name] for name in ("version", "notes", "published_at")}
    return Release.model_validate({**found, "artifacts": json.loads(row["artifacts"])})
