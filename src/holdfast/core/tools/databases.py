"""SQLite files of a workspace: statements on a private copy, in a process of their own.

A copy, because SQLite opens files by their paths and makes others beside them: in the workspace those could
be links that lead out of it. A changed copy takes the file's place at one stroke, if the file is as it was.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdfast.core.domain.databases import DatabaseSpec
from holdfast.core.domain.errors import InvalidError, NotFoundError, ToolError
from holdfast.core.domain.files import FileStat, Workspace
from holdfast.core.domain.processes import Ending, ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import CodeBlock, DisplayBlock, TableBlock, TextBlock, ToolContext
from holdfast.core.domain.values import Value

MAX_BYTES = 512 * 2**20
"""Largest database that is opened."""
MAX_ROWS = 200
MAX_CELL = 2_000
MAX_S = 30.0
"""Seconds that a statement may take."""
ABSENT = "absent"
"""The fingerprint of a file that is not there."""
MAX_CHARS = 200_000
KEEP_CHARS = 16 * MAX_CHARS
"""Of what a program writes that executes a statement."""
GRACE_S = 5.0
_PROGRAM = str(Path(__file__).with_name("builtin") / "sql_main.py")
_COPY = "database"
_SIDES = ("-wal", "-journal")
_HEADER = b"SQLite format 3\0"
_CHUNK = 2**20


class Table(Value):
    """A table, and its columns with their types."""

    name: str
    columns: tuple[str, ...]


class Answer(Value):
    """What came of a statement."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    more: bool = False
    """Whether there are more rows than these."""
    changed: int = 0
    tables: tuple[Table, ...] = ()
    refused: str = ""
    timeout: bool = False
    missing: bool = False
    """Whether the library that speaks to the database is not installed."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """A database as a call names it."""

    path: str
    tables: tuple[str, ...] | None
    writable: bool

    @classmethod
    def of(cls, database: str, context: ToolContext, *, write: bool = False) -> Target:
        """Returns what the call may use. Raises `ToolError` for a name that the agent has not."""
        found = named(database, context)
        if found is None:
            return cls(context.workspace.relative(database), None, True)
        assert found.path is not None, "a PostgreSQL database is asked otherwise"
        tables = found.to_change().tables if write else found.tables
        return cls(context.workspace.relative(found.path), tables, found.writable)


def named(database: str, context: ToolContext) -> DatabaseSpec | None:
    """Returns what the agent means by the name `database`; None where it names no databases, and means files.
    Raises `ToolError` for a name that the agent has not."""
    if not context.databases:
        return None
    found = next((one for one in context.databases if one.name == database), None)
    if found is None:
        names = ", ".join(one.name for one in context.databases)
        raise ToolError(f"There is no database {database[:80]!r}. There are: {names}.", code="not_found")
    return found


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement with the values of its parameters."""

    text: str
    parameters: Sequence[Any]
    write: bool = False

    def asked(self, limit_s: float, **more: Any) -> bytes:
        """Returns the input of a program that executes it, with `more` of that program's own."""
        given = {
            "statement": self.text,
            "parameters": list(self.parameters),
            "write": self.write,
            "max_rows": MAX_ROWS,
            "max_cell": MAX_CELL,
            "max_chars": MAX_CHARS,
            "time_s": limit_s,
        }
        return json.dumps({**given, **more}).encode()


@dataclass(frozen=True, slots=True)
class Done:
    """A statement that was executed on a copy of the file."""

    answer: Answer
    fingerprint: str
    """Of the file that was copied."""
    size: int
    """Bytes of the file afterwards."""


async def execute(
    processes: ProcessRunner,
    context: ToolContext,
    target: Target,
    statement: Statement,
    *,
    keep: bool = False,
) -> Done:
    """Executes a statement; `keep` puts the changed file into the place of the old one.

    Raises `ToolError` when it is refused, fails or takes too long, `ConflictError` when the file has changed
    meanwhile, `NotFoundError`, `OutsideWorkspace`.
    """
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="holdfast-sql-")
    try:
        place = Path(folder.name)
        before = await asyncio.to_thread(_copy, context.workspace, target.path, place, statement.write)
        answer = await _ask(processes, context, target, statement, place)
        size = await asyncio.to_thread(_size, place)
        if keep:
            await asyncio.to_thread(_put_back, context.workspace, target.path, place, before)
        return Done(answer, before, size)
    finally:
        await asyncio.to_thread(folder.cleanup)


async def _ask(
    processes: ProcessRunner, context: ToolContext, target: Target, statement: Statement, place: Path
) -> Answer:
    limit_s = min(MAX_S, context.timeout_s)
    spec = ProcessSpec(
        command=(sys.executable, "-I", "-S", "-W", "ignore", "-X", "utf8", _PROGRAM),
        cwd=place,
        environment={**context.environment, "SQLITE_TMPDIR": str(place)},
        timeout_s=limit_s + GRACE_S,
        stdin=statement.asked(limit_s, file=_COPY, tables=target.tables),
        keep_chars=KEEP_CHARS,
        reach=Reach(writable=(place,)),
    )
    answer = await answered(processes, spec, limit_s, "it takes too much memory, or the file is damaged")
    return _checked(answer, target)


