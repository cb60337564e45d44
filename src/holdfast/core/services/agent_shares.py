"""Agents that users share with others: who sees whose, and what is left of such an agent there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from holdfast.core.agents.editor import not_yours
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.agents import AgentInfo, AgentShare, Layer, SharedAgent
from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError
from holdfast.core.services.identity import user_named
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.agent_shares import AgentShareTable

MAX_USERS = 1_000
"""With whom one agent is shared at most."""


class AgentShares:
    """What is shared in one engine; all of it is known once `read` is done."""

    def __init__(self, table: AgentShareTable, accounts: Accounts) -> None:
        self._table = table
        self._accounts = accounts
        self._by_user: dict[str, tuple[SharedAgent, ...]] = {}
        self._changing = asyncio.Lock()

    async def read(self) -> None:
        """Reads what is shared with whom."""
        found: dict[str, list[SharedAgent]] = {}
        for user, agent in await self._table.all():
            found.setdefault(user, []).append(agent)
        self._by_user = {user: tuple(agents) for user, agents in found.items()}

    def of_user(self, user_id: str) -> tuple[SharedAgent, ...]:
        """Returns what is shared with a user; from any thread."""
        return self._by_user.get(user_id, ())

    async def shared_with(self, agent: AgentInfo) -> tuple[AgentShare, ...]:
        """Returns with whom an agent is shared."""
        return await self._table.of_agent(agent.owner, agent.id)

    async def share(self, agent: AgentInfo, users: Sequence[str]) -> tuple[AgentShare, ...]:
        """Shares an agent with these users, by name or id, and no others; its owner does not count.

        Raises `NotFoundError` for a user there is not, `InvalidError` for too many, `ConflictError`
        (`agent_id_shared`) for an agent whose id is that of one that another user shares: whoever asks for
        that one by its id could get this one.
        """
        if len(users) > MAX_USERS:
            raise InvalidError(f"An agent is shared with {MAX_USERS} users at most.", code="too_many_users")
        found = [(await user_named(self._accounts, user)).id for user in users]
        others = [id for id in dict.fromkeys(found) if id != agent.owner]
        async with self._changing:
            if others and self._is_another_of(agent):
                raise ConflictError(
                    f"Another user shares an agent with the id of {agent.name!r}. Give this one an id of its "
                    "own (`id:` in its file), and share it then.",
                    code="agent_id_shared",
                )
            await self._table.replace(agent.owner, agent.id, others)
            await self.read()
        return await self.shared_with(agent)

    async def end(self, owner: str, agent_id: str) -> None:
        """Ends the sharing of an agent that is gone."""
        async with self._changing:
            await self._table.replace(owner, agent_id, ())
            await self.read()

    def _is_another_of(self, agent: AgentInfo) -> bool:
        shared = (each for agents in self._by_user.values() for each in agents)
        return any(each.agent_id == agent.id and each.owner != agent.owner for each in shared)

    async def forget_user(self, user_id: str) -> None:
        """Ends what a user who is gone shares, and what is shared with him."""
        async with self._changing:
            await self._table.forget_user(user_id)
            await self.read()


def own_agent(registry: AgentRegistry, name: str, owner: str) -> AgentInfo:
    """Returns an agent of a user's own. Raises `NotFoundError`, and `ForbiddenError` for any other one that
    he sees."""
    info = registry.get(name, None, owner)
    if info.layer is Layer.SHARED:
        raise not_yours(info)
    if info.layer is not Layer.USER:
        raise ForbiddenError(
            f"The agent {info.name!r} comes with Holdfast: everybody has it.", code="agent_readonly"
        )
    return info
