"""Figures over time: a measure by period and category, who changed how much, and who passed whom."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from holdfast.core.models.planning.tables import Figures, Numbers, month_of, to_number

MAX_PERIODS = 40
MAX_LINES = 8
"""Most categories that are followed over time."""

_YEAR = re.compile(r"(?:1[5-9]|20|21)\d{2}\Z")


@dataclass(frozen=True, slots=True)
class Series:
    """A measure for each period, oldest first, and each value of a category."""

    by: str
    measure: str
    periods: tuple[str, ...]
    lines: dict[str, tuple[Decimal, ...]]

    def passings(self) -> list[tuple[str, str, str]]:
        """Returns (who, whom, when): from `when` to the end `who` is over `whom`, and was not at first."""
        return [
            (who, whom, when)
            for who in self.lines
            for whom in self.lines
            if who != whom and (when := self._passed(who, whom)) is not None
        ]

    def _passed(self, who: str, whom: str) -> str | None:
        over = [a > b for a, b in zip(self.lines[who], self.lines[whom], strict=True)]
        if over[0] or not over[-1]:
            return None
        below = max(i for i, is_over in enumerate(over) if not is_over)
        return self.periods[below + 1]


def period_column(found: Figures) -> int | None:
    """Returns the column that says when: dates, months or years."""
    if found.dates:
        return found.dates[0]
    for index, _ in enumerate(found.table.header):
        values = [v for v in found.table.column(index) if v]
        if len(values) > 1 and all(_YEAR.match(v) for v in values) and len(set(values)) > 1:
            return index
    return None


def series(found: Figures, by: int | None, measure: Numbers | None) -> Series | None:
    """Returns the sums of `measure` by period (and by a category), or None where there is no such thing."""
    when = period_column(found)
    if when is None or measure is None or measure.index == when:
        return None
    table = found.table
    names = sorted(set(table.column(by))) if by is not None else [measure.name]
    length = _period_length([v for v in table.column(when) if v])
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    periods: set[str] = set()
    for row in (r for r in table.rows if r[when]):
        period = (month_of(row[when]) or row[when])[:length]
        periods.add(period)
        name = row[by] if by is not None else measure.name
        sums[period, name] += to_number(row[measure.index]) or Decimal(0)
    ordered = tuple(sorted(periods))
    if not 2 <= len(ordered) <= MAX_PERIODS or len(names) > MAX_LINES:
        return None
    label = table.header[by] if by is not None else ""
    return Series(label, measure.name, ordered, {n: tuple(sums[p, n] for p in ordered) for n in names})


def _period_length(values: list[str]) -> int:
    """Returns how much of a period is told: months, or years when there would be too many months."""
    months = {m for v in values if (m := month_of(v)) is not None}
    return 4 if len(months) > MAX_PERIODS else 7
