"""What was used: reports for people, and numbers for who watches over the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from holdfast import __version__
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.figures import EngineFigures
from holdfast.core.domain.runs import RunStatus
from holdfast.core.domain.status import Listeners
from holdfast.core.domain.usage import ModelUsage, UsageKey, UsageSummary
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.access import Access
from holdfast.core.services.paging import checked_limit
from holdfast.core.store.figures import present
from holdfast.core.store.log import EventLog
from holdfast.core.store.usage import UsageTable

MOST_MODELS = 100
"""Models that have figures of their own: each is a time series for who collects them."""
OTHER = "other"

_OPEN = (RunStatus.RUNNING, RunStatus.WAITING, RunStatus.PAUSED)


class UsageService:
    """Implements the `UsageReports` of a workbench."""

    def __init__(self, access: Access, log: EventLog) -> None:
        self._access = access
        self._table = UsageTable(log.reader)

    async def report(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        by: UsageKey = "day",
        all_users: bool = False,
        limit: int = 200,
    ) -> UsageSummary:
        """See `UsageReports.report`."""
        if all_users:
            self._access.machine("The usage of all users")
        if since is not None and until is not None and since >= until:
            raise InvalidError("until: must be after since.", code="invalid_span")
        return await self._table.report(
            by, since, until, asking=self._access.owner, everybody=all_users, limit=checked_limit(limit)
        )


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
