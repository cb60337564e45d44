"""What a tool call will do, as lines for a terminal: nothing left out, nothing hidden."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from holdfast.cli.output import table, visible
from holdfast.core.domain.tools import (
    ArgumentsBlock,
    ChildRunBlock,
    CodeBlock,
    CommandBlock,
    DiffBlock,
    DisplayBlock,
    ImageBlock,
    PlanBlock,
    TableBlock,
    TextBlock,
)

if TYPE_CHECKING:
    from holdfast.core.domain.approvals import Approval

Tone = Literal["plain", "added", "removed", "heading"]

_PLAN_MARKS = {"pending": "[ ]", "in_progress": "[>]", "completed": "[x]"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a preview."""

    text: str
    tone: Tone = "plain"


def preview_lines(approval: Approval) -> Iterator[Line]:
    """Yields the lines that show what the call will do; its arguments when it has no preview."""
    blocks = approval.preview or (ArgumentsBlock(arguments=approval.arguments),)
    for block in blocks:
        yield from block_lines(block)


def block_lines(block: DisplayBlock) -> Iterator[Line]:
    """Yields the lines of one block, with control characters written out."""
    match block:
        case DiffBlock():
            yield Line(visible(f"{'new file' if block.created else 'change'} {block.path}"), "heading")
            yield from map(_diff_line, _lines(block.diff))
        case CommandBlock():
            yield Line(visible(f"in {block.cwd}"), "heading")
            yield from _indented("$ ", block.command)
            yield from map(Line, _lines(block.output))
        case CodeBlock():
            yield Line(visible(block.language), "heading")
            yield from map(Line, _lines(block.text))
        case TextBlock():
            yield from map(Line, _lines(block.text))
        case TableBlock():
            yield from map(Line, _table_lines([block.headers, *block.rows]))
        case ImageBlock():
            yield Line(visible(f"[image: {block.name or block.media_type}]"))
        case ArgumentsBlock():
            yield from map(Line, _lines(json.dumps(block.arguments, indent=2, ensure_ascii=False)))
        case ChildRunBlock():
            yield Line(visible(f"{block.agent}: {block.status}"), "heading")
            yield from (Line(visible(call)) for call in block.calls)
            yield from map(Line, _lines(block.reply or block.reason))
        case PlanBlock():
            yield from (Line(f"{_PLAN_MARKS[item.status]} {visible(item.text)}") for item in block.items)


def _lines(text: str) -> list[str]:
    return visible(text).removesuffix("\n").split("\n") if text else []


def _indented(mark: str, text: str) -> Iterator[Line]:
    for index, line in enumerate(_lines(text)):
        yield Line((mark if index == 0 else " " * len(mark)) + line)


def _table_lines(rows: list[tuple[str, ...]]) -> list[str]:
    columns = max(map(len, rows))
    cells = [[visible(cell).replace("\n", " ") for cell in row] for row in rows]
    return table([row + [""] * (columns - len(row)) for row in cells], None)


def _diff_line(line: str) -> Line:
    if line.startswith(("+++", "---", "@@")):
        return Line(line, "heading")
    if line.startswith("+"):
        return Line(line, "added")
    return Line(line, "removed" if line.startswith("-") else "plain")
