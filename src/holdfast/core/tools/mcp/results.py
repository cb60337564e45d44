"""From what a server answers to what a model and people are shown."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from holdfast.core.domain.media import image_type
from holdfast.core.domain.messages import ImagePart, ResultPart, TextPart
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import BlobStore, CodeBlock, DisplayBlock, ImageBlock, TextBlock, ToolOutput
from holdfast.core.tools.mcp.limits import MAX_IMAGE_BYTES, MAX_IMAGES, MAX_PARTS, MAX_RESULT_CHARS
from holdfast.core.tools.mcp.port import RawResult

_LABEL = 200


def output_of(result: RawResult, blobs: BlobStore) -> ToolOutput:
    """Returns the output of a call; images are put among the blobs. Blocks: call it in a thread."""
    reader = _Reader(blobs)
    for part in result.content[:MAX_PARTS]:
        reader.part(part)
    if len(result.content) > MAX_PARTS:
        reader.text(f"[{len(result.content) - MAX_PARTS} more parts were left out]")
    if result.structured is not None:
        reader.structured(result.structured)
    if not reader.content:
        reader.text("(The tool gave no result.)")
    return ToolOutput(content=tuple(reader.content), display=tuple(reader.display), is_error=result.is_error)


class _Reader:
    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._characters = 0
        self._images = 0
        self._texts: list[str] = []
        self.content: list[ResultPart] = []
        self.display: list[DisplayBlock] = []

    def part(self, part: dict[str, Any]) -> None:
        match part.get("type"):
            case "text":
                self.text(str(part.get("text", "")))
            case "image":
                self._image(part.get("data"), _label(part.get("mimeType")))
            case "audio":
                self.text(f"[audio of the type {_label(part.get('mimeType'))}, which cannot be shown]")
            case "resource":
                self._resource(part.get("resource") or {})
            case "resource_link":
                self.text(f"[resource {_label(part.get('name'))}: {_label(part.get('uri'))}]")
            case other:
                self.text(f"[a part of the unknown type {_label(other)}]")

    def text(self, text: str) -> None:
        room = MAX_RESULT_CHARS - self._characters
        if room <= 0:
            return
        kept = text if len(text) <= room else f"{text[:room]}\n[the rest was left out]"
        self._characters += len(kept)
        self._texts.append(text)
        self.content.append(TextPart(text=kept))
        self.display.append(TextBlock(text=kept))

    def structured(self, value: Any) -> None:
        """Adds structured content, unless a text says the same: most servers give both."""
        if any(_same(text, value) for text in self._texts):
            return
        # Not indented: where it is nested deep, that is a hundred times as long.
        text = json.dumps(value, ensure_ascii=False)[: max(0, MAX_RESULT_CHARS - self._characters)]
        self.content.append(TextPart(text=text))
        self.display.append(CodeBlock(language="json", text=text))

    def _resource(self, resource: dict[str, Any]) -> None:
        uri = _label(resource.get("uri"))
        if "text" in resource:
            self.text(f"[resource {uri}]\n{resource['text']}")
        elif str(resource.get("mimeType", "")).startswith("image/"):
            self._image(resource.get("blob"), uri)
        else:
            kind = _label(resource.get("mimeType")) or "unknown type"
            self.text(f"[resource {uri}: binary data of the type {kind}, which was left out]")

    def _image(self, data: Any, label: str) -> None:
        if self._images >= MAX_IMAGES:
            self.text("[one more image, which was left out]")
            return
        self._images += 1
        if not isinstance(data, str) or len(data) > MAX_IMAGE_BYTES * 4 // 3 + 4:
            self.text(f"[an image ({label}) of more than {MAX_IMAGE_BYTES // 2**20} MiB, which was left out]")
            return
        try:
            decoded = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            decoded = b""
        # What the server says that it is does not count: models refuse a request with another image.
        kind = image_type(decoded)
        if kind is None:
            self.text(f"[data that claims to be an image ({label}) and is none]")
            return
        blob = self._blobs.put(decoded)
        self.content.append(ImagePart(blob=blob, media_type=kind))
        self.display.append(ImageBlock(blob=blob, media_type=kind))


def _label(value: Any) -> str:
    return shorten(sanitize_line(str(value or "")), _LABEL)


def _same(text: str, value: Any) -> bool:
    """Whether a text says what `value` does, or what it wraps: servers put a plain result under a key."""
    wrapped = next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value
    if text == wrapped:
        return True
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return bool(said in (value, wrapped))
