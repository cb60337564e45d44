"""Databases that an agent may ask: files of SQLite in its workspace."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from holdfast.core.domain.values import Value

_ORDERS = re.compile(r"(^|/)\.holdfast(/|$)|\.ya?ml$", re.IGNORECASE)
"""Files from which Holdfast takes orders: rules speak of them by their paths, which a name would hide."""

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

    @field_validator("path")
    @classmethod
    def _in_the_workspace(cls, path: str) -> str:
        if path.startswith(("/", "~")) or ".." in path.split("/") or "\0" in path:
            raise PydanticCustomError("database_path", "is no path inside of the workspace")
        if _ORDERS.search(path):
            raise PydanticCustomError("database_path", "is no place for a database")
        return path
