"""Databases that an agent may ask: files of SQLite in its workspace, and PostgreSQL by the settings."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from holdfast.core.domain.values import Value

_ORDERS = re.compile(r"(^|/)\.holdfast(/|$)|\.ya?ml$", re.IGNORECASE)
"""Files from which Holdfast takes orders: rules speak of them by their paths, which a name would hide."""

CONNECTION = r"^[a-z0-9][a-z0-9_-]{0,49}$"
"""What the name of a PostgreSQL database in the settings looks like."""
POSTGRES_URL = r"^postgres(ql)?://([^\s:@/?#]+@)?[^\s@/?#]*/[^\s@/?#]+(\?[^\s#]*)?$"
"""What its address looks like."""
KEY_PREFIX = "postgres-"
"""Stands before such a name where its password is kept, among the keys of providers."""

TableName = Annotated[str, Field(min_length=1, max_length=200)]


class DatabaseSpec(Value):
    """A database by a name, and what of it may be seen."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    """What the model calls it by, and what rules match: `sql_query(NAME)`."""
    path: str | None = Field(default=None, min_length=1, max_length=4_096)
    """The SQLite file, relative to the workspace."""
    postgres: str | None = Field(default=None, pattern=CONNECTION)
    """In the place of a file: a PostgreSQL database, by its name in the setting `tools.postgres`."""
    schemas: tuple[TableName, ...] | None = Field(default=None, max_length=1_000)
    """Of PostgreSQL, the only schemas whose tables may be read or changed. Omitted: all."""
    tables: tuple[TableName, ...] | None = Field(default=None, max_length=1_000)
    """The only tables and views that may be read or changed. Omitted: all. In a file, a view needs the tables
    below it listed too, and tables are then neither made nor removed. Of PostgreSQL: `TABLE` in the schema
    `public`, or `SCHEMA.TABLE`."""
    writable: bool = False
    """Whether `sql_write` may change it."""
    changeable: tuple[TableName, ...] | None = Field(default=None, max_length=1_000)
    """The only tables that `sql_write` reads or changes. Omitted: those of `tables`."""

    @field_validator("path")
    @classmethod
    def _in_the_workspace(cls, path: str | None) -> str | None:
        if path is None:
            return None
        if path.startswith(("/", "~")) or ".." in path.split("/") or "\0" in path:
            raise PydanticCustomError("database_path", "is no path inside of the workspace")
        if _ORDERS.search(path):
            raise PydanticCustomError("database_path", "is no place for a database")
        return path

    @model_validator(mode="after")
    def _is_one_database(self) -> DatabaseSpec:
        if (self.path is None) == (self.postgres is None):
            raise PydanticCustomError("database_place", "needs either `path` or `postgres`")
        if self.schemas is not None and self.postgres is None:
            raise PydanticCustomError("database_schemas", "has `schemas`, which a file has not")
        return self

    def to_change(self) -> DatabaseSpec:
        """Returns what `sql_write` may see of it."""
        return self if self.changeable is None else self.model_copy(update={"tables": self.changeable})

    @property
    def pairs(self) -> tuple[tuple[str, str], ...] | None:
        """The listed tables of PostgreSQL, each with its schema; None: all."""
        if self.tables is None:
            return None
        split = [name.partition(".") for name in self.tables]
        return tuple((schema, table) if dot else ("public", schema) for schema, dot, table in split)


def without_password(url: str) -> str:
    """Returns the address of a PostgreSQL database as it is. Raises `ValueError` when it has a password."""
    if "password=" in url.lower():
        raise ValueError("has a password; `holdfast keys provider set postgres-NAME --no-test` keeps it")
    return url
