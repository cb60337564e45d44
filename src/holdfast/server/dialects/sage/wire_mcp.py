"""Messages of Sage's API: MCP servers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from holdfast.server.dialects.sage.wire import Said, Sent

Protocol = Literal["streamable_http", "sse", "stdio"]


class McpBody(Sent):
    """An MCP server, as clients describe it."""

    name: str = Field(min_length=1, max_length=200)
    protocol: Protocol
    kind: str = Field(default="external", max_length=100)
    streamable_http_url: str | None = None
    sse_url: str | None = None
    api_key: str | None = None
    """Sent as a bearer's token. In the place of one that is kept, nothing, or what listings show."""
    command: str | None = None
    args: list[str] | None = None
    env: dict[str, str] | None = None
    tools: list[Any] | None = None
    """Kept and told again; agents say for themselves which tools they have."""
    simulator: dict[str, Any] | None = None
    """Likewise."""
    description: str | None = Field(default=None, max_length=4_000)


class Server(Said):
    """An MCP server."""

    name: str
    protocol: Protocol
    kind: str
    disabled: bool
    streamable_http_url: str | None
    sse_url: str | None
    api_key: str | None
    """`***` where there is one."""
    command: str | None
    args: list[str]
    env: dict[str, str]
    """With `***` in the places of values, which may be secrets."""
    tools: list[Any]
    simulator: dict[str, Any]
    description: str
    user_id: str


class Servers(Said):
    """The user's MCP servers."""

    servers: list[Server]


class ServerDone(Said):
    """That a server was added or changed."""

    server_name: str
    status: Literal["success"] = "success"


class ServerRefreshed(Said):
    """How a server is that was started anew."""

    server_name: str
    status: Literal["refreshed", "failed"]


class ServerToggled(Said):
    """Whether a server is disabled now."""

    server_name: str
    disabled: bool


class ServerGone(Said):
    """Which server is gone."""

    server_name: str
