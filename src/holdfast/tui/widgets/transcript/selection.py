"""What a selection in the transcript holds."""

from __future__ import annotations

import re

from textual.geometry import Offset
from textual.selection import Selection

from holdfast.tui.widgets.transcript.block import place_of
from holdfast.tui.widgets.transcript.column import Column

_WORD = re.compile(r"\w+(?:['’.:/@-]+\w+)*|\s+|[^\w\s]")


def selected_text(column: Column, selection: Selection) -> str:
    """Returns the selected text: logical lines, without gutters and soft wraps."""
    if not column.items:
        return ""
    first = column.items[0].number if selection.start is None else place_of(selection.start.y)[0]
    last = column.items[-1].number if selection.end is None else place_of(selection.end.y)[0]
    texts: list[str] = []
    for item in column.between(first, last):
        for block in item.blocks:
            for number, line in enumerate(block.read(column.width)):
                span = selection.get_span(block.key + number)
                if span is not None:
                    text = line.content.plain
                    end = len(text) if span[1] == -1 else span[1]
                    texts.append(text[max(0, span[0]) : end])
    return "\n".join(texts)


def word_at(column: Column, offset: Offset) -> Selection | None:
    """Returns the selection of the word at `offset`, or None where there is no text."""
    line = column.line_at(offset.y)
    if line is None:
        return None
    for match in _WORD.finditer(line.content.plain):
        if match.start() <= offset.x < match.end():
            return Selection(Offset(match.start(), offset.y), Offset(match.end(), offset.y))
    return None


def paragraph_at(column: Column, offset: Offset) -> Selection | None:
    """Returns the selection of the whole logical line at `offset`."""
    line = column.line_at(offset.y)
    if line is None or not line.content.plain:
        return None
    return Selection(Offset(0, offset.y), Offset(len(line.content.plain), offset.y))
