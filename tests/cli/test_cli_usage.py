"""`holdfast usage`, and the times that people write."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.cli.times import moment, span
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageSummary

Cli = Callable[..., Any]
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def asked(fake: FakeDoors) -> list[dict[str, Any]]:
    """What the workbench was asked; it answers with two models."""
    calls: list[dict[str, Any]] = []

    async def report(**arguments: Any) -> UsageSummary:
        calls.append(arguments)
        return UsageSummary(
            by=arguments["by"],
            since=arguments["since"],
            until=arguments["until"],
            total=UsageCounts(runs=5, steps=9, input_tokens=12_345, cost_usd=1.5, unpriced=True),
            groups=(
                UsageGroup(key="openai/\x1b[31mgpt", runs=2, steps=4, input_tokens=12_000, cost_usd=1.5),
                UsageGroup(key="0123456789ab", label="Q3 report", output_tokens=7, cost_usd=0.0012),
                UsageGroup(key="ollama/x", input_tokens=5, estimated=True, unpriced=True),
            ),
            left_out=2,
        )

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.usage = SimpleNamespace(report=report)
        return workbench

    fake.build = build
    return calls


def test_usage_is_a_table_with_a_total(asked: list[Any], cli: Cli) -> None:
    outcome = cli("usage", "--by", "model")
    assert outcome.status == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["MODEL", "RUNS", "STEPS", "INPUT", "CACHED", "OUTPUT", "REASONING", "COST"]
    assert lines[1].split()[1:] == ["2", "4", "12,000", "0", "0", "0", "$1.50"]
    assert lines[2].split() == ["01234567", "Q3", "report", "0", "0", "0", "0", "7", "0", "$0.0012"]
    assert lines[3].split() == ["ollama/x", "0", "0", "~5", "0", "0", "0", "$0.00+?"]
    assert lines[4].split() == ["(2", "more)"]
    assert lines[5].split() == ["total", "5", "9", "12,345", "0", "0", "0", "$1.50+?"]
    assert "no price is known" in lines[6]
    assert "\x1b" not in outcome.out


def test_usage_as_json_is_the_report(asked: list[Any], cli: Cli) -> None:
    found = json.loads(cli("usage", "--json", "--all-users", "--limit", "3").out)
    assert UsageSummary.model_validate(found).total.runs == 5
    assert asked == [{"since": None, "until": None, "by": "day", "all_users": True, "limit": 3}]


def test_a_span_of_time_is_asked_for(asked: list[Any], cli: Cli) -> None:
    assert cli("usage", "--since", "7d", "--until", "2026-11-01T00:00:00Z").status == 0
    (call,) = asked
    assert abs(datetime.now(UTC) - timedelta(days=7) - call["since"]) < timedelta(minutes=1)
    assert call["until"] == datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--by", "colour"), "day, month, model"),
        (("--since", "yesterday"), "7d"),
        (("--until", "2026-13-01"), "2026-11-22"),
    ],
)
def test_what_usage_cannot_be_asked_is_said(
    asked: list[Any], cli: Cli, args: tuple[str, ...], said: str
) -> None:
    outcome = cli("usage", *args)
    assert outcome.status == 2
    assert said in outcome.err
    assert asked == []


def test_nothing_used_is_said(fake: FakeDoors, cli: Cli) -> None:
    async def report(**_: Any) -> UsageSummary:
        return UsageSummary(by="day", since=None, until=None, total=UsageCounts(), groups=())

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.usage = SimpleNamespace(report=report)
        return workbench

    fake.build = build
    assert cli("usage").out == "Nothing was used.\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("30m", NOW - timedelta(minutes=30)),
        ("24h", NOW - timedelta(days=1)),
        (" 2w ", NOW - timedelta(weeks=2)),
        ("2026-11-22T10:00:00+02:00", datetime(2026, 11, 22, 8, 0, tzinfo=UTC)),
    ],
)
def test_a_point_of_time_is_a_span_before_now_or_a_date(text: str, expected: datetime) -> None:
    assert moment(text, NOW) == expected


def test_a_date_without_an_offset_is_that_of_the_clock_here() -> None:
    assert moment("2026-11-22") == datetime(2026, 11, 22).astimezone()


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 days", "1.5h", "999999w", "2026", "١d", "\x00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        moment(text, NOW)


def test_a_span_is_a_number_with_its_unit() -> None:
    assert span("90d") == timedelta(days=90)
    with pytest.raises(InvalidError):
        span("ninety days")
