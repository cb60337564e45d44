"""What a tool call will do, as plain text for a client's form: nothing is left out but control characters."""

from __future__ import annotations

import json
from collections.abc import Iterable

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.text import sanitize
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

LONGEST = 20_000
"""Characters of a preview in a form. A longer one cannot be decided there: nobody decides what he has seen
the half of."""


def preview_text(approval: Approval) -> str:
    """Returns what the call will do; its arguments when it has no preview."""
    blocks = approval.preview or (ArgumentsBlock(arguments=approval.arguments),)
    return sanitize("\n\n".join(filter(None, map(_text, blocks))))


def _text(block: DisplayBlock) -> str:
    match block:
        case DiffBlock():
            return f"{'new file' if block.created else 'change'} {block.path}\n{block.diff}"
        case CommandBlock():
            return f"in {block.cwd}\n$ {block.command}"
        case CodeBlock() | TextBlock():
            return block.text
        case TableBlock():
            return "\n".join(map(_row, [block.headers, *block.rows]))
        case ArgumentsBlock():
            return json.dumps(block.arguments, ensure_ascii=False, indent=2)
        case ImageBlock():
            return f"[image: {block.name or block.media_type}]"
        case ChildRunBlock():
            return f"[a run of {block.agent}: {block.status}]"
        case PlanBlock():
            return "\n".join(f"- {item.text} ({item.status})" for item in block.items)


def _row(cells: Iterable[str]) -> str:
    return " | ".join(cells)
