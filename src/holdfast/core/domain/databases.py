"""Databases that an agent may ask: files of SQLite in its workspace."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from holdfast.core.domain.values import Value

TableName = Annotated[str, Field(min_length=1, max_length=200)]


class DatabaseSpec(Value):
    """A database by a name, and what of it may be seen."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    """What the model calls it by, and what rules match: `sql_query(NAME)`."""
    path: str = Field(min_length=1, max_length=4_096)
    """The SQLite file, relative to the workspace."""
    tables: tuple[TableName, ...] | None = Field(default=None, max_length=1_000)
    """The only tables and views that may be read or changed; a view needs the tables below it listed too.
    Omitted: all. With it tables are neither made nor removed."""
    writable: bool = False
    """Whether `sql_write` may change it."""
