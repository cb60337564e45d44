"""MCP servers: what is said of one, how it is, and what its tools are called."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from holdfast.core.domain.ext import Ext
from holdfast.core.domain.references import secret_names
from holdfast.core.domain.slugs import slug
from holdfast.core.domain.values import Value

SERVER_PATTERN = r"^[a-z0-9]+([_-][a-z0-9]+)*$"
"""A server's name: no two underscores in a row, so that the name of a tool can be taken apart again."""
MAX_SERVER_NAME = 32
PREFIX = "mcp__"
"""Begins the name of every tool of an MCP server: `mcp__SERVER__TOOL`."""
READ_RESOURCE = "read_resource"
"""The part that names the tool which reads the resources of a server that has some."""
SAMPLING = "sampling"
"""The part that names, in rules, a completion that a server asks for."""
GET_PROMPT = "get_prompt"
"""The part that names, in rules, taking a prompt of a server."""
MASK = "***"
"""In the place of a value that may be a secret, where a server is shown."""
MAX_TOOL_NAME = 64
"""Longest name of a tool that providers of models take."""

ServerName = Annotated[str, Field(pattern=SERVER_PATTERN, max_length=MAX_SERVER_NAME)]
_Text = Annotated[str, Field(max_length=8_192)]


class McpDefinition(Value):
    """How a server is reached: a program that is started, or an address."""

    command: tuple[_Text, ...] = Field(default=(), max_length=200)
    """A program and its arguments; it speaks over its standard input and output."""
    url: str | None = Field(default=None, max_length=2_000)
    """An http or https address that speaks streamable HTTP."""
    sse: bool = False
    """Whether the address speaks the older transport instead, with server-sent events."""
    env: dict[str, _Text] = Field(default={}, max_length=100)
    """What the program's environment has beside the few names that every program gets. `${secret:NAME}`
    stands for a secret of this server."""
    headers: dict[str, _Text] = Field(default={}, max_length=100)
    """Headers of every request to the address; secrets as in `env`."""
    cwd: str | None = Field(default=None, max_length=4_096)
    """The folder that the program starts in. None: the user's home, or the project of the agent's file."""
    confine: bool | None = None
    """Whether the program is confined as commands of agents are: it reads the system, changes `cwd` alone,
    and has the network that the setting `sandbox.network` allows. None: where `sandbox.mode` is `require`."""
    timeout_s: float = Field(default=60, gt=0, le=3_600)
    """Longest time of one call, in seconds."""
    start_timeout_s: float = Field(default=30, gt=0, le=600)
    """Seconds within which it must have started and told its tools."""
    sampling: Literal["ask", "deny", "allow"] = "ask"
    """Whether it may have the run's model complete messages of its own, on the run's account: after a person
    has allowed it, never, or without asking. Rules know it as `mcp__SERVER__sampling`."""
    trusted: bool = False
    """Whether it is believed that a tool only reads when it says so; such a tool needs no approval."""

    @property
    def defined(self) -> bool:
        """Whether it says how the server is reached."""
        return bool(self.command) or self.url is not None

    @model_validator(mode="after")
    def _fits(self) -> McpDefinition:
        if self.command and self.url is not None:
            raise PydanticCustomError("mcp_server", "has both `command` and `url`; keep one of them")
        if self.url is None and (self.headers or self.sse):
            raise PydanticCustomError("mcp_server", "has `headers` or `sse`, which need a `url`")
        if not self.command and (self.env or self.cwd is not None or self.confine is not None):
            raise PydanticCustomError("mcp_server", "has `env`, `cwd` or `confine`, which need a `command`")
        return self


class McpServerSpec(McpDefinition):
    """A server of a user's own."""

    name: ServerName
    enabled: bool = True
    """Whether agents get its tools."""
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""

    @model_validator(mode="after")
    def _reachable(self) -> McpServerSpec:
        if not self.defined:
            raise PydanticCustomError("mcp_server", "needs a `command` or a `url`")
        return self


