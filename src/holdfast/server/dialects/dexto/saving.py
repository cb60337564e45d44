"""What a Dexto agent file brings along beside the agent: keys of providers, and servers with secrets."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.mcp import McpServer
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.mapping_config import Converted
from holdfast.server.dialects.dexto.mapping_mcp import OwnServer


async def make_agent(workbench: Workbench, values: dict[str, Any], found: Converted) -> AgentInfo:
    """Makes an agent of what a file has become. Its secrets are kept first: who may not keep them makes no
    agent either."""
    await keep_secrets(workbench, found)
    return await workbench.agents.compose(values)


async def keep_secrets(workbench: Workbench, found: Converted) -> None:
    """Puts the keys of a file into the store, and makes its servers that have secrets the user's own. One
    that there is under the name already stays as it is."""
    for provider, key in found.keys.items():
        await workbench.keys.set_provider(provider, key)
    for server in found.servers:
        with suppress(ConflictError):
            await put_in(workbench, server)


async def put_in(workbench: Workbench, made: OwnServer) -> McpServer:
    """Adds a server with its secrets. Raises what `mcp.add` raises."""
    return await workbench.mcp.add(made.spec, made.secrets)


async def own_copy(workbench: Workbench, agent: AgentInfo) -> AgentInfo:
    """Returns an agent that its user can change: of one that comes with Holdfast a copy of his own."""
    return await workbench.agents.install(agent.name) if agent.layer is Layer.SHIPPED else agent
