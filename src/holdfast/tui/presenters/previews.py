"""Previews of files: a file's content as lines."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.presenters.blocks import table_lines, text_lines
from holdfast.tui.presenters.figures import size
from holdfast.tui.presenters.spans import Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.files import FileContent

MAX_ROWS = 1000


@dataclass(frozen=True, slots=True)
class FilePreview:
    """A file as a person sees it."""

    title: str
    note: str
    lines: list[Line]
    markdown: str = ""
    """Set when it is to be drawn as Markdown instead of by its lines."""


def preview_of(content: FileContent) -> FilePreview:
    """Returns the preview of a file."""
    title = sanitize_line(content.path)
    note = f"{sanitize_line(content.media_type)} · {size(content.size)}"
    if content.truncated:
        note += " · the beginning only"
    markdown = sanitize(content.text) if content.kind == "markdown" else ""
    return FilePreview(title, note, _lines(content), markdown)


def _lines(content: FileContent) -> list[Line]:
    if content.kind == "csv":
        return _table(content.text)
    if content.kind == "json":
        return _json(content.text)
    if content.kind == "image":
        return _image(content)
    if content.kind == "binary":
        return [line(("This file is not text; o opens it in your editor.", "muted"))]
    return text_lines(content.text) if content.text else [line(("The file is empty.", "muted"))]


def _table(text: str) -> list[Line]:
    sample = text[:4096]
    delimiter = max(",;\t|", key=lambda mark: sample.count(mark))
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return text_lines(text)
    if not rows:
        return [line(("The table is empty.", "muted"))]
    lines = table_lines(rows[0], rows[1 : MAX_ROWS + 1])
    if len(rows) > MAX_ROWS + 1:
        lines.append(line((f"… {len(rows) - 1 - MAX_ROWS} more rows", "muted")))
    return lines


def _json(text: str) -> list[Line]:
    try:
        pretty = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text_lines(text)  # cut short or broken: as it stands
    return [_json_line(one) for ((one, _),) in text_lines(pretty)]


def _json_line(text: str) -> Line:
    stripped = text.lstrip()
    key, mark, rest = stripped.partition('": ')
    if not stripped.startswith('"') or not mark:
        return line((text, "code"))
    indent = text[: len(text) - len(stripped)]
    return line(indent, (key + '"', "key"), (": ", "muted"), (rest, "code"))


def _image(content: FileContent) -> list[Line]:
    width, height = image_size(content.data)
    dimensions = f"{width} × {height} pixels, " if width else ""
    return [
        line(("An image: ", ""), (f"{dimensions}{size(content.size)}", "strong")),
        line(("o opens it with your editor; the file is in the session's workspace.", "muted")),
    ]


def image_size(data: str) -> tuple[int, int]:
    """Returns width and height of a PNG or GIF in base64; (0, 0) when they are not known."""
    try:
        head = base64.b64decode(data[:64])
    except (binascii.Error, ValueError):
        return 0, 0
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        width, height = struct.unpack("<HH", head[6:10])
        return width, height
    return 0, 0
