"""Run by `test_mcp_clients.py` in the client's environment: `ask_with_fastmcp.py URL KEY`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.auth import BearerAuth
from fastmcp.exceptions import ToolError

_, url, key = sys.argv


async def asked() -> dict[str, Any]:
    forms: list[str] = []
    progress: list[str | None] = []

    async def fill(message: str, response_type: Any, params: Any, context: Any) -> dict[str, str]:
        forms.append(message)
        return {"decision": "approve"}

    async def told(done: float, total: float | None, message: str | None) -> None:
        progress.append(message)

    async with Client(
        f"{url}/mcp", auth=BearerAuth(key), elicitation_handler=fill, progress_handler=told
    ) as client:
        tools = [tool.name for tool in await client.list_tools()]
        result = await client.call_tool("agent_writer-of-tests", {"message": "Go"})
        try:
            await client.call_tool("agent_writer-of-tests", {})
            refused = ""
        except ToolError as error:
            refused = str(error)
    return {
        "tools": tools,
        "forms": forms,
        "progress": progress,
        "result": {"structuredContent": result.structured_content},
        "refused": refused,
    }


print(json.dumps(asyncio.run(asked())))
