"""Lists files of the workspace."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from holdfast.core.domain.files import FileStat
from holdfast.core.domain.tools import Risk, TableBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.builtin.read_file import plain_path
from holdfast.core.tools.globs import path_matches

MAX_LISTED = 1_000


class ListFilesArguments(Arguments):
    path: Annotated[str, WORKSPACE_PATH] = Field(
        default="", description="Folder to list; omitted: the whole workspace"
    )
    pattern: str | None = Field(
        default=None, max_length=500, description="Glob such as *.py or docs/**/*.md; omitted: all files"
    )


class ListFiles(BuiltinTool):
    name = "list_files"
    risk = Risk.READ
    arguments = ListFilesArguments

    def subjects(self, arguments: ListFilesArguments) -> tuple[str, ...]:
        return (plain_path(arguments.path),)

    async def run(self, arguments: ListFilesArguments, context: ToolContext) -> ToolOutput:
        return await asyncio.to_thread(self._run, arguments, context)

    def _run(self, arguments: ListFilesArguments, context: ToolContext) -> ToolOutput:
        hidden = _names_hidden(arguments.path) or _names_hidden(arguments.pattern or "")
        shown: list[FileStat] = []
        count = 0
        for stat in context.workspace.walk(arguments.path, hidden=hidden):
            if arguments.pattern is not None and (
                stat.is_dir or not path_matches(arguments.pattern, stat.path)
            ):
                continue
            count += 1
            if len(shown) < MAX_LISTED:
                shown.append(stat)
        if not shown:
            return ToolOutput.text("No files." if arguments.pattern is None else "No files match.")
        lines = [f"{stat.path}/" if stat.is_dir else f"{stat.path} ({stat.size} bytes)" for stat in shown]
        if count > len(shown):
            lines.append(f"[{len(shown):,} of {count:,} shown; narrow it with path or pattern]")
        return ToolOutput.text("\n".join(lines), _table(shown))


def _names_hidden(text: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in text.split("/"))


def _table(stats: list[FileStat]) -> TableBlock:
    rows = tuple(
        (stat.path, str(stat.size), f"{datetime.fromtimestamp(stat.modified_ns / 1e9, UTC):%Y-%m-%d %H:%M}")
        for stat in stats
        if not stat.is_dir
    )
    return TableBlock(headers=("File", "Bytes", "Modified (UTC)"), rows=rows)
