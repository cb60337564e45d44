"""Columns of a table as a chart: which column along the axis, which as values, and of what kind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import cell_len, set_cell_size

from holdfast.core.domain.limits import LimitState
from holdfast.core.domain.usage import UsageSummary
from holdfast.tui.presenters.figures import cost, counted, tokens
from holdfast.tui.presenters.grids import Grid, grid_of
from holdfast.tui.presenters.limits import allowed, amount, share
from holdfast.tui.presenters.spans import Line, line
from holdfast.tui.presenters.status import bar, percent

ChartKind = Literal["bar", "line", "points"]
KINDS: tuple[ChartKind, ...] = ("bar", "line", "points")
MOST_BARS = 60
"""Bars of a chart; of more rows the first ones are shown."""
MOST_POINTS = 2_000
TICKS = 6
"""About so many values are written at the side of a chart."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a table is shown as a chart."""

    values: int
    """The column of the values."""
    along: int | None = None
    """The column along the axis; None: the number of the row."""
    kind: ChartKind = "bar"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready to be drawn."""

    kind: ChartKind
    name: str
    along: str
    labels: tuple[str, ...]
    """What stands at the axis; empty where `places` says it."""
    places: tuple[float, ...]
    values: tuple[float, ...]
    note: str = ""
    """What is not shown."""


def first_choice(grid: Grid) -> Choice | None:
    """Returns what is shown of a table first; None when it has no numbers: the first column of words along
    the axis, the first of numbers as values."""
    numeric = grid.numeric
    if not numeric or not grid.rows:
        return None
    words = [n for n in range(len(grid.headers)) if n not in numeric]
    along = words[0] if words else (numeric[0] if len(numeric) > 1 else None)
    values = next(n for n in numeric if n != along)
    kind: ChartKind = "bar" if len(grid.rows) <= MOST_BARS and words else "line"
    return Choice(values, along, kind)


def next_values(grid: Grid, choice: Choice) -> Choice:
    """Returns the choice with the next column of numbers as values."""
    columns = [n for n in grid.numeric if n != choice.along] or list(grid.numeric)
    at = columns.index(choice.values) if choice.values in columns else -1
    return replace(choice, values=columns[(at + 1) % len(columns)])


def next_along(grid: Grid, choice: Choice) -> Choice:
    """Returns the choice with another column along the axis, the number of the row among them."""
    columns: list[int | None] = [None, *(n for n in range(len(grid.headers)) if n != choice.values)]
    at = columns.index(choice.along) if choice.along in columns else 0
    return replace(choice, along=columns[(at + 1) % len(columns)])


def next_kind(choice: Choice) -> Choice:
    """Returns the choice with the next kind of chart."""
    return replace(choice, kind=KINDS[(KINDS.index(choice.kind) + 1) % len(KINDS)])


def chart_of(grid: Grid, choice: Choice) -> Chart:
    """Returns the chart of a choice; rows without a number are left out."""
    numbered = choice.along is None or choice.along in grid.numeric
    points = [
        (number, place if numbered else None, value)
        for number, (place, value) in enumerate(
            zip(_places(grid, choice), grid.numbers(choice.values), strict=True)
        )
        if value is not None and (place is not None or not numbered)
    ]
    most = MOST_BARS if choice.kind == "bar" else MOST_POINTS
    shown = points[:most]
    left = [f"{counted(len(points) - most, 'more row')} not shown"] if len(points) > most else []
    without = len(grid.rows) - len(points) + grid.left_out
    left += [f"{counted(without, 'row')} without a number, or left out"] if without else []
    named = choice.along is not None and (not numbered or choice.kind == "bar")
    return Chart(
        kind=choice.kind,
        name=grid.headers[choice.values],
        along=grid.headers[choice.along] if choice.along is not None else "row",
        labels=tuple(_label(grid.rows[n][choice.along or 0]) for n, _, _ in shown) if named else (),
        places=tuple(float(at + 1) if place is None else place for at, (_, place, _) in enumerate(shown)),
        values=tuple(value for _, _, value in shown),
        note=" · ".join(left),
    )


def _places(grid: Grid, choice: Choice) -> list[float | None]:
    """Returns where each row stands along the axis."""
    if choice.along is None:
        return [float(number + 1) for number in range(len(grid.rows))]
    return grid.numbers(choice.along)


def _label(text: str) -> str:
    words = " ".join(text.split())
    return words if cell_len(words) <= 14 else set_cell_size(words, 13) + "…"


def head_line(chart: Chart) -> Line:
    """Returns what a chart shows, in words: it is said, not only drawn."""
    if not chart.values:
        return line((f"{chart.name}: no numbers", "warning"))
    least, most = min(chart.values), max(chart.values)
    facts = f"{counted(len(chart.values), 'value')} · {plain_number(least)} to {plain_number(most)}"
    note = f" · {chart.note}" if chart.note else ""
    return line((chart.name, "strong"), f" by {chart.along}", (f"  {facts}{note}", "muted"))


def ticks_of(chart: Chart) -> list[float]:
    """Returns the values that are written at the side of a chart: round ones, from its least to its most."""
    least, most = min(chart.values), max(chart.values)
    if chart.kind == "bar":
        least, most = min(0.0, least), max(0.0, most)
    span = most - least
    if not span or not math.isfinite(span):
        return [least]
    rough = span / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(least / step)
    return [number * step for number in range(first, math.floor(most / step) + 1)]


def plain_number(value: float) -> str:
    """Returns a number as it stands at an axis."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:,.4g}"


def usage_grid(summary: UsageSummary) -> Grid:
    """Returns what was used as a table: by day, month, model …"""
    headers = (summary.by, "input tokens", "output tokens", "cost $", "runs", "steps")
    rows = [
        (
            group.label or group.key or "(none)",
            str(group.input_tokens),
            str(group.output_tokens),
            f"{group.cost_usd:.4f}",
            str(group.runs),
            str(group.steps),
        )
        for group in summary.groups
    ]
    return grid_of(headers, rows)


def limits_grid(states: Iterable[LimitState]) -> Grid:
    """Returns the limits as a table, a line for each of what is allowed, with a bar of what is left."""
    rows = [
        (
            state.kind,
            state.label or state.subject,
            allowed(each) + (f" ({state.tier})" if each.unit == "requests" else ""),
            amount(each.used, each.unit),
            amount(each.left, each.unit),
            f"{bar(1 - share(each), 10)} {percent(1 - share(each))}",
            f"{each.resets_at:%Y-%m-%d %H:%M} UTC" if each.resets_at is not None else "",
        )
        for state in states
        for each in state.allowances
    ]
    return grid_of(("limit on", "name", "allowed", "used", "left", "left in %", "full again"), rows)


def usage_line(summary: UsageSummary) -> Line:
    """Returns what was used in all."""
    total = summary.total
    spent = cost(total.cost_usd, total.unpriced)
    parts = [f"{tokens(total.input_tokens + total.output_tokens)} tokens", spent, counted(total.runs, "run")]
    more = f"  {summary.left_out} more" if summary.left_out else ""
    return line((" · ".join(parts), "strong"), (more, "muted"))
