"""Sage's JSON of providers: a model at a server with OpenAI's API, and its key."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from holdfast.server.dialects.sage.wire import Said, Sent


def _one_key(keys: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(key.strip() for key in keys if key.strip())
    if len(found) != 1:
        raise ValueError("Exactly one API key is required")
    if not found[0].isprintable() or len(found[0].split()) != 1:
        raise ValueError("API key must be a single line")
    return found


OneKey = Annotated[tuple[str, ...], Field(max_length=10), AfterValidator(_one_key)]
Url = Annotated[str, Field(min_length=1, max_length=2_000)]
ModelWord = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(max_length=200)]
Tokens = Annotated[int, Field(gt=0, le=100_000_000)]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
TopP = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]


class _Settings(Sent):
    max_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    presence_penalty: Penalty | None = None
    max_model_len: Tokens | None = None


class ProviderBody(_Settings):
    """A provider that is to be made, or tried."""

    name: Name | None = None
    base_url: Url
    api_keys: OneKey
    model: ModelWord
    supports_multimodal: bool = False
    supports_structured_output: bool = False
    is_default: bool = False
    """It does not count: what a user makes is nobody's default."""


class ProviderChanges(_Settings):
    """What is to be otherwise; what is left out stays."""

    name: Name | None = None
    base_url: Url | None = None
    api_keys: OneKey | None = None
    model: ModelWord | None = None
    supports_multimodal: bool | None = None
    supports_structured_output: bool | None = None


class Provider(Said):
    """A provider of the user's own."""

    id: str
    provider_id: str
    """As `id`: newer clients look for it here, after one was made."""
    name: str
    base_url: str
    api_keys: list[str]
    """What may be shown of it."""
    model: str
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    presence_penalty: float | None
    max_model_len: int | None
    supports_multimodal: bool
    supports_structured_output: bool
    is_default: bool
    user_id: str
    created_at: str | None
    updated_at: str | None


class Multimodal(Said):
    """Whether a model sees."""

    supports_multimodal: bool
    response: str = ""
    recognized: bool = False
    error: str | None = None


class Connection(Said):
    supported: bool
    response: str


class Seen(Connection):
    recognized: bool


class Structured(Connection):
    parsed: bool


class Abilities(Said):
    """What a model can do."""

    connection: Connection
    supports_multimodal: bool
    supports_structured_output: bool
    multimodal: Seen
    structured_output: Structured
    model: str
    base_url: str
