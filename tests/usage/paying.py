"""What tests of limits do again and again: keys with limits, runs, and waiting for what they tell."""

from __future__ import annotations

import asyncio
from typing import Any

from holdfast.core.domain.events import RUN_ENDS, EventFilter
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions
from holdfast.core.services.local import LocalWorkbench
from holdfast.core.services.workbench import Workbench

HELLO = (TextPart(text="Hello"),)


async def with_key(
    host: LocalWorkbench, name: str = "ci", scope: Scope = Scope.ADMIN, **limit: Any
) -> tuple[Workbench, str]:
    """Returns the view of a new key of the local user, and its id."""
    made = await host.keys.create(name, scope)
    if limit:
        await host.usage.set_limit("key", name, **limit)
    return host.as_principal(await host.authenticate(made.secret)), made.credential.id


async def start(workbench: Workbench, agent: str = "general", **options: Any) -> str:
    """Begins a run in a new session; returns its id."""
    session = await workbench.sessions.create(agent, model="offline")
    sent = await workbench.runs.send(session.id, HELLO, RunOptions(**options))
    assert sent.run_id is not None
    return sent.run_id


async def ended(workbench: Workbench, run_id: str) -> list[Any]:
    """Returns the events of a run that has ended."""
    return await followed(workbench, run_id=run_id)


async def followed(workbench: Workbench, until: tuple[str, ...] = RUN_ENDS, **where: str) -> list[Any]:
    """Returns the events of a run or a session up to the first of a wanted type."""
    found = []
    async with asyncio.timeout(60):
        async for logged in workbench.events.follow(EventFilter(**where), 0):
            found.append(logged.event)
            if logged.event.type in until:
                return found
    raise AssertionError
