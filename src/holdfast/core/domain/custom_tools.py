"""Tools of a user's own: requests over HTTP, functions in Python, what callers do, searches in documents."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Discriminator, Field, Tag

from holdfast.core.domain.ext import Ext
from holdfast.core.domain.references import secret_names
from holdfast.core.domain.values import Value

TOOL_NAME = r"^[a-z][a-z0-9_]{0,63}$"
MAX_TIMEOUT_S = 300.0

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


def _no_arguments() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


class HttpToolSpec(Value):
    """What a tool of a user's own is: what models read of it, and the request that a call makes."""

    type: Literal["http"] = "http"
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
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the secrets that its headers refer to."""
        return secret_names(self.headers.values())


class PythonToolSpec(Value):
    """A function in Python that is a tool. All but its code is taken from the code, whatever is said here."""

    type: Literal["python"] = "python"
    code: str = Field(min_length=1, max_length=100_000)
    """A file with one function whose name does not begin with `_`: its arguments have types, its docstring is
    what models read."""
    name: str = Field(default="tool", pattern=TOOL_NAME)
    """The function's."""
    description: str = Field(default="", max_length=4_000)
    """The function's docstring."""
    parameters: dict[str, Any] = Field(default_factory=_no_arguments)
    """JSON Schema of the function's arguments."""
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """None: a function gets no secrets."""
        return ()


class ClientToolSpec(Value):
    """A tool that who asks for the run executes: a call of it ends the run, and its result is a part of the
    session's next message. Sub-agents do not have it: nobody would answer them."""

    type: Literal["client"] = "client"
    name: str = Field(pattern=TOOL_NAME)
    """What models and agent files call it; no other tool has it."""
    title: str = Field(default="", max_length=200)
    """What callers know it by; empty: its name."""
    description: str = Field(min_length=1, max_length=4_000)
    """What models read."""
    parameters: dict[str, Any] = Field(default_factory=_no_arguments)
    """JSON Schema (Draft 2020-12) of the arguments, an object."""
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """None: nothing of it is executed here."""
        return ()


class SearchToolSpec(Value):
    """A search in one collection of documents of the user's, as a tool of its own."""

    type: Literal["search"] = "search"
    name: str = Field(pattern=TOOL_NAME)
    """What models and agent files call it; no other tool has it."""
    title: str = Field(default="", max_length=200)
    """What callers know it by; empty: its name."""
    description: str = Field(min_length=1, max_length=4_000)
    """What models read: what is in the documents, and when to look there."""
    collection: str = Field(default="", max_length=200)
    """Id or name of the collection; empty: it has none yet, and finds nothing."""
    ext: Ext = Field(default={})
    """What other systems' clients keep of it; nothing here reads it."""

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON Schema of the arguments, the same for all of them."""
        return _search_arguments()

    @property
    def secrets(self) -> tuple[str, ...]:
        """None: a search needs no secrets."""
        return ()


def _search_arguments() -> dict[str, Any]:
    query = {"type": "string", "minLength": 1, "maxLength": 2_000, "description": "What to look for"}
    return {"type": "object", "properties": {"query": query}, "required": ["query"]}


_KINDS = ("python", "client", "search")


def _kind(value: Any) -> str:
    given = value.get("type", "http") if isinstance(value, dict) else getattr(value, "type", "http")
    return given if given in _KINDS else "http"


ToolSpec = Annotated[
    Annotated[HttpToolSpec, Tag("http")]
    | Annotated[PythonToolSpec, Tag("python")]
    | Annotated[ClientToolSpec, Tag("client")]
    | Annotated[SearchToolSpec, Tag("search")],
    Discriminator(_kind),
]
"""What a tool of a user's own is; without a `type` a request over HTTP."""


class CustomTool(Value):
    """A tool of a user's own."""

    id: str
    number: int
    """Counts the tools of its owner from 1 on; no other of his ever has it."""
    owner: str
    """Id of the user whose tool it is; others do not see it."""
    spec: ToolSpec
    version: int = 1
    """Counts its changes."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    missing: tuple[str, ...] = ()
    """The secrets that its headers refer to and that are not set."""


class ToolVersion(Value):
    """What a tool of a user's own was after one of its changes."""

    version: int
    spec: ToolSpec
    created_at: AwareDatetime
