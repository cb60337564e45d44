"""Tables: columns aligned, cells wrapped where they do not fit; in too little room each row by itself."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from holdfast.tui.widgets.transcript import styles

BETWEEN = " │ "
MIN_COLUMN = 4
READABLE = 7
"""A column that is made narrower than this cannot be read: then the rows are shown one by one."""
MOST_LINES = 12
"""Lines of a wrapped cell; what is beyond is cut."""
WIDEST_NAME = 24
"""Cells of a column's name where rows are shown one by one."""


def table_lines(
    headers: Sequence[Content], rows: Sequence[Sequence[Content]], aligns: Sequence[str], width: int
) -> list[Content]:
    """Returns the lines of a table: headers, a rule, rows. Cells that do not fit are wrapped; in too little
    room each row is shown by itself, a line a cell."""
    count = max([len(headers), *(len(row) for row in rows)], default=0)
    if count == 0:
        return []
    table = [[*row, *[Content("")] * (count - len(row))] for row in [headers, *rows]]
    natural = [max(cell.cell_length for cell in column) for column in zip(*table, strict=True)]
    widths = fit(natural, width)
    if rows and any(one < min(wide, READABLE) for one, wide in zip(widths, natural, strict=True)):
        return _one_by_one(table[0], table[1:], width)
    sides = [*aligns, *[""] * (count - len(aligns))]
    rule = Content("─┼─".join("─" * column for column in widths)).stylize(styles.BAR)
    head = [line.stylize_before(styles.TABLE_HEAD) for line in _rows(table[0], widths, sides)]
    return [*head, rule, *(line for row in table[1:] for line in _rows(row, widths, sides))]


def _one_by_one(headers: Sequence[Content], rows: Sequence[Sequence[Content]], width: int) -> list[Content]:
    """Returns each row as lines of name and value, a rule between two rows; empty cells are left out."""
    names = min(WIDEST_NAME, max(2, width // 2), max(header.cell_length for header in headers))
    rule = Content("─" * width).stylize(styles.BAR)
    lines: list[Content] = []
    for number, row in enumerate(rows):
        if number:
            lines.append(rule)
        for header, cell in zip(headers, row, strict=True):
            if cell.plain.strip():
                name = header.truncate(names, ellipsis=True).pad_right(max(0, names - header.cell_length))
                lines.append(name.stylize_before(styles.TABLE_HEAD) + Content("  ") + cell)
    return lines


def fit(widths: Sequence[int], width: int) -> list[int]:
    """Returns column widths whose sum with separators is at most `width`; the widest give way first.

    Columns of `MIN_COLUMN` cells are not narrowed: a table of very many columns stays too wide.
    """
    room = width - len(BETWEEN) * (len(widths) - 1)
    fitted = [max(1, one) for one in widths]
    while sum(fitted) > room:
        widest = max(fitted)
        if widest <= MIN_COLUMN:
            break
        second = max([one for one in fitted if one < widest] + [MIN_COLUMN])
        at = [number for number, one in enumerate(fitted) if one == widest]
        surplus = sum(fitted) - room
        step = max(1, min(widest - second, surplus // len(at)))
        for number in at[:surplus]:
            fitted[number] -= step
    return fitted


def _rows(cells: Sequence[Content], widths: Sequence[int], sides: Sequence[str]) -> list[Content]:
    """Returns a row of the table: as many lines as its highest cell has."""
    wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    separator = Content(BETWEEN).stylize(styles.BAR)
    return [
        separator.join(
            _cell(cell[line] if line < len(cell) else Content(""), width, side)
            for cell, width, side in zip(wrapped, widths, sides, strict=True)
        )
        for line in range(max(map(len, wrapped)))
    ]


def _wrapped(content: Content, width: int) -> list[Content]:
    if content.cell_length <= width:
        return [content]
    lines = list(content.wrap(width))
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], Content("…")]
    return [line.rstrip() for line in lines]


def _cell(content: Content, width: int, side: str) -> Content:
    content = content.truncate(width, ellipsis=True)
    spare = width - content.cell_length
    if side == "right":
        return content.pad_left(spare)
    if side == "center":
        return content.pad(spare // 2, spare - spare // 2)
    return content.pad_right(spare)
