"""Limits on a command line: how they are written, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.output import say_table
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.limits import budget_of

if TYPE_CHECKING:
    from holdfast.core.domain.limits import Allowance, Budget, LimitState

Budgets = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="AMOUNT",
        help="US dollars or credits: 5/day, 50/month, 20 in total, 2000credits/month; repeatable.",
    ),
]
Tier = Annotated[
    str | None,
    typer.Option("--tier", metavar="TIER", help="How often runs may be asked for: a tier of the settings."),
]
_CELLS = 10


def read_budgets(texts: Iterable[str] | None) -> tuple[Budget, ...]:
    """Returns the budgets that are written so. Raises `InvalidError`."""
    try:
        return tuple(map(budget_of, texts or ()))
    except ValueError as error:
        raise InvalidError(f"--budget: {error}") from None


def say_limits(found: Iterable[LimitState], *, empty: str) -> None:
    """Prints limits, a line for each of what is allowed."""
    say_table(
        ("LIMIT ON", "NAME", "ALLOWED", "USED", "LEFT", "", "AGAIN"),
        [row for state in found for row in _rows(state)],
        empty=empty,
    )


def shown_limit(state: LimitState | None) -> str:
    """Returns a limit in a few words: its tier, and of each budget what is left."""
    if state is None:
        return ""
    budgets = [each for each in state.allowances if each.unit != "requests"]
    left = [f"{_amount(each.left, each.unit)} of {_allowed(each)}" for each in budgets]
    return ", ".join(([f"tier {state.tier}"] if state.tier else []) + left)


def _rows(state: LimitState) -> list[tuple[str, ...]]:
    name = state.label or state.subject
    rows = [(state.kind, name, *_allowance(each, state.tier)) for each in state.allowances]
    return rows or [(state.kind, name, f"tier {state.tier}", "", "", "", "")]


def _allowance(each: Allowance, tier: str | None) -> tuple[str, ...]:
    what = _allowed(each)
    if each.unit == "requests":
        what += f" ({tier})"
    again = f"{each.resets_at:%Y-%m-%d %H:%M} UTC" if each.resets_at is not None else ""
    return what, _amount(each.used, each.unit), _amount(each.left, each.unit), _bar(each), again


def _allowed(each: Allowance) -> str:
    period = "in total" if each.period == "total" else f"a {each.period}"
    return f"{_amount(each.limit, each.unit)} {period}"


def _amount(value: float, unit: str) -> str:
    if unit == "usd":
        return f"${value:,.{2 if value == 0 or value >= 0.01 else 4}f}"
    return f"{value:,.0f} {unit}" if value == int(value) else f"{value:,.2f} {unit}"


def _bar(each: Allowance) -> str:
    """Returns what is used as a row of signs."""
    share = 1.0 if each.limit <= 0 else min(1.0, each.used / each.limit)
    filled = round(share * _CELLS)
    return "#" * filled + "." * (_CELLS - filled)
