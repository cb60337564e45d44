"""What all of Dexto's API says alike."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PREFIX = "/dexto"

ProviderName = Literal[
    "openai",
    "openai-compatible",
    "anthropic",
    "google",
    "groq",
    "xai",
    "cohere",
    "minimax",
    "glm",
    "openrouter",
    "litellm",
    "glama",
    "vertex",
    "bedrock",
    "local",
    "ollama",
    "dexto",
]
"""Providers of models, as Dexto names them."""
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
FileType = Literal["pdf", "image", "audio"]
Flag = Annotated[bool, Field(strict=True)]
"""True or false; nothing else stands for one of them."""


def absent(alias: str | None = None) -> Any:
    """Returns the field of an answer that is left out where it has no value, instead of being null."""
    return Field(default=None, alias=alias, exclude_if=_is_none)


def _is_none(value: Any) -> bool:
    return value is None


class Sent(BaseModel):
    """What clients send; what is not known of it does not count."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class StrictSent(Sent):
    """What clients send, where anything else is a mistake."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, extra="forbid", frozen=True)


class Said(BaseModel):
    """What clients are told."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class ErrorBody(BaseModel):
    """An error: of the work with `code`, `message`, `scope` and `type`, of several mistakes with `issues`, of
    the request with `success` and `error`; some routes have a body of their own."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    success: bool = False
    error: Any = None
    name: str = ""
    code: str = ""
    message: str = ""
    scope: str = ""
    type: str = ""
    severity: str = ""
    context: dict[str, Any] = Field(default={})
    recovery: str | list[str] = ""
    issues: list[dict[str, Any]] = Field(default=[])
    error_count: int = 0
    warning_count: int = 0
    trace_id: str = ""
    endpoint: str = ""
    method: str = ""
    details: list[dict[str, Any]] = Field(default=[])
    ok: bool = False
    approval_id: str = ""
    status: str = ""
    model_id: str = ""
    file_deleted: bool = False
