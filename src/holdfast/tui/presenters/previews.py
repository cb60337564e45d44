"""Previews of files: a file's content as lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.presenters.blocks import text_lines
from holdfast.tui.presenters.figures import size
from holdfast.tui.presenters.grids import Grid, csv_grid
from holdfast.tui.presenters.pictures import size_of
from holdfast.tui.presenters.spans import Line, line

if TYPE_CHECKING:
    from holdfast.core.domain.files import FileContent


@dataclass(frozen=True, slots=True)
class FilePreview:
    """A file as a person sees it."""

    title: str
    note: str
    lines: list[Line]
    markdown: str = ""
    """Set when it is to be drawn as Markdown instead of by its lines."""
    grid: Grid | None = None
    """Set when it is a table."""
    image: str = ""
    """Set when it is an image: its content in base64."""


def preview_of(content: FileContent) -> FilePreview:
    """Returns the preview of a file. Blocks while an image is looked into: call it in a thread."""
    title = sanitize_line(content.path)
    note = f"{sanitize_line(content.media_type)} · {size(content.size)}"
    if content.truncated:
        note += " · the beginning only"
    markdown = sanitize(content.text) if content.kind == "markdown" else ""
    grid = csv_grid(content.text) if content.kind == "csv" else None
    image = content.data if content.kind == "image" and size_of(content.data)[0] else ""
    lines = [] if image or grid is not None else _lines(content)
    return FilePreview(title, note, lines, markdown, grid, image)


def _lines(content: FileContent) -> list[Line]:
    if content.kind == "json":
        return json_lines(content.text)
    if content.kind == "image":
        return _no_image(content)
    if content.kind == "binary":
        return [line(("This file is not text; o opens it in your editor.", "muted"))]
    return text_lines(content.text) if content.text else [line(("The file is empty.", "muted"))]


def json_lines(text: str) -> list[Line]:
    """Returns JSON as it is easiest to read; what is no JSON as it stands."""
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


def _no_image(content: FileContent) -> list[Line]:
    facts = line(("An image: ", ""), (size(content.size), "strong"))
    return [facts, line(("It cannot be shown here; o opens the file with your editor.", "muted"))]
