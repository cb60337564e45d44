"""What a model was shown: the parts of one request, and what a compaction took out of the next ones."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from holdfast.core.domain.messages import FilePart, Message, Part, TextPart, ToolCallPart, ToolResultPart
from holdfast.core.domain.models import ModelRequest
from holdfast.core.domain.values import Value

CHARS_PER_TOKEN = 4
"""A rough rule for texts in European languages and code; a compaction leaves a margin for its mistakes."""
MEDIA_TOKENS = 1_500
"""Of an image, and of a file that is no text."""
_TEXT_TYPES = ("application/json", "application/yaml", "application/x-yaml", "application/xml")

ContextKind = Literal[
    "instructions",
    "place",
    "knowledge",
    "skills",
    "rules",
    "memory",
    "tool",
    "format",
    "summary",
    "passages",
    "note",
    "message",
    "file",
    "reply",
    "call",
    "result",
]
"""What a part is: of the system prompt (`instructions` of the agent, the `place` it works in, how to use
`knowledge`, which `skills` there are, the project's `rules`, a block of `memory`), a `tool` that may be
called, the `format` of the reply; of the conversation: the `summary` of what was compacted, `passages` that
were looked up, a `note` on a tool that a person ran, a `message` of a person, a `file` in it, a `reply`, the
`call` of a tool, its `result`."""


class ContextPart(Value):
    """One part of what a model was shown."""

    kind: ContextKind
    name: str = ""
    """Of the tool, the file, the block of memory."""
    text: str
    """The very text; of an image and of a file that is no text, what it is."""
    tokens: int
    """By a rule of four characters each."""
    event_id: int | None = None
    """The event that the message began with, where it is known."""


class RunContext(Value):
    """One request of a run, part by part."""

    session_id: str
    run_id: str
    step: int
    model: str
    window: int | None
    """How many tokens the model takes, request and reply together; None when it is not known."""
    tokens: int
    """All parts together, by the same rule."""
    reported: int | None
    """What the provider counted; None when it said nothing, or the reply has not ended."""
    parts: tuple[ContextPart, ...]
    """In the order in which they were sent, tools last."""


class Compaction(Value):
    """What a compaction did: the log keeps the messages, the model sees the summary in their place."""

    session_id: str
    run_id: str
    event_id: int
    at: AwareDatetime
    summary: str
    tokens_before: int
    tokens_after: int
    dropped: tuple[ContextPart, ...]
    """What the model saw before, oldest first, and sees no more."""
    kept: tuple[ContextPart, ...]
    """What stays behind the summary."""


def tokens_of(message: Message) -> int:
    """Returns about how many tokens a message takes."""
    return 4 + sum(part_tokens(part) for part in message.parts)


def part_tokens(part: Part) -> int:
    """Returns about how many tokens a part of a message takes."""
    match part:
        case TextPart(text=text):
            return text_tokens(text)
        case ToolCallPart():
            return (len(part.name) + len(str(part.arguments))) // CHARS_PER_TOKEN + 8
        case ToolResultPart():
            return 8 + sum(part_tokens(each) for each in part.content)
        case FilePart() if part.media_type.startswith("text/") or part.media_type in _TEXT_TYPES:
            return part.size // CHARS_PER_TOKEN + 16
        case _:
            return MEDIA_TOKENS


def text_tokens(text: str) -> int:
    """Returns about how many tokens a text takes."""
    return len(text) // CHARS_PER_TOKEN + 1


def request_tokens(request: ModelRequest) -> int:
    """Returns about how many tokens a request has."""
    return sum(map(tokens_of, request.messages)) + len(str(request.tools)) // CHARS_PER_TOKEN
