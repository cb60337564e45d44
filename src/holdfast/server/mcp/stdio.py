"""The server on this process's own stdin and stdout, which carry the protocol and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from mcp.server.stdio import stdio_server

from holdfast.core.services.workbench import Workbench
from holdfast.server.mcp.server import Context, agent_server


async def serve_stdio(workbench: Workbench, *, agents: Sequence[str] = (), project: str = "") -> None:
    """Serves until stdin ends. `agents` are the names or ids of those that are shown; none: all.

    Raises `NotFoundError` for an agent that there is not.
    """
    named = [(await workbench.agents.get(agent, project or None)).name for agent in agents]

    async def opened(context: Context) -> Workbench:
        return workbench

    server = agent_server(opened, agents=named or None, project=project)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())
