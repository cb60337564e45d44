"""What Sage's clients say and are told of ways to sign in."""

from __future__ import annotations

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from holdfast.server.dialects.sage.wire import Query, Said

HOME = "/agent/chat"
"""Where Sage's pages begin."""


class ProviderDto(Said):
    """A way to sign in."""

    id: str
    type: str
    name: str
    button_text: str
    description: str
    icon: str


class UpstreamLoginQuery(Query):
    """Where a browser goes on after it has signed in elsewhere."""

    next: str = HOME
    """A path of this server; another address does not count."""
    redirect_uri: str = ""
    """Where it comes back to, on this server; empty: to the callback here."""


class UpstreamCallbackQuery(Query):
    """What a browser brings back."""

    state: str = Field(max_length=500)
    error: str = Field(default="", max_length=500)
    """Why the provider refuses; then there is no code."""
    code: str = Field(default="", max_length=4_000, validate_default=True)
    iss: str = Field(default="", max_length=2_000)

    @field_validator("code")
    @classmethod
    def _there(cls, code: str, info: object) -> str:
        if not code and not getattr(info, "data", {}).get("error"):
            raise PydanticCustomError("missing", "Field required")
        return code


class SignInQuery(Query):
    """Where a browser goes on after it has signed in."""

    next: str = ""