class McpAssignment(McpDefinition):
    """A server whose tools an agent has. In a file its name alone says the same."""

    server: ServerName
    """One of the user's servers; or, where `command` or `url` stands beside it, a name for this one."""
    id: str | None = Field(default=None, pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    """Of this server at this agent. None in a file without one, never in an agent that was found."""
    tools: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] | None = Field(
        default=None, max_length=500
    )
    """Only these of its tools, by the names that the server gives them; * and ? are wildcards."""
    enabled: bool = True
    """Whether the agent has its tools."""
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""

    def spec(self) -> McpServerSpec:
        """Returns the server that is described here. Only where `defined`."""
        given = {name: getattr(self, name) for name in McpDefinition.model_fields}
        return McpServerSpec(name=self.server, enabled=self.enabled, **given)


def _assignment(value: Any) -> Any:
    if isinstance(value, str):
        return {"server": value}
    if isinstance(value, (dict, McpAssignment)):
        return value
    raise PydanticCustomError("mcp_assignment", "is neither a name nor a mapping with the key `server`")


AssignedMcp = Annotated[
    McpAssignment, BeforeValidator(_assignment, json_schema_input_type=str | McpAssignment)
]
"""A server's name, or a mapping `{server: NAME, tools: […]}`."""


class McpState(StrEnum):
    """How a server is."""

    STOPPED = "stopped"
    """It is started when it is needed."""
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    """It did not start, or it died; `reason` says why. It is started again when it is needed, after a time
    that grows with each failure."""


class McpLeftOut(Value):
    """A tool that a server offers and nobody gets."""

    tool: str
    reason: str


class McpServer(Value):
    """A server of a user, as it is listed."""

    spec: McpServerSpec
    """What may be a secret in `env` and `headers` is masked; references to secrets are not."""
    state: McpState = McpState.STOPPED
    reason: str = ""
    """Why it failed."""
    failures: int = 0
    """Failures in a row."""
    started_at: AwareDatetime | None = None
    tools: int | None = None
    """How many tools it has; None when it was never started."""
    left_out: tuple[McpLeftOut, ...] = ()
    missing: tuple[str, ...] = ()
    """The secrets that it refers to and that are not set; where one server is asked for."""
    log: str = ""
    """The end of what its program wrote to stderr; where one server is asked for."""


class McpResource(Value):
    """Something that a server lets read, in its own words: data, and never obeyed."""

    server: str
    uri: str
    """Its address; of a template with names in braces that are to be filled in."""
    name: str = ""
    description: str = ""
    media_type: str = ""
    size: int | None = None
    """Bytes, as the server says."""
    template: bool = False


class McpContent(Value):
    """What a resource holds: a text, or data in base64."""

    uri: str
    media_type: str
    text: str | None = None
    data: str | None = None
    truncated: bool = False
    """Whether the text is longer than what is read of one."""


def tool_name(server: str, part: str) -> str:
    """Returns the name by which models and rules know a tool."""
    return f"{PREFIX}{server}__{part}"


def free_server_name(name: str, taken: Collection[str]) -> str:
    """Returns a name that a server can have and none of `taken` is: `name` itself where it can be, or made of
    its letters and digits, with a number behind."""
    if re.fullmatch(SERVER_PATTERN, name) and len(name) <= MAX_SERVER_NAME and name not in taken:
        return name
    base = slug(name)[: MAX_SERVER_NAME - 4].strip("-") or "server"
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(one for one in names if one not in taken)


def says(server: str) -> str:
    """Returns what stands before a server's own description of a tool: its words may be meant to lead a
    model, which can tell at least whose they are."""
    return f"(Described by the MCP server {server}:) "


def server_of(tool: str) -> str | None:
    """Returns the server that a tool's name names; None for what is no tool of an MCP server."""
    if not tool.startswith(PREFIX):
        return None
    server, separator, part = tool.removeprefix(PREFIX).partition("__")
    return server if separator and part and re.match(SERVER_PATTERN, server) else None


def secrets_of(spec: McpDefinition) -> tuple[str, ...]:
    """Returns the names of the secrets that are referred to."""
    return secret_names((*spec.env.values(), *spec.headers.values()))


def masked(spec: McpServerSpec) -> McpServerSpec:
    """Returns `spec` without the values that could be secrets: all that refer to none."""

    def mask(values: dict[str, str]) -> dict[str, str]:
        return {name: each if secret_names([each]) else MASK for name, each in values.items()}

    return spec.model_copy(update={"env": mask(spec.env), "headers": mask(spec.headers)})
