"""A dialect: the API of another system, as a table of what its clients may ask."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.domain.identity import Scope
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.kit.auth import shown_secret
from holdfast.server.kit.body import MAX_BODY
from holdfast.server.kit.errors import Render, RenderAt, error_response
from holdfast.server.kit.reading import Refuse, adapter_of, mistaken
from holdfast.server.kit.sockets import Socket

HostSource = Callable[[], Awaitable[Host]]
"""Gives the workbench of the engine, or raises `UnavailableError` while there is none."""


@dataclass(frozen=True, slots=True)
class Door:
    """What answers need to know of the door that a request came in by."""

    host: HostSource
    closing: asyncio.Event
    """Set when open streams have to end."""
    max_body: int = MAX_BODY
    """In bytes."""
    ping_s: float = 15.0
    """Longest silence of a stream, in seconds."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked."""

    request: Request
    workbench: Workbench
    """As the caller sees it."""
    door: Door
    path: dict[str, Any]
    """The parameters of the path."""
    query: Any = None
    """A value of the operation's `query`."""
    body: Any = None
    """A value of the operation's `body`."""


Answer = Callable[[Call], Awaitable[Any]]
"""Makes the result of an operation, which is written as its type says, or an ASGI application that answers:
a stream, a file."""


SecretsIn = Callable[[Any], Sequence[str]]
"""Returns the keys in the JSON of a body, of which the first that lets in counts."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that a dialect's clients may ask."""

    id: str
    """As the upstream names it; unique in its dialect. The manifest has a row for it."""
    method: str
    path: str
    """Below the dialect's prefix. Parameters that only hold ids of ours are `{id:uuid}`, so that at the root
    they hide nothing of others."""
    answer: Answer
    status: int = 200
    """Of a success: clients are made for this very one."""
    result: Any = None
    """The type of the answer, where it is JSON."""
    gives: str = ""
    """Media type of what `answer` writes itself, perhaps beside JSON."""
    query: Any = None
    """The model of the query; None: nothing in it counts."""
    body: Any = None
    """The type of the body, of any method; None: it is not read."""
    refuse: Refuse | None = None
    """Makes the error for mistakes in the body; None: the dialect's."""
    required: bool = True
    """Whether there must be a body; without one it is taken for an empty object."""
    holds_file: bool = False
    """Whether a file may stand in its JSON, as base64: then its body may be as large as that makes it."""
    pages: bool = False
    """Whether a browser that asks for a page is told of errors on one."""
    takes: str = ""
    """Media type of a body that `answer` reads itself."""
    public: bool = False
    """Whether it needs no key."""
    navigated: bool = False
    """Whether pages of other sites may lead a browser to it, by GET: to sign in, to come back from there."""
    secrets: SecretsIn | None = None
    """Finds keys in the body, where they stand there instead of in a header."""
    other_paths: tuple[str, ...] = ()
    """Other paths of the same, with the same parameters; no document has them."""
    least: Scope = Scope.READ
    """What a key must allow at least, whatever is asked with it."""
    also: tuple[tuple[int, Any], ...] = ()
    """Other successes, each a status with the type of its answer (None: it has no body), where `answer` is an
    application that gives them."""

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (inspect.getdoc(self.answer) or self.id).partition("\n\n")[0].replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Document:
    """Where a dialect describes itself as OpenAPI; nobody needs a key for that. All paths are below the
    dialect's prefix."""

    path: str
    """Of the document: YAML, or JSON where it ends with that."""
    version: Literal["3.0.3", "3.1.0"] = "3.1.0"
    below: str = ""
    """Only the operations below this path are in it, and without it."""
    flat: bool = False
    """Whether schemas that have a name refer to no others: there are clients that look for those no further
    than the first."""
    page: str = ""
    """Of Swagger UI, which shows it; with a slash at its end. Empty: there is none."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One upstream system's HTTP API."""

    name: str
    prefix: str
    title: str
    operations: tuple[Operation, ...]
    render: Render = error_response
    """Makes the response of an error."""
    shapes: tuple[tuple[str, Render], ...] = ()
    """Paths below which errors look different, and how."""
    render_at: RenderAt | None = None
    """Says what makes the response of an error instead, where that differs from request to request."""
    refuse: Refuse = mistaken
    """Makes the error that tells of the mistakes in what was sent."""
    error: Any = None
    """The type of an error's body, for the document."""
    document: Document | None = None
    secret_of: Callable[[Headers], str] = shown_secret
    """Finds the key as its clients send it."""
    other_secret_of: Callable[[Headers], str] | None = None
    """Finds one that counts where that lets nobody in."""
    name_of: Callable[[Headers], str] | None = None
    """Finds the name of the user whom a trusted proxy says that a request is from."""
    omit_null: bool = False
    """Whether optional fields without a value are left out of answers, instead of being null."""
    sockets: tuple[Socket, ...] = ()
    nothing_there: str = "There is nothing at this path."
    """What is said of unknown paths."""
    json_only: bool = False
    """Whether a body only counts where its `Content-Type` says JSON; anything else, and none, is taken for an
    empty object."""
    loose_paths: bool = False
    """Whether `%2F` in a path is a slash within a parameter, and a slash at its end counts for nothing."""
    finish: Callable[[Request, bytes], bytes] | None = None
    """Goes over the JSON of every answer."""


def written(kind: Any, value: Any, status: int = 200, *, omit_null: bool = False) -> Response:
    """Returns the response whose body is `value` as JSON, written as the type `kind` says."""
    body = adapter_of(kind).dump_json(value, by_alias=True, exclude_none=omit_null)
    return Response(body, status, media_type="application/json")
