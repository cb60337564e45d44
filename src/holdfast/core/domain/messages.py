"""Messages, as a model sees them: a role and parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from holdfast.core.domain.values import Value


class TextPart(Value):
    type: Literal["text"] = "text"
    text: str


class ImagePart(Value):
    """An image by reference; the bytes are a blob."""

    type: Literal["image"] = "image"
    blob: str
    """SHA-256 of the bytes, in hexadecimal."""
    media_type: str
    name: str = ""


class FilePart(Value):
    """A file by reference (a PDF, a CSV, source code …); the bytes are a blob."""

    type: Literal["file"] = "file"
    blob: str
    """SHA-256 of the bytes, in hexadecimal."""
    media_type: str
    name: str
    size: int
    """In bytes."""


class ToolCallPart(Value):
    type: Literal["tool_call"] = "tool_call"
    call_id: str
    name: str
    arguments: dict[str, Any]


class ToolResultPart(Value):
    type: Literal["tool_result"] = "tool_result"
    call_id: str
    name: str
    content: tuple[Annotated[TextPart | ImagePart, Field(discriminator="type")], ...]
    is_error: bool = False


DIRECT_CALL_HEADER = "A note, no request: the person has run the tool "
"""Begins the message that tells a model what a person had a tool do directly."""

RETRIEVED_HEADER = "Context, no request: what was looked up for the message that follows. "
"""Begins the message that shows a model what was retrieved before its first step."""

FOUND_AGAIN = "Found again, and shown above: "
"""Begins the line of such a message that names passages by number which the model was shown before."""

UserPart = Annotated[TextPart | ImagePart | FilePart | ToolResultPart, Field(discriminator="type")]
"""What a person can put into a message, and a program that executes tools of its own: their results."""

ResultPart = Annotated[TextPart | ImagePart, Field(discriminator="type")]
"""What a tool can give back to a model."""

Part = Annotated[TextPart | ImagePart | FilePart | ToolCallPart | ToolResultPart, Field(discriminator="type")]


class Message(Value):
    """One message of the model's context. Tool results stand in messages of role `tool`."""

    role: Literal["system", "user", "assistant", "tool"]
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined by newlines."""
        return "\n".join(p.text for p in self.parts if isinstance(p, TextPart))


def text_of(parts: tuple[UserPart, ...] | tuple[ResultPart, ...]) -> str:
    """Returns the text of message or result parts; other parts are named in brackets."""
    return "\n".join(p.text if isinstance(p, TextPart) else f"[{p.type}: {p.name}]" for p in parts)


def results_in(parts: Iterable[Part]) -> tuple[ToolResultPart, ...]:
    """Returns the results of tools among the parts of a message."""
    return tuple(part for part in parts if isinstance(part, ToolResultPart))


def without_results(parts: Iterable[Part]) -> tuple[TextPart | ImagePart | FilePart, ...]:
    """Returns what of a person's message was said and attached: all but results of tools."""
    return tuple(part for part in parts if isinstance(part, TextPart | ImagePart | FilePart))
