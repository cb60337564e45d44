"""What tools show, as the content of a tool call in an editor: texts, and diffs of files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from acp.helpers import ToolCallContentVariant, text_block, tool_content, tool_diff_content
from acp.schema import ToolCallLocation

from holdfast.core.domain.messages import ResultPart, text_of
from holdfast.core.domain.text import sanitize, sanitize_line, shorten
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
from holdfast.core.domain.unified import HUNK

LONGEST = 20_000
"""Characters of one text; what is longer is in the session's file or log, whole."""
_ROWS = 50


@dataclass(slots=True)
class Hunk:
    """One place of a file that changes: what stands there before and after, unchanged lines around it too."""

    line: int
    """Its first line after the change, from 1."""
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def hunks_of(diff: str) -> list[Hunk]:
    """Returns the hunks of a unified diff; none for a text that is no diff."""
    found: list[Hunk] = []
    last: tuple[list[str], ...] = ()
    for line in diff.split("\n"):
        head = HUNK.match(line)
        if head is not None:
            found.append(Hunk(max(1, int(head[3]))))
            last = ()
            continue
        if not found or not line:
            continue
        hunk = found[-1]
        sides = {" ": (hunk.old, hunk.new), "-": (hunk.old,), "+": (hunk.new,)}
        if line[0] == "\\":  # the line before it is the file's last and has no end
            for side in last:
                side[-1] = side[-1].removesuffix("\n")
        elif line[0] in sides:
            last = sides[line[0]]
            for side in last:
                side.append(f"{line[1:]}\n")
    return found


def content_of(blocks: Iterable[DisplayBlock], workspace: str) -> list[ToolCallContentVariant]:
    """Returns what people are shown of a call; `workspace` is the folder that paths are relative to."""
    return [content for block in blocks for content in _contents(block, workspace)]


def result_content(parts: tuple[ResultPart, ...]) -> list[ToolCallContentVariant]:
    """Returns what a model sees of a result, for calls that have nothing for people."""
    text = text_of(parts)
    return [text_content(fenced(text))] if text.strip() else []


def locations_of(blocks: Iterable[DisplayBlock], workspace: str) -> list[ToolCallLocation]:
    """Returns the places in files that the blocks change."""
    diffs = [block for block in blocks if isinstance(block, DiffBlock)]
    return [
        ToolCallLocation(path=whole_path(diff.path, workspace), line=hunk.line)
        for diff in diffs
        for hunk in hunks_of(diff.diff) or [Hunk(1)]
    ]


def whole_path(path: str, workspace: str) -> str:
    """Returns the whole path of a file that a tool names."""
    return sanitize_line(str(PurePath(workspace) / path))


def text_content(text: str) -> ToolCallContentVariant:
    """Returns Markdown as content of a call."""
    return tool_content(text_block(text))


def fenced(text: str, language: str = "") -> str:
    """Returns text as a Markdown code block, whatever is in it; a very long one loses its beginning."""
    shown = sanitize(text)
    if len(shown) > LONGEST:
        shown = f"…{shown[-LONGEST:]}"
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    end = "" if shown.endswith("\n") else "\n"
    return f"{fence}{sanitize_line(language)}\n{shown}{end}{fence}"


def _contents(block: DisplayBlock, workspace: str) -> Iterator[ToolCallContentVariant]:
    match block:
        case DiffBlock():
            yield from _diff(block, workspace)
        case TextBlock():
            yield text_content(shorten(sanitize(block.text), LONGEST))
        case CommandBlock():
            ended = "" if block.exit_code in (None, 0) else f"\n(exit status {block.exit_code})"
            yield text_content(fenced(f"$ {block.command}\n{block.output}{ended}"))
        case CodeBlock():
            yield text_content(fenced(block.text, block.language))
        case TableBlock():
            yield text_content(_table(block))
        case ArgumentsBlock():
            yield text_content(fenced(json.dumps(block.arguments, ensure_ascii=False, indent=2), "json"))
        case ImageBlock():
            yield text_content(f"[image: {sanitize_line(block.name)}]")
        case ChildRunBlock():
            calls = "\n".join(block.calls)
            yield text_content(
                shorten(sanitize(f"{calls}\n\n{block.reply or block.reason}".strip()), LONGEST)
            )
        case PlanBlock():
            return  # the editor has a place of its own for it


def _diff(block: DiffBlock, workspace: str) -> Iterator[ToolCallContentVariant]:
    path = whole_path(block.path, workspace)
    hunks = hunks_of(block.diff)
    for hunk in hunks:
        old = None if block.created else sanitize("".join(hunk.old))
        yield tool_diff_content(path, sanitize("".join(hunk.new)), old)
    if not hunks:
        yield text_content(sanitize(block.diff) or f"{path}: no change")


def _table(block: TableBlock) -> str:
    def row(cells: Iterable[str]) -> str:
        return "| " + " | ".join(sanitize_line(cell).replace("|", "\\|") for cell in cells) + " |"

    rows = [row(block.headers), row("---" for _ in block.headers), *map(row, block.rows[:_ROWS])]
    left = len(block.rows) - _ROWS
    return "\n".join(rows) + (f"\n\n… and {left} more rows" if left > 0 else "")
