"""Writes a whole file of the workspace."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.tools import Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.builtin.read_file import plain_path
from holdfast.core.tools.diffs import ABSENT, diff_block, present_content


class WriteFileArguments(Arguments):
    path: Annotated[str, WORKSPACE_PATH] = Field(
        min_length=1, description="Path of the file, relative to the workspace"
    )
    content: str = Field(description="The whole new content")


class WriteFile(BuiltinTool):
    name = "write_file"
    risk = Risk.WRITE
    arguments = WriteFileArguments

    def subjects(self, arguments: WriteFileArguments) -> tuple[str, ...]:
        return (plain_path(arguments.path),)

    async def preview(self, arguments: WriteFileArguments, context: ToolContext) -> Preview:
        return await asyncio.to_thread(self._preview, arguments, context)

    def _preview(self, arguments: WriteFileArguments, context: ToolContext) -> Preview:
        encoded(arguments.content)
        path = context.workspace.relative(arguments.path)
        before, fingerprint = present_content(context.workspace, path)
        return Preview(blocks=(diff_block(path, before, arguments.content),), fingerprint=fingerprint)

    async def run(self, arguments: WriteFileArguments, context: ToolContext) -> ToolOutput:
        return await asyncio.to_thread(self._run, arguments, context)

    def _run(self, arguments: WriteFileArguments, context: ToolContext) -> ToolOutput:
        data = encoded(arguments.content)
        path = context.workspace.relative(arguments.path)
        before, fingerprint = present_content(context.workspace, path)
        context.workspace.write(path, data, expected=None if fingerprint == ABSENT else fingerprint)
        done = "Created" if before is None else "Wrote"
        return ToolOutput.text(
            f"{done} {path} ({len(data)} bytes).", diff_block(path, before, arguments.content)
        )


def encoded(text: str) -> bytes:
    """Returns `text` as UTF-8. Raises `InvalidError` for half characters, which models do send."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"The text has half a character at position {error.start}; write it whole.", code="invalid_text"
        ) from error
