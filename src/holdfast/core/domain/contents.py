"""Which kept contents something holds.

All contents lie in one place, under their digests: who may see one is decided by where it is held. A digest
that merely stands in a text, or among arguments, holds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.core.domain.events import (
    AnyEvent,
    MessageAdded,
    MessageQueued,
    RunStarted,
    ToolCallCompleted,
)
from holdfast.core.domain.messages import FilePart, ImagePart, Part, ToolResultPart
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.tools import ImageBlock


def contents(parts: Iterable[Part]) -> set[str]:
    """Returns the digests of the contents that parts of a message hold."""
    found: set[str] = set()
    for part in parts:
        match part:
            case ImagePart() | FilePart():
                found.add(part.blob)
            case ToolResultPart():
                found |= contents(part.content)
    return found


def contents_in_history(options: RunOptions) -> set[str]:
    """Returns the same of a conversation that came with a run."""
    return {digest for message in options.history or () for digest in contents(message.parts)}


def contents_of(event: AnyEvent) -> set[str]:
    """Returns the digests of the contents that an event holds: of messages and results.

    Not of prompts: a prompt is ours, and what is named inside of one is read without asking whose it is.
    """
    match event:
        case MessageAdded(parts=parts) | MessageQueued(parts=parts):
            return contents(parts)
        case RunStarted(options=options):
            return contents_in_history(options)
        case ToolCallCompleted(content=content, display=display):
            return contents(content) | {block.blob for block in display if isinstance(block, ImageBlock)}
        case _:
            return set()
