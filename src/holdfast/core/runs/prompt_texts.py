"""The texts of a request to a model, one by one, and the same request with others in their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from holdfast.core.domain.messages import Part, TextPart, ToolResultPart
from holdfast.core.domain.models import ModelRequest


def texts_of(request: ModelRequest) -> list[dict[str, Any]]:
    """Returns every text that the model reads, with the role of its message: also those of results."""
    return [
        {"role": message.role, "text": text} for message in request.messages for text in _texts(message.parts)
    ]


def with_texts(request: ModelRequest, texts: Sequence[str]) -> ModelRequest:
    """Returns the request with `texts`, as many as `texts_of` gave, in the places of its own. Who said them,
    calls, pictures and files stay."""
    left = iter(texts)
    messages = tuple(
        message.model_copy(update={"parts": tuple(_with(part, left) for part in message.parts)})
        for message in request.messages
    )
    return request.model_copy(update={"messages": messages})


def _texts(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, TextPart):
            yield part.text
        elif isinstance(part, ToolResultPart):
            yield from _texts(part.content)


def _with(part: Part, left: Iterator[str]) -> Part:
    if isinstance(part, TextPart):
        return part.model_copy(update={"text": next(left)})
    if isinstance(part, ToolResultPart):
        content: Sequence[Any] = [_with(each, left) for each in part.content]
        return part.model_copy(update={"content": tuple(content)})
    return part
