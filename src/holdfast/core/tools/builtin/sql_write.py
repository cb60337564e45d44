"""Changes an SQLite file of the workspace by one statement."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from holdfast.core.domain.errors import ForbiddenError
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import DisplayBlock, Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import BuiltinTool
from holdfast.core.tools.builtin.read_file import plain_path
from holdfast.core.tools.builtin.sql_query import MAX_PARAMETERS, MAX_SQL, SqlArguments, as_csv
from holdfast.core.tools.builtin.write_file import encoded
from holdfast.core.tools.databases import (
    ABSENT,
    Done,
    Statement,
    Target,
    execute,
    shown_file,
    shown_rows,
    shown_statement,
)

_UNDO_BYTES = 10 * 2**20
"""Larger files are not kept, so that their changes cannot be taken back."""


class SqlWriteArguments(SqlArguments):
    statement: str = Field(
        min_length=1,
        max_length=MAX_SQL,
        description="One INSERT, UPDATE or DELETE, or CREATE, ALTER or DROP of a table, index or view",
    )
    parameters: list[Any] = Field(
        default_factory=list, max_length=MAX_PARAMETERS, description="Values for each ? in the statement"
    )


class SqlWrite(BuiltinTool):
    name = "sql_write"
    risk = Risk.WRITE
    arguments = SqlWriteArguments

    def __init__(self, processes: ProcessRunner) -> None:
        self._processes = processes

    def subjects(self, arguments: SqlWriteArguments) -> tuple[str, ...]:
        return (plain_path(arguments.database),)

    async def preview(self, arguments: SqlWriteArguments, context: ToolContext) -> Preview:
        """Executes the statement on a copy that is thrown away, to tell how many rows it would change."""
        done = await self._execute(arguments, context, keep=False)
        file = shown_file(arguments.database, context)
        told = f"It would change {_rows(done.answer.changed)} of {file}."
        if done.fingerprint == ABSENT:
            told = f"It would make the file {file}."
        if done.size > _UNDO_BYTES:
            told += f" The file has {done.size // 2**20} MiB: the change cannot be taken back."
        blocks = shown_statement(arguments.statement, arguments.parameters)
        return Preview(blocks=(*blocks, TextBlock(text=told)), fingerprint=done.fingerprint)

    async def run(self, arguments: SqlWriteArguments, context: ToolContext) -> ToolOutput:
        done = await self._execute(arguments, context, keep=True)
        told = f"Changed {_rows(done.answer.changed)} of {arguments.database}."
        shown: list[DisplayBlock] = [*shown_statement(arguments.statement, arguments.parameters)]
        if done.answer.columns:
            told = f"{told}\n\n{as_csv(done.answer)}"
            shown.append(shown_rows(done.answer))
        return ToolOutput.text(told, *shown)

    async def _execute(self, arguments: SqlWriteArguments, context: ToolContext, *, keep: bool) -> Done:
        encoded(arguments.statement)
        target = Target.of(arguments.database, context)
        if not target.writable:
            raise ForbiddenError(
                f"The database {arguments.database} may only be read: its agent does not say `writable`."
            )
        statement = Statement(arguments.statement, arguments.parameters, write=True)
        return await execute(self._processes, context, target, statement, keep=keep)


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
