"""Searches the text of files in the workspace."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError, ToolError
from holdfast.core.domain.files import FileStat, Workspace
from holdfast.core.domain.media import is_text
from holdfast.core.domain.processes import Ending, ProcessResult, ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.tools import Risk, TableBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.builtin.read_file import plain_path
from holdfast.core.tools.globs import path_matches

MAX_MATCHES = 200
MAX_FILE_BYTES = 2 * 2**20
MAX_TOTAL_BYTES = 256 * 2**20
_BATCH_BYTES = 8 * 2**20
_KEEP_CHARS = 4_000_000
_SEARCHER = str(Path(__file__).with_name("search_main.py"))


class SearchFilesArguments(Arguments):
    pattern: str = Field(
        min_length=1, max_length=1_000, description="Regular expression (Python's), looked for in each line"
    )
    path: Annotated[str, WORKSPACE_PATH] = Field(
        default="", description="Folder or file to search; omitted: the whole workspace"
    )
    glob: str | None = Field(default=None, max_length=500, description="Only files that fit, such as *.py")


@dataclass(slots=True)
class _Found:
    matches: list[tuple[str, int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class SearchFiles(BuiltinTool):
    """`deadline_s` is the time for one search, whatever the expression."""

    name = "search_files"
    risk = Risk.READ
    arguments = SearchFilesArguments

    def __init__(self, processes: ProcessRunner, *, deadline_s: float = 20) -> None:
        self._processes = processes
        self._deadline_s = deadline_s

    def subjects(self, arguments: SearchFilesArguments) -> tuple[str, ...]:
        return (plain_path(arguments.path),)

    async def run(self, arguments: SearchFilesArguments, context: ToolContext) -> ToolOutput:
        found = _Found()
        until = time.monotonic() + min(self._deadline_s, context.timeout_s)
        batches = _batches(context.workspace, arguments, found.notes)
        while batch := await asyncio.to_thread(next, batches, b""):
            left = until - time.monotonic()
            if left <= 0 or not await self._search(batch, arguments.pattern, left, context, found):
                found.notes.append(
                    "the search took too long and was stopped; narrow it or simplify the pattern"
                )
                break
            if len(found.matches) >= MAX_MATCHES:
                found.notes.append(f"only the first {MAX_MATCHES} matches are shown; narrow the search")
                break
        return _output(found)

    async def _search(
        self, batch: bytes, pattern: str, left_s: float, context: ToolContext, found: _Found
    ) -> bool:
        """Searches some files; says whether there was time enough."""
        room = MAX_MATCHES - len(found.matches)
        spec = ProcessSpec(
            command=(sys.executable, "-I", "-S", _SEARCHER, json.dumps(pattern), str(room)),
            cwd=context.workspace.root,
            environment=context.environment,
            timeout_s=left_s,
            stdin=batch,
            keep_chars=_KEEP_CHARS,
            reach=Reach(),
        )
        result = await self._processes.run(spec)
        found.matches += _parsed(result)
        return result.ending is Ending.EXITED


def _parsed(result: ProcessResult) -> list[tuple[str, int, str]]:
    matches = []
    for line in result.head.splitlines():
        try:
            match json.loads(line):
                case {"error": str(mistake)}:
                    raise ToolError(
                        f"The pattern is no regular expression: {mistake}.", code="invalid_pattern"
                    )
                case [str(path), int(number), str(text)]:
                    matches.append((path, number, text))
        except json.JSONDecodeError:
            break  # the last line of a search that was stopped
    if result.ending is Ending.EXITED and result.exit_code != 0:
        raise ToolError(f"The search failed: {result.head[-500:]}", code="tool_failed")
    return matches


def _batches(workspace: Workspace, arguments: SearchFilesArguments, notes: list[str]) -> Iterator[bytes]:
    """Yields the files to search, some at a time; what is left out is noted."""
    pieces: list[bytes] = []
    size = total = too_large = 0
    for stat in _files(workspace, arguments):
        if stat.size > MAX_FILE_BYTES:
            too_large += 1
            continue
        data = _text(workspace, stat.path)
        if data is None:
            continue
        pieces += [json.dumps([stat.path, len(data)]).encode(), b"\n", data]
        size += len(data)
        total += len(data)
        if size >= _BATCH_BYTES:
            yield b"".join(pieces)
            pieces, size = [], 0
        if total >= MAX_TOTAL_BYTES:
            notes.append(f"only the first {MAX_TOTAL_BYTES // 2**20} MiB were searched; narrow the search")
            break
    if too_large:
        notes.append(f"{too_large} files over {MAX_FILE_BYTES // 2**20} MiB were not searched")
    if pieces:
        yield b"".join(pieces)


def _files(workspace: Workspace, arguments: SearchFilesArguments) -> Iterator[FileStat]:
    path = workspace.relative(arguments.path)
    if path:
        stat = workspace.stat(path)
        if not stat.is_dir:
            yield stat
            return
    hidden = any(part.startswith(".") for part in f"{path}/{arguments.glob or ''}".split("/"))
    for stat in workspace.walk(path, hidden=hidden):
        if not stat.is_dir and (arguments.glob is None or path_matches(arguments.glob, stat.path)):
            yield stat


def _text(workspace: Workspace, path: str) -> bytes | None:
    try:
        data = workspace.read(path, MAX_FILE_BYTES)
    except (NotFoundError, ForbiddenError, InvalidError):
        return None  # gone or unreadable since the walk saw it
    return data if is_text(data) else None


def _output(found: _Found) -> ToolOutput:
    lines = [f"{path}:{number}: {text}" for path, number, text in found.matches] or ["No matches."]
    lines += [f"[{note}]" for note in found.notes]
    if not found.matches:
        return ToolOutput.text("\n".join(lines))
    rows = tuple((path, str(number), text) for path, number, text in found.matches)
    return ToolOutput.text("\n".join(lines), TableBlock(headers=("File", "Line", "Text"), rows=rows))
