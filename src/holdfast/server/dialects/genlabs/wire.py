"""What all of GenLabs' API says alike."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

PREFIX = "/genlabs"


class Sent(BaseModel):
    """What clients send; what is not known of it does not count."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Said(BaseModel):
    """What clients are told."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(Said):
    """The answer to what has nothing else to tell."""

    message: str


class ErrorBody(BaseModel):
    """The body of every error; those of calls that were limited, or broke, say more."""

    model_config = ConfigDict(extra="allow")

    error: str
    status: str | None = None
    tier: str | None = None
    limit: Any = None
