"""The table of what was given to collections, as services read it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.core.domain.knowledge import (
    Document,
    IngestItem,
    Submission,
    SubmissionsFound,
    SubmissionStatus,
)
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

_TABLE = "submissions"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of what was given to a collection is meant."""

    collection_id: str
    query: str = ""
    """A part of the name, capitals aside."""
    statuses: tuple[SubmissionStatus, ...] = ()
    """Empty: all."""
    job_id: str | None = None
    """The job that it came with."""


class SubmissionTable:
    """Reads the table, and brings it in step with the index of documents."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def page(self, wanted: Wanted, offset: int, limit: int) -> SubmissionsFound:
        """Returns up to `limit` of what is wanted behind the first `offset`, latest first."""
        where = (
            "collection_id = ?1 AND (?2 = '' OR instr(lower(name), lower(?2)))"
            " AND (?3 IS NULL OR job_id = ?3)"
        )
        values = (wanted.collection_id, wanted.query, wanted.job_id)
        counted = await self._reader.rows(
            f"SELECT status, COUNT(*) AS number FROM {_TABLE} WHERE {where} GROUP BY status", values
        )
        counts: dict[SubmissionStatus, int] = {row["status"]: row["number"] for row in counted}
        statuses = json.dumps(wanted.statuses)
        rows = await self._reader.rows(
            f"SELECT * FROM {_TABLE} WHERE {where}"
            " AND (?4 = '[]' OR status IN (SELECT value FROM json_each(?4)))"
            " ORDER BY added_at DESC, event_id DESC, rowid DESC LIMIT ?5 OFFSET ?6",
            (*values, statuses, limit, offset),
        )
        total = sum(n for status, n in counts.items() if not wanted.statuses or status in wanted.statuses)
        return SubmissionsFound(items=tuple(map(_submission, rows)), total=total, counts=counts)

    async def find(self, id: str, owner: str) -> Submission | None:
        """Returns what a user has given under an id, None where there is none."""
        rows = await self._reader.rows(f"SELECT * FROM {_TABLE} WHERE id = ? AND owner = ?", (id, owner))
        return _submission(rows[0]) if rows else None

    async def items(self, wanted: Wanted, ids: Sequence[str] = ()) -> tuple[IngestItem, ...]:
        """Returns what is wanted as it was given, in the order in which it was; with `ids` only those.
        Files of folders and pages are named by their source alone."""
        rows = await self._reader.rows(
            f"SELECT * FROM {_TABLE} WHERE collection_id = ?1 AND (?2 IS NULL OR job_id = ?2)"
            " AND (?3 = '[]' OR id IN (SELECT value FROM json_each(?3))) ORDER BY event_id, rowid",
            (wanted.collection_id, wanted.job_id, json.dumps(list(ids))),
        )
        return tuple(map(_item, rows))

    async def ids(self, collection_id: str, sources: Iterable[str]) -> dict[str, str]:
        """Returns the id of each of these sources that the collection was given already."""
        rows = await self._reader.rows(
            f"SELECT source, id FROM {_TABLE} WHERE collection_id = ?"
            " AND source IN (SELECT value FROM json_each(?))",
            (collection_id, json.dumps(list(sources))),
        )
        return {row["source"]: row["id"] for row in rows}

    async def kept(self, collection_id: str) -> tuple[int, int]:
        """Returns how many documents of a collection are known here, and how much waits or is worked on."""
        (row,) = await self._reader.rows(
            "SELECT coalesce(sum(kept), 0) AS kept,"
            " coalesce(sum(status IN ('waiting', 'working')), 0) AS open"
            f" FROM {_TABLE} WHERE collection_id = ?",
            (collection_id,),
        )
        return row["kept"], row["open"]

    async def adopt(self, owner: str, collection_id: str, documents: Sequence[Document]) -> None:
        """Makes the rows of a collection agree with the documents that it has."""

        def adopt(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                _adopt(db, owner, collection_id, documents)

        await self._writer.run(adopt)

    async def forget(self, *, collection_id: str | None = None, owner: str | None = None) -> None:
        """Forgets what a collection was given, or a user has given."""

        def forget(db: sqlite3.Connection) -> None:
            with db:
                sql = f"DELETE FROM {_TABLE} WHERE collection_id = ? OR owner = ?"
                db.execute(sql, (collection_id, owner))

        await self._writer.run(forget)


def _adopt(db: sqlite3.Connection, owner: str, collection_id: str, documents: Sequence[Document]) -> None:
    there = json.dumps([each.source for each in documents])
    gone = "collection_id = ? AND kept = 1 AND source NOT IN (SELECT value FROM json_each(?))"
    db.execute(f"DELETE FROM {_TABLE} WHERE {gone} AND status = 'taken_in'", (collection_id, there))
    db.execute(f"UPDATE {_TABLE} SET kept = 0 WHERE {gone}", (collection_id, there))
    db.executemany(
        f"INSERT INTO {_TABLE} (id, owner, collection_id, source, name, status, kept, added_at, event_id)"
        " VALUES (?, ?, ?, ?, ?, 'taken_in', 1, ?, 0)"
        " ON CONFLICT (collection_id, source) DO UPDATE SET id = excluded.id, kept = 1",
        [
            (each.id, owner, collection_id, each.source, each.name, each.added_at.isoformat())
            for each in documents
        ],
    )


def _submission(row: sqlite3.Row) -> Submission:
    fields: dict[str, Any] = {name: row[name] for name in Submission.model_fields if name in row.keys()}  # noqa: SIM118 (a Row iterates over its values)
    item = json.loads(row["item"]) if row["item"] else {}
    error = json.loads(row["error"]) if row["error"] else None
    return Submission.model_validate({**fields, "metadata": item.get("metadata", {}), "error": error})


def _item(row: sqlite3.Row) -> IngestItem:
    if row["item"]:
        item = IngestItem.model_validate_json(row["item"])
    else:
        item = IngestItem(source=row["source"], name=row["name"])
    return item.model_copy(update={"document_id": row["id"]})
