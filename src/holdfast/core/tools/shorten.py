"""Output that is too long for a model: kept whole as a file, shown by its two ends."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.messages import ResultPart, TextPart
from holdfast.core.domain.tools import (
    CodeBlock,
    CommandBlock,
    DiffBlock,
    DisplayBlock,
    TableBlock,
    TextBlock,
    ToolContext,
    ToolOutput,
)

OUTPUTS = ".holdfast/outputs"
"""Folder of the workspace for whole outputs; listings and undo pass it by, `read_file` does not."""
MAX_DISPLAY_CHARS = 60_000
MAX_DISPLAY_ROWS = 1_000
_REMARKS = 1_000
"""Characters that a tool which shortens by itself may say beside: how it ended, where the whole is. Shortened
once more, what it says would take the place of the whole in the file."""
_NOT_IN_NAME = re.compile(r"[^\w.-]")


def shorten_output(output: ToolOutput, context: ToolContext) -> ToolOutput:
    """Returns `output` with at most about `context.max_output_chars` of text, and blocks of bounded size.

    Longer text is written whole to a file of the workspace, which the text then names. Blocks: call it in
    a thread.
    """
    display = tuple(_bounded(block) for block in output.display)
    texts = [part.text for part in output.content if isinstance(part, TextPart)]
    if sum(map(len, texts)) <= context.max_output_chars + _REMARKS:
        return output.model_copy(update={"display": display})
    whole = "\n".join(texts)
    others: list[ResultPart] = [part for part in output.content if not isinstance(part, TextPart)]
    kept = keep_whole((whole.encode(errors="replace"),), context)
    short = TextPart(text=two_ends(whole, context.max_output_chars, kept.where))
    return output.model_copy(update={"content": (short, *others), "display": display})


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a whole output."""

    path: str
    """In the workspace; empty when it could not be kept."""
    where: str
    """The same as a half sentence for the model."""


def keep_whole(chunks: Iterable[bytes], context: ToolContext) -> Kept:
    """Writes a whole output into the workspace, piece by piece."""
    name = _NOT_IN_NAME.sub("_", PurePath(context.call_id).name).lstrip(".") or "output"
    path = f"{OUTPUTS}/{name[:100]}.txt"
    try:
        context.workspace.write_chunks(path, chunks)
    except HoldfastError as error:
        return Kept("", f"the whole could not be kept: {error.message}")
    return Kept(path, f"the whole is in {path}, read it with read_file")


def two_ends(text: str, limit: int, where: str) -> str:
    """Returns the beginning and the end of `text`, with a line between that says what is missing."""
    head, tail = text[: limit // 2], text[len(text) - limit // 2 :]
    return join_ends(head, tail, len(text), where)


def join_ends(head: str, tail: str, total_chars: int, where: str) -> str:
    """Returns `head`, one line on what is left out, and `tail`; both are cut at line ends where they can."""
    head = head[: head.rfind("\n") + 1] or head
    start = tail.find("\n") + 1
    tail = tail[start:] if start < len(tail) else tail
    left_out = total_chars - len(head) - len(tail)
    note = f"[… {left_out:,} of {total_chars:,} characters left out; {where} …]"
    return f"{head.rstrip(chr(10))}\n{note}\n{tail}"


def _bounded(block: DisplayBlock) -> DisplayBlock:
    match block:
        case TextBlock() | CodeBlock():
            return block.model_copy(update={"text": _cut(block.text)})
        case CommandBlock():
            return block.model_copy(update={"output": _cut(block.output)})
        case DiffBlock():
            return block.model_copy(update={"diff": _cut(block.diff)})
        case TableBlock():
            return block.model_copy(update={"rows": block.rows[:MAX_DISPLAY_ROWS]})
        case _:
            return block


def _cut(text: str) -> str:
    if len(text) <= MAX_DISPLAY_CHARS:
        return text
    return two_ends(text, MAX_DISPLAY_CHARS, "this is what is shown")
