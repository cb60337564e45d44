"""The log of runs: found, sorted, and each in full."""

from __future__ import annotations

import asyncio

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.run_log import RunEntry, RunMap, RunQuery, RunReport, RunsFound
from holdfast.core.domain.text import sanitize_line
from holdfast.core.runs.projections.report import report_of
from holdfast.core.services.access import Access
from holdfast.core.services.paging import checked_limit
from holdfast.core.store.log import EventLog
from holdfast.core.store.run_log_table import RunLogTable

MOST_RUNS = 100
"""Runs of a session that a map shows at once."""
MOST_BELOW = 500
"""Runs of sub-agents that are told with one run, or in one map."""


class RunLog:
    """The log of the runs of one user."""

    def __init__(self, access: Access, log: EventLog, registry: AgentRegistry) -> None:
        self._access = access
        self._log = log
        self._registry = registry
        self._table = RunLogTable(log.reader)

    async def search(self, query: RunQuery) -> RunsFound:
        """Returns the runs that are wanted; an agent of the query may be an id. Raises `NotFoundError` for
        a session or a parent that the user does not have."""
        checked_limit(query.limit)
        if query.session is not None:
            await self._access.session(query.session)
        names, ids = await asyncio.to_thread(self._names)
        if query.parent is not None and await self._table.entry(query.parent, self._access.owner, {}) is None:
            raise _not_found(query.parent)
        if query.agents is not None:
            named = tuple(ids.get(agent, agent) for agent in query.agents)
            query = query.model_copy(update={"agents": named})
        runs, total = await self._table.page(query, self._access.owner, names)
        agents = await self._table.agents(self._access.owner)
        return RunsFound(runs=runs, total=total, agents=agents)

    async def report(self, run_id: str) -> RunReport:
        """Returns a run in full. Raises `NotFoundError`."""
        names, _ = await asyncio.to_thread(self._names)
        entry = await self._table.entry(run_id, self._access.owner, names)
        if entry is None:
            raise _not_found(run_id)
        return await self._report(entry)

    async def map(self, session_id: str, limit: int, before: str | None) -> RunMap:
        """Returns the last `limit` runs of a session before a place, with what sub-agents did for them.
        Raises `NotFoundError`, `InvalidError` (`invalid_cursor`)."""
        session = await self._access.session(session_id)
        if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
            raise InvalidError("before: is not the `older` of a map of this session.", code="invalid_cursor")
        names, _ = await asyncio.to_thread(self._names)
        wanted = min(checked_limit(limit), MOST_RUNS)
        first = None if before is None else int(before)
        found = await self._table.of_session(session_id, first, wanted + 1, names)
        older = str(found[wanted - 1][1]) if len(found) > wanted else None
        reports: list[RunReport] = []
        left = MOST_BELOW
        for entry, _ in reversed(found[:wanted]):
            reports.append(await self._report(entry))
            if entry.below and left:
                below = await self._table.below(entry.id, self._access.owner, left, names)
                left -= len(below)
                reports += [await self._report(each) for each in below]
        return RunMap(
            session_id=session_id, title=sanitize_line(session.title), runs=tuple(reports), older=older
        )

    async def _report(self, entry: RunEntry) -> RunReport:
        events = await self._log.read_all(EventFilter(run_id=entry.id, deltas=False))
        return report_of(entry, events)

    def _names(self) -> tuple[dict[str, str], dict[str, str]]:
        """Returns what people are shown of agents, by name, and the names of agents by id."""
        shown: dict[str, str] = {}
        ids: dict[str, str] = {}
        for found in self._registry.visible(None, self._access.owner):
            name = found.file.values.get("display_name")
            ids.setdefault(found.id, found.name)
            shown.setdefault(found.name, sanitize_line(name) if isinstance(name, str) else "")
        for info in self._registry.shared(self._access.owner):
            ids.setdefault(info.id, info.name)
            shown.setdefault(info.name, sanitize_line(info.display_name))
        return {name: said for name, said in shown.items() if said.strip()}, ids


def _not_found(run_id: str) -> NotFoundError:
    return NotFoundError(f"There is no run {run_id[:80]!r}.", code="run_not_found")
