"""Changes a database by one statement: an SQLite file of the workspace, or PostgreSQL."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field

from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.errors import ForbiddenError
from holdfast.core.domain.tools import DisplayBlock, Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.builtin.sql_query import MAX_PARAMETERS, MAX_SQL, SqlArguments, SqlTool, as_csv
from holdfast.core.tools.builtin.write_file import encoded
from holdfast.core.tools.databases import (
    ABSENT,
    Answer,
    Done,
    Statement,
    Target,
    execute,
    named,
    shown_file,
    shown_rows,
    shown_statement,
)
from holdfast.core.tools.postgres import connected

_UNDO_BYTES = 10 * 2**20
"""Larger files are not kept, so that their changes cannot be taken back."""
_TRIED = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|CREATE|ALTER|DROP)\b", re.IGNORECASE)
"""Beginnings of statements that PostgreSQL takes back whole, but for functions of the user's own in them."""


class SqlWriteArguments(SqlArguments):
    statement: str = Field(
        min_length=1,
        max_length=MAX_SQL,
        description="One INSERT, UPDATE or DELETE, or CREATE, ALTER or DROP of a table, index or view",
    )
    parameters: list[Any] = Field(
        default_factory=list,
        max_length=MAX_PARAMETERS,
        description="Values for each ? in the statement; of PostgreSQL for $1, $2 …",
    )


class SqlWrite(SqlTool):
    name = "sql_write"
    risk = Risk.WRITE
    arguments = SqlWriteArguments

    async def preview(self, arguments: SqlWriteArguments, context: ToolContext) -> Preview:
        """Executes the statement on a copy that is thrown away, or in a transaction that is rolled back, to
        tell how many rows it would change. Of PostgreSQL only what such a transaction takes back."""
        blocks = shown_statement(arguments.statement, arguments.parameters)
        if (spec := _connection(arguments, context)) is not None:
            told, fingerprint = await self._tried(spec, arguments, context)
            return Preview(blocks=(*blocks, TextBlock(text=told)), fingerprint=fingerprint)
        done = await self._execute(arguments, context, keep=False)
        file = shown_file(arguments.database, context)
        told = f"It would change {_rows(done.answer.changed)} of {file}."
        if done.fingerprint == ABSENT:
            told = f"It would make the file {file}."
        if done.size > _UNDO_BYTES:
            told += f" The file has {done.size // 2**20} MiB: the change cannot be taken back."
        return Preview(blocks=(*blocks, TextBlock(text=told)), fingerprint=done.fingerprint)

    async def _tried(
        self, spec: DatabaseSpec, arguments: SqlWriteArguments, context: ToolContext
    ) -> tuple[str, str]:
        """Returns what people are told of a statement on PostgreSQL, and its fingerprint."""
        database = shown_file(arguments.database, context)
        if _TRIED.match(arguments.statement) is None:
            _check_writable(spec, arguments)
            told = (
                f"It was not tried on {database}: what such a statement does may stay though it is rolled "
                "back. It cannot be taken back."
            )
            return told, "not tried"
        changed = (await self._send(spec, arguments, context, keep=False)).changed
        return (
            f"It would change {_rows(changed)} of {database}. That cannot be taken back.",
            f"{changed} rows",
        )

    async def run(self, arguments: SqlWriteArguments, context: ToolContext) -> ToolOutput:
        if (spec := _connection(arguments, context)) is not None:
            answer = await self._send(spec, arguments, context, keep=True)
        else:
            answer = (await self._execute(arguments, context, keep=True)).answer
        told = f"Changed {_rows(answer.changed)} of {arguments.database}."
        shown: list[DisplayBlock] = [*shown_statement(arguments.statement, arguments.parameters)]
        if answer.columns:
            told = f"{told}\n\n{as_csv(answer)}"
            shown.append(shown_rows(answer))
        return ToolOutput.text(told, *shown)

    async def _execute(self, arguments: SqlWriteArguments, context: ToolContext, *, keep: bool) -> Done:
        encoded(arguments.statement)
        target = Target.of(arguments.database, context, write=True)
        if not target.writable:
            raise _only_read(arguments)
        statement = Statement(arguments.statement, arguments.parameters, write=True)
        return await execute(self._processes, context, target, statement, keep=keep)

    async def _send(
        self, spec: DatabaseSpec, arguments: SqlWriteArguments, context: ToolContext, *, keep: bool
    ) -> Answer:
        encoded(arguments.statement)
        _check_writable(spec, arguments)
        statement = Statement(arguments.statement, arguments.parameters, write=True)
        return await connected(self._postgres).execute(spec.to_change(), context, statement, keep=keep)


def _connection(arguments: SqlWriteArguments, context: ToolContext) -> DatabaseSpec | None:
    """Returns the database that is asked for when it is one of PostgreSQL."""
    spec = named(arguments.database, context)
    return spec if spec is not None and spec.postgres is not None else None


def _check_writable(spec: DatabaseSpec, arguments: SqlWriteArguments) -> None:
    if not spec.writable:
        raise _only_read(arguments)


def _only_read(arguments: SqlWriteArguments) -> ForbiddenError:
    return ForbiddenError(
        f"The database {arguments.database} may only be read: its agent does not say `writable`."
    )


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
