"""Tables: columns aligned, cut to the width."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from holdfast.tui.widgets.transcript import styles

BETWEEN = " │ "
MIN_COLUMN = 4


def table_lines(
    headers: Sequence[Content], rows: Sequence[Sequence[Content]], aligns: Sequence[str], width: int
) -> list[Content]:
    """Returns the lines of a table: headers, a rule, rows. Cells that do not fit end with an ellipsis."""
    count = max([len(headers), *(len(row) for row in rows)], default=0)
    if count == 0:
        return []
    table = [[*row, *[Content("")] * (count - len(row))] for row in [headers, *rows]]
    widths = fit([max(cell.cell_length for cell in column) for column in zip(*table, strict=True)], width)
    sides = [*aligns, *[""] * (count - len(aligns))]
    lines = [_row(row, widths, sides) for row in table]
    rule = Content("─┼─".join("─" * column for column in widths)).stylize(styles.BAR)
    return [lines[0].stylize_before(styles.TABLE_HEAD), rule, *lines[1:]]


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


def _row(cells: Sequence[Content], widths: Sequence[int], sides: Sequence[str]) -> Content:
    separator = Content(BETWEEN).stylize(styles.BAR)
    return separator.join([_cell(*cell) for cell in zip(cells, widths, sides, strict=True)])


def _cell(content: Content, width: int, side: str) -> Content:
    content = content.truncate(width, ellipsis=True)
    spare = width - content.cell_length
    if side == "right":
        return content.pad_left(spare)
    if side == "center":
        return content.pad(spare // 2, spare - spare // 2)
    return content.pad_right(spare)
