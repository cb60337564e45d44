"""What was said, as attributes of spans: only where the settings ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from holdfast.core.domain.messages import FilePart, ImagePart, TextPart, ToolResultPart, text_of
from holdfast.core.domain.text import shorten

LONGEST_TEXT = 8_000
"""Characters of one text; what is longer is cut."""
LONGEST = 64_000
"""Characters of one attribute."""

Piece = dict[str, Any]
"""A part of a message, as the conventions have it."""


def text_piece(text: str, kind: str = "text") -> Piece:
    return {"type": kind, "content": shorten(text, LONGEST_TEXT)}


def call_piece(call_id: str, name: str, arguments: dict[str, Any]) -> Piece:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": _cut(arguments)}


def pieces(parts: Iterable[TextPart | ImagePart | FilePart | ToolResultPart]) -> list[Piece]:
    """Returns what stands in a message; of files and pictures only that they are there."""
    found: list[Piece] = []
    for part in parts:
        match part:
            case TextPart():
                found.append(text_piece(part.text))
            case ToolResultPart():
                response = shorten(text_of(part.content), LONGEST_TEXT)
                found.append({"type": "tool_call_response", "id": part.call_id, "response": response})
            case _:
                found.append({"type": "file", "modality": part.type, "mime_type": part.media_type})
    return found


def message(role: str, found: list[Piece], finish_reason: str = "") -> Piece:
    """Returns a message; a model's says why it ended."""
    return {"role": role, "parts": found} | ({"finish_reason": finish_reason} if finish_reason else {})


def as_json(value: Any) -> str:
    """Returns a value as JSON of bounded length; what is cut at its end is no JSON any more."""
    return shorten(json.dumps(_cut(value), ensure_ascii=False), LONGEST)


def _cut(value: Any) -> Any:
    match value:
        case str():
            return shorten(value, LONGEST_TEXT)
        case dict():
            return {key: _cut(each) for key, each in value.items()}
        case list() | tuple():
            return [_cut(each) for each in value]
        case _:
            return value
