"""Limits on what may be used: requests by tier, budgets of money and credits, and what is left of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pydantic import AwareDatetime, Field

from holdfast.core.domain.models import ModelRequest, UsageReport
from holdfast.core.domain.values import Value

LimitKind = Literal["key", "agent", "user"]
"""Whose use is limited: that of an API key, of an agent by its owner, or of a user by whatever door."""
Unit = Literal["usd", "credits"]
Period = Literal["day", "month", "total"]
"""Days and months are those of UTC; `total` is all time."""

PRICED = ("input", "output", "call")
"""What a model is charged for: a million tokens of each sort, and each call."""
MOST = 1e12
"""Largest amount that a budget or a price has."""
_RATE = re.compile(r"([0-9]{1,13}(?:\.[0-9]{1,9})?)/([a-z]+)")


class Budget(Value):
    """How much may be used in a period."""

    amount: float = Field(ge=0, le=MOST)
    """0: nothing at all."""
    unit: Unit = "usd"
    period: Period = "total"

    def __str__(self) -> str:
        amount = f"{self.amount:.9f}".rstrip("0").rstrip(".")
        shown = f"${amount}" if self.unit == "usd" else f"{amount} credits"
        return f"{shown} in total" if self.period == "total" else f"{shown} a {self.period}"


class Tier(Value):
    """How often who has it may ask for a run; None: as often as they like."""

    name: str
    per_minute: int | None = None
    per_day: int | None = None


class Limit(Value):
    """What somebody laid down for a key, an agent or a user."""

    kind: LimitKind
    subject: str
    """Id of the key or the user, name of the agent."""
    owner: str
    """Id of the user whose use it is."""
    tier: str | None = None
    budgets: tuple[Budget, ...] = ()


class Allowance(Value):
    """One limit with what is used of it."""

    period: Literal["minute", "day", "month", "total"]
    unit: Literal["requests", "usd", "credits"]
    limit: float
    used: float
    left: float
    resets_at: AwareDatetime | None = None
    """When there is more again; None: not by itself, or nothing is used yet."""


class LimitState(Value):
    """A limit as it stands now."""

    kind: LimitKind
    subject: str
    label: str = ""
    """Name of the key or the user."""
    owner: str
    tier: str | None = None
    allowances: tuple[Allowance, ...] = ()
    nearly_used: bool = False
    """Whether as much of a budget is used as the setting `limits.warn_at` says."""


class Payer(Value):
    """On whose account a run goes."""

    owner: str
    key: str = ""
    """Id of the API key that asked for it; empty: none did."""
    agent: str = ""
    plan: str = ""
    """That of the agent."""
    free: bool = False
    """Whether the call is one that costs nothing on a plan."""
    model: str = ""
    """What the agent's script calls the model by; empty: its own name."""

    def pays(self, limit: Limit) -> bool:
        """Says whether the limit holds for what this one uses."""
        if limit.owner != self.owner:
            return False
        return limit.subject == {"key": self.key, "agent": self.agent, "user": self.owner}[limit.kind]


class OpenCall(Protocol):
    """A model call that is under way, as its payer's budgets know it."""

    def estimate(self, written: int) -> UsageReport:
        """Returns what the call took when nobody reports it; `written` is how many characters came back."""
        ...

    def close(self) -> None:
        """Tells that what it took is recorded."""
        ...


class Spending(Protocol):
    """Knows the budgets, and what is used of them."""

    async def check(self, payer: Payer, unpriced: str = "") -> None:
        """Raises `BudgetSpent` when nothing is left of a budget of the payer's.

        `unpriced` is a model that was used without its cost being told: with a budget that it would be
        charged to `ConflictError` (`cost_unknown`)."""
        ...

    async def payable(self, payer: Payer, models: Sequence[str]) -> tuple[str, ...]:
        """Returns the models whose use can be charged to the payer, in order; the first is the chosen one.
        Raises `BudgetSpent`, and `InvalidError` (`unpriced_model`) when the chosen one has no price and a
        budget could not be kept."""
        ...

    async def open(self, payer: Payer, request: ModelRequest) -> OpenCall:
        """Holds what a call may come to until it is closed. Waits while the calls that are open already may
        use up a budget; raises `BudgetSpent` where one is used up."""
        ...


def requests_left(period: str, most: int, used: int, resets_at: datetime | None) -> Allowance:
    """Returns what is left of the requests of a period."""
    return Allowance.model_validate(
        {
            "period": period,
            "unit": "requests",
            "limit": most,
            "used": used,
            "left": max(0, most - used),
            "resets_at": resets_at,
        }
    )


def rates(text: str, units: Sequence[str]) -> Mapping[str, float]:
    """Returns the amounts in a text such as `10/minute 500/day`, by their unit. Raises `ValueError`."""
    found: dict[str, float] = {}
    for word in text.replace(",", " ").split():
        match = _RATE.fullmatch(word)
        if match is None or match[2] not in units:
            raise ValueError(f"{word!r} is no amount with one of the units {', '.join(units)}")
        if match[2] in found:
            raise ValueError(f"there are two amounts a {match[2]}")
        if (amount := float(match[1])) > MOST:
            raise ValueError(f"{word!r} is too much")
        found[match[2]] = amount
    if not found:
        raise ValueError(f"there is no amount: write some with the units {', '.join(units)}")
    return found


def tier_of(name: str, text: str) -> Tier:
    """Returns the tier that a text such as `10/minute 500/day` describes. Raises `ValueError`."""
    found = rates(text, ("minute", "day"))
    if any(amount != int(amount) or amount < 1 for amount in found.values()):
        raise ValueError("requests are counted in whole numbers from 1 on")
    counts = {f"per_{unit}": int(amount) for unit, amount in found.items()}
    return Tier(name=name, **counts)


def budget_of(text: str) -> Budget:
    """Returns the budget that a text such as `5/day`, `$50/month`, `20` or `2000 credits/month` describes.
    Raises `ValueError`."""
    match = re.fullmatch(
        r"\s*\$?\s*([0-9]{1,13}(?:\.[0-9]{1,9})?)\s*(credits|usd)?\s*(?:/\s*(day|month|total))?\s*", text
    )
    if match is None or ("$" in text and match[2] == "credits"):
        raise ValueError(f"{text!r} is no budget such as `5/day`, `50/month`, `20` or `2000credits/month`")
    return Budget.model_validate(
        {"amount": float(match[1]), "unit": match[2] or "usd", "period": match[3] or "total"}
    )


def begin(period: Period, now: datetime) -> datetime | None:
    """Returns when a period began that lasts now; `now` is in UTC. None: it never did."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"day": day, "month": day.replace(day=1), "total": None}[period]


def renewal(period: Period, now: datetime) -> datetime | None:
    """Returns when the next period begins; None: never."""
    start = begin(period, now)
    if start is None:
        return None
    return start + timedelta(days=1) if period == "day" else (start + timedelta(days=32)).replace(day=1)
