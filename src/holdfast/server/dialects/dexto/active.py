"""The agent that Dexto's clients talk to: one for each user, whatever session they are in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.turns import Turns

EXT = "dexto"
"""The name under which Dexto's own is kept with users, sessions and agents."""
_TURNS = Turns()
"""By the user, for those who change what is kept with one."""
AGENT = "agent"
"""The key, in what is kept with a user, of the id or the name of the active agent."""


async def kept_with_user(workbench: Workbench) -> dict[str, Any]:
    """Returns what Dexto's API keeps with the caller."""
    return dict((await workbench.users.annotations()).get(EXT, {}))


async def keep_with_user(workbench: Workbench, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Keeps the keys that `change` returns, which is given what is kept with the caller so far. Of two at the
    same time neither loses what the other keeps."""
    me = await workbench.users.me()
    async with _TURNS.of(me.user_id):
        kept = await kept_with_user(workbench)
        await workbench.users.annotate({EXT: {**kept, **change(kept)}})


async def active_agent(workbench: Workbench) -> AgentInfo:
    """Returns the agent that the caller has switched to; where he has not, or it is gone, the one of new
    sessions. Raises `NotFoundError` where the settings name none that there is."""
    chosen = (await kept_with_user(workbench)).get(AGENT)
    if isinstance(chosen, str) and chosen:
        with suppress(NotFoundError):
            return await workbench.agents.get(chosen)
    return await default_agent(workbench)


async def default_agent(workbench: Workbench) -> AgentInfo:
    """Returns the agent of new sessions. Raises `NotFoundError` where the settings name one that is gone."""
    return await workbench.agents.get((await workbench.engine.settings()).default_agent)
