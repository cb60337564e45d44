"""Prompts: templates of messages that are sent by name, and the port to the MCP servers that offer some."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.mcp import McpAssignment
from holdfast.core.domain.messages import FilePart, ImagePart, UserPart
from holdfast.core.domain.values import Value

PROMPT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
ARGUMENT_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
MAX_TEXT_CHARS = 100_000
MAX_ATTACHMENT_BYTES = 10 * 2**20
"""Largest file of a prompt."""

ArgumentName = Annotated[str, Field(pattern=ARGUMENT_PATTERN)]


class PromptArgument(Value):
    """A value that a prompt asks for; `{{name}}` stands for it in the text."""

    name: ArgumentName
    description: str = Field(default="", max_length=1_000)
    required: bool = False
    """Whether the prompt cannot be sent without it; never with a default."""
    default: str | None = Field(default=None, max_length=10_000)
    """What stands in its place when it is not given. None: nothing."""

    @model_validator(mode="after")
    def _one_of_them(self) -> PromptArgument:
        if self.required and self.default is not None:
            raise PydanticCustomError("prompt_argument", "is required and has a default; keep one of them")
        return self


def _each_once(arguments: tuple[PromptArgument, ...]) -> tuple[PromptArgument, ...]:
    names = [argument.name for argument in arguments]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PydanticCustomError("prompt_argument", "has two arguments {name}", {"name": twice})
    return arguments


PromptArguments = Annotated[tuple[PromptArgument, ...], Field(max_length=50), AfterValidator(_each_once)]


class PromptTemplate(Value):
    """What a prompt says, wherever it stands."""

    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=1_000)
    arguments: PromptArguments = ()
    """What it asks for, in the order in which words are given to them. A name in the text that none of them
    has is asked for too, and required."""
    text: str = Field(max_length=MAX_TEXT_CHARS)
    """The template: `{{name}}`, `$1` to `$9`, `$ARGUMENTS`; `$$` for a dollar sign."""


class PromptSpec(PromptTemplate):
    """A prompt of a user's own, as it is made."""

    name: str = Field(pattern=PROMPT_PATTERN)


class OwnPrompt(Value):
    """A prompt of a user's own, as it is kept."""

    id: str
    owner: str
    spec: PromptSpec
    attachment: ImagePart | FilePart | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @property
    def digest(self) -> str:
        """SHA-256 of what it says and of what is attached, in hex."""
        said = self.model_dump_json(include={"spec", "attachment"})
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


class PromptOrigin(StrEnum):
    """Where a prompt is from; of one name, the first that has it counts."""

    OWN = "own"
    """Made by the user."""
    FILE = "file"
    """A file in the user's folder of prompts."""
    PROJECT = "project"
    """A file in `.holdfast/prompts` of the project folder."""
    AGENT = "agent"
    """`prompts:` in the agent's file."""
    MCP = "mcp"
    """Offered by an MCP server."""


class PromptInfo(Value):
    """One prompt as a listing shows it; a file with mistakes is listed too, and cannot be sent."""

    key: str
    """Always means this one: `own:review`, `mcp:SERVER:NAME`."""
    name: str
    """Means the first of the name."""
    title: str = ""
    description: str = ""
    arguments: tuple[PromptArgument, ...] = ()
    """With the names in its text that no argument describes."""
    words: int = 0
    """The highest number of a word that its text has, as in `$2`."""
    takes_rest: bool = False
    """Whether its text has `$ARGUMENTS`."""
    origin: PromptOrigin
    agent: str = ""
    """Whose it is, of the origin `agent`."""
    server: str = ""
    """Whose it is, of the origin `mcp`."""
    path: str = ""
    """The file that says it; empty for what is in none."""
    shadowed: bool = False
    """Whether its name alone means another prompt."""
    trusted: bool = True
    """False for one of a project folder that the user has not trusted: it cannot be sent."""
    attachment: ImagePart | FilePart | None = None
    """A file that goes with the message, of a prompt of the user's own."""
    id: str = ""
    """Of a prompt of the user's own."""
    created_at: AwareDatetime | None = None
    """Of a prompt of the user's own."""
    updated_at: AwareDatetime | None = None
    """Of a prompt of the user's own."""
    problems: tuple[Diagnostic, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether it can be sent."""
        return self.trusted and not self.problems

    @property
    def hint(self) -> str:
        """What is to be written after its name, as `FILE [tone] …`: in small letters and brackets what may
        be left out."""
        named = [each.name.upper() if each.required else f"[{each.name}]" for each in self.arguments]
        words = [f"${number}" for number in range(1, self.words + 1)]
        return " ".join((*named, *words, *(["…"] if self.takes_rest else [])))


class FoundPrompt(Value):
    """A whole prompt."""

    info: PromptInfo
    text: str = ""
    """The template; empty for one of an MCP server, which fills it in itself."""
    source: str = ""
    """All that it says as Markdown with front matter, as it is edited; of a file with mistakes, and of an MCP
    server's, nothing."""
    digest: str = ""
    """Changes with the prompt, of one of the user's own; a change may name it, and is refused when the prompt
    has changed since."""


class ResolvedPrompt(Value):
    """A prompt with its values: a message that can be sent."""

    key: str
    parts: tuple[UserPart, ...]
    resources: tuple[str, ...] = ()
    """What was taken along: paths of files, and `SERVER:URI`."""


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
