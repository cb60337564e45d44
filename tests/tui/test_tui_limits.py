"""What is left of limits: in the header, and on the screen of what was used."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fake_workbench import FakeWorkbench
from textual.widgets import Static

from holdfast.core.domain.limits import Allowance, LimitState
from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageSummary
from holdfast.tui.presenters.charts import limits_grid, usage_grid
from holdfast.tui.presenters.limits import TABS, allowed, amount, holding, nearly
from holdfast.tui.presenters.spans import plain
from holdfast.tui.presenters.status import Header, command_at, rights
from holdfast.tui.screens.usage import UsageScreen

NEXT = datetime(2026, 11, 23, tzinfo=UTC)


def state(
    used: float, limit: float = 5, kind: str = "user", subject: str = "local", unit: str = "usd"
) -> LimitState:
    each = Allowance.model_validate(
        {
            "period": "day",
            "unit": unit,
            "limit": limit,
            "used": used,
            "left": max(0, limit - used),
            "resets_at": NEXT,
        }
    )
    return LimitState.model_validate(
        {
            "kind": kind,
            "subject": subject,
            "owner": "local",
            "tier": "free",
            "allowances": (each,),
            "nearly_used": unit != "requests" and used >= 0.8 * limit,
        }
    )


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ((), ("", "", "")),
        ((state(3.9),), ("", "", "")),
        ((state(99, unit="requests"),), ("", "", "")),
        ((state(4.6), state(4.1)), ("budget 92 % of $5.00 a day (user local)", "budget 92 %", "warning")),
        ((state(4.6), state(6)), ("budget spent: $5.00 a day (user local)", "budget spent", "error")),
        ((state(0, 0),), ("budget spent: $0.00 a day (user local)", "budget spent", "error")),
    ],
)
def test_a_budget_that_is_nearly_used_is_told(states: Any, words: tuple[str, str, str]) -> None:
    assert nearly(states) == words


def test_only_limits_that_hold_for_the_one_who_works_are_told() -> None:
    states = [state(1), state(2, kind="agent", subject="a"), state(3, kind="key", subject="k")]
    assert holding(states, "b", "") == states[:1]
    assert holding(states, "a", "k") == states


def test_the_header_says_it_at_two_lengths_and_a_click_shows_the_limits() -> None:
    header = replace(Header(), budget=("budget 92 % of $5.00 a day", "budget 92 %", "warning"))
    long, short = rights(header)
    assert ("budget 92 % of $5.00 a day", "warning") in long
    assert ("budget 92 %", "warning") in short
    assert command_at(header, "budget 92 %") == "limits"
    assert "budget" not in plain([rights(Header())[0]])


def test_limits_are_a_table_with_bars() -> None:
    grid = limits_grid([state(3, 12, unit="requests"), state(5, subject="\x1b[31mx"), state(0.001)])
    assert grid.rows[0] == (
        *("user", "local", "12 requests a day (free)", "3 requests", "9 requests"),
        *("▰▰▰▰▰▰▰▰▱▱ 75 %", "2026-11-23 00:00 UTC"),
    )
    assert grid.rows[1][5] == "▱▱▱▱▱▱▱▱▱▱ 0 %"
    assert "\x1b" not in grid.rows[1][1]
    assert (amount(0.001, "usd"), amount(2.5, "credits")) == ("$0.0010", "2.50 credits")
    total = state(1).allowances[0].model_copy(update={"period": "total", "unit": "credits"})
    assert allowed(total) == "5 credits in total"


def test_what_no_key_asked_for_has_a_name_in_the_table() -> None:
    groups = (UsageGroup(key="", runs=1), UsageGroup(key="k1", label="ci"))
    summary = UsageSummary(by="key", since=None, until=None, total=UsageCounts(), groups=groups)
    assert [row[0] for row in usage_grid(summary).rows] == ["(none)", "ci"]


async def test_the_screen_has_a_tab_for_each_grouping_and_one_for_limits(make_app: Any, until: Any) -> None:
    bench = FakeWorkbench()
    bench.limit_states = (state(4.6), state(5, kind="agent", subject="dear"))
    usual, dear = bench.add_session("Usual"), bench.add_session("Dear", agent="dear")
    app = make_app(bench)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.model.header.budget[1] == "budget 92 %")
        await app.desk.sessions.open(dear.id)  # another agent has another budget
        await until(pilot, lambda: app.model.header.budget[1] == "budget spent")
        await app.desk.sessions.open(usual.id)
        await until(pilot, lambda: app.model.header.budget[1] == "budget 92 %")
        await app.desk.perform("limits")
        await until(pilot, lambda: isinstance(app.screen, UsageScreen) and app.screen.query("#usage-tabs"))
        screen = app.screen
        assert screen.grid.rows[0][3] == "$4.60"
        await pilot.press("g")
        await until(pilot, lambda: screen._title == "What was used, by day")
        screen.action_tab("key")
        await until(pilot, lambda: screen._title == "What was used, by key")
        tabs = str(screen.query_one("#usage-tabs", Static).content)
        assert tabs.split() == [tab.capitalize() for tab in TABS]