async def answered(processes: ProcessRunner, spec: ProcessSpec, limit_s: float, why: str) -> Answer:
    """Returns what a program answers that executes a statement; `why` says what it can have come to grief by.

    Raises `ToolError` when it answers nothing, or the statement takes longer than `limit_s`.
    """
    result = await processes.run(spec)
    if result.ending is Ending.TIMED_OUT:
        raise _too_long(limit_s)
    if result.ending is not Ending.EXITED or result.exit_code != 0 or not result.complete:
        raise ToolError(f"The statement could not be executed: {why}.")
    try:
        answer = Answer.model_validate_json(result.head + result.tail)
    except ValueError as error:
        raise ToolError("The statement could not be executed: what came back is no answer.") from error
    if answer.timeout:
        raise _too_long(limit_s)
    return answer


def _checked(answer: Answer, target: Target) -> Answer:
    if answer.refused:
        seen = "" if target.tables is None else f" Allowed are: {', '.join(target.tables)}."
        raise ToolError(f"Not allowed here: {answer.refused}.{seen}", code="sql_refused")
    if answer.error:
        raise ToolError(f"SQLite says: {answer.error}.", code="sql_failed")
    return answer


def _too_long(limit_s: float) -> ToolError:
    return ToolError(f"The statement was stopped after {limit_s:g} s. Narrow it.", code="tool_timeout")


def _copy(workspace: Workspace, path: str, place: Path, write: bool) -> str:
    """Copies a database with what belongs to it, as it is at one moment; returns its fingerprint."""
    for _ in range(3):
        before = _facts(workspace, path)
        if before[0] is None:
            if write:
                return ABSENT
            raise NotFoundError(f"There is no file {path}")
        if write and any(side is not None and side.size for side in before[1:]):
            raise ToolError(
                f"{path} is open in another program, or in the middle of a change; nothing was changed.",
                code="database_busy",
            )
        digest = _copied(workspace, path, place, before)
        if _facts(workspace, path) == before:
            return digest
    raise ToolError(f"{path} is being written by another program. Try again.", code="database_busy")


def _facts(workspace: Workspace, path: str) -> list[FileStat | None]:
    found: list[FileStat | None] = []
    for ending in ("", *_SIDES):
        try:
            found.append(workspace.stat(path + ending))
        except NotFoundError:
            found.append(None)
    return found


def _copied(workspace: Workspace, path: str, place: Path, facts: Sequence[FileStat | None]) -> str:
    digest = hashlib.sha256()
    left = MAX_BYTES
    for ending, fact in zip(("", *_SIDES), facts, strict=True):
        copy = place / (_COPY + ending)
        copy.unlink(missing_ok=True)
        if fact is None:
            continue
        with copy.open("xb") as file:
            for chunk in workspace.chunks(path + ending):
                left -= len(chunk)
                if left < 0:
                    raise ToolError(f"{path} is larger than the {MAX_BYTES // 2**20} MiB that can be opened.")
                file.write(chunk)
                digest.update(chunk)
        if not ending:
            _check_header(copy, path)
    return digest.hexdigest()


def _check_header(copy: Path, path: str) -> None:
    with copy.open("rb") as file:
        start = file.read(len(_HEADER))
    if start not in (b"", _HEADER):
        raise ToolError(f"{path} is no SQLite database.")


def _size(place: Path) -> int:
    copy = place / _COPY
    return copy.stat().st_size if copy.exists() else 0


def _put_back(workspace: Workspace, path: str, place: Path, before: str) -> None:
    wal = place / f"{_COPY}-wal"
    if wal.exists() and wal.stat().st_size:
        raise ToolError("SQLite did not finish the change; nothing was changed.")
    if before == ABSENT and sanitize_line(path) != path:
        raise InvalidError(f"{path!r}: a name must not have control characters", code="invalid_name")
    expected = None if before == ABSENT else before
    workspace.write_chunks(path, _read(place / _COPY), expected=expected)


def _read(copy: Path) -> Iterator[bytes]:
    # A file that has taken SQLite over could have left a link there, which leads out of the program's reach.
    with open(copy, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW)) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def shown_file(database: str, context: ToolContext) -> str:
    """Returns what a call names as people see it: a name with the file or the connection that it stands
    for."""
    found = next((one for one in context.databases if one.name == database), None)
    if found is None or found.path == database:
        return database
    place = f"PostgreSQL: {found.postgres}" if found.path is None else sanitize_line(found.path)
    return f"{database} ({place})"


def shown_statement(text: str, parameters: Sequence[Any]) -> tuple[DisplayBlock, ...]:
    """Returns a statement and its values as people see them."""
    statement = CodeBlock(language="sql", text=text)
    if not parameters:
        return (statement,)
    values = "\n".join(f"{number}: {json.dumps(value)}" for number, value in enumerate(parameters, 1))
    return (statement, TextBlock(text=f"Values of its parameters:\n{values}"))


def shown_rows(answer: Answer) -> TableBlock:
    """Returns the rows as people see them."""
    rows = (tuple("NULL" if cell is None else cell for cell in row) for row in answer.rows)
    return TableBlock(headers=answer.columns, rows=tuple(rows))
