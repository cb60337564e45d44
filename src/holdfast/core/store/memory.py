"""Blocks of memory, with whom they are shared, and which are used where an agent names none. No projections
of the log."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from holdfast.core.domain.memory import DefaultScope, MemoryBlock, MemoryDefaults, MemoryShare
from holdfast.core.domain.values import Page
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.reader import Reader
from holdfast.core.store.trash import put, take
from holdfast.core.store.writer import Writer

MAX_PAGE_CHARS = 4_000_000
"""Of the contents of one page; a page has one block at least."""

_FOUND = ("owner_name", "shared_with", "can_edit")
"""What of a block does not stand in its row."""
_STORED = tuple(name for name in MemoryBlock.model_fields if name not in _FOUND)
_SEEN = "(b.owner = ?1 OR b.public OR s.user_id IS NOT NULL)"
_MAY_EDIT = "(b.owner = ?1 OR (b.public AND b.public_edit) OR COALESCE(s.can_edit, 0))"
_FROM = "FROM memory_blocks b LEFT JOIN memory_shares s ON s.block_id = b.id AND s.user_id = ?1"
_BLOCK = (
    f"SELECT {', '.join(f'b.{name}' for name in _STORED)},"
    " COALESCE((SELECT name FROM users WHERE id = b.owner), b.owner) AS owner_name,"
    " (SELECT COUNT(*) FROM memory_shares WHERE block_id = b.id) AS shared_with,"
    f" {_MAY_EDIT} AS can_edit {_FROM}"
)
_WANTED = "b.name LIKE ?2 ESCAPE '\\' AND (?3 IS NULL OR b.updated_at >= ?3)"


class MemoryBlocks:
    """Reads and writes the tables `memory_blocks`, `memory_shares` and `memory_defaults`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def page(
        self, user: str, query: str, limit: int, cursor: str | None = None, since: datetime | None = None
    ) -> Page[MemoryBlock]:
        """Returns the blocks that a user may see, whose names hold `query` and that were changed `since`
        (None: ever), by name; fewer than `limit` where they are long."""
        wanted = _wanted(query, since)
        place = Keyset("memory_blocks", user, *map(str, wanted))
        after = place.read(cursor, str, str) or ["", ""]
        heads = await self._reader.rows(
            f"SELECT b.id, b.name, LENGTH(b.content) AS size {_FROM}"
            f" WHERE {_SEEN} AND {_WANTED} AND (b.name, b.id) > (?4, ?5)"
            " ORDER BY b.name, b.id LIMIT ?6",
            (user, *wanted, *after, limit + 1),
        )
        kept, next_cursor = place.cut(heads, min(limit, _fitting(heads)), "name", "id")
        marks = ", ".join(f"?{number}" for number in range(2, len(kept) + 2))
        rows = await self._reader.rows(
            f"{_BLOCK} WHERE {_SEEN} AND b.id IN ({marks}) ORDER BY b.name, b.id",
            (user, *(row["id"] for row in kept)),
        )
        return Page[MemoryBlock](items=tuple(map(_block, rows)), next_cursor=next_cursor)

    async def count(self, user: str, query: str, since: datetime | None) -> int:
        """Returns how many blocks all pages have."""
        sql = f"SELECT COUNT(*) AS count {_FROM} WHERE {_SEEN} AND {_WANTED}"
        return int((await self._reader.rows(sql, (user, *_wanted(query, since))))[0]["count"])

    async def find(self, user: str, name_or_id: str) -> MemoryBlock | None:
        """Returns the block with this id that the user may see, else his own of this name."""
        rows = await self._reader.rows(
            f"{_BLOCK} WHERE {_SEEN} AND (b.id = ?2 OR (b.owner = ?1 AND b.name = ?2))"
            " ORDER BY b.id = ?2 DESC LIMIT 1",
            (user, name_or_id),
        )
        return _block(rows[0]) if rows else None

    async def own(self, user: str, name: str) -> MemoryBlock | None:
        """Returns the user's own block of this name."""
        rows = await self._reader.rows(f"{_BLOCK} WHERE b.owner = ?1 AND b.name = ?2", (user, name))
        return _block(rows[0]) if rows else None

    async def add(self, block: MemoryBlock, most: int) -> str:
        """Keeps a new block. Returns what hinders it: nothing (""), `exists` or `many`: its owner has
        `most` already."""
        fields = _fields(block)

        def insert(db: sqlite3.Connection) -> str:
            if _name_taken(db, block.owner, block.name, block.id):
                return "exists"
            owned = db.execute("SELECT COUNT(*) FROM memory_blocks WHERE owner = ?", (block.owner,))
            if owned.fetchone()[0] >= most:
                return "many"
            marks = ", ".join(f":{name}" for name in fields)
            db.execute(f"INSERT INTO memory_blocks ({', '.join(fields)}) VALUES ({marks})", fields)
            return ""

        return await self._writer.run(insert)

    async def change(
        self,
        block_id: str,
        user: str,
        changes: Mapping[str, Any],
        at: datetime,
        expected: str | None = None,
    ) -> str:
        """Changes fields of a block, if the user may edit it still and its content fits. Returns what
        hinders it: nothing (""), `exists`: another has the name; `gone`; `long`; or `changed`: its content
        has not the SHA-256 `expected` (None: no matter)."""
        fields = {**changes, "updated_at": _text(at)}

        def change(db: sqlite3.Connection) -> str:
            row = db.execute(f"{_BLOCK} WHERE b.id = ?2 AND {_MAY_EDIT}", (user, block_id)).fetchone()
            if row is None:
                return "gone"
            before = dict(zip((*_STORED, *_FOUND), row, strict=True))
            if expected is not None and _digest(before["content"]) != expected:
                return "changed"
            now = before | fields
            if _name_taken(db, now["owner"], now["name"], block_id):
                return "exists"
            if now["max_chars"] and len(now["content"]) > now["max_chars"]:
                return "long"
            sets = ", ".join(f"{name} = :{name}" for name in fields)
            db.execute(
                f"UPDATE memory_blocks SET {sets} WHERE id = :block_id", {**fields, "block_id": block_id}
            )
            return ""

        return await self._writer.run(change)

    async def remove(self, block_id: str) -> bool:
        """Puts a block into the trash, with its shares and where it is the default; says whether it was
        there."""

        def remove(db: sqlite3.Connection) -> bool:
            with db:
                db.execute("BEGIN IMMEDIATE")
                _discard(db, block_id)
                db.execute("DELETE FROM memory_shares WHERE block_id = ?", (block_id,))
                db.execute("DELETE FROM memory_defaults WHERE block_id = ?", (block_id,))
                return db.execute("DELETE FROM memory_blocks WHERE id = ?", (block_id,)).rowcount == 1

        return await self._writer.run(remove)

    async def restore(self, owner: str, block_id: str, most: int) -> str:
        """Brings a block back out of the trash. Returns what hinders it: nothing (""), `gone`, `exists`: the
        owner has another of its name; or `many`."""

        def restore(db: sqlite3.Connection) -> str:
            with db:
                db.execute("BEGIN IMMEDIATE")
                body = take(db, owner, "memory_block", block_id)
                hindered = "gone" if body is None else _hindered(db, owner, body["block"], most)
                if body is None or hindered:
                    db.execute("ROLLBACK")
                    return hindered
                for table, rows in _rows_of(body):
                    for row in rows:
                        marks = ", ".join(f":{name}" for name in row)
                        db.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(row)}) VALUES ({marks})", row)
                return ""

        return await self._writer.run(restore)

    # --- sharing

    async def shares(self, block_id: str) -> tuple[MemoryShare, ...]:
        """Returns with whom a block is shared, by the users' names."""
        rows = await self._reader.rows(
            "SELECT u.name AS user, s.can_edit FROM memory_shares s JOIN users u ON u.id = s.user_id"
            " WHERE s.block_id = ? ORDER BY u.name",
            (block_id,),
        )
        return tuple(MemoryShare.model_validate(dict(row)) for row in rows)

    async def share(self, block_id: str, user_id: str, can_edit: bool) -> None:
        """Shares a block, or shares it otherwise; nothing happens when block or user are gone."""
        await self._write(
            "INSERT INTO memory_shares (block_id, user_id, can_edit) SELECT ?1, ?2, ?3"
            " WHERE EXISTS (SELECT 1 FROM memory_blocks WHERE id = ?1)"
            " AND EXISTS (SELECT 1 FROM users WHERE id = ?2)"
            " ON CONFLICT (block_id, user_id) DO UPDATE SET can_edit = excluded.can_edit",
            (block_id, user_id, can_edit),
        )

    async def unshare(self, block_id: str, user_id: str) -> None:
        """Takes a share back."""
        await self._write("DELETE FROM memory_shares WHERE block_id = ? AND user_id = ?", (block_id, user_id))

    async def publish(self, block_id: str, public: bool, can_edit: bool, at: datetime) -> None:
        """Says whether all users see a block, and whether they may change its content."""
        await self._write(
            "UPDATE memory_blocks SET public = ?2, public_edit = ?3, updated_at = ?4 WHERE id = ?1",
            (block_id, public, public and can_edit, _text(at)),
        )

    # --- defaults

    async def defaults(self, user: str) -> MemoryDefaults:
        """Returns a user's defaults; one that he may not see any more is none."""
        rows = await self._reader.rows(
            f"SELECT d.scope, d.block_id {_FROM} JOIN memory_defaults d ON d.block_id = b.id AND d.owner = ?1"
            f" WHERE {_SEEN}",
            (user,),
        )
        return MemoryDefaults.model_validate({row["scope"]: row["block_id"] for row in rows})

    async def set_default(self, user: str, scope: DefaultScope, block_id: str | None) -> None:
        """Sets or (None) removes a default."""
        if block_id is None:
            await self._write("DELETE FROM memory_defaults WHERE owner = ? AND scope = ?", (user, scope))
            return
        await self._write(
            "INSERT INTO memory_defaults (owner, scope, block_id) VALUES (?1, ?2, ?3)"
            " ON CONFLICT (owner, scope) DO UPDATE SET block_id = excluded.block_id",
            (user, scope, block_id),
        )

    async def _write(self, sql: str, values: tuple[Any, ...]) -> None:
        def write(db: sqlite3.Connection) -> None:
            db.execute(sql, values)

        await self._writer.run(write)


