"""What was used: reports for people, and numbers for who watches over the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from holdfast import __version__
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.figures import EngineFigures
from holdfast.core.domain.limits import MOST, Budget, Limit, LimitKind, LimitState, Payer, Tier
from holdfast.core.domain.plans import CreditState, PlanTerms
from holdfast.core.domain.runs import RunStatus
from holdfast.core.domain.status import Listeners
from holdfast.core.domain.usage import ModelUsage, UsageKey, UsageOf, UsageSummary
from holdfast.core.domain.values import utc_now
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.access import Access
from holdfast.core.services.budgets import Budgets, check_unlimited
from holdfast.core.services.identity import key_named, user_named
from holdfast.core.services.paging import checked_limit
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.figures import present
from holdfast.core.store.log import EventLog
from holdfast.core.store.usage import UsageTable

MOST_MODELS = 100
"""Models that have figures of their own: each is a time series for who collects them."""
OTHER = "other"

_OPEN = (RunStatus.RUNNING, RunStatus.WAITING, RunStatus.PAUSED)


class UsageService:
    """Implements the `UsageReports` of a workbench."""

    def __init__(
        self, access: Access, log: EventLog, budgets: Budgets, accounts: Accounts, registry: AgentRegistry
    ) -> None:
        self._access = access
        self._accounts = accounts
        self._budgets = budgets
        self._registry = registry
        self._table = UsageTable(log.reader)

    async def report(  # noqa: PLR0913 (by what it is narrowed)
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        by: UsageKey = "day",
        all_users: bool = False,
        limit: int = 200,
        session: str | None = None,
        agent: str | None = None,
        key: str | None = None,
        user: str | None = None,
    ) -> UsageSummary:
        """See `UsageReports.report`."""
        if all_users:
            self._access.machine("The usage of all users")
        whose = None if user is None else (await self._owner(user, "The usage of another user"))[0]
        if since is not None and until is not None and since >= until:
            raise InvalidError("until: must be after since.", code="invalid_span")
        return await self._table.report(
            by,
            since,
            until,
            asking=self._access.owner,
            everybody=all_users or whose not in (None, self._access.owner),
            limit=checked_limit(limit),
            of=UsageOf(session=session, agent=agent, key=key, user=whose),
        )

    async def tools(self, days: int = 30, agent: str | None = None) -> dict[str, int]:
        """See `UsageReports.tools`."""
        since = utc_now() - timedelta(days=days)
        return await self._table.tools(self._access.owner, since, agent)

    async def limits(self, all_users: bool = False) -> tuple[LimitState, ...]:
        """See `UsageReports.limits`."""
        if all_users:
            self._access.machine("The limits of all users")
        mine = {_key(each): each for each in self._budgets.limits(None if all_users else self._access.owner)}
        own = Payer(owner=self._access.owner, key=self._access.principal.key_id)
        mine |= {_key(each): each for each in await self._budgets.of(own)}  # with the default tier
        keys = await self._accounts.credentials(None if all_users else self._access.owner, "key")
        revoked = {each.id for each in keys if each.revoked_at is not None}
        shown = [each for _, each in sorted(mine.items()) if each.subject not in revoked]
        return tuple([await self._budgets.state(each) for each in shown])

    async def set_limit(
        self,
        kind: LimitKind,
        subject: str,
        tier: str | None = None,
        budgets: tuple[Budget, ...] = (),
        user: str | None = None,
        project: str | None = None,
    ) -> LimitState:
        """See `UsageReports.set_limit`."""
        self._check_unlimited()
        subject, owner = await self._subject(kind, subject, user)
        if kind == "agent":
            folder = self._access.folder(project)
            subject = (await asyncio.to_thread(self._registry.get, subject, folder, owner)).name
        limit = Limit(kind=kind, subject=subject, owner=owner, tier=tier, budgets=tuple(budgets))
        await self._budgets.keep(limit)
        return await self._budgets.state(limit)

    async def remove_limit(self, kind: LimitKind, subject: str, user: str | None = None) -> None:
        """See `UsageReports.remove_limit`."""
        self._check_unlimited()
        await self._budgets.remove(kind, *await self._subject(kind, subject, user))

    async def tiers(self) -> tuple[Tier, ...]:
        """See `UsageReports.tiers`."""
        return await self._budgets.tiers()

    async def plans(self) -> PlanTerms:
        """See `UsageReports.plans`."""
        return await self._budgets.plans.terms()

    async def credits(self, user: str | None = None) -> CreditState:
        """See `UsageReports.credits`."""
        return await self._budgets.plans.state(*await self._owner(user, "The credits of another user"))

    async def set_credits(self, balance: float, user: str | None = None) -> CreditState:
        """See `UsageReports.set_credits`."""
        self._check_unlimited()
        if not abs(balance) <= MOST:
            raise InvalidError(f"balance: is no number up to {MOST:,.0f}.", code="invalid_amount")
        owner, name = await self._owner(user, "The credits of another user")
        await self._budgets.plans.set(owner, balance)
        return await self._budgets.plans.state(owner, name)

    async def _owner(self, user: str | None, what: str) -> tuple[str, str]:
        """Returns the id and the name of a user; None: who asks."""
        me = self._access.principal
        if user is None or user in (me.user_id, me.name):
            return me.user_id, me.name
        self._access.machine(what)
        found = await user_named(self._accounts, user)
        return found.id, found.name

    def _check_unlimited(self) -> None:
        """Raises `ForbiddenError` for who would change limits with a key that has some."""
        check_unlimited(self._budgets, self._access.principal)

    async def _subject(self, kind: LimitKind, named: str, user: str | None) -> tuple[str, str]:
        """Returns the id of a key or user, or the name of an agent, and whose use of it is limited."""
        me = self._access.principal
        owner = me.user_id
        if user is not None and user not in (me.user_id, me.name):
            self._access.machine("A limit on another user's agents")
            owner = (await user_named(self._accounts, user)).id
        if kind == "user":
            self._access.machine("A limit on a user")
            owner = (await user_named(self._accounts, named)).id
            return owner, owner
        if kind == "key":
            key = await key_named(self._accounts, me, named)
            return key.id, key.user_id
        return named, owner


def _key(limit: Limit) -> tuple[str, str, str]:
    return limit.kind, limit.subject, limit.owner


class Figures:
    """Numbers about the whole engine; one for all who ask, because it remembers what it has added up."""

    def __init__(
        self,
        log: EventLog,
        supervisor: Supervisor,
        started_at: datetime,
        listeners: Listeners | None,
        active_jobs: Callable[[], int],
    ) -> None:
        self._log = log
        self._active_jobs = active_jobs
        self._listeners = listeners
        self._supervisor = supervisor
        self._started_at = started_at
        self._table = UsageTable(log.reader)
        self._models: dict[str, ModelUsage] = {}
        self._counted = 0
        self._counting = asyncio.Lock()

    async def read(self) -> EngineFigures:
        """Returns the figures of now."""
        tally = self._log.tally
        now = await present(self._log.reader)
        return EngineFigures(
            version=__version__,
            started_at=self._started_at,
            sessions=now.sessions,
            executing_runs=self._supervisor.executing_runs,
            open_runs={status.value: now.open_runs.get(status.value, 0) for status in _OPEN},
            runs_ended=dict(tally.runs_ended),
            active_jobs=self._active_jobs(),
            waiting_approvals=now.waiting_approvals,
            waiting_questions=now.waiting_questions,
            listeners=0 if self._listeners is None else len(self._listeners.all()),
            events_appended=tally.events,
            last_event_id=await self._log.reader.last_event_id(),
            usage=await self._usage(),
        )

    async def _usage(self) -> tuple[ModelUsage, ...]:
        """Adds what came since the last time; reading all of it each time would hold other readers up."""
        async with self._counting:
            self._counted, more = await self._table.models(self._counted)
            for each in more:
                self._add(each)
            return tuple(self._models.values())

    def _add(self, more: ModelUsage) -> None:
        known = more.model in self._models or len(self._models) < MOST_MODELS
        name = more.model if known else OTHER
        sum = self._models.get(name, ModelUsage(model=name))
        self._models[name] = ModelUsage(
            model=name,
            input_tokens=sum.input_tokens + more.input_tokens,
            output_tokens=sum.output_tokens + more.output_tokens,
            cached_tokens=sum.cached_tokens + more.cached_tokens,
            reasoning_tokens=sum.reasoning_tokens + more.reasoning_tokens,
            cost_usd=sum.cost_usd + more.cost_usd,
            estimated=sum.estimated or more.estimated,
            unpriced=sum.unpriced or more.unpriced,
        )
