"""What keys, agents and users may still use: asked before a run begins, and again between its steps."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from holdfast.core.config.settings import LimitsSettings
from holdfast.core.domain.errors import (
    BudgetSpent,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
    UnsupportedError,
)
from holdfast.core.domain.events import UsageRecorded
from holdfast.core.domain.identity import Principal
from holdfast.core.domain.knowledge import DEFAULT_EMBEDDING
from holdfast.core.domain.limits import (
    PRICED,
    Allowance,
    Budget,
    Limit,
    LimitState,
    Payer,
    Tier,
    begin,
    rates,
    renewal,
    requests_left,
    tier_of,
)
from holdfast.core.domain.models import ModelCatalog, ModelRequest
from holdfast.core.domain.plans import Plan
from holdfast.core.models.prices import prices_images
from holdfast.core.services.credits import Credits
from holdfast.core.services.open_calls import CountedCall, OpenCalls
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.limits import MINUTE_S, LimitTables, Refused, since_day
from holdfast.core.store.log import EventLog
from holdfast.core.store.usage import UsageTable

_MILLION = 1_000_000


class Budgets:
    """The limits of one engine. Implements the `Spending` of the runs.

    The limits are kept in memory, for this process alone changes them; what is used is added up from the
    table of usage each time, so that neither a restart nor another door forgets any of it.
    """

    def __init__(
        self,
        log: EventLog,
        accounts: Accounts,
        catalog: ModelCatalog,
        settings: Callable[[], LimitsSettings],
        now: Callable[[], datetime],
    ) -> None:
        self._tables = LimitTables(log.writer, log.reader)
        self._usage = UsageTable(log.reader)
        self._accounts = accounts
        self._catalog = catalog
        self._settings = settings
        self._now = now
        self._limits: dict[tuple[str, str, str], Limit] = {}
        self._open = OpenCalls()
        self._opening = asyncio.Lock()
        self.plans = Credits(self._tables, self._usage, settings, now)
        """The credits of those whose agents have a plan."""

    async def read(self) -> None:
        """Reads what was laid down before this process began."""
        self._limits = {_key(each): each for each in await self._tables.all()}

    # --- what is laid down

    def limits(self, owner: str | None = None) -> tuple[Limit, ...]:
        """Returns the limits of a user, or of all."""
        return tuple(each for each in self._limits.values() if owner in (None, each.owner))

    async def keep(self, limit: Limit) -> None:
        """Lays a limit down in the place of the one that there was. Raises `InvalidError`."""
        if limit.tier is None and not limit.budgets:
            raise InvalidError("A limit needs a tier or a budget.", code="invalid_limit")
        kinds = [(each.unit, each.period) for each in limit.budgets]
        if len(set(kinds)) < len(kinds):
            raise InvalidError("There are two budgets of the same unit and period.", code="invalid_limit")
        if limit.tier is not None and limit.tier not in (tiers := (await self._current()).tiers):
            known = ", ".join(sorted(tiers)) or "none yet"
            raise InvalidError(
                f"There is no tier {limit.tier[:40]!r}; the setting `limits.tiers` names them: {known}.",
                code="unknown_tier",
            )
        await self._tables.keep(limit)
        self._limits[_key(limit)] = limit

    async def remove(self, kind: str, subject: str, owner: str) -> None:
        """Takes a limit away. Raises `NotFoundError`."""
        limit = self._limits.get((kind, subject, owner))
        if limit is None:
            raise NotFoundError(f"There is no limit on the {kind} {subject[:80]}.", code="limit_not_found")
        await self._tables.remove(limit)
        self._limits.pop(_key(limit), None)

    async def forget_user(self, owner: str) -> None:
        """Forgets the limits of a user who is gone."""
        await self._tables.forget_user(owner)
        self._limits = {key: each for key, each in self._limits.items() if each.owner != owner}

    async def tiers(self) -> tuple[Tier, ...]:
        """Returns the tiers that the settings name."""
        return tuple(tier_of(name, text) for name, text in (await self._current()).tiers.items())

    async def of(self, payer: Payer) -> tuple[Limit, ...]:
        """Returns the limits that hold for what a payer uses; a key without a tier has the default one."""
        found = [each for each in self._limits.values() if payer.pays(each)]
        if not payer.key or any(each.kind == "key" and each.tier for each in found):
            return tuple(found)
        tier = (await self._current()).default_tier
        if tier is None:
            return tuple(found)
        own = next((each for each in found if each.kind == "key"), None)
        own = own or Limit(kind="key", subject=payer.key, owner=payer.owner)
        others = [each for each in found if each.kind != "key"]
        return (own.model_copy(update={"tier": tier}), *others)

    async def _current(self) -> LimitsSettings:
        return await asyncio.to_thread(self._settings)

    # --- what is let through

    async def admit(self, payer: Payer) -> None:
        """Counts a request for a run. Raises `RateLimitedError` (`rate_limited`) when it is one too many for
        a tier, and `ConflictError` (`unknown_tier`) for one that the settings do not name any more. A payer
        with a plan has the tier of the credits that he owns, where those count."""
        limits = [each for each in await self.of(payer) if each.tier]
        own = await self.plans.tier(payer)
        if not limits and own is None:
            return
        texts = (await self._current()).tiers
        tiers = [(each, _tier(each, texts.get(each.tier or ""))) for each in limits]
        tiers += [own] if own is not None else []
        now = self._now()
        refused = await self._tables.take(payer, tiers, now)
        if refused is not None:
            raise await self._rate_limited(refused, now)

    async def _rate_limited(self, refused: Refused, now: datetime) -> RateLimitedError:
        limit, tier = refused.limit, refused.tier
        until = renewal("day", now) if refused.until is None else datetime.fromtimestamp(refused.until, UTC)
        assert until is not None
        wait_s = max(0.0, (until - now).total_seconds())
        most = tier.per_day if refused.period == "day" else tier.per_minute
        return RateLimitedError(
            f"{await self._named(limit)} has asked for {most} runs within a {refused.period}, as many as the "
            f"tier `{tier.name}` allows. Ask again in {math.ceil(wait_s)} s, at {_moment(until)}.",
            details={
                "kind": limit.kind,
                "subject": limit.subject,
                "tier": tier.name,
                "period": refused.period,
                "limit": most,
                "retry_after_s": wait_s,
            },
        )

    async def check(self, payer: Payer, unpriced: str = "") -> None:
        """See `Spending.check`."""
        now = self._now()
        for limit in self.limits(payer.owner):
            if not (limit.budgets and payer.pays(limit)):
                continue
            if unpriced and not await self._can_charge(payer, unpriced, limit.budgets):
                raise ConflictError(
                    f"No cost was told for a call of {unpriced}, so the budget of the {limit.kind} "
                    f"{await self._label(limit) or limit.subject} cannot be kept.",
                    code="cost_unknown",
                )
            for budget in limit.budgets:
                used = await self._used(limit, budget, now)
                if used >= budget.amount:
                    raise await self._spent(limit, budget, used, now)

    async def _can_charge(self, payer: Payer, model: str, budgets: Iterable[Budget]) -> bool:
        """Says whether budgets can be kept though a model has no price in dollars: on a plan each call comes
        to so many credits, or to none."""
        if any(each.unit != "credits" for each in budgets):
            return False
        return bool(payer.plan) or model in (await self._current()).credit_prices

    async def _used(self, limit: Limit, budget: Budget, now: datetime) -> float:
        return await self._usage.spent(limit, budget.unit, begin(budget.period, now))

    async def _spent(self, limit: Limit, budget: Budget, used: float, now: datetime) -> BudgetSpent:
        more_at = renewal(budget.period, now)
        after = (
            "More has to be given by hand: `holdfast usage limit`."
            if more_at is None
            else f"There is more at {_moment(more_at)}."
        )
        details = {
            "kind": limit.kind,
            "subject": limit.subject,
            "unit": budget.unit,
            "period": budget.period,
            "limit": budget.amount,
            "used": used,
        }
        if more_at is not None:
            details["retry_after_s"] = (more_at - now).total_seconds()
        return BudgetSpent(
            f"{await self._named(limit)} has used up its budget of {budget}. {after}",
            details=details,
            retryable=more_at is not None,
        )

    async def payable(self, payer: Payer, models: Sequence[str]) -> tuple[str, ...]:
        """See `Spending.payable`."""
        await self.check(payer)
        budgets = [budget for _, budget in self._budgets_of(payer)]
        if not budgets:
            return tuple(models)
        found = [
            name
            for name in models
            if await self._has_price(name, payer.owner) or await self._can_charge(payer, name, budgets)
        ]
        if models and models[0] not in found:
            raise InvalidError(
                f"The price of {models[0]} is not known, so a budget that holds here cannot be kept. Choose "
                "another model.",
                code="unpriced_model",
                details={"model": models[0]},
            )
        return tuple(found)

    async def _has_price(self, model: str, owner: str) -> bool:
        known = await self._catalog.get(model, owner)
        if known.input_usd_per_million is not None and known.output_usd_per_million is not None:
            return True
        return await asyncio.to_thread(prices_images, model)

    async def open(self, payer: Payer, request: ModelRequest) -> CountedCall:
        """See `Spending.open`."""
        await self.plans.check(payer, request.model)
        known = await self._catalog.get(request.model, payer.owner)
        call = CountedCall(payer, request, known, self._open)
        if not self._budgets_of(payer):
            return call
        charge = await self.credits(cast("Plan | None", payer.plan or None))
        while True:
            closed = self._open.closed
            async with self._opening:
                await self.check(payer)
                if await self._has_room(payer):
                    call.hold(charge)
                    return call
            await closed.wait()

    def _budgets_of(self, payer: Payer) -> list[tuple[Limit, Budget]]:
        return [
            (each, budget) for each in self._limits.values() if payer.pays(each) for budget in each.budgets
        ]

    async def _has_room(self, payer: Payer) -> bool:
        """Says whether the open calls leave something of each budget, if they come to all they may."""
        now = self._now()
        for limit, budget in self._budgets_of(payer):
            held = self._open.held(limit, budget.unit)
            if held and await self._used(limit, budget, now) + held >= budget.amount:
                return False
        return True

    # --- what is charged, and what is left

    async def credits(self, plan: Plan | None = None) -> Callable[[UsageRecorded], float]:
        """Returns what says how many credits a model call is charged for, at the prices of now."""
        if plan is not None:
            return await self.plans.charge(plan)
        settings = await self._current()
        prices = {name: rates(text, PRICED) for name, text in settings.credit_prices.items()}

        def charge(event: UsageRecorded) -> float:
            price = prices.get(event.model)
            if price is None:
                return (event.cost_usd or 0.0) * settings.credits_per_usd
            tokens = event.input_tokens * price.get("input", 0.0)
            tokens += event.output_tokens * price.get("output", 0.0)
            return price.get("call", 0.0) + tokens / _MILLION

        return charge

    async def state(self, limit: Limit) -> LimitState:
        """Returns how a limit stands."""
        now = self._now()
        settings = await self._current()
        budgets = [await self._budget(limit, each, now) for each in limit.budgets]
        text = settings.tiers.get(limit.tier or "")
        requests = await self._requests(limit, tier_of(limit.tier or "", text), now) if text else ()
        return LimitState(
            kind=limit.kind,
            subject=limit.subject,
            label=await self._label(limit),
            owner=limit.owner,
            tier=limit.tier,
            allowances=(*requests, *budgets),
            nearly_used=any(each.used >= each.limit * settings.warn_at for each in budgets),
        )

    async def _budget(self, limit: Limit, budget: Budget, now: datetime) -> Allowance:
        used = await self._used(limit, budget, now)
        return Allowance(
            period=budget.period,
            unit=budget.unit,
            limit=budget.amount,
            used=used,
            left=max(0.0, budget.amount - used),
            resets_at=renewal(budget.period, now),
        )

    async def _requests(self, limit: Limit, tier: Tier, now: datetime) -> list[Allowance]:
        found: list[Allowance] = []
        if tier.per_minute is not None:
            used = await self._tables.asked(limit, now.timestamp() - MINUTE_S)
            found.append(requests_left("minute", tier.per_minute, used, None))
        if tier.per_day is not None:
            used = await self._tables.asked(limit, since_day(now))
            found.append(requests_left("day", tier.per_day, used, renewal("day", now)))
        return found

    async def _label(self, limit: Limit) -> str:
        if limit.kind == "key":
            credential = await self._accounts.credential(limit.subject)
            return "" if credential is None else credential.name
        user = await self._accounts.user(limit.subject) if limit.kind == "user" else None
        return "" if user is None else user.name

    async def _named(self, limit: Limit) -> str:
        return f"The {limit.kind} {await self._label(limit) or limit.subject}"


def check_unlimited(budgets: Budgets, principal: Principal) -> None:
    """Raises `ForbiddenError` for who acts by a key that has limits: it could make another one without, or
    lift its own."""
    if any(each.kind == "key" and each.subject == principal.key_id for each in budgets.limits()):
        raise ForbiddenError(
            "A key that has limits itself can neither make keys nor change limits. Use one that has none, or "
            "the command line on the engine's machine.",
            code="limited_key",
        )


def check_countable(budgets: Budgets, principal: Principal) -> None:
    """Raises `UnsupportedError` for who has a budget: what asks a model outside of a run is not counted."""
    payer = Payer(owner=principal.user_id, key=principal.key_id)
    if any(each.budgets and payer.pays(each) for each in budgets.limits(payer.owner)):
        raise UnsupportedError(
            "This asks a model outside of a run, which is not counted, and you have a budget. Take a method "
            "that asks none (hybrid, vector, lexical), no summaries, or let an agent search in a run; to "
            f"embed texts, take `{DEFAULT_EMBEDDING}`.",
            code="not_counted",
        )


def _key(limit: Limit) -> tuple[str, str, str]:
    return limit.kind, limit.subject, limit.owner


def _tier(limit: Limit, text: str | None) -> Tier:
    name = limit.tier or ""
    if text is None:
        raise ConflictError(
            f"The {limit.kind} has the tier `{name}`, which the setting `limits.tiers` does not name any "
            "more. Name it there, or give the key another one: `holdfast usage limit`.",
            code="unknown_tier",
        )
    return tier_of(name, text)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