_TABLES = ("memory_blocks", "memory_shares", "memory_defaults")
_COLUMNS = {
    "memory_blocks": _STORED,
    "memory_shares": ("block_id", "user_id", "can_edit"),
    "memory_defaults": ("owner", "scope", "block_id"),
}


def _discard(db: sqlite3.Connection, block_id: str) -> None:
    cursor = db.cursor()
    cursor.row_factory = sqlite3.Row
    found = cursor.execute("SELECT * FROM memory_blocks WHERE id = ?", (block_id,)).fetchone()
    if found is None:
        return
    body: dict[str, Any] = {"block": dict(found)}
    for table in _TABLES[1:]:
        rows = cursor.execute(f"SELECT * FROM {table} WHERE block_id = ?", (block_id,)).fetchall()
        body[table] = [dict(row) for row in rows]
    put(db, "memory_block", block_id, found["owner"], found["name"], body)


def _rows_of(body: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Returns the rows of a block that was kept, each with the columns that its table has."""
    rows = {"memory_blocks": [body["block"]], **{table: body[table] for table in _TABLES[1:]}}
    return [
        (table, [{name: row[name] for name in _COLUMNS[table] if name in row} for row in rows[table]])
        for table in _TABLES
    ]


def _hindered(db: sqlite3.Connection, owner: str, block: dict[str, Any], most: int) -> str:
    if _name_taken(db, owner, block["name"], block["id"]):
        return "exists"
    count = db.execute("SELECT COUNT(*) FROM memory_blocks WHERE owner = ?", (owner,)).fetchone()[0]
    return "many" if count >= most else ""


def forget_owner(db: sqlite3.Connection, user_id: str) -> None:
    """Removes all memory of a user but what is in the trash, and what was shared with him; inside the
    caller's transaction."""
    own = "(SELECT id FROM memory_blocks WHERE owner = ?1)"
    db.execute(f"DELETE FROM memory_shares WHERE user_id = ?1 OR block_id IN {own}", (user_id,))
    db.execute(f"DELETE FROM memory_defaults WHERE owner = ?1 OR block_id IN {own}", (user_id,))
    db.execute("DELETE FROM memory_blocks WHERE owner = ?", (user_id,))
    db.execute("DELETE FROM memory_entries WHERE owner = ?", (user_id,))


def _wanted(query: str, since: datetime | None) -> tuple[str, str | None]:
    like = "%" + "".join(f"\\{c}" if c in "\\%_" else c for c in query) + "%"
    return like, None if since is None else _text(_in_utc(since))


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # of the first day that there is, or the last
        return at.replace(tzinfo=UTC)


def _fitting(heads: list[sqlite3.Row]) -> int:
    """Returns how many blocks a page can have."""
    size = 0
    for count, row in enumerate(heads):
        size += row["size"]
        if count and size > MAX_PAGE_CHARS:
            return count
    return max(1, len(heads))


def _name_taken(db: sqlite3.Connection, owner: str, name: str, block_id: str) -> bool:
    sql = "SELECT 1 FROM memory_blocks WHERE owner = ? AND name = ? AND id <> ?"
    return db.execute(sql, (owner, name, block_id)).fetchone() is not None


def _text(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def _fields(block: MemoryBlock) -> dict[str, Any]:
    times = {"created_at": _text(block.created_at), "updated_at": _text(block.updated_at)}
    return {**{name: getattr(block, name) for name in _STORED}, **times}


def _block(row: sqlite3.Row) -> MemoryBlock:
    return MemoryBlock.model_validate(dict(row))


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
