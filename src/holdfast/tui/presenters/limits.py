"""What is left of limits, in words and bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from holdfast.core.domain.text import sanitize_line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.core.domain.limits import Allowance, LimitState

Tab = Literal["day", "month", "model", "agent", "key", "session", "limits"]
TABS: tuple[Tab, ...] = ("day", "month", "model", "agent", "key", "session", "limits")


def share(allowance: Allowance) -> float:
    """Returns the part of an allowance that is used, 1 at most."""
    return 1.0 if allowance.limit <= 0 else min(1.0, allowance.used / allowance.limit)


def amount(value: float, unit: str) -> str:
    """Returns a number of requests, dollars or credits."""
    if unit == "usd":
        return f"${value:,.{2 if value == 0 or value >= 0.01 else 4}f}"
    shown = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    return f"{shown} {unit}"


def allowed(allowance: Allowance) -> str:
    """Returns how much there is in a period: `$5.00 a day`, `$20.00 in total`."""
    whole = amount(allowance.limit, allowance.unit)
    return f"{whole} in total" if allowance.period == "total" else f"{whole} a {allowance.period}"


def holding(states: Iterable[LimitState], agent: str, key: str) -> list[LimitState]:
    """Returns the limits that hold for who works with an agent by a key; empty: by none."""
    return [
        each
        for each in states
        if each.kind == "user" or each.subject == {"agent": agent, "key": key or None}[each.kind]
    ]


def nearly(states: Iterable[LimitState]) -> tuple[str, str, str]:
    """Returns how far the budget is used that is most so, if one is nearly used: in words, in short, and its
    role; empty where there is none."""
    budgets = [
        (share(each), state, each)
        for state in states
        if state.nearly_used
        for each in state.allowances
        if each.unit != "requests"
    ]
    if not budgets:
        return "", "", ""
    used, state, budget = max(budgets, key=lambda found: found[0])
    name = shorten(sanitize_line(state.label or state.subject), 20)
    if used >= 1:
        return f"budget spent: {allowed(budget)} ({state.kind} {name})", "budget spent", "error"
    percent = f"budget {used * 100:.0f} %"
    return f"{percent} of {allowed(budget)} ({state.kind} {name})", percent, "warning"
