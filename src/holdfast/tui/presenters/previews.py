"""Previews of files: a file's content as lines."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.presenters.blocks import table_lines, text_lines
from holdfast.tui.presenters.figures import size
from holdfast.tui.presenters.pictures import COLUMNS, picture_lines, size_of
from holdfast.tui.presenters.spans import BLANK, Line, line

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


def preview_of(content: FileContent, columns: int = COLUMNS) -> FilePreview:
    """Returns the preview of a file, an image at most `columns` wide.

    Blocks while an image is decoded: call it in a thread.
    """
    title = sanitize_line(content.path)
    note = f"{sanitize_line(content.media_type)} · {size(content.size)}"
    if content.truncated:
        note += " · the beginning only"
    markdown = sanitize(content.text) if content.kind == "markdown" else ""
    return FilePreview(title, note, _lines(content, columns), markdown)


def _lines(content: FileContent, columns: int) -> list[Line]:
    if content.kind == "csv":
        return _table(content.text)
    if content.kind == "json":
        return _json(content.text)
    if content.kind == "image":
        return _image(content, columns)
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


def _image(content: FileContent, columns: int) -> list[Line]:
    width, height = size_of(content.data)
    dimensions = f"{width} × {height} pixels, " if width else ""
    facts = line(("An image: ", ""), (f"{dimensions}{size(content.size)}", "strong"))
    picture = picture_lines(content.data, columns) if width else []
    if picture:
        return [facts, BLANK, *picture]
    return [facts, line(("It cannot be shown here; o opens the file with your editor.", "muted"))]
