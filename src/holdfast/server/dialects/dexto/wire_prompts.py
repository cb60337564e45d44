"""Prompts, as Dexto's clients send them and read them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from holdfast.core.domain.prompts import ARGUMENT_PATTERN, MAX_TEXT_CHARS
from holdfast.server.dialects.dexto.wire import Flag, Said, Sent, StrictSent, absent

PromptSource = Literal["mcp", "config", "custom"]
Named = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ArgumentSent(StrictSent):
    """Something that a new prompt asks for."""

    name: Annotated[str, StringConstraints(pattern=ARGUMENT_PATTERN)]
    description: Annotated[str, StringConstraints(max_length=1_000)] = ""
    required: Flag = False


class ResourceSent(StrictSent):
    """A file that goes with a new prompt."""

    data: Annotated[str, StringConstraints(min_length=1)]
    """Base64, or a data URL."""
    mime_type: Named
    filename: str = ""


class PromptBody(StrictSent):
    """A new prompt."""

    name: Named
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    description: Annotated[str, StringConstraints(max_length=1_000)] = ""
    content: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]
    arguments: Annotated[list[ArgumentSent], Field(max_length=50)] = Field(default=[])
    resource: ResourceSent | None = None


class ResolveQuery(Sent):
    """What a prompt is resolved with."""

    context: str = ""
    args: str = ""
    """An object as JSON; what is none counts for nothing."""


class PromptArgument(Said):
    name: str
    description: str | None = absent()
    required: bool | None = absent()


class PromptInfo(Said):
    """A prompt, as it is listed."""

    name: str
    title: str | None = absent()
    description: str | None = absent()
    arguments: list[PromptArgument] | None = absent()
    source: PromptSource
    metadata: dict[str, Any] | None = absent()
    display_name: str
    command_name: str
    """What is written after a slash."""


class Prompts(Said):
    prompts: list[PromptInfo]


class OnePrompt(Said):
    prompt: PromptInfo


class PromptDefinition(Said):
    name: str
    title: str | None = absent()
    description: str | None = absent()
    arguments: list[PromptArgument] | None = absent()


class Definition(Said):
    definition: PromptDefinition


class ResolvedPrompt(Said):
    text: str
    resources: list[str]
    """Addresses of what goes with it."""
