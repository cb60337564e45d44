"""Tools of a user's own: requests over HTTP that agents may make."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from holdfast.core.domain.references import secret_names
from holdfast.core.domain.values import Value

TOOL_NAME = r"^[a-z][a-z0-9_]{0,63}$"
MAX_TIMEOUT_S = 300.0

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def _no_arguments() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


class HttpToolSpec(Value):
    """What a tool of a user's own is: what models read of it, and the request that a call makes."""

    name: str = Field(pattern=TOOL_NAME)
    """What models and agent files call it; no other tool has it."""
    description: str = Field(min_length=1, max_length=4_000)
    """What models read."""
    parameters: dict[str, Any] = Field(default_factory=_no_arguments)
    """JSON Schema (Draft 2020-12) of the arguments, an object."""
    endpoint: str = Field(min_length=1, max_length=2_000)
    """An http or https address; `{ARGUMENT}` in its path or query is replaced by that argument."""
    method: HttpMethod = "POST"
    """The arguments that are not in the address go into the query of GET and DELETE, else into the body, as
    JSON."""
    headers: dict[str, str] = Field(default={}, max_length=50)
    """Sent with each request; `${secret:NAME}` stands for a secret of this tool."""
    timeout_s: float = Field(default=30, gt=0, le=MAX_TIMEOUT_S)
    """Seconds that a call may take."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that its headers refer to."""
        return secret_names(self.headers.values())


class CustomTool(Value):
    """A tool of a user's own."""

    id: str
    number: int
    """Counts the tools of its owner from 1 on; no other of his ever has it."""
    owner: str
    """Id of the user whose tool it is; others do not see it."""
    spec: HttpToolSpec
    version: int = 1
    """Counts its changes."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    missing: tuple[str, ...] = ()
    """The secrets that its headers refer to and that are not set."""


class ToolVersion(Value):
    """What a tool of a user's own was after one of its changes."""

    version: int
    spec: HttpToolSpec
    created_at: AwareDatetime
