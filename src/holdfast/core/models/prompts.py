"""Messages and requests in the form of the OpenAI API, which LiteLLM turns into every provider's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from holdfast.core.domain.errors import ModelRequestRefused
from holdfast.core.domain.messages import (
    FilePart,
    ImagePart,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

ReadBlob = Callable[[str], bytes]

_TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/javascript",
        "application/x-sh",
        "application/sql",
        "image/svg+xml",
    }
)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model takes beside text. Unknown models are given all: their provider will say."""

    images: bool = True
    pdf: bool = True


def to_openai(
    messages: tuple[Message, ...], *, model: str, abilities: Abilities, read_blob: ReadBlob
) -> list[dict[str, Any]]:
    """Returns the messages for an OpenAI-like request, with blobs as data URLs and text files inline.

    Raises `ModelRequestRefused` when the newest user message holds what the model cannot take; in older
    messages it is only named, so that a conversation can go on with another model.
    """
    newest = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
    builder = _Builder(model, abilities, read_blob)
    found: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []  # images of tool results, which a tool message cannot hold
    for index, message in enumerate(messages):
        if message.role != "tool" and shown:
            found.append({"role": "user", "content": shown})
            shown = []
        match message.role:
            case "tool":
                for part in message.parts:
                    if isinstance(part, ToolResultPart):
                        found.append(builder.tool_result(part, shown))
            case "assistant":
                found.extend(_assistant(message))
            case "system":
                found.append({"role": "system", "content": message.text})
            case "user":
                found.append({"role": "user", "content": builder.user(message, index == newest)})
    return [*found, {"role": "user", "content": shown}] if shown else found


def text_of_file(part: FilePart, read_blob: ReadBlob) -> str | None:
    """Returns the text of a file that is text by its type or by its bytes, or None."""
    data = read_blob(part.blob)
    declared = part.media_type.startswith("text/") or part.media_type in _TEXT_TYPES
    if not declared and b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("utf-8", errors="replace") if declared else None


def instruction_for(schema: dict[str, Any]) -> str:
    """Returns the words that ask for a JSON reply, for models without a parameter for it."""
    return (
        "Reply with one JSON value only, without any other text and without a code fence. "
        f"It must satisfy this JSON Schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )


@dataclass(frozen=True, slots=True)
class _Builder:
    model: str
    abilities: Abilities
    read_blob: ReadBlob

    def user(self, message: Message, newest: bool) -> str | list[dict[str, Any]]:
        if all(isinstance(p, TextPart) for p in message.parts):
            return message.text
        return [self._part(p, newest) for p in message.parts]

    def tool_result(self, part: ToolResultPart, shown: list[dict[str, Any]]) -> dict[str, Any]:
        texts: list[str] = []
        for piece in part.content:
            if isinstance(piece, TextPart):
                texts.append(piece.text)
            elif self.abilities.images:
                texts.append(f"[image {piece.name}: in the next message]")
                shown.append(_text(f"Image {piece.name} from {part.name} ({part.call_id}):"))
                shown.append(self._image(piece))
            else:
                texts.append(f"[image {piece.name}: {self.model} takes no images]")
        return {"role": "tool", "tool_call_id": part.call_id, "content": "\n".join(texts)}

    def _part(self, part: object, newest: bool) -> dict[str, Any]:
        match part:
            case TextPart():
                return _text(part.text)
            case ImagePart() if self.abilities.images:
                return self._image(part)
            case FilePart() if part.media_type == "application/pdf" and self.abilities.pdf:
                return self._pdf(part)
            case FilePart() if part.media_type.startswith("image/") and self.abilities.images:
                return self._image(ImagePart(blob=part.blob, media_type=part.media_type, name=part.name))
            case FilePart() if (text := self._inline(part)) is not None:
                return _text(text)
            case ImagePart() | FilePart():
                return self._left_out(part, newest)
            case _:
                raise ModelRequestRefused(f"a user message cannot hold a {type(part).__name__}")

    def _inline(self, part: FilePart) -> str | None:
        if part.media_type == "application/pdf":
            return None
        text = text_of_file(part, self.read_blob)
        name = part.name.replace('"', "'").replace("\n", " ")
        return None if text is None else f'<file name="{name}">\n{text}\n</file>'

    def _left_out(self, part: ImagePart | FilePart, newest: bool) -> dict[str, Any]:
        kind = "images" if isinstance(part, ImagePart) else _kind_of(part.media_type)
        if newest:
            raise ModelRequestRefused(
                f"{self.model} takes no {kind}: choose a model that does, or leave out {part.name or 'it'}",
                details={"model": self.model, "part": part.name, "media_type": part.media_type},
            )
        return _text(f"[{part.name or part.type}: left out, {self.model} takes no {kind}]")

    def _image(self, part: ImagePart) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": self._data_url(part.blob, part.media_type)}}

    def _pdf(self, part: FilePart) -> dict[str, Any]:
        data = self._data_url(part.blob, part.media_type)
        return {"type": "file", "file": {"filename": part.name, "file_data": data}}

    def _data_url(self, blob: str, media_type: str) -> str:
        return f"data:{media_type};base64,{base64.b64encode(self.read_blob(blob)).decode()}"


def _assistant(message: Message) -> list[dict[str, Any]]:
    calls = [
        {
            "id": part.call_id,
            "type": "function",
            "function": {"name": part.name, "arguments": json.dumps(part.arguments, ensure_ascii=False)},
        }
        for part in message.parts
        if isinstance(part, ToolCallPart)
    ]
    text = message.text
    if not text and not calls:
        return []  # providers refuse an empty assistant message
    built: dict[str, Any] = {"role": "assistant", "content": text or None}
    return [{**built, "tool_calls": calls} if calls else built]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _kind_of(media_type: str) -> str:
    if media_type == "application/pdf":
        return "PDFs"
    return "images" if media_type.startswith("image/") else f"files of type {media_type}"
