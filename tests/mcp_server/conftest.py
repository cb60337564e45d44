"""The MCP server on a real workbench with a scripted model; the library's own unmodified client asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from mcp import Client
from mcp_person import Person
from mcp_types import CallToolResult, Implementation
from tests.runs.conftest import Bench, call, door, open_bench, say, usage

from holdfast.core.services.workbench import Workbench
from holdfast.server.mcp.server import Context, agent_server

__all__ = ["call", "door", "open_bench", "say", "usage"]


@dataclass
class Desk:
    """A client that is connected, and the bench behind its server."""

    bench: Bench
    client: Client

    async def ask(self, message: str = "Go", tool: str = "agent_tester", **more: Any) -> CallToolResult:
        progress = more.pop("progress", None)
        async with asyncio.timeout(30):
            return await self.client.call_tool(tool, {"message": message, **more}, progress_callback=progress)

    async def fetch(self, run_id: str, **more: Any) -> CallToolResult:
        async with asyncio.timeout(30):
            return await self.client.call_tool("get_run", {"run_id": run_id, **more})


@asynccontextmanager
async def connected(
    workbench: Workbench, person: Person | None, mode: str, **options: Any
) -> AsyncIterator[Client]:
    @asynccontextmanager
    async def opened(context: Context) -> AsyncIterator[Workbench]:
        yield workbench

    client = Client(
        agent_server(opened, **options),
        mode=mode,
        elicitation_callback=None if person is None else person.fill,
        client_info=Implementation(name="a client", version="1"),
    )
    async with client:
        yield client


@pytest.fixture
def open_desk(open_bench: Any) -> Callable[..., Any]:
    """Opens a workbench on scripted steps with an MCP client before it."""

    @asynccontextmanager
    async def opened(
        steps: Any = (), person: Person | None = None, *, mode: str = "auto", agent: str = "", **options: Any
    ) -> AsyncIterator[Desk]:
        async with (
            open_bench(steps, agent=agent) as bench,
            connected(bench.workbench, person, mode, **options) as client,
        ):
            yield Desk(bench, client)

    return opened
