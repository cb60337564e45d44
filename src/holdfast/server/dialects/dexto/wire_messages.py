"""Messages, as Dexto's clients send them and read them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from holdfast.server.dialects.dexto.wire import Said, Sent, absent
from holdfast.server.dialects.dexto.zod import Issue, issues_of, received, union_issue, zod_error


class TextIn(Sent):
    type: Literal["text"]
    text: str


class ImageIn(Sent):
    type: Literal["image"]
    image: str
    """Base64, or an address."""
    mime_type: str = ""


class FileIn(Sent):
    type: Literal["file"]
    data: str
    """Base64, or an address."""
    mime_type: str
    filename: str = ""


PartIn = Annotated[TextIn | ImageIn | FileIn, Field(discriminator="type")]
_PARTS: TypeAdapter[list[Any]] = TypeAdapter(list[PartIn])


def _text_or_parts(value: Any, otherwise: ValidatorFunctionWrapHandler) -> Any:
    """Takes a text or a list of parts; says what is wrong as a union of the two does."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        try:
            return _PARTS.validate_python(value)
        except ValidationError as error:
            nested = list(issues_of(error.errors(include_url=False), list[PartIn]))
    else:
        nested = [_unlike("array", value)]
    raise zod_error(union_issue(([_unlike("string", value)], nested)))


def _unlike(expected: str, value: Any) -> Issue:
    kind = received(value)
    message = f"Expected {expected}, received {kind}"
    return {
        "code": "invalid_type",
        "expected": expected,
        "received": kind,
        "path": [],
        "message": message,
    }


ContentIn = Annotated[str | list[PartIn], WrapValidator(_text_or_parts)]
"""What a message says: a text, or parts."""


class SessionBody(Sent):
    """Names a session."""

    session_id: Annotated[str, Field(min_length=1)]


class MessageBody(Sent):
    """A message to a session."""

    content: ContentIn
    session_id: Annotated[str, Field(min_length=1)]


class QueueBody(Sent):
    """A message that is to wait."""

    content: ContentIn
    kind: Literal["default", "background"] = "default"


class Accepted(Said):
    accepted: Literal[True] = True
    session_id: str


class TokenUsage(Said):
    input_tokens: int | None = absent()
    output_tokens: int | None = absent()
    reasoning_tokens: int | None = absent()
    total_tokens: int | None = absent()
    cache_read_tokens: int | None = absent()


class SyncReply(Said):
    """What the agent has answered."""

    response: str
    session_id: str
    token_usage: TokenUsage | None = absent()
    reasoning: str | None = absent()
    model: str | None = absent()
    provider: str | None = absent()


class ResetDone(Said):
    status: Literal["reset initiated"] = "reset initiated"
    session_id: str


class Busy(Said):
    """The session is busy; the message was not taken."""

    busy: Literal[True] = True
    session_id: str
    queue_length: int
    hint: str


class TextOut(Said):
    type: Literal["text"] = "text"
    text: str


class ImageOut(Said):
    type: Literal["image"] = "image"
    image: str
    """Base64, or `@blob:DIGEST` for a large one."""
    mime_type: str | None = absent()


class FileOut(Said):
    type: Literal["file"] = "file"
    data: str
    """`@blob:DIGEST`."""
    mime_type: str
    filename: str | None = absent()


PartOut = Annotated[TextOut | ImageOut | FileOut, Field(discriminator="type")]


class QueuedOut(Said):
    """A message that waits."""

    id: str
    content: list[PartOut]
    queued_at: int
    """Milliseconds since 1970."""
    metadata: dict[str, Any] | None = absent()
    kind: Literal["default", "background"] | None = absent()
    """Left out where it is `default`."""


class Queue(Said):
    messages: list[QueuedOut]
    count: int


class Queued(Said):
    queued: Literal[True] = True
    id: str
    position: int
    """From 1."""


class QueueCleared(Said):
    cleared: Literal[True] = True
    count: int


class QueueRemoved(Said):
    removed: Literal[True] = True
    id: str


class FunctionOut(Said):
    name: str
    arguments: str
    """JSON."""


class ToolCallOut(Said):
    id: str
    type: Literal["function"] = "function"
    function: FunctionOut


class Message(Said):
    """A message of the history."""

    id: str
    role: Literal["system", "user", "assistant", "tool"]
    timestamp: int
    content: list[PartOut]
    reasoning: str | None = absent()
    token_usage: TokenUsage | None = absent()
    model: str | None = absent()
    provider: str | None = absent()
    tool_calls: list[ToolCallOut] | None = absent()
    tool_call_id: str | None = absent()
    name: str | None = absent()
    success: bool | None = absent()
    require_approval: bool | None = absent()
    approval_status: Literal["approved", "rejected"] | None = absent()
    metadata: dict[str, Any] | None = absent()
