"""`holdfast usage limits|limit|unlimit|tiers`, `holdfast usage --csv` and keys with limits."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import NOW, FakeDoors, FakeWorkbench

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.identity import Credential, NewCredential, Scope
from holdfast.core.domain.limits import Allowance, Budget, LimitState, Tier
from holdfast.core.domain.usage import UsageCounts, UsageGroup, UsageSummary

Cli = Callable[..., Any]
STATE = LimitState(
    kind="key",
    subject="k-1",
    label="c\x1b[31mi",
    owner="local",
    tier="free",
    allowances=(
        Allowance(period="minute", unit="requests", limit=10, used=4, left=6),
        Allowance(period="day", unit="usd", limit=5, used=1.25, left=3.75, resets_at=NOW),
        Allowance(period="total", unit="credits", limit=2000, used=2000.5, left=0),
    ),
)
KEY = Credential(
    id="k-1", kind="key", user_id="local", name="ci", scope=Scope.CHAT, last_four="abcd", created_at=NOW
)


class Limited(FakeWorkbench):
    """A workbench with one limited key."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: Exception | None = None
        self.keys.create = self._create
        self.keys.revoke = self._revoke
        self.usage = SimpleNamespace(
            limits=self._limits,
            set_limit=self._set,
            remove_limit=self._remove,
            tiers=self._tiers,
            report=self._report,
        )

    async def _create(self, *given: Any) -> NewCredential:
        return NewCredential(credential=KEY, secret="hf_secret")

    async def _revoke(self, id: str) -> Credential:
        self.calls.append(("revoke", id))
        return KEY

    async def _limits(self, all_users: bool) -> tuple[LimitState, ...]:
        return () if all_users else (STATE, STATE.model_copy(update={"allowances": ()}))

    async def _set(self, kind: str, subject: str, **limit: Any) -> LimitState:
        if self.wrong is not None:
            raise self.wrong
        self.calls.append(("limit", kind, subject, limit))
        return STATE

    async def _remove(self, kind: str, subject: str, user: str | None) -> None:
        self.calls.append(("unlimit", kind, subject, user))

    async def _tiers(self) -> tuple[Tier, ...]:
        return (Tier(name="free", per_minute=10), Tier(name="wide", per_day=50_000))

    async def _report(self, **_: Any) -> UsageSummary:
        groups = (
            UsageGroup(key="", runs=1, input_tokens=12_000, cost_usd=1.5),
            UsageGroup(key="k-1", label="=1+1", runs=2, credits=2.5, unpriced=True),
        )
        return UsageSummary(by="key", since=None, until=None, total=UsageCounts(runs=3), groups=groups)


@pytest.fixture
def bench(fake: FakeDoors) -> Limited:
    workbench = Limited()
    fake.build = lambda: workbench
    return workbench


def test_limits_are_a_line_for_each_allowance(bench: Limited, cli: Cli) -> None:
    lines = cli("usage", "limits").out.splitlines()
    assert lines[0].split() == ["LIMIT", "ON", "NAME", "ALLOWED", "USED", "LEFT", "AGAIN"]
    assert " ".join(lines[1].split()) == (
        "key c[31mi 10 requests a minute (free) 4 requests 6 requests ####......"
    )
    assert " ".join(lines[2].split()) == (
        f"key c[31mi $5.00 a day $1.25 $3.75 ##........ {NOW:%Y-%m-%d %H:%M} UTC"
    )
    assert "2,000 credits in total" in lines[3]
    assert lines[3].endswith("##########")
    assert "tier free" in lines[4]
    assert "Nothing is limited" in cli("usage", "limits", "--all-users").out
    assert json.loads(cli("usage", "limits", "--json").out)[0]["allowances"][0]["left"] == 6


def test_a_limit_is_laid_down_and_taken_away(bench: Limited, cli: Cli) -> None:
    done = cli("usage", "limit", "user", "ann", "--budget", "$5/day", "--budget", "2000credits/month")
    assert done.status == 0, done.err
    budgets = (Budget(amount=5, period="day"), Budget(amount=2000, unit="credits", period="month"))
    given = {"tier": None, "budgets": budgets, "user": None, "project": None}
    assert bench.calls == [("limit", "user", "ann", given)]
    assert cli("usage", "limit", "agent", "a", "--budget", "1", "--project", "/p", "--user", "b").status == 0
    assert bench.calls[1][3] == {
        "tier": None,
        "budgets": (Budget(amount=1),),
        "user": "b",
        "project": "/p",
    }
    assert cli("usage", "unlimit", "key", "ci").out == "no limit on the key ci any more\n"
    assert bench.calls[2] == ("unlimit", "key", "ci", None)


@pytest.mark.parametrize("text", ["much", "-1", "5/week", "$5credits", "5/day/day", "1e400", "∞", ""])
def test_what_is_no_budget_is_refused(bench: Limited, cli: Cli, text: str) -> None:
    done = cli("usage", "limit", "user", "ann", "--budget", text)
    assert (done.status, bench.calls) == (2, [])
    assert "5/day" in done.err


def test_tiers_are_listed(bench: Limited, cli: Cli) -> None:
    lines = cli("usage", "tiers").out.splitlines()
    assert [line.split() for line in lines[1:]] == [["free", "10", "any"], ["wide", "any", "50,000"]]


def test_usage_as_csv_is_for_programs_and_no_formula(bench: Limited, cli: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("usage", "--by", "key", "--csv").out)))
    assert [(row["key"], row["label"], row["runs"]) for row in rows] == [("", "", "1"), ("k-1", "'=1+1", "2")]
    assert (rows[0]["cost_usd"], rows[1]["credits"], rows[1]["unpriced"]) == ("1.5", "2.5", "True")
    assert "(none)" in cli("usage", "--by", "key").out


def test_a_key_is_made_with_its_limits_or_not_at_all(bench: Limited, cli: Cli) -> None:
    made = cli("keys", "create", "ci", "--tier", "free", "--budget", "2/day")
    assert made.out == "hf_secret\n"
    limit = {"tier": "free", "budgets": (Budget(amount=2, period="day"),)}
    assert bench.calls == [("limit", "key", "k-1", limit)]
    bench.wrong = InvalidError("There is no tier 'gold'.")
    refused = cli("keys", "create", "ci", "--tier", "gold")
    assert refused.status == 2
    assert "hf_secret" not in refused.out
    assert bench.calls[1:] == [("revoke", "k-1")]
