"""Asks a database: an SQLite file of the workspace, or PostgreSQL."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

from pydantic import Field, field_validator

from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import Besides, Preview, Risk, TableBlock, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.builtin.read_file import plain_path
from holdfast.core.tools.builtin.write_file import encoded
from holdfast.core.tools.databases import (
    Answer,
    Statement,
    Target,
    execute,
    named,
    shown_file,
    shown_rows,
    shown_statement,
)
from holdfast.core.tools.postgres import Postgres, connected

MAX_SQL = 20_000
MAX_PARAMETERS = 500


class SqlArguments(Arguments):
    database: Annotated[str, WORKSPACE_PATH] = Field(
        min_length=1,
        max_length=4_096,
        description="Name of the database, or path of an SQLite file, relative to the workspace",
    )

    @field_validator("parameters", check_fields=False)
    @classmethod
    def _plain_values(cls, values: list[Any]) -> list[Any]:
        if not all(value is None or isinstance(value, (str, int, float)) for value in values):
            raise ValueError("each is a text, a number, true, false or null")
        return values


class SqlQueryArguments(SqlArguments):
    query: str = Field(
        default="",
        max_length=MAX_SQL,
        description="One SELECT statement; omitted: tells which tables and columns there are",
    )
    parameters: list[Any] = Field(
        default_factory=list,
        max_length=MAX_PARAMETERS,
        description="Values for each ? in the query; of PostgreSQL for $1, $2 …",
    )


class SqlTool(BuiltinTool):
    """A tool whose calls are about one database. What changes it may return what is in it, too."""

    def __init__(self, processes: ProcessRunner, postgres: Postgres | None = None) -> None:
        self._processes = processes
        self._postgres = postgres

    def subjects(self, arguments: SqlArguments) -> tuple[str, ...]:
        return (plain_path(arguments.database),)

    def besides(self, arguments: SqlArguments) -> tuple[Besides, ...]:
        """Returns the file that it reads, or the name of a database as if it were one."""
        return (Besides("read_file", Risk.READ, self.subjects(arguments)),)


class SqlQuery(SqlTool):
    name = "sql_query"
    risk = Risk.READ
    arguments = SqlQueryArguments

    async def preview(self, arguments: SqlQueryArguments, context: ToolContext) -> Preview:
        blocks = shown_statement(arguments.query, arguments.parameters)
        asked = TextBlock(text=f"It would ask {shown_file(arguments.database, context)}.")
        return Preview(blocks=(*blocks, asked))

    async def run(self, arguments: SqlQueryArguments, context: ToolContext) -> ToolOutput:
        encoded(arguments.query)
        answer = await self._answer(arguments, context)
        if not arguments.query.strip():
            return _tables(answer)
        return ToolOutput.text(as_csv(answer), shown_rows(answer))

    async def _answer(self, arguments: SqlQueryArguments, context: ToolContext) -> Answer:
        statement = Statement(arguments.query, arguments.parameters)
        spec = named(arguments.database, context)
        if spec is not None and spec.postgres is not None:
            return await connected(self._postgres).execute(spec, context, statement)
        target = Target.of(arguments.database, context)
        return (await execute(self._processes, context, target, statement)).answer


def as_csv(answer: Answer) -> str:
    """Returns rows as a model reads them: comma-separated, null as NULL."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows(["NULL" if cell is None else cell for cell in row] for row in answer.rows)
    count = "1 row" if len(answer.rows) == 1 else f"{len(answer.rows)} rows"
    note = f"the first {count}; there are more" if answer.more else count
    return f"{out.getvalue()}[{note}]"


def _tables(answer: Answer) -> ToolOutput:
    if not answer.tables:
        return ToolOutput.text("There are no tables.")
    lines = [f"{table.name} ({', '.join(table.columns)})" for table in answer.tables]
    rows = tuple((table.name, ", ".join(table.columns)) for table in answer.tables)
    return ToolOutput.text("\n".join(lines), TableBlock(headers=("table", "columns"), rows=rows))
