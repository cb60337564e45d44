"""Tools of users' own, with what each was after each of its changes. No projections of the log."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from holdfast.core.domain.custom_tools import CustomTool, ToolVersion
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

KEPT_VERSIONS = 100
"""Of each tool; older ones are dropped."""


class CustomToolTables:
    """Reads and writes the tables `custom_tools` and `custom_tool_versions`.

    The row of a removed tool stays without its content, so that its number is not given again.
    """

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> tuple[CustomTool, ...]:
        """Returns the tools of all users, in the order of their numbers."""
        rows = await self._reader.rows("SELECT * FROM custom_tools WHERE body <> '' ORDER BY owner, number")
        return tuple(map(_tool, rows))

    async def add(self, tool: CustomTool) -> CustomTool:
        """Keeps a new tool and returns it with its number."""

        def add(db: sqlite3.Connection) -> CustomTool:
            with db:
                db.execute("BEGIN IMMEDIATE")
                found = db.execute(
                    "SELECT COALESCE(MAX(number), 0) + 1 FROM custom_tools WHERE owner = ?", (tool.owner,)
                )
                numbered = tool.model_copy(update={"number": found.fetchone()[0]})
                _keep(db, numbered)
                return numbered

        return await self._writer.run(add)

    async def change(self, tool: CustomTool) -> None:
        """Keeps what a tool is now, beside what it was before."""

        def change(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                _keep(db, tool)
                db.execute(
                    "DELETE FROM custom_tool_versions WHERE tool_id = ? AND version <= ?",
                    (tool.id, tool.version - KEPT_VERSIONS),
                )

        await self._writer.run(change)

    async def remove(self, id: str) -> None:
        """Removes a tool and its versions."""

        def remove(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                db.execute("DELETE FROM custom_tool_versions WHERE tool_id = ?", (id,))
                db.execute("UPDATE custom_tools SET name = NULL, body = '' WHERE id = ?", (id,))

        await self._writer.run(remove)

    async def restore(self, tool: CustomTool, versions: tuple[ToolVersion, ...]) -> None:
        """Brings back a tool that was removed, with what it has been."""

        def restore(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                _keep(db, tool)
                for each in versions:
                    if each.version != tool.version:
                        _keep_version(db, tool.id, each)

        await self._writer.run(restore)

    async def versions(self, id: str) -> tuple[ToolVersion, ...]:
        """Returns what a tool has been, the latest first."""
        rows = await self._reader.rows(
            "SELECT body, version, updated_at FROM custom_tool_versions WHERE tool_id = ?"
            " ORDER BY version DESC",
            (id,),
        )
        return tuple(
            ToolVersion(version=row["version"], spec=json.loads(row["body"]), created_at=row["updated_at"])
            for row in rows
        )


def own_tool_names(database: Path, owner: str) -> tuple[str, ...]:
    """Returns the names of a user's own tools where there is no engine; none when they cannot be read."""
    if not database.exists():
        return ()
    try:
        db = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error:
        return ()
    try:
        rows = db.execute("SELECT name FROM custom_tools WHERE owner = ? AND body <> ''", (owner,)).fetchall()
    except sqlite3.Error:
        return ()  # of an older version, which had none
    finally:
        db.close()
    return tuple(row[0] for row in rows)


def _keep(db: sqlite3.Connection, tool: CustomTool) -> None:
    kept = tool.model_dump(mode="json", exclude={"missing"})
    fields = {**kept, "name": tool.spec.name, "body": json.dumps(kept.pop("spec"))}
    fields.pop("spec")
    db.execute(
        "INSERT INTO custom_tools (id, number, owner, name, body, version, created_at, updated_at) VALUES"
        " (:id, :number, :owner, :name, :body, :version, :created_at, :updated_at) ON CONFLICT (id) DO UPDATE"
        " SET name = :name, body = :body, version = :version, updated_at = :updated_at",
        fields,
    )
    db.execute(
        "INSERT INTO custom_tool_versions (tool_id, version, body, updated_at)"
        " VALUES (:id, :version, :body, :updated_at)",
        fields,
    )


def _keep_version(db: sqlite3.Connection, id: str, version: ToolVersion) -> None:
    kept = version.model_dump(mode="json")
    db.execute(
        "INSERT INTO custom_tool_versions (tool_id, version, body, updated_at) VALUES (?, ?, ?, ?)",
        (id, version.version, json.dumps(kept["spec"]), kept["created_at"]),
    )


def _tool(row: sqlite3.Row) -> CustomTool:
    fields = {name: row[name] for name in CustomTool.model_fields if name not in ("spec", "missing")}
    return CustomTool.model_validate({**fields, "spec": json.loads(row["body"])})
