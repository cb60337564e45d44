"""`holdfast credits`: the balance, what it allows, and the prices; and what users agree to."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from cli_fakes import NOW, FakeDoors, FakeWorkbench

from holdfast.core.domain.agreements import Agreement
from holdfast.core.domain.limits import requests_left
from holdfast.core.domain.plans import CREDIT_TIERS, CreditState, ModelPrice, PlanTerms

Cli = Callable[..., Any]


class Owning(FakeWorkbench):
    """A workbench whose users own credits."""

    def __init__(self, counted: bool) -> None:
        super().__init__()
        self.counted, self.balance = counted, 2499.5
        self.usage = SimpleNamespace(credits=self._credits, set_credits=self._set, plans=self._plans)

    async def _credits(self, user: str | None = None) -> CreditState:
        requests = (requests_left("minute", 10, 4, None),) if self.counted else ()
        return CreditState(
            user="u",
            counted=self.counted,
            balance=self.balance,
            spent=0.5,
            tier=CREDIT_TIERS[0],
            requests=requests,
        )

    async def _set(self, balance: float, user: str | None = None) -> CreditState:
        self.calls.append((balance, user))
        self.balance = balance
        return await self._credits()

    async def _plans(self) -> PlanTerms:
        price = ModelPrice(model="gpt-4o", decentralized=1000, input=2500, output=0.25)
        return PlanTerms(counted=True, regions=("us-east-1",), prices=(price,))


def test_the_balance_is_told_with_what_it_allows(cli: Cli, fake: FakeDoors) -> None:
    fake.build = lambda: Owning(counted=True)
    said = cli("credits").out
    assert "2,499.5" in said
    assert "Tier 1: 10 requests a minute, 500 a day" in said
    assert "4 of 10" in said
    fake.build = lambda: Owning(counted=False)
    assert "limits.credits" in cli("credits").out
    assert json.loads(cli("credits", "--json").out)["balance"] == 2499.5


def test_a_balance_is_set_for_a_user(cli: Cli, fake: FakeDoors) -> None:
    workbench = Owning(counted=True)
    fake.build = lambda: workbench
    assert "60,000" in cli("credits", "set", "60000", "--user", "ann").out
    assert workbench.calls[-1] == (60_000, "ann")


def test_prices_are_listed(cli: Cli, fake: FakeDoors) -> None:
    fake.build = lambda: Owning(counted=True)
    assert cli("credits", "prices").out.splitlines()[1].split() == ["gpt-4o", "1,000", "2,500", "0.25"]
    assert json.loads(cli("credits", "prices", "--json").out)["regions"] == ["us-east-1"]


class Agreeing(FakeWorkbench):
    """A workbench with an agreement."""

    def __init__(self) -> None:
        super().__init__()
        self.users = SimpleNamespace(agreements=self._all, accept=self._accept)

    async def _all(self) -> tuple[Agreement, ...]:
        return (Agreement(name="pool", title="Pool", text="# All\x1b[31m of it\n"),)

    async def _accept(self, name: str) -> Agreement:
        return Agreement(name=name, title="Pool", text="", accepted_at=NOW)


def test_agreements_are_listed_read_and_accepted(cli: Cli, fake: FakeDoors) -> None:
    fake.build = Agreeing
    assert cli("users", "agreements").out.splitlines()[1].split() == ["pool", "Pool", "no"]
    assert cli("users", "agreements", "pool").out == "# All[31m of it\n"
    assert "holdfast users agreements" in cli("users", "agreements", "other").err
    assert cli("users", "accept", "pool").out == "accepted the Pool\n"
    assert json.loads(cli("users", "accept", "pool", "--json").out)["name"] == "pool"
