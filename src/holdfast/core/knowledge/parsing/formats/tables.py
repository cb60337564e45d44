"""Rows as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

BLOCK = 900
"""Characters of rows after which a table begins anew, with its header."""


def markdown_tables(header: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Yields tables that together have all rows.

    Each begins with the header, so that a piece of a long table still says what its columns are.
    """
    head = f"{_row(header)}\n{_row(['---'] * len(header))}"
    block = max(BLOCK, 4 * len(head))
    lines: list[str] = []
    size = 0
    for row in rows:
        lines.append(_row(row))
        size += len(lines[-1]) + 1
        if size >= block:
            yield "\n".join([head, *lines])
            lines, size = [], 0
    if lines:
        yield "\n".join([head, *lines])


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Returns one table, whose first row is its header."""
    if not rows:
        return ""
    return "\n".join([_row(rows[0]), _row(["---"] * len(rows[0])), *(_row(r) for r in rows[1:])])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(c.split()).replace("|", "\\|") for c in cells) + " |"
