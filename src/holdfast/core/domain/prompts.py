"""Prompts: templates of messages that are sent by name, and the port to the MCP servers that offer some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field

from holdfast.core.domain.mcp import McpAssignment
from holdfast.core.domain.values import Value

ARGUMENT_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"

ArgumentName = Annotated[str, Field(pattern=ARGUMENT_PATTERN)]


class PromptArgument(Value):
    """A value that a prompt asks for; `{{name}}` stands for it in the text."""

    name: ArgumentName
    description: str = Field(default="", max_length=1_000)
    required: bool = False
    """Whether the prompt cannot be sent without it; never with a default."""
    default: str | None = Field(default=None, max_length=10_000)
    """What stands in its place when it is not given. None: nothing."""


class ServerPrompt(Value):
    """A prompt that an MCP server offers, in the server's words: data, and never obeyed."""

    server: str
    name: str = Field(min_length=1, max_length=200)
    """As the server calls it."""
    title: str = ""
    description: str = ""
    arguments: tuple[PromptArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class GivenContent:
    """A piece of what an MCP server gave for a prompt or a resource."""

    data: str | bytes
    """Text, or the bytes of an image or a file."""
    media_type: str = "text/plain"
    name: str = ""
    """What a file of it would be called, or its URI. Empty: text of the message itself."""
    role: Literal["user", "assistant"] = "user"
    """Whose words it is, in a prompt of several messages."""


class PromptSource(Protocol):
    """The prompts and resources of the MCP servers that a user has, or that an agent of his names."""

    async def known(self) -> tuple[ServerPrompt, ...]:
        """Returns the prompts of all servers that are known now, or were when they last ran. Starts none, and
        fails for none."""
        ...

    async def prompts(self, server: str) -> tuple[ServerPrompt, ...]:
        """Returns the prompts of a server, which is started where it has to be. Raises `NotFoundError` for an
        unknown one, `UnavailableError` with the reason."""
        ...

    async def get(self, server: str, name: str, arguments: Mapping[str, str]) -> tuple[GivenContent, ...]:
        """Returns what a prompt of a server is with `arguments`. Raises what `prompts` raises,
        `NotFoundError` for an unknown prompt, `ToolError` for what the server refuses."""
        ...

    async def read(self, server: str, uri: str) -> tuple[GivenContent, ...]:
        """Returns what a resource of a server holds. Raises what `get` raises."""
        ...


class PromptSources(Protocol):
    """Makes the source of a user, or of an agent of his."""

    def source(
        self, owner: str, assigned: tuple[McpAssignment, ...] | None = None, project: str | None = None
    ) -> PromptSource:
        """Returns the source of the servers that an agent is assigned (`AgentSpec.mcp`, also those that are
        described there), started from the folder `project`; None: of all the user's own that are enabled."""
        ...
