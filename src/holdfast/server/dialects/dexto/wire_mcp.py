"""MCP servers, their tools and resources, as Dexto's clients send them and read them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from holdfast.server.dialects.dexto.wire import Flag, Said, Sent, StrictSent, absent
from holdfast.server.dialects.dexto.zod import checked_url, number

UrlText = Annotated[str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(checked_url)]
"""An address, as it was written."""
Millis = Annotated[int, Field(gt=0, le=3_600_000), BeforeValidator(number)]
_Text = Annotated[str, StringConstraints(max_length=8_000)]
Pairs = Annotated[dict[str, _Text], Field(max_length=100)]


class _ServerConfig(StrictSent):
    enabled: Flag = True
    timeout: Millis = 30_000
    """Of a call, in milliseconds."""
    connection_mode: Literal["strict", "lenient"] = "lenient"


class StdioConfig(_ServerConfig):
    """A program that is started."""

    type: Literal["stdio"]
    command: Annotated[str, StringConstraints(min_length=1, max_length=8_000)]
    args: Annotated[list[_Text], Field(max_length=199)] = Field(default=[])
    env: Pairs = Field(default={})


class SseConfig(_ServerConfig):
    """An address that speaks the older transport."""

    type: Literal["sse"]
    url: UrlText
    headers: Pairs = Field(default={})


class HttpConfig(_ServerConfig):
    """An address that speaks streamable HTTP."""

    type: Literal["http"]
    url: UrlText
    headers: Pairs = Field(default={})


ServerConfig = Annotated[StdioConfig | SseConfig | HttpConfig, Field(discriminator="type")]


class ServerBody(Sent):
    """A server that is to be there."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    config: ServerConfig
    persist_to_agent: Flag = False
    """Whether the active agent's file is to name it."""


class ServerAdded(Said):
    status: Literal["connected", "registered"]
    name: str


class Server(Said):
    id: str
    name: str
    status: Literal["connected", "disconnected", "error", "auth-required"]


class Servers(Said):
    servers: list[Server]


class ServerGone(Said):
    status: Literal["disconnected"] = "disconnected"
    id: str


class ServerRestarted(Said):
    status: Literal["restarted"] = "restarted"
    id: str


class Tool(Said):
    """A tool of a server, by the server's own name."""

    id: str
    name: str
    description: str
    input_schema: dict[str, Any] | None = absent()


class Tools(Said):
    tools: list[Tool]


class Executed(Said):
    """What came of a call: `data` has what the tool gave, `error` why there is nothing."""

    success: bool
    data: Any = absent()
    error: str | None = absent()


Arguments = dict[str, Any]
