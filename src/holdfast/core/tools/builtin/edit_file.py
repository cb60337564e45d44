"""Replaces a piece of a file of the workspace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.media import is_text
from holdfast.core.domain.tools import DiffBlock, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.builtin.read_file import plain_path
from holdfast.core.tools.builtin.write_file import encoded
from holdfast.core.tools.diffs import diff_block, present_content

_MAX_LINES_NAMED = 20


class EditFileArguments(Arguments):
    path: Annotated[str, WORKSPACE_PATH] = Field(
        min_length=1, description="Path of the file, relative to the workspace"
    )
    old: str = Field(min_length=1, description="The text to replace, exactly as it stands in the file")
    new: str = Field(description="The text to put in its place")
    all: bool = Field(default=False, description="Replace every place; otherwise there must be exactly one")


@dataclass(frozen=True, slots=True)
class _Edit:
    path: str
    fingerprint: str
    text: str
    places: int
    diff: DiffBlock


class EditFile(BuiltinTool):
    name = "edit_file"
    risk = Risk.WRITE
    arguments = EditFileArguments

    def subjects(self, arguments: EditFileArguments) -> tuple[str, ...]:
        return (plain_path(arguments.path),)

    async def preview(self, arguments: EditFileArguments, context: ToolContext) -> Preview:
        edit = await asyncio.to_thread(_edit, arguments, context)
        return Preview(blocks=(edit.diff,), fingerprint=edit.fingerprint)

    async def run(self, arguments: EditFileArguments, context: ToolContext) -> ToolOutput:
        return await asyncio.to_thread(self._run, arguments, context)

    def _run(self, arguments: EditFileArguments, context: ToolContext) -> ToolOutput:
        edit = _edit(arguments, context)
        context.workspace.write(edit.path, encoded(edit.text), expected=edit.fingerprint)
        times = "one place" if edit.places == 1 else f"{edit.places} places"
        return ToolOutput.text(f"Edited {edit.path} in {times}.", edit.diff)


def _edit(arguments: EditFileArguments, context: ToolContext) -> _Edit:
    path = context.workspace.relative(arguments.path)
    if arguments.old == arguments.new:
        raise ToolError("old and new are the same; there is nothing to change.")
    encoded(arguments.new)
    before, fingerprint = present_content(context.workspace, path)
    if before is None:
        raise ToolError(f"There is no file {path}; make it with write_file.", code="not_found")
    if not is_text(before):
        raise ToolError(f"{path} is no text; it cannot be edited.")
    text = _decoded(path, before)
    places = text.count(arguments.old)
    if places == 0:
        raise ToolError(_absent(path, text, arguments.old))
    if places > 1 and not arguments.all:
        raise ToolError(
            f"old stands {places} times in {path}, at lines {_lines_of(text, arguments.old)}. Give more of "
            "the text around the one that is meant, or set all to true."
        )
    after = text.replace(arguments.old, arguments.new)
    return _Edit(path, fingerprint, after, places, diff_block(path, before, after))


def _decoded(path: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # Replacing what is no UTF-8 would spoil the rest of the file.
        raise ToolError(f"{path} is not UTF-8 (byte {error.start}); it cannot be edited.") from error


def _lines_of(text: str, old: str) -> str:
    numbers: list[int] = []
    at = text.find(old)
    while at >= 0 and len(numbers) < _MAX_LINES_NAMED:
        numbers.append(text.count("\n", 0, at) + 1)
        at = text.find(old, at + len(old))
    return ", ".join(map(str, numbers)) + (" …" if at >= 0 else "")


def _absent(path: str, text: str, old: str) -> str:
    if "\r\n" in text and "\r\n" not in old and old in text.replace("\r\n", "\n"):
        return f"old does not stand in {path}: its lines end in \\r\\n."
    first = next((line.strip() for line in old.splitlines() if line.strip()), "")
    near = [n for n, line in enumerate(text.split("\n"), 1) if first and first in line][:_MAX_LINES_NAMED]
    hint = (
        f" Its first line is like line {', '.join(map(str, near))}: look at the white space." if near else ""
    )
    return f"old does not stand in {path}.{hint} Read the file again and copy the text exactly."
