"""The server on this process's own stdin and stdout, which carry the protocol and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from anyio import CancelScope
from mcp.server.stdio import stdio_server

from holdfast.core.services.attaching import Attach
from holdfast.core.services.workbench import Workbench
from holdfast.server.mcp.server import Context, agent_server


async def serve_stdio(attach: Attach, *, agents: Sequence[str] = (), project: str = "") -> None:
    """Serves until stdin ends. `agents` are the names or ids of those that are shown; none: all.

    It attaches for each request.

    Raises `NotFoundError` for an agent that there is not.
    """

    @asynccontextmanager
    async def opened(context: Context) -> AsyncIterator[Workbench]:
        attached = attach()
        workbench = await attached.__aenter__()
        try:
            yield workbench
        finally:
            with CancelScope(shield=True):  # a cancelled request lets go of it, too
                await attached.__aexit__(None, None, None)

    async with attach() as workbench:
        named = [(await workbench.agents.get(agent, project or None)).name for agent in agents]
    server = agent_server(opened, agents=named or None, project=project)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())
