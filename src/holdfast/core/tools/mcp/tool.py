"""A server's tool as a `Tool`: it goes through policy and executor like every other."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pydantic import BaseModel

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.domain.mcp import server_of
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import ArgumentsBlock, Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.listing import ListedTool
from holdfast.core.tools.mcp.results import output_of
from holdfast.core.tools.schema_arguments import arguments_model


class McpTool:
    """One tool of one server."""

    def __init__(self, connection: Connection, listed: ListedTool) -> None:
        self._connection = connection
        self._listed = listed
        self.name = listed.name
        self.own_name = listed.own_name
        self.description = listed.description
        self.arguments: type[BaseModel] = listed.arguments
        self.risk = risk_of(connection, reads_only=listed.reads_only)

    def subjects(self, arguments: Any) -> tuple[str, ...]:
        """Returns the arguments as JSON, keys in order."""
        return (_subject(arguments),)

    async def preview(self, arguments: Any, context: ToolContext) -> Preview:
        """Returns the arguments, and where they go."""
        return _preview(self._connection.spec.name, self.own_name, arguments)

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutput:
        """Calls the server, which is started if need be. Raises `HoldfastError` when it gives no result."""
        result = await self._connection.call(
            self.own_name, arguments.model_dump(), context.progress, context.desk
        )
        return await asyncio.to_thread(output_of, result, context.blobs)


class AbsentTool:
    """Stands for a tool that was called and is there no more: the call ends as an error, not the run."""

    description = ""
    risk = Risk.EXECUTE

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.arguments: type[BaseModel] = arguments_model(name, {"type": "object"})
        self._reason = reason

    def subjects(self, arguments: Any) -> tuple[str, ...]:
        """Returns the arguments as JSON, keys in order."""
        return (_subject(arguments),)

    async def preview(self, arguments: Any, context: ToolContext) -> Preview:
        """Returns the arguments."""
        return _preview(server_of(self.name) or "", self.name, arguments)

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutput:
        """Raises `UnavailableError`."""
        raise UnavailableError(f"The tool {self.name} is not there: {self._reason}", code="mcp_unavailable")


def risk_of(connection: Connection, *, reads_only: bool) -> Risk:
    """Returns the risk of a tool. What a server says of it counts only where the person has said that it is
    to be believed."""
    if connection.spec.trusted and reads_only:
        return Risk.READ
    return Risk.EXECUTE if connection.spec.command else Risk.NETWORK


def _subject(arguments: Any) -> str:
    return json.dumps(arguments.model_dump(), sort_keys=True, ensure_ascii=False)


def _preview(server: str, tool: str, arguments: Any) -> Preview:
    return Preview(
        blocks=(
            TextBlock(text=f"{sanitize_line(tool)} of the MCP server {server}"),
            ArgumentsBlock(arguments=arguments.model_dump()),
        )
    )
