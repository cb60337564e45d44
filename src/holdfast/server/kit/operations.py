"""A dialect: the API of another system, as a table of what its clients may ask."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, cast

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from holdfast.core.domain.errors import InvalidError
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.kit.auth import Admitted, principal_of, shown_secret
from holdfast.server.kit.body import MAX_BODY
from holdfast.server.kit.compose import Api, MadeApi
from holdfast.server.kit.errors import Boundary, Render
from holdfast.server.kit.meter import name_operation
from holdfast.server.kit.reading import adapter_of, check_plain, parsed, query_of, read_anyhow
from holdfast.server.kit.sockets import Socket, SocketCall, SocketRoute

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
    """The type of the answer; None: it has no body, or `answer` writes it itself."""
    query: Any = None
    """The model of the query; None: nothing in it counts."""
    body: Any = None
    """The type of the body, of any method; None: it is not read."""
    required: bool = True
    """Whether there must be a body; without one it is taken for an empty object."""
    public: bool = False
    """Whether it needs no key."""

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (inspect.getdoc(self.answer) or self.id).partition("\n\n")[0].replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One upstream system's HTTP API."""

    name: str
    prefix: str
    title: str
    operations: tuple[Operation, ...]
    render: Render
    """Makes the response of an error."""
    secret_of: Callable[[Headers], str] = shown_secret
    """Finds the key as its clients send it."""
    omit_null: bool = False
    """Whether optional fields without a value are left out of answers, instead of being null."""
    sockets: tuple[Socket, ...] = ()
    nothing_there: str = "There is nothing at this path."
    """What is said of unknown paths."""


def dialect_api(dialect: Dialect, door: Door, *, log: logging.Logger) -> Api:
    """Returns the API of a dialect under its prefix."""
    routes = _routes(dialect, dialect.operations, door)
    public = _routes(dialect, (one for one in dialect.operations if one.public), door)
    sockets = tuple(_socket_route(dialect, socket, door) for socket in dialect.sockets)
    places = [*routes, *(one.route for one in sockets)]
    router = Router(places, redirect_slashes=False, default=_nothing(dialect.nothing_there))
    admitted = Admitted(router, public=partial(_has, public), secret_of=dialect.secret_of)
    app = Boundary(admitted, log, render=dialect.render)
    return MadeApi(dialect.name, dialect.prefix, app, routes, sockets)


def _has(routes: Iterable[Route], scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


def _routes(dialect: Dialect, operations: Iterable[Operation], door: Door) -> tuple[Route, ...]:
    ordered = sorted(operations, key=lambda one: _fixed_first(one.path))
    by_path = groupby(ordered, key=lambda one: one.path)
    return tuple(_route(dialect, path, tuple(group), door) for path, group in by_path)


def _fixed_first(path: str) -> tuple[str, str]:
    """Fixed segments before those that take anything."""
    return path.replace("{", "~"), path


def _route(dialect: Dialect, path: str, operations: Iterable[Operation], door: Door) -> Route:
    by_method = {one.method: one for one in operations}

    async def answer(request: Request) -> ASGIApp:
        method = "GET" if request.method == "HEAD" and "HEAD" not in by_method else request.method
        operation = by_method[method]
        name_operation(request.scope, f"{dialect.name}.{operation.id}")
        return await _answered(dialect, operation, request, door)

    # Starlette asks for a Response, but calls it as what every ASGI application is.
    endpoint = cast("Callable[[Request], Awaitable[Response]]", answer)
    return Route(dialect.prefix + path, endpoint, methods=list(by_method))


def _socket_route(dialect: Dialect, socket: Socket, door: Door) -> SocketRoute:
    async def answer(asked: WebSocket) -> None:
        name_operation(asked.scope, f"{dialect.name}.{socket.id}")
        principal = principal_of(asked)
        workbench = (await door.host()).as_principal(principal)
        path = dict(asked.path_params)
        check_plain(path)
        call = SocketCall(asked, principal, workbench, door, path)
        await socket.answer(call)
        await call.end()

    return SocketRoute(WebSocketRoute(dialect.prefix + socket.path, answer), socket.root)


async def _answered(dialect: Dialect, operation: Operation, request: Request, door: Door) -> ASGIApp:
    host = await door.host()
    # What needs no key sees nothing that belongs to anybody.
    workbench = host if operation.public else host.as_principal(principal_of(request))
    path = dict(request.path_params)
    check_plain(path)
    query = body = None
    if operation.query is not None:
        query = parsed(operation.query, query_of(request.query_params.multi_items()))
    if operation.body is not None:
        body = parsed(operation.body, await _body(operation, request, door))
    call = Call(request, workbench, door, path, query, body)
    made = await operation.answer(call)
    if operation.result is None:
        return made if callable(made) else Response(status_code=operation.status)
    return written(operation.result, made, operation.status, omit_null=dialect.omit_null)


async def _body(operation: Operation, request: Request, door: Door) -> Any:
    given = await read_anyhow(request, door.max_body)
    if given is not None:
        return given
    if operation.required:
        raise InvalidError("The body is missing; it must be JSON.", code="invalid_request")
    return {}


def written(kind: Any, value: Any, status: int = 200, *, omit_null: bool = False) -> Response:
    """Returns the response whose body is `value` as JSON, written as the type `kind` says."""
    body = adapter_of(kind).dump_json(value, by_alias=True, exclude_none=omit_null)
    return Response(body, status, media_type="application/json")


def _nothing(said: str) -> ASGIApp:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        raise HTTPException(404, said)

    return nothing
