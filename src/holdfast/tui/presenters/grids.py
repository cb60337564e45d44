"""Tables of files, tool results and replies as grids of cells, and which of their columns are numbers."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.core.domain.text import sanitize, sanitize_line
from holdfast.tui.presenters.entries import CodeView, CommandView, Entry, TableView, TextView

MOST_ROWS = 5_000
"""Rows that are kept of a table."""
MOSTLY = 0.6
"""A column is one of numbers when so much of what is filled in it is a number."""

# Texts of models and files are tried here: no quantifier gives back what it took, so that none takes long.
_NUMBER = re.compile(
    r"[(]?[-+−]?\s*+[$€£]?\s*+(\d[\d,  _]*+(?:\.\d+)?|\.\d+)(?:[eE]([-+]?\d{1,3}))?\s*%?[)]?"
)
_RULE = re.compile(r"\s*+\|?\s*+:?-++:?\s*+(?:\|\s*+:?-++:?\s*+)*+\|?\s*+$")


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the names of its columns, and its rows, each as long as the names."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0
    """Rows beyond those that are kept."""

    def column(self, number: int) -> list[str]:
        return [row[number] for row in self.rows]

    def numbers(self, number: int) -> list[float | None]:
        """Returns a column as numbers; None where there is none."""
        return [number_of(cell) for cell in self.column(number)]

    @property
    def numeric(self) -> tuple[int, ...]:
        """The columns that are mostly numbers."""
        return tuple(n for n in range(len(self.headers)) if _is_numeric(self.column(n)))


def grid_of(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Grid:
    """Returns a grid; rows of another length are filled up, or give their columns a number as name."""
    kept = [tuple(map(sanitize, row)) for row in rows]
    left_out = max(0, len(kept) - MOST_ROWS)
    kept = kept[:MOST_ROWS]
    width = max([len(headers), *map(len, kept)], default=0)
    names = [sanitize_line(name) for name in headers]
    names += [str(number + 1) for number in range(len(names), width)]
    return Grid(tuple(names), tuple((*row, *[""] * (width - len(row))) for row in kept), left_out)


def number_of(cell: str) -> float | None:
    """Returns what a cell says as a number: `1,200`, `$3.50`, `42 %`, `(7)` for -7; None for other text."""
    text = cell.strip()
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    value = float(f"{re.sub(r'[,  _]', '', match[1])}e{match[2] or 0}")
    if not math.isfinite(value):
        return None
    negative = text.startswith(("-", "−")) or (text.startswith("(") and text.endswith(")"))
    return -value if negative else value


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(number_of(cell) is not None for cell in filled) >= MOSTLY * len(filled)


def csv_grid(text: str) -> Grid | None:
    """Returns a text of separated values as a grid; None when it is none: fewer than two columns."""
    sample = text[:4096]
    delimiter = max(",;\t|", key=lambda mark: sample.count(mark))
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error:
        return None
    if len(rows) < 2 or len(rows[0]) < 2:
        return None
    return grid_of(rows[0], rows[1:])


def grids_in(entry: Entry) -> list[Grid]:
    """Returns the tables in an entry: those that a tool shows, separated values that it printed, and the
    tables of a reply."""
    if entry.kind in ("reply", "user"):
        return markdown_grids(entry.text)
    found: list[Grid] = []
    for view in entry.blocks:
        match view:
            case TableView(headers, rows):
                found.append(grid_of(headers, rows))
            case TextView(text) | CodeView(_, text) | CommandView(output=text):
                grid = _regular(text)
                found += [grid] if grid is not None else markdown_grids(text)
    return found


def _regular(text: str) -> Grid | None:
    """Returns separated values, if all lines have the same number of them: prose has commas, too."""
    lines = text.strip("\n").split("\n")
    delimiter = max(",;\t", key=lambda mark: lines[0].count(mark))
    counts = {line.count(delimiter) for line in lines[:200] if line.strip()}
    grid = csv_grid(text.strip("\n")) if len(counts) == 1 and counts != {0} else None
    return grid if grid is not None and grid.numeric else None


def markdown_grids(text: str) -> list[Grid]:
    """Returns the tables of a Markdown text."""
    lines = text.split("\n")
    found: list[Grid] = []
    number = 1
    while number < len(lines):
        if "|" in lines[number] and _RULE.match(lines[number]) and "|" in lines[number - 1]:
            end = number + 1
            while end < len(lines) and "|" in lines[end]:
                end += 1
            rows = [_cells(line) for line in lines[number + 1 : end]]
            found.append(grid_of(_cells(lines[number - 1]), rows))
            number = end
        number += 1
    return found


def _cells(line: str) -> list[str]:
    row = line.strip().removeprefix("|")
    parts = re.split(r"(?<!\\)\|", row.removesuffix("|") or row)
    return [part.strip().replace("\\|", "|").replace("**", "").strip("`") for part in parts]
