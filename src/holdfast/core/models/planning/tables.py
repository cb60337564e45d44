"""Figures from tables: columns, sums, means, extremes and totals by category, computed exactly."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

MAX_GROUPS = 25
"""A column with more different values than this is no category."""

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?\Z")
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z")
_COMMA = re.compile(r"[-+]?\d{1,3}(?:\.\d{3})*,\d+\Z|[-+]?\d+,\d+\Z")
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])\Z")
_MONEY = "$€£¥ \u00a0"
_ID_NAME = re.compile(r"(?:^|[_\s])(?:id|nr|no|number|code|zip|postcode|year|phone)$", re.IGNORECASE)
_MEASURE = re.compile(r"revenue|sales|turnover|amount|total|income|profit|value|cost|price|sum|count", re.I)
_CATEGORIES = (
    *("region", "category", "product", "department", "country", "segment", "channel", "source"),
    *("type", "status", "team", "city"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header; short rows are filled, long ones cut."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, index: int) -> list[str]:
        return [row[index] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The figures of one numeric column."""

    name: str
    index: int
    count: int
    missing: int
    total: Decimal
    smallest: Decimal
    largest: Decimal
    summable: bool
    """False for ids, codes and years, whose sum says nothing."""

    @property
    def mean(self) -> Decimal:
        return self.total / self.count


@dataclass(frozen=True, slots=True)
class Group:
    """The rows that share one value of a category."""

    value: str
    rows: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is computed from a table."""

    table: Table
    numbers: tuple[Numbers, ...]
    categories: tuple[int, ...]
    """Columns to group by, the most telling one first."""
    dates: tuple[int, ...]
    measure: Numbers | None
    """The column whose totals say most."""


def parse_table(text: str, name: str = "") -> Table | None:
    """Returns the table that a CSV, TSV or a JSON list of objects holds, or None when it holds none."""
    if name.lower().endswith(".json"):
        return _from_json(text)
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return None
    delimiter = max(",;\t|", key=lambda d: (lines[0].count(d), -",;\t|".index(d)))
    if delimiter not in lines[0]:
        return None
    try:
        rows = [r for r in csv.reader(io.StringIO(text), delimiter=delimiter) if any(c.strip() for c in r)]
    except csv.Error:
        return None
    return _table(rows[0], rows[1:])


def figures(table: Table) -> Figures:
    """Returns the figures of a table."""
    numbers: list[Numbers] = []
    categories: list[int] = []
    dates: list[int] = []
    for index, name in enumerate(table.header):
        values = [v for v in table.column(index) if v]
        found = _numbers(name, index, values, len(table.rows))
        if values and all(month_of(v) for v in values):
            dates.append(index)
        elif found is not None:
            numbers.append(found)
        elif 2 <= len(set(values)) <= min(MAX_GROUPS, max(2, len(values) // 2)):
            categories.append(index)
    categories.sort(key=lambda i: (_rank(table.header[i]), len(set(table.column(i)))))
    return Figures(table, tuple(numbers), tuple(categories), tuple(dates), _main_measure(numbers))


def groups(found: Figures, by: int, measure: Numbers | None) -> list[Group]:
    """Returns the rows grouped by a column: by total of `measure` (else by number of rows), largest first."""
    return sorted(_grouped(found.table, by, measure), key=lambda g: (-g.total, -g.rows, g.value))


def number(value: Decimal, places: int = 2) -> str:
    """Returns a number for people: grouped by thousands, at most `places` decimals, no idle zeros."""
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_number(text: str) -> Decimal | None:
    """Returns the number that a cell holds (with currency, percent sign or separators), or None."""
    bare = text.strip().strip(_MONEY).removesuffix("%").rstrip()
    if _GROUPED.match(bare):
        bare = bare.replace(",", "")
    elif _COMMA.match(bare):
        bare = bare.replace(".", "").replace(",", ".")
    if not _NUMBER.match(bare):
        return None
    try:
        return Decimal(bare)
    except InvalidOperation:
        return None


def month_of(text: str) -> str | None:
    """Returns the year and month of an ISO date or month, or None."""
    if _MONTH.match(text):
        return text
    try:
        return date.fromisoformat(text[:10]).strftime("%Y-%m") if text[4:5] == "-" else None
    except ValueError:
        return None


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Table | None:
    names = tuple(h.strip().lstrip("\ufeff") or f"column {i}" for i, h in enumerate(header, 1))
    width = len(names)
    padded = tuple(tuple(c.strip() for c in (*row, *[""] * width))[:width] for row in rows)
    return Table(names, padded) if width > 1 and padded else None


def _from_json(text: str) -> Table | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if not isinstance(data, list) or not data or not all(isinstance(row, dict) for row in data):
        return None
    header = list(dict.fromkeys(key for row in data for key in row))
    cells = [["" if row.get(k) is None else str(row[k]) for k in header] for row in data]
    return _table(header, cells)


def _numbers(name: str, index: int, values: list[str], rows: int) -> Numbers | None:
    parsed = [n for v in values if (n := to_number(v)) is not None]
    if not parsed or len(parsed) < 0.9 * len(values):
        return None
    return Numbers(
        name=name,
        index=index,
        count=len(parsed),
        missing=rows - len(parsed),
        total=sum(parsed, Decimal(0)),
        smallest=min(parsed),
        largest=max(parsed),
        summable=not _ID_NAME.search(name),
    )


def _main_measure(numbers: list[Numbers]) -> Numbers | None:
    summable = [n for n in numbers if n.summable]
    named = [n for n in summable if _MEASURE.search(n.name) and "unit" not in n.name.lower()]
    if named:
        order = _MEASURE.pattern.split("|")
        return min(named, key=lambda n: next(i for i, w in enumerate(order) if w in n.name.lower()))
    return max(summable, key=lambda n: n.total, default=None)


def _rank(name: str) -> int:
    """Returns how telling a category of this name is; smaller is better."""
    lower = name.lower()
    return next((i for i, word in enumerate(_CATEGORIES) if word in lower), len(_CATEGORIES))


def _grouped(table: Table, by: int, measure: Numbers | None) -> list[Group]:
    rows: dict[str, int] = defaultdict(int)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in table.rows:
        value = row[by] or "(empty)"
        rows[value] += 1
        if measure is not None:
            totals[value] += to_number(row[measure.index]) or Decimal(0)
    return [Group(value, rows[value], totals[value]) for value in rows]
