"""The credits of users: what agents with a plan are charged for, and what is left to their owners."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import cast

from holdfast.core.config.settings import LimitsSettings
from holdfast.core.domain.errors import InsufficientCredits
from holdfast.core.domain.events import UsageRecorded
from holdfast.core.domain.limits import (
    PRICED,
    Allowance,
    Limit,
    Payer,
    Tier,
    rates,
    renewal,
    requests_left,
)
from holdfast.core.domain.plans import (
    PRICES,
    CreditState,
    ModelPrice,
    Plan,
    PlanPrice,
    PlanTerms,
    price_of,
    tier_for,
)
from holdfast.core.store.limits import MINUTE_S, LimitTables, since_day
from holdfast.core.store.usage import UsageTable


class Credits:
    """The credits of one engine's users. What is spent is added up from the table of usage each time."""

    def __init__(
        self,
        tables: LimitTables,
        usage: UsageTable,
        settings: Callable[[], LimitsSettings],
        now: Callable[[], datetime],
    ) -> None:
        self._tables = tables
        self._usage = usage
        self._settings = settings
        self._now = now

    async def counted(self) -> bool:
        """Says whether credits count."""
        return (await self._current()).credits

    async def terms(self) -> PlanTerms:
        """Returns what holds for agents with a plan."""
        settings = await self._current()
        shown = [
            ModelPrice(
                model=name,
                decentralized=each.hundred_queries,
                input=each.input_million,
                output=each.output_million,
            )
            for name, each in _prices(settings).items()
        ]
        return PlanTerms(counted=settings.credits, regions=settings.regions, prices=tuple(shown))

    async def charge(self, plan: Plan) -> Callable[[UsageRecorded], float]:
        """Returns what says how many credits a model call is charged for on a plan, at the prices of now:
        steps that choose tools are free, and so is what has no price."""
        prices = _prices(await self._current())

        def charge(event: UsageRecorded) -> float:
            price = price_of(event.model, prices) if event.purpose == "reply" else None
            return price.charge(plan, event.input_tokens, event.output_tokens) if price else 0.0

        return charge

    async def check(self, payer: Payer, model: str) -> None:
        """Raises `InsufficientCredits` where the payer has a plan, the model costs something on it, and
        nothing is left."""
        settings = await self._current()
        if not payer.plan or payer.free or not settings.credits:
            return
        price = price_of(payer.model or model, _prices(settings))
        if price is None or price.charge(cast(Plan, payer.plan), 1, 1) <= 0:
            return
        left = await self.balance(payer.owner)
        if left <= 0:
            raise InsufficientCredits(
                f"Insufficient credits: {left:,.2f} are left, and {payer.model or model} costs some. "
                "`holdfast credits set` gives more.",
                details={"balance": left, "model": payer.model or model},
            )

    async def tier(self, payer: Payer) -> tuple[Limit, Tier] | None:
        """Returns the tier that requests of a payer with a plan count for; None where credits do not."""
        if not (payer.plan and await self.counted()):
            return None
        tier = tier_for(await self.balance(payer.owner)).tier
        return Limit(kind="user", subject=payer.owner, owner=payer.owner, tier=tier.name), tier

    async def balance(self, owner: str) -> float:
        """Returns how many credits a user owns."""
        given = await self._tables.given(owner)
        start = (await self._current()).starting_credits if given is None else given
        return start - await self._usage.spent_on_plans(owner)

    async def set(self, owner: str, balance: float) -> None:
        """Makes a user own so many credits from now on."""
        await self._tables.give(owner, balance + await self._usage.spent_on_plans(owner))

    async def state(self, owner: str, name: str) -> CreditState:
        """Returns the credits of a user as they are now."""
        counted, balance = await self.counted(), await self.balance(owner)
        tier = tier_for(balance)
        return CreditState(
            user=owner,
            label=name,
            counted=counted,
            balance=balance,
            spent=await self._usage.spent_on_plans(owner),
            tier=tier,
            requests=await self._requests(owner, tier.tier) if counted else (),
        )

    async def _requests(self, owner: str, tier: Tier) -> tuple[Allowance, ...]:
        now, limit = self._now(), Limit(kind="user", subject=owner, owner=owner)
        minute = await self._tables.asked(limit, now.timestamp() - MINUTE_S)
        day = await self._tables.asked(limit, since_day(now))
        return (
            requests_left("minute", tier.per_minute or 0, minute, None),
            requests_left("day", tier.per_day or 0, day, renewal("day", now)),
        )

    async def _current(self) -> LimitsSettings:
        return await asyncio.to_thread(self._settings)


def _prices(settings: LimitsSettings) -> dict[str, PlanPrice]:
    """Returns the prices that come with Holdfast, those of the settings over them."""
    own = {name: rates(text, PRICED) for name, text in settings.credit_prices.items()}
    said = {
        name: PlanPrice(100 * each.get("call", 0.0), each.get("input", 0.0), each.get("output", 0.0))
        for name, each in own.items()
    }
    return {**PRICES, **said}
