"""XLSX: each sheet is a page of Markdown tables."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from holdfast.core.knowledge.parsing.decoding import clean
from holdfast.core.knowledge.parsing.formats.archives import opened, stated_title
from holdfast.core.knowledge.parsing.formats.broken import reading
from holdfast.core.knowledge.parsing.formats.pages import joined
from holdfast.core.knowledge.parsing.formats.tables import markdown_tables
from holdfast.core.knowledge.parsing.model import Extract, Style


def extract_xlsx(data: bytes, name: str) -> Extract:
    """Returns the cells of all sheets, as values; formulas have the value that was last reckoned."""
    with opened(data, name) as archive:
        title = stated_title(archive)
    with reading(name):
        book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            text, starts = joined(_sheet(sheet) for sheet in book.worksheets)
        finally:
            book.close()
    return Extract(text, Style.MARKDOWN, title=clean(title), pages=starts)


def rows_of_xlsx(data: bytes, name: str) -> list[list[str]]:
    """Returns the rows of all sheets that are not empty, without the empty cells at their end."""
    with opened(data, name):  # is it what it says?
        pass
    with reading(name):
        book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            return [list(row) for sheet in book.worksheets for row in _rows_of(sheet)]
        finally:
            book.close()


def _rows_of(sheet: Any) -> Iterator[Sequence[str]]:
    sheet.reset_dimensions()  # what a file says of its sizes is often wrong
    return _rows(sheet.iter_rows(values_only=True))


def _sheet(sheet: Any) -> str:
    rows = _rows_of(sheet)
    header = next(rows, None)
    heading = f"## {clean(sheet.title)}"
    if header is None:
        return heading
    first = next(rows, None)
    if first is None:
        return f"{heading}\n\n{' '.join(header)}"
    return "\n\n".join([heading, *markdown_tables(header, _with(first, rows))])


def _with(first: Sequence[str], rest: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
    yield first
    yield from rest


def _rows(rows: Iterable[Sequence[object]]) -> Iterator[Sequence[str]]:
    """Yields the rows that are not empty, without the empty cells at their end."""
    for row in rows:
        last = next((i for i in range(len(row), 0, -1) if row[i - 1] is not None), 0)
        cells = [_cell(value) for value in row[:last]]
        if any(cells):
            yield cells


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(" ", "seconds")
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return f"{value:.12g}"
        case _:
            return clean(str(value)).strip()
