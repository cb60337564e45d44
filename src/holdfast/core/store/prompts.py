"""Prompts of users' own, with what is attached to them. No projections of the log."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from holdfast.core.domain.prompts import OwnPrompt
from holdfast.core.store.reader import Reader
from holdfast.core.store.trash import put, take
from holdfast.core.store.writer import Writer

_COLUMNS = ("id", "owner", "name", "spec", "attachment", "blob", "created_at", "updated_at")
_INSERT = f"INSERT INTO prompts ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"


class PromptTable:
    """Reads and writes the table `prompts`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def of(self, owner: str) -> tuple[OwnPrompt, ...]:
        """Returns a user's prompts, by name."""
        rows = await self._reader.rows("SELECT * FROM prompts WHERE owner = ? ORDER BY name", (owner,))
        return tuple(map(_prompt, rows))

    async def find(self, owner: str, name_or_id: str) -> OwnPrompt | None:
        """Returns the user's prompt of this id, else the one of this name."""
        rows = await self._reader.rows(
            "SELECT * FROM prompts WHERE owner = ?1 AND (id = ?2 OR name = ?2) ORDER BY id = ?2 DESC LIMIT 1",
            (owner, name_or_id),
        )
        return _prompt(rows[0]) if rows else None

    async def add(self, prompt: OwnPrompt, most: int) -> str:
        """Keeps a new prompt. Returns what hinders it: nothing (""), `exists`, or `many`: its owner has
        `most` already."""

        def add(db: sqlite3.Connection) -> str:
            hindered = _hindered(db, prompt.owner, prompt.spec.name, most)
            if not hindered:
                db.execute(_INSERT, _fields(prompt))
            return hindered

        return await self._writer.run(add)

    async def change(self, prompt: OwnPrompt) -> str:
        """Replaces a prompt. Returns what hinders it: nothing (""), `exists`: another has the name; or
        `gone`."""

        def change(db: sqlite3.Connection) -> str:
            try:
                changed = db.execute(
                    "UPDATE prompts SET name = :name, spec = :spec, attachment = :attachment, blob = :blob,"
                    " updated_at = :updated_at WHERE id = :id AND owner = :owner",
                    _fields(prompt),
                )
            except sqlite3.IntegrityError:
                return "exists"
            return "" if changed.rowcount else "gone"

        return await self._writer.run(change)

    async def remove(self, owner: str, id: str) -> bool:
        """Puts a prompt into the trash; says whether it was there."""

        def remove(db: sqlite3.Connection) -> bool:
            with db:
                db.execute("BEGIN IMMEDIATE")
                row = db.execute(
                    f"DELETE FROM prompts WHERE id = ? AND owner = ? RETURNING {', '.join(_COLUMNS)}",
                    (id, owner),
                ).fetchone()
                if row is None:
                    return False
                body = dict(zip(_COLUMNS, row, strict=True))
                put(db, "prompt", id, owner, body["name"], body)
                return True

        return await self._writer.run(remove)

    async def restore(self, owner: str, id: str, most: int) -> str:
        """Brings a prompt back out of the trash. Returns what hinders it: nothing (""), `gone`, `exists` or
        `many`."""

        def restore(db: sqlite3.Connection) -> str:
            with db:
                db.execute("BEGIN IMMEDIATE")
                body = take(db, owner, "prompt", id)
                hindered = "gone" if body is None else _hindered(db, owner, body["name"], most)
                if body is None or hindered:
                    db.execute("ROLLBACK")
                    return hindered
                db.execute(_INSERT, body)
                return ""

        return await self._writer.run(restore)


def _hindered(db: sqlite3.Connection, owner: str, name: str, most: int) -> str:
    if db.execute("SELECT 1 FROM prompts WHERE owner = ? AND name = ?", (owner, name)).fetchone():
        return "exists"
    count = db.execute("SELECT COUNT(*) FROM prompts WHERE owner = ?", (owner,)).fetchone()[0]
    return "many" if count >= most else ""


def _fields(prompt: OwnPrompt) -> dict[str, Any]:
    kept = prompt.model_dump(mode="json")
    attached = kept["attachment"]
    return {
        **kept,
        "name": prompt.spec.name,
        "spec": json.dumps(kept["spec"]),
        "attachment": json.dumps(attached) if attached else None,
        "blob": attached["blob"] if attached else None,
    }


def _prompt(row: sqlite3.Row) -> OwnPrompt:
    fields = {name: row[name] for name in ("id", "owner", "created_at", "updated_at")}
    attached = json.loads(row["attachment"]) if row["attachment"] else None
    return OwnPrompt.model_validate({**fields, "spec": json.loads(row["spec"]), "attachment": attached})
