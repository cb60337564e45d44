"""Hooks as a service."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.hooks import (
    HookCall,
    HookInfo,
    HookPoint,
    HookSecret,
    HookSpec,
    HookTest,
    HookType,
    hook_file,
)
from holdfast.core.hooks.hooks_file import hook_not_found
from holdfast.core.hooks.ids import apart
from holdfast.core.hooks.python_hook import function_of, read_code
from holdfast.core.services.access import Access
from holdfast.core.services.interceptors import Interceptors
from holdfast.core.services.sessions import valid


class HookService:
    """Implements the `Hooks` of a workbench."""

    def __init__(self, access: Access, hooks: Interceptors, registry: AgentRegistry) -> None:
        self._access = access
        self._hooks = hooks
        self._registry = registry

    async def list(self, project: str | None = None, agent: str | None = None) -> tuple[HookInfo, ...]:
        spec = await self._agent(project, agent)
        own, others = await self._both(spec)
        mine = [HookInfo(hook=hook.masked(), source="user") for hook in own]
        name = spec.name if spec else ""
        theirs = [HookInfo(hook=hook.masked(), source="agent", agent=name) for hook in others]
        return tuple(sorted((*mine, *theirs), key=lambda each: each.hook.order))

    async def add(self, hook: HookSpec) -> HookInfo:
        if hook.type is HookType.PYTHON:
            await self._check_python(hook)
        if hook.url is not None:
            WebAddress.parse(hook.url)
        added = await asyncio.to_thread(self._hooks.file(self._access.owner).add, hook)
        return HookInfo(hook=added.masked(), source="user")

    async def enable(self, id: str, enabled: bool = True) -> HookInfo:
        changed = await asyncio.to_thread(self._hooks.file(self._access.owner).enable, id, enabled)
        return HookInfo(hook=changed.masked(), source="user")

    async def remove(self, id: str) -> None:
        await asyncio.to_thread(self._hooks.file(self._access.owner).remove, id)

    async def test(
        self,
        id: str,
        given: dict[str, Any] | None = None,
        output: str | None = None,
        tool: str = "",
        project: str | None = None,
        agent: str | None = None,
    ) -> HookTest:
        spec = await self._agent(project, agent)
        own, others = await self._both(spec)
        hook = next((each for each in (*own, *others) if each.id == id), None)
        if hook is None:
            raise hook_not_found(id)
        folder = self._access.folder(project) or Path("/")
        call = HookCall(
            point=hook.point,
            session_id="",
            run_id="",
            agent="" if spec is None else spec.name,
            agent_id="" if spec is None else spec.id or "",
            tool=tool,
            data=_example(hook, given),
            output=output,
        )
        began = time.perf_counter()
        verdict = await self._hooks.decider.decide(
            hook, call, await self._hooks.place(self._access.owner, folder)
        )
        return HookTest(
            outcome=verdict.outcome,
            reason=verdict.reason,
            error=verdict.error,
            data=verdict.data,
            output=verdict.output,
            duration_ms=round((time.perf_counter() - began) * 1000, 1),
        )

    async def secret(self, renew: bool = False) -> HookSecret:
        return HookSecret(secret=await self._hooks.secret(self._access.owner, renew=renew))

    async def _both(self, spec: AgentSpec | None) -> tuple[tuple[HookSpec, ...], tuple[HookSpec, ...]]:
        """Returns the user's own hooks and the agent's, with the ids that they have in a run."""
        own = await self._hooks.of(self._access.owner)
        return own, apart(own, spec.hooks if spec else ())

    async def _agent(self, project: str | None, agent: str | None) -> AgentSpec | None:
        folder = self._access.folder(project)
        if agent is None:
            return None
        found = await asyncio.to_thread(self._registry.get, agent, folder, self._access.owner)
        return valid(found).spec

    async def _check_python(self, hook: HookSpec) -> None:
        """Raises `ForbiddenError`, `InvalidError` for a function that would never run."""
        if not self._access.principal.is_admin:
            raise ForbiddenError(
                "Programs have the rights of the engine's owner, so only administrators add hooks in Python.",
                code="hook_program_forbidden",
            )
        assert hook.file is not None
        path = hook_file(self._hooks.file(self._access.owner).path.parent, hook.file)
        try:
            function_of(await asyncio.to_thread(read_code, path))
        except OSError as error:
            raise InvalidError(f"{path} cannot be read: {error.strerror}.", code="invalid_hook") from error


def _example(hook: HookSpec, data: dict[str, Any] | None) -> dict[str, Any]:
    """Returns the data of an example. Raises `InvalidError` for messages that are none."""
    if hook.point is HookPoint.BEFORE_MODEL:
        messages = (data or {}).get("messages", [{"role": "user", "text": ""}])
        shaped = isinstance(messages, list) and all(
            isinstance(each, dict) and isinstance(each.get("text"), str) for each in messages
        )
        if not shaped:
            raise InvalidError('Give the messages as {"messages": [{"role": "user", "text": "…"}]}.')
        return {"model": "", **(data or {}), "messages": messages}
    return data or {}
