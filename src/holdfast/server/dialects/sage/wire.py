"""What all of Sage's API says alike: the envelope around every answer that is no stream, file or OAuth2."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

PREFIX = "/sage"

T = TypeVar("T")


class Sent(BaseModel):
    """What clients send; what is not known of it does not count."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Query(Sent):
    """What clients send in the address."""


class Said(BaseModel):
    """What clients are told."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Envelope(TypedDict, Generic[T]):
    """The body of every answer; the real server leaves some of it out here and there, and no client minds."""

    success: bool
    code: int
    """As HTTP's; of what went wrong it may differ from the status."""
    message: str
    data: T | None
    error_detail: str | None
    timestamp: float
    """In seconds since 1970."""


class Nothing(Said):
    """What is told where there is nothing to tell: `{}`."""


class Mistake(BaseModel):
    """One mistake in what was sent, as FastAPI tells it."""

    type: str
    loc: tuple[str | int, ...]
    msg: str


class ErrorBody(BaseModel):
    """The body of an error: the envelope, FastAPI's `detail`, or what OAuth2 says (RFC 6749, 5.2)."""

    model_config = ConfigDict(extra="forbid")

    success: bool | None = None
    code: int | None = None
    message: str | None = None
    data: None = None
    error_detail: str | None = None
    timestamp: float | None = None
    detail: str | tuple[Mistake, ...] | None = None
    error: str | None = None
    error_description: str | None = None
