"""Entries of memory, and the search in them. No projections of the log."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from holdfast.core.domain.memory import MemoryEntry, MemoryHit
from holdfast.core.domain.text import shorten
from holdfast.core.domain.values import Page
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.reader import Reader
from holdfast.core.store.trash import put, take
from holdfast.core.store.writer import Writer

_MAX_QUERY = 1_000
"""Characters of a query that count, and as many words of them as are looked for."""
_MAX_WORDS = 20
_TITLE = 200
"""Characters of an entry that say in the trash which it is."""
_PREFIX_FROM = 3
"""Characters from which on a word of the query stands for all that begin with it."""

# A session of the same id may have been made anew: the entry is not of that one.
_SESSION = (
    "(SELECT s.id FROM sessions s WHERE s.id = e.session_id AND s.owner = e.owner"
    " AND s.deleted_at IS NULL"
    " AND julianday(s.created_at) <= julianday(e.created_at))"
)
_PLAIN = (
    "id",
    "owner",
    "content",
    "tags",
    "source",
    "pinned",
    "agent",
    "metadata",
    "created_at",
    "updated_at",
)
_ENTRY = f"SELECT e.number, {', '.join(f'e.{name}' for name in _PLAIN)}, {_SESSION} AS session_id FROM"
_OF = f"e.owner = ?1 AND (?2 IS NULL OR {_SESSION} = ?2)"


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of an entry that was to be kept."""

    entry: MemoryEntry | None
    """None: there are too many already."""
    change: Literal["created", "updated", ""]
    """Empty: nothing, it was there as it is."""


