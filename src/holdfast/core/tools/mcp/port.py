"""The port to one server that is running: what the rest needs of the `mcp` library, without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from holdfast.core.domain.asking import SampleReply
from holdfast.core.domain.forms import FormAnswer
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.processes import ProcessRunner


@dataclass(frozen=True, slots=True)
class RawTool:
    """A tool as a server describes it. Nothing of it was looked at yet."""

    name: str
    description: str
    schema: dict[str, Any] | None
    """None: its description is not of the protocol."""
    reads_only: bool = False


@dataclass(frozen=True, slots=True)
class RawArgument:
    """A value that a prompt asks for."""

    name: str
    description: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class RawPrompt:
    """A prompt as a server describes it. Nothing of it was looked at yet."""

    name: str
    title: str = ""
    description: str = ""
    arguments: tuple[RawArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class RawResource:
    """A resource, or a template of addresses of some, as a server describes it. Nothing of it was looked at
    yet."""

    uri: str
    name: str = ""
    description: str = ""
    media_type: str = ""
    size: int | None = None
    template: bool = False


@dataclass(frozen=True, slots=True)
class RawOffer:
    """What a server offers beside its tools."""

    prompts: tuple[RawPrompt, ...] = ()
    resources: bool = False
    """Whether it has any, or templates of some."""


@dataclass(frozen=True, slots=True)
class RawResult:
    """What a call gave, in the words of the protocol (camel case)."""

    content: tuple[dict[str, Any], ...] = ()
    structured: Any = None
    """None: there is none."""
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class RawElicitation:
    """What a server asks a person. Nothing of it was looked at yet."""

    text: str
    schema: dict[str, Any] | None = None
    """Of the fields that it wants; None with a `url`."""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class RawSampling:
    """A completion that a server asks for. Nothing of it was looked at yet."""

    messages: tuple[tuple[str, str], ...]
    """The role and the text of each."""
    max_tokens: int
    system: str = ""
    temperature: float | None = None


class Requests(Protocol):
    """What a server may ask in the middle of one call. Raises `ToolError` for what it does not get."""

    async def elicit(self, asked: RawElicitation) -> FormAnswer: ...

    async def sample(self, asked: RawSampling) -> SampleReply: ...


@dataclass(frozen=True, slots=True)
class Target:
    """A server with all that is needed to reach it."""

    spec: McpServerSpec
    """With secrets in the place of their references: never shown, never logged."""
    environment: dict[str, str]
    """Of its program."""
    cwd: str
    allow_private: bool
    """Whether its address may be a private one."""
    confiner: ProcessRunner | None
    """Who confines its program; None: nobody, it may do what the user can."""
    log: Callable[[bytes], None]
    """Keeps what the program writes to stderr. Blocks."""


class McpSession(Protocol):
    """A server that runs. Its methods raise `ToolError`; whoever calls them keeps the time."""

    @property
    def lost(self) -> asyncio.Future[str]:
        """Done with the reason when the server is gone."""
        ...

    @property
    def stale(self) -> bool:
        """Whether the server has said that its tools or prompts have changed since they were listed."""
        ...

    async def tools(self) -> Sequence[RawTool]: ...

    async def prompts(self) -> Sequence[RawPrompt]: ...

    async def resources(self) -> Sequence[RawResource]: ...

    async def read(self, uri: str, asked: Requests, /) -> Sequence[dict[str, Any]]:
        """Returns contents in the words of the protocol (camel case)."""
        ...

    async def prompt(
        self, name: str, arguments: dict[str, str], asked: Requests, /
    ) -> Sequence[tuple[str, dict[str, Any]]]:
        """Returns the role and the content of each message, as `read`."""
        ...

    async def call(
        self, tool: str, arguments: dict[str, Any], told: Callable[[str], None], asked: Requests, /
    ) -> RawResult: ...


Opener = Callable[[Target], AbstractAsyncContextManager[McpSession]]
"""Starts a server and ends it, both in the task that calls it. Raises `ToolError` with the reason."""
