"""Logical lines and how they become rows on the screen. Pure: no widget, no app.

A block of the transcript is a list of logical lines. Each is laid out alone: wrapped to the width, with a
gutter (bars, bullets) in front of each row that is not part of the text. Every segment carries where it
comes from as `offset` in its meta, `(character, key)`: that is how Textual selects, and why soft wraps
vanish when text is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual._wrap import compute_wrap_offsets
from textual.content import Content
from textual.strip import Strip
from textual.style import Style

Gutter = tuple[tuple[str, str], ...]
"""Texts with style names, drawn in front of a row. The first character is one cell wide: the cursor's."""

Mark = tuple[int, int, str]
"""A range of characters to highlight (start, end) and the style: a search hit or the selection."""

INDENT: Gutter = (("  ", ""),)
TAB = 4


@dataclass(slots=True, frozen=True)
class Line:
    """One logical line: what the model, a person or a tool wrote between two newlines."""

    content: Content
    first: Gutter = INDENT
    """In front of the first row."""
    rest: Gutter = INDENT
    """In front of the rows that wrapping makes."""
    fill: str = ""
    """A style from the text to the right edge, for code and diffs."""

    def same(self, other: Line) -> bool:
        """Says whether `other` looks the same, styles included."""
        return (
            self.content.is_same(other.content)
            and self.first == other.first
            and self.rest == other.rest
            and self.fill == other.fill
        )


@dataclass(slots=True, frozen=True)
class Paint:
    """Where colours come from: the widget's style, and a function from style names to styles."""

    base: Style
    resolve: Callable[[str | Style], Style]


BLANK = Line(Content(""))


def plain(text: str, style: str = "") -> Content:
    """Returns text as content: tabs become spaces, nothing in it is read as markup."""
    content = Content(text.expandtabs(TAB) if "\t" in text else text, strip_control_codes=False)
    return content.stylize(style) if style and text else content


def gutter_width(gutter: Gutter) -> int:
    """Returns the cells that a gutter takes."""
    return sum(Content(text).cell_length for text, _ in gutter)


def lay_out(line: Line, width: int, key: int, paint: Paint, marks: Sequence[Mark] = ()) -> list[Strip]:
    """Returns the rows of a logical line.

    `key` says which line it is: keys grow in reading order. `marks` are highlighted. Each strip is at most
    `width` cells, and exactly that many where the line is filled.
    """
    room = max(4, width - max(gutter_width(line.first), gutter_width(line.rest)))
    content = line.content
    for start, end, style in marks:
        content = content.stylize(paint.resolve(style), start, end)
    text = content.plain
    breaks = compute_wrap_offsets(text, room, TAB) if _may_wrap(text, room) else []
    rows = content.divide(breaks) if breaks else [content]
    base = paint.base + paint.resolve(line.fill) if line.fill else paint.base
    strips, start = [], 0
    for number, row in enumerate(rows):
        gutter = line.rest if number else line.first
        segments = _gutter_segments(gutter, start, key, paint)
        segments += _text_segments(row, start, key, base, paint, last=number == len(rows) - 1)
        strip = Strip(segments)
        if strip.cell_length > width:
            strip = strip.crop(0, width)
        if line.fill:
            strip = strip.extend_cell_length(width, base.rich_style)
        strips.append(strip)
        start += len(row.plain)
    return strips


def _may_wrap(text: str, room: int) -> bool:
    """Says whether the text may need more than `room` cells; no character takes more than two."""
    length = len(text)
    return length > room or (length * 2 > room and not text.isascii())


def _gutter_segments(gutter: Gutter, start: int, key: int, paint: Paint) -> list[Segment]:
    """Returns one segment a cell, each with the offset of the row's start, so that a drag may begin there."""
    segments = []
    for text, name in gutter:
        style = (paint.base + paint.resolve(name) if name else paint.base).rich_style_with_offset(start, key)
        segments += [Segment(character, style) for character in text]
    return segments


def _text_segments(
    row: Content, start: int, key: int, base: Style, paint: Paint, *, last: bool
) -> list[Segment]:
    if not row.plain:
        # An empty row needs an offset too, or a drag that ends on it selects to the end of everything.
        return [Segment(" ", base.rich_style_with_offset(start, key))]
    if not last:
        row = row.rstrip()
    segments = []
    for text, style in row.render(base, end="", parse_style=paint.resolve):
        segments.append(Segment(text, style.rich_style_with_offset(start, key)))
        start += len(text)
    return segments


def cells_before(text: str, cells: int) -> int:
    """Returns how many characters of `text` fit into `cells`."""
    taken = 0
    for number, character in enumerate(text):
        taken += get_character_cell_size(character)
        if taken > cells:
            return number
    return len(text)
