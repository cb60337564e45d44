"""Which tools a completion's agent has: its own, and those of the user beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import ForbiddenError, HoldfastError
from holdfast.core.domain.mcp import McpServer, server_of
from holdfast.core.domain.memory import BLOCK_TOOL
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.h2ogpte.custom import own_tools
from holdfast.server.dialects.h2ogpte.mapping_agents import preference_of
from holdfast.server.dialects.h2ogpte.mapping_completions import Way
from holdfast.server.dialects.h2ogpte.mapping_custom import Own, is_default, tool_name

_ALL = ("all", "any")


async def choose_tools(
    workbench: Workbench, wanted: str | tuple[str, ...] | None, way: Way, agent: AgentSpec
) -> dict[str, Any]:
    """Returns what a run's options say of tools. `auto`, or nothing: what the user prefers, else what the
    agent has, with what the user has beside it by default. Names that there are not are left out."""
    if not way.agent:
        return {"tools": ()}
    names = await _named(workbench, wanted)
    own: tuple[Own, ...] = ()
    with suppress(ForbiddenError):  # who may not look at them has none
        own = await own_tools(workbench)
    if names is None:
        return _beside([one for one in own if wanted in _ALL or is_default(one)])
    servers = {server_of(name) for name in names}
    chosen = [one for one in own if tool_name(one) in names or _is_server(one, servers)]
    of_agent = [name for name in names if name in agent.tool_names or server_of(name) in _servers(agent)]
    of_servers = [name for name in names if server_of(name) in {tool_name(one) for one in chosen}]
    for one in chosen:
        of_servers += await _tools_of(workbench, one, names)
    beside = _beside(chosen)
    tools = (*of_agent, *beside["own_tools"], *of_servers, *way.tools, BLOCK_TOOL)
    return {**beside, "tools": tuple(dict.fromkeys(tools))}


async def _named(workbench: Workbench, wanted: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Returns the names of the tools that alone are wanted; None: there are none such."""
    if wanted in _ALL:
        return None
    if wanted is None or wanted in ("auto", ""):
        return preference_of(await workbench.users.annotations()) or None
    return (wanted,) if isinstance(wanted, str) else wanted


def _beside(own: Iterable[Own]) -> dict[str, Any]:
    found = tuple(own)
    return {
        "own_tools": tuple(tool_name(one) for one in found if not isinstance(one, McpServer)),
        "own_servers": tuple(tool_name(one) for one in found if isinstance(one, McpServer)),
    }


def _servers(agent: AgentSpec) -> set[str]:
    return {each.server for each in agent.mcp}


def _is_server(own: Own, servers: Collection[str | None]) -> bool:
    return isinstance(own, McpServer) and tool_name(own) in servers


async def _tools_of(workbench: Workbench, own: Own, names: Collection[str]) -> list[str]:
    """Returns the tools of a server that is named as a whole; none of one that cannot be reached."""
    if isinstance(own, McpServer) and tool_name(own) in names:
        with suppress(HoldfastError):
            return [each.name for each in await workbench.mcp.tools(tool_name(own))]
    return []
