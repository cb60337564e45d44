"""Tools: what there are, and one run directly, under policy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.custom_tools import CustomTool, ToolSpec, ToolVersion
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import (
    RUN_ENDS,
    EventFilter,
    LoggedEvent,
    ToolCallCompleted,
    ToolCallRequested,
)
from holdfast.core.domain.given_tools import GivenTools
from holdfast.core.domain.limits import Payer
from holdfast.core.domain.mcp import server_of
from holdfast.core.domain.runs import Run, RunOptions, Session, ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.core.domain.values import MAX_WAIT_S, utc_now
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.access import Access
from holdfast.core.services.budgets import Budgets
from holdfast.core.services.custom_tools import CustomTools
from holdfast.core.services.given_tools import tool_info
from holdfast.core.services.mcp_servers import McpServers
from holdfast.core.services.prepare import Preparation
from holdfast.core.services.protocols.sessions import Sessions
from holdfast.core.services.trash import TrashCan
from holdfast.core.store.log import EventLog
from holdfast.core.tools.registry import ToolRegistry

_ALONE_S, _LONGEST_ALONE_S = 120.0, 600.0


@dataclass(frozen=True, slots=True)
class ToolSources:
    """Where tools come from."""

    builtin: ToolRegistry
    custom: CustomTools
    servers: McpServers


class AloneSessions:
    """Opens sessions of one principal that are there for a single call of a tool."""

    def __init__(
        self,
        sessions: Sessions,
        supervisor: Supervisor,
        trash: TrashCan,
        default_agent: Callable[[], Awaitable[str]],
    ) -> None:
        """`default_agent` reads the settings."""
        self._sessions = sessions
        self._supervisor = supervisor
        self._trash = trash
        self._default_agent = default_agent

    @asynccontextmanager
    async def opened(self, agent: str, title: str) -> AsyncIterator[Session]:
        """Gives a session, which is gone afterwards with what runs in it. Raises `NotFoundError` for an agent
        that there is not."""
        named = agent or await self._default_agent()
        session = await self._sessions.create(named, title=title)
        try:
            yield session
        finally:
            await self._supervisor.cancel_all(session.id)
            await self._trash.remove_session(session.id)


class ToolService:
    """Implements the `Tools` of a workbench."""

    def __init__(
        self,
        access: Access,
        log: EventLog,
        supervisor: Supervisor,
        sources: ToolSources,
        budgets: Budgets,
        preparation: Preparation,
        trash: TrashCan,
        alone: AloneSessions,
    ) -> None:
        self._access = access
        self._budgets = budgets
        self._custom = sources.custom
        self._log = log
        self._supervisor = supervisor
        self._registry = sources.builtin
        self._preparation = preparation
        self._trash = trash
        self._servers = sources.servers
        self._alone = alone

    async def list(self, project: str | None = None, servers: bool = False) -> tuple[ToolInfo, ...]:
        self._access.folder(project)
        builtin = tuple(tool_info(self._registry.get(name)) for name in self._registry.names)
        own = (tool_info(tool, "custom", tool.custom.id) for tool in self._custom.of(self._access.owner))
        theirs = await self._servers.tools_of_all(self._access.owner) if servers else ()
        return (*builtin, *own, *(tool_info(tool, "mcp") for tool in theirs))

    async def given(
        self,
        agent: str,
        project: str | None = None,
        session_id: str | None = None,
        mode: ApproveMode = ApproveMode.ASK,
    ) -> GivenTools:
        if session_id is not None:
            session = await self._access.session(session_id)
        else:
            # As for a new session: without a folder it is the user's own, never the one of this process.
            now, folder = utc_now(), str(await asyncio.to_thread(self._access.project, project or ""))
            session = Session(
                id="",
                owner=self._access.owner,
                title="",
                agent=agent,
                project=folder,
                workspace=folder,
                created_at=now,
                updated_at=now,
            )
        return await self._preparation.given(session.model_copy(update={"agent": agent}), mode)

    async def get(self, name: str) -> CustomTool:
        return await self._custom.shown(self._custom.get(name, self._access.owner))

    async def create(self, spec: ToolSpec) -> CustomTool:
        return await self._custom.shown(await self._custom.create(spec, self._access.owner))

    async def update(self, name: str, spec: ToolSpec, expected: int | None = None) -> CustomTool:
        changed = await self._custom.update(name, spec, self._access.owner, expected)
        return await self._custom.shown(changed)

    async def delete(self, name: str) -> None:
        await self._trash.put_tool(name, self._access.owner)

    async def versions(self, name: str) -> tuple[ToolVersion, ...]:
        return await self._custom.versions(name, self._access.owner)

    async def set_secret(self, name: str, secret: str, value: str | None = None) -> CustomTool:
        await self._custom.set_secret(name, secret, value, self._access.owner)
        return await self.get(name)

    async def run(
        self,
        session_id: str,
        name: str,
        arguments: dict[str, Any],
        options: RunOptions | None = None,
        wait_s: float = 0,
    ) -> ToolRun:
        session = await self._access.session(session_id)
        if server_of(name) is None:  # else the server says what there is
            self._custom.tool(name, self._access.owner)
        key = self._access.principal.key_id
        await self._budgets.admit(Payer(owner=session.owner, key=key, agent=session.agent))
        run_id, _ = await self._supervisor.call(session_id, name, arguments, options or RunOptions(), key)
        return await self.result(run_id, wait_s)

    async def run_alone(
        self, name: str, arguments: dict[str, Any], agent: str = "", options: RunOptions | None = None
    ) -> ToolRun:
        given = options or RunOptions()
        limit = min(given.timeout_s or _ALONE_S, _LONGEST_ALONE_S)
        given = given.model_copy(update={"approvals": "deny", "timeout_s": limit})
        async with self._alone.opened(agent, name) as session:
            run = await self.run(session.id, name, arguments, given, MAX_WAIT_S)
            while not run.status.ended:
                run = await self.result(run.run_id, MAX_WAIT_S)
            return run

    async def result(self, run_id: str, wait_s: float = 0) -> ToolRun:
        run = await self._access.run(run_id)
        if wait_s > 0 and not run.status.ended:
            await self._until_end(run, min(wait_s, MAX_WAIT_S))
            run = await self._access.run(run_id)
        events = await self._log.read_all(EventFilter(run_id=run_id, deltas=False))
        return _tool_run(run, events)

    async def _until_end(self, run: Run, seconds: float) -> None:
        """Returns when the run has ended, or the time is over."""
        only = EventFilter(run_id=run.id, deltas=False)
        following = cast("Any", self._log.follow(only, run.first_event_id))
        try:
            async with asyncio.timeout(seconds), aclosing(following):
                async for logged in following:
                    if logged.event.type in RUN_ENDS:
                        return
        except TimeoutError:
            return


def _tool_run(run: Run, events: list[LoggedEvent]) -> ToolRun:
    asked = [logged.event for logged in events if isinstance(logged.event, ToolCallRequested)]
    direct = next((call for call in asked if call.step == 0), None)
    if direct is None:
        raise NotFoundError(
            f"The run {run.id} is an agent's, not a tool that was run directly.", code="no_tool_run"
        )
    ended = [logged.event for logged in events if isinstance(logged.event, ToolCallCompleted)]
    result: dict[str, Any] = {}
    if ended:
        names = ("outcome", "content", "display", "duration_ms")
        result = {name: getattr(ended[-1], name) for name in names}
    return ToolRun(
        session_id=run.session_id,
        run_id=run.id,
        call_id=direct.call_id,
        tool=direct.name,
        status=run.status,
        error=run.error,
        **result,
    )
