"""MCP servers of Powabase's agents: those with secrets are the user's own, and named in the agent's file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.powabase.mapping_mcp import (
    KeptServer,
    changed_kept,
    described,
    has_secrets,
    kept_of,
    new_kept,
    with_changed_server,
    with_kept_server,
    with_server,
    without_server,
)
from holdfast.server.dialects.powabase.wire_agents import McpBody, McpChanges
from holdfast.server.kit.revising import revise


async def add_server(workbench: Workbench, agent: str, id: str, body: McpBody) -> AgentInfo:
    """Gives an agent a server. Raises what `mcp.add` and `agents.edit` raise; then there is none."""
    change = partial(with_server, body=body, id=id)
    if not has_secrets(body):
        return await revise(workbench, agent, change)
    info = await workbench.agents.get(agent)
    async with _added(workbench, new_kept(body, info.id, await _taken(workbench, info))) as own:
        return await revise(workbench, agent, partial(change, own=own))


async def change_server(workbench: Workbench, agent: str, id: str, body: McpChanges) -> AgentInfo:
    """Changes a server of an agent. Raises what `mcp.replace` and `agents.edit` raise."""
    info = await workbench.agents.get(agent)
    own = kept_of(info, await workbench.mcp.list(), id)
    if own is not None and any(getattr(body, key) is not None for key in body.model_fields_set):
        made = changed_kept(body, own)
        changed = await revise(workbench, agent, partial(with_kept_server, body=body, id=id, own=own.name))
        await workbench.mcp.replace(own.name, made.spec, made.secrets)
        return changed
    former = described(info, id)
    if own is not None or former is None or not has_secrets(body):
        return await revise(workbench, agent, partial(with_changed_server, body=body, id=id))
    whole = former.model_copy(
        update=body.model_dump(include={"url", "transport", "headers"}, exclude_none=True)
    )
    async with _added(workbench, new_kept(whole, info.id, await _taken(workbench, info))) as name:
        return await revise(workbench, agent, partial(with_kept_server, body=body, id=id, own=name))


async def remove_server(workbench: Workbench, agent: str, id: str) -> None:
    """Takes a server away from an agent, with its secrets. Raises `NotFoundError`."""
    own = kept_of(await workbench.agents.get(agent), await workbench.mcp.list(), id)
    await revise(workbench, agent, partial(without_server, id=id))
    if own is not None:
        await workbench.mcp.remove(own.name)


@asynccontextmanager
async def _added(workbench: Workbench, made: KeptServer) -> AsyncIterator[str]:
    """Gives the name of a new server of the user's own, which is gone again when what follows fails."""
    await workbench.mcp.add(made.spec, made.secrets)
    try:
        yield made.spec.name
    except HoldfastError:
        await workbench.mcp.remove(made.spec.name)
        raise


async def _taken(workbench: Workbench, info: AgentInfo) -> set[str]:
    """Returns the names that a new server cannot have."""
    theirs = {one.server for one in (info.spec.mcp if info.spec else ())}
    return theirs | {one.spec.name for one in await workbench.mcp.list()}
