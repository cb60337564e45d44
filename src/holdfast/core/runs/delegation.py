"""The sub-agents of one run, as its tools and the loop see them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from holdfast.core.domain.delegating import ChildReport
from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.children import Children


class RunDelegation:
    """Implements `DelegationDesk` and `RunDesk` for one run."""

    def __init__(self, run: ActiveRun, children: Children) -> None:
        self._run = run
        self._children = children
        self._background: dict[str, tuple[ActiveRun, asyncio.Task[ChildReport]]] = {}

    async def delegate(
        self, agent: str, task: str, call_id: str, progress: Callable[[str], None]
    ) -> ChildReport:
        run_id = self._run.state.calls[call_id].child
        if run_id is None:  # else it was started before the engine was
            child = await self._children.start(self._run, agent, task, call_id, background=False)
            run_id = child.run_id
        return await asyncio.shield(self._children.end_of(run_id, progress))

    async def start(self, agent: str, task: str, call_id: str) -> ChildReport:
        child = await self._children.start(self._run, agent, task, call_id, background=True)
        self._background[child.run_id] = (child, self._children.end_of(child.run_id))
        return self._children.report(child)

    async def reports(self) -> tuple[ChildReport, ...]:
        return tuple(self._report(run_id) for run_id in self._background)

    def _report(self, run_id: str) -> ChildReport:
        child, watch = self._find(run_id)
        if not watch.done():
            return self._children.report(child)
        self._run.told.add(run_id)
        return watch.result()

    async def wait(self, run_id: str) -> ChildReport:
        _, watch = self._find(run_id)
        await asyncio.wait([watch])
        return self._report(run_id)

    async def cancel(self, run_id: str) -> ChildReport:
        child, watch = self._find(run_id)
        if not watch.done():
            await self._children.cancel(child, "the agent above has no more use for it")
        return self._report(run_id)

    def _find(self, run_id: str) -> tuple[ActiveRun, asyncio.Task[ChildReport]]:
        found = self._background.get(run_id)
        if found is None:
            raise NotFoundError(
                f"This run has started no run {run_id[:80]!r} in the background.", code="run_not_found"
            )
        return found

    async def hand_over(self, agent: str) -> str:
        run = self._run
        if run.parent is not None:
            raise ConflictError(
                "A sub-agent's reply goes to the agent that asked it: it cannot hand the conversation over.",
                code="cannot_hand_over",
            )
        if run.state.hand_overs >= run.spec.limits.max_depth:
            raise ConflictError(
                "The conversation was handed over too often in a row (`limits.max_depth`). Answer yourself.",
                code="cannot_hand_over",
            )
        if any(map(run.is_clients, run.state.open_calls)):
            raise ConflictError(
                "Another call of this step is the caller's to execute. Hand over when you have its result.",
                code="cannot_hand_over",
            )
        if not any(each.name == agent and each.takes_over for each in run.sub_agents):
            raise NotFoundError(
                f"There is no agent {agent[:80]!r} that could take the conversation over.",
                code="sub_agent_not_found",
            )
        await self._children.check_taking_over(run, agent)
        return agent

    async def next_end(self, touched: asyncio.Event) -> bool:
        watches = [watch for _, watch in self._background.values() if not watch.done()]
        if watches:
            woken = asyncio.create_task(touched.wait())
            try:
                await asyncio.wait([*watches, woken], return_when=asyncio.FIRST_COMPLETED)
            finally:
                woken.cancel()
        return bool(watches)

    async def close(self) -> None:
        await self._children.cancel_all(self._run, "the run above it has ended")