class MemoryEntries:
    """Reads and writes the table `memory_entries`; triggers keep the search in step with it.

    A `session` limits each call to the entries that were made in it; None: all of the user's.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def page(
        self,
        owner: str,
        tag: str | None,
        source: str | None,
        pinned: bool | None,
        limit: int,
        cursor: str | None = None,
    ) -> Page[MemoryEntry]:
        """Returns a user's entries, latest changed first; `tag`: those that have it."""
        place = Keyset("memory_entries", owner, tag, source, pinned)
        before = place.read(cursor, str, int) or [None, 0]
        rows = await self._reader.rows(
            f"{_ENTRY} memory_entries e WHERE e.owner = ?1 AND (?2 IS NULL OR e.source = ?2)"
            " AND (?3 IS NULL OR e.pinned = ?3)"
            " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(e.tags) t WHERE t.value = ?4))"
            " AND (?5 IS NULL OR (e.updated_at, e.number) < (?5, ?6))"
            " ORDER BY e.updated_at DESC, e.number DESC LIMIT ?7",
            (owner, source, pinned, tag, *before, limit + 1),
        )
        kept, next_cursor = place.cut(rows, limit, "updated_at", "number")
        return Page[MemoryEntry](items=tuple(map(_entry, kept)), next_cursor=next_cursor)

    async def get(self, owner: str, entry_id: str, session: str | None = None) -> MemoryEntry | None:
        """Returns an entry; None when there is none, or it is somebody else's."""
        rows = await self._reader.rows(
            f"{_ENTRY} memory_entries e WHERE {_OF} AND e.id = ?3", (owner, session, entry_id)
        )
        return _entry(rows[0]) if rows else None

    async def search(
        self, owner: str, query: str, limit: int, session: str | None = None
    ) -> tuple[MemoryHit, ...]:
        """Returns the entries that hold any word of `query`, best first by BM25."""
        if not (words := _words(query)):
            return ()
        rows = await self._reader.rows(
            f"{_ENTRY.replace('SELECT', 'SELECT -memory_search.rank AS score,', 1)}"
            " memory_search JOIN memory_entries e ON e.number = memory_search.rowid"
            f" WHERE memory_search MATCH ?3 AND {_OF}"
            " ORDER BY memory_search.rank, e.updated_at DESC, e.number DESC LIMIT ?4",
            (owner, session, " OR ".join(words), limit),
        )
        return tuple(MemoryHit(entry=_entry(row), score=row["score"]) for row in rows)

    async def pinned(self, owner: str, limit: int, session: str | None = None) -> tuple[MemoryEntry, ...]:
        """Returns the pinned entries, latest changed first."""
        rows = await self._reader.rows(
            f"{_ENTRY} memory_entries e WHERE {_OF} AND e.pinned"
            " ORDER BY e.updated_at DESC, e.number DESC LIMIT ?3",
            (owner, session, limit),
        )
        return tuple(map(_entry, rows))

    async def keep(
        self,
        entry: MemoryEntry,
        merge: Callable[[MemoryEntry, MemoryEntry], Mapping[str, Any]],
        most: int,
        session: str | None = None,
    ) -> Kept:
        """Keeps an entry; one of the same content that is there already gets what `merge` returns of the
        old and the new one. Nothing is kept where the owner has `most`."""

        def keep(db: sqlite3.Connection) -> Kept:
            found = _rows(
                db,
                f"{_ENTRY} memory_entries e WHERE {_OF} AND e.digest = ?3 ORDER BY e.number LIMIT 1",
                (entry.owner, session, _digest(entry.content)),
            )
            if found:
                old = _entry(found[0])
                changes = merge(old, entry)
                if not changes:
                    return Kept(old, "")
                new = old.model_copy(update={**changes, "updated_at": entry.updated_at})
                _update(db, new)
                return Kept(new, "updated")
            count = db.execute("SELECT COUNT(*) FROM memory_entries WHERE owner = ?", (entry.owner,))
            if count.fetchone()[0] >= most:
                return Kept(None, "")
            fields = _fields(entry)
            marks = ", ".join(f":{name}" for name in fields)
            db.execute(f"INSERT INTO memory_entries ({', '.join(fields)}) VALUES ({marks})", fields)
            return Kept(entry, "created")

        return await self._writer.run(keep)

    async def change(
        self, owner: str, entry_id: str, changes: Mapping[str, Any], at: datetime
    ) -> MemoryEntry | None:
        """Changes fields of an entry and returns it; None when there is none."""

        def change(db: sqlite3.Connection) -> MemoryEntry | None:
            found = _rows(db, f"{_ENTRY} memory_entries e WHERE {_OF} AND e.id = ?3", (owner, None, entry_id))
            if not found:
                return None
            entry = _entry(found[0]).model_copy(update={**changes, "updated_at": at})
            _update(db, entry)
            return entry

        return await self._writer.run(change)

    async def remove(self, owner: str, entry_id: str, session: str | None = None) -> bool:
        """Puts an entry into the trash; says whether it was there."""

        def remove(db: sqlite3.Connection) -> bool:
            with db:
                db.execute("BEGIN IMMEDIATE")
                values = (owner, session, entry_id)
                found = _rows(db, f"SELECT e.* FROM memory_entries e WHERE {_OF} AND e.id = ?3", values)
                if not found:
                    return False
                row = {name: found[0][name] for name in (*_PLAIN, "session_id", "digest")}
                put(db, "memory_entry", entry_id, owner, shorten(row["content"], _TITLE), row)
                db.execute("DELETE FROM memory_entries WHERE id = ?", (entry_id,))
                return True

        return await self._writer.run(remove)

    async def restore(self, owner: str, entry_id: str, most: int) -> str:
        """Brings an entry back out of the trash. Returns what hinders it: nothing (""), `gone` or `many`."""

        def restore(db: sqlite3.Connection) -> str:
            with db:
                db.execute("BEGIN IMMEDIATE")
                count = db.execute("SELECT COUNT(*) FROM memory_entries WHERE owner = ?", (owner,))
                if count.fetchone()[0] >= most:
                    return "many"
                row = take(db, owner, "memory_entry", entry_id)
                if row is None:
                    return "gone"
                marks = ", ".join(f":{name}" for name in row)
                db.execute(f"INSERT INTO memory_entries ({', '.join(row)}) VALUES ({marks})", row)
                return ""

        return await self._writer.run(restore)


def _words(query: str) -> list[str]:
    """Returns the words to look for, as FTS5 takes them."""
    found = dict.fromkeys(re.findall(r"\w+", query[:_MAX_QUERY]))
    return [f'"{word}"*' if len(word) >= _PREFIX_FROM else f'"{word}"' for word in list(found)[:_MAX_WORDS]]


def _rows(db: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
    cursor = db.cursor()
    cursor.row_factory = sqlite3.Row
    return cursor.execute(sql, values).fetchall()


def _update(db: sqlite3.Connection, entry: MemoryEntry) -> None:
    fields = {name: value for name, value in _fields(entry).items() if name != "session_id"}
    sets = ", ".join(f"{name} = :{name}" for name in fields)
    db.execute(f"UPDATE memory_entries SET {sets} WHERE id = :id", fields)


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _fields(entry: MemoryEntry) -> dict[str, Any]:
    return {
        **entry.model_dump(),
        "digest": _digest(entry.content),
        "tags": json.dumps(entry.tags, ensure_ascii=False),
        "metadata": json.dumps(entry.metadata, ensure_ascii=False),
        "created_at": entry.created_at.isoformat(timespec="microseconds"),
        "updated_at": entry.updated_at.isoformat(timespec="microseconds"),
    }


def _entry(row: sqlite3.Row) -> MemoryEntry:
    fields = {name: row[name] for name in MemoryEntry.model_fields}
    return MemoryEntry.model_validate(
        {**fields, "tags": json.loads(fields["tags"]), "metadata": json.loads(fields["metadata"])}
    )
