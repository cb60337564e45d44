"""Reads a file of the workspace."""

from __future__ import annotations

import asyncio
from difflib import get_close_matches
from itertools import islice
from typing import Annotated

from pydantic import Field

from holdfast.core.domain.errors import NotFoundError, ToolError
from holdfast.core.domain.files import Workspace
from holdfast.core.domain.media import image_type, is_text, media_type
from holdfast.core.domain.messages import ImagePart, TextPart
from holdfast.core.domain.tools import ImageBlock, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import WORKSPACE_PATH, Arguments, BuiltinTool
from holdfast.core.tools.diffs import text_lines

_MAX_IMAGE_BYTES = 10 * 2**20
_NOTE_CHARS = 200
"""Room for the line that says what follows."""
_SUGGESTED_FROM = 5_000
"""Paths that are looked at to guess what was meant."""


class ReadFileArguments(Arguments):
    path: Annotated[str, WORKSPACE_PATH] = Field(description="Path of the file, relative to the workspace")
    offset: int = Field(default=1, ge=1, description="First line to read, from 1")
    limit: int | None = Field(default=None, ge=1, description="Lines to read; omitted: as many as fit")


class ReadFile(BuiltinTool):
    name = "read_file"
    risk = Risk.READ
    arguments = ReadFileArguments

    def subjects(self, arguments: ReadFileArguments) -> tuple[str, ...]:
        return (plain_path(arguments.path),)

    async def run(self, arguments: ReadFileArguments, context: ToolContext) -> ToolOutput:
        return await asyncio.to_thread(self._run, arguments, context)

    def _run(self, arguments: ReadFileArguments, context: ToolContext) -> ToolOutput:
        path = context.workspace.relative(arguments.path)
        try:
            data = context.workspace.read(path)
        except NotFoundError as error:
            raise NotFoundError(f"There is no file {path}.{_near(context.workspace, path)}") from error
        image = image_type(data)
        if image is not None:
            return _image(path, data, image, context)
        if not is_text(data):
            raise ToolError(
                f"{path} is no text ({media_type(data, path)}, {len(data)} bytes); it cannot be read with "
                "read_file. Use run_python or run_command with a program that knows the format."
            )
        return ToolOutput.text(_lines(data.decode(errors="replace"), arguments, context.max_output_chars))


def plain_path(path: str) -> str:
    """Returns a path as rules see it: without `./` and doubled slashes. `..` stays: it matches nothing."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return ("/" if path.startswith("/") else "") + "/".join(parts)


def _image(path: str, data: bytes, kind: str, context: ToolContext) -> ToolOutput:
    if len(data) > _MAX_IMAGE_BYTES:
        raise ToolError(f"{path} is an image of {len(data)} bytes; at most {_MAX_IMAGE_BYTES} can be shown.")
    blob = context.blobs.put(data)
    return ToolOutput(
        content=(
            TextPart(text=f"{path} ({kind}, {len(data)} bytes)"),
            ImagePart(blob=blob, media_type=kind, name=path),
        ),
        display=(ImageBlock(blob=blob, media_type=kind, name=path),),
    )


def _lines(text: str, arguments: ReadFileArguments, max_chars: int) -> str:
    """Returns the lines that were asked for, as many as fit, and a note when there are more."""
    lines = text_lines(text)
    first = arguments.offset - 1
    if first and first >= len(lines):
        raise ToolError(f"The file has {len(lines)} lines; there is none from {arguments.offset} on.")
    wanted = lines[first : None if arguments.limit is None else first + arguments.limit]
    room = max(max_chars - _NOTE_CHARS, 1)
    taken: list[str] = []
    for line in wanted:
        if len(line) > room:
            break
        taken.append(line)
        room -= len(line)
    if wanted and not taken:
        note = f"[line {arguments.offset} has {len(wanted[0])} characters; only its beginning is shown]"
        return f"{wanted[0][:room]}\n{note}"
    last = first + len(taken)
    if last == len(lines) and first == 0:
        return text
    more = f"; the next is offset={last + 1}" if last < len(lines) else ""
    body = "".join(taken)
    return (
        f"{body}{'' if body.endswith(chr(10)) else chr(10)}[lines {first + 1}-{last} of {len(lines)}{more}]"
    )


def _near(workspace: Workspace, path: str) -> str:
    known = [stat.path for stat in islice(workspace.walk(), _SUGGESTED_FROM) if not stat.is_dir]
    name = path.rsplit("/", 1)[-1]
    near = [p for p in known if p.rsplit("/", 1)[-1] == name][:3] or get_close_matches(path, known, n=3)
    return f" Did you mean {' or '.join(near)}?" if near else " Use list_files to see what there is."
