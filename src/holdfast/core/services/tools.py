"""Tools: what there are, and one run directly, under policy."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
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
from holdfast.core.services.prepare import Preparation
from holdfast.core.services.trash import TrashCan
from holdfast.core.store.log import EventLog
from holdfast.core.tools.registry import ToolRegistry


class ToolService:
    """Implements the `Tools` of a workbench."""

    def __init__(
        self,
        access: Access,
        log: EventLog,
        supervisor: Supervisor,
        registry: ToolRegistry,
        custom: CustomTools,
        budgets: Budgets,
        preparation: Preparation,
        trash: TrashCan,
    ) -> None:
        self._access = access
        self._budgets = budgets
        self._custom = custom
        self._log = log
        self._supervisor = supervisor
        self._registry = registry
        self._preparation = preparation
        self._trash = trash

    async def list(self, project: str | None = None) -> tuple[ToolInfo, ...]:
        self._access.folder(project)
        builtin = tuple(tool_info(self._registry.get(name)) for name in self._registry.names)
        own = self._custom.of(self._access.owner)
        return (*builtin, *(tool_info(tool, "custom", tool.custom.id) for tool in own))

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
