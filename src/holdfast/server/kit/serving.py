"""Serves the operations of a dialect."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from holdfast.core.domain.errors import InvalidError
from holdfast.core.services.needs import Needs
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.kit.auth import Admitted, InBody, principal_of, recognised
from holdfast.server.kit.body_keys import keys_in_bodies
from holdfast.server.kit.compose import Api, MadeApi
from holdfast.server.kit.documents import document_routes
from holdfast.server.kit.errors import Boundary
from holdfast.server.kit.loose_paths import LooseRoute
from holdfast.server.kit.meter import name_operation
from holdfast.server.kit.operations import Call, Dialect, Door, Operation, written
from holdfast.server.kit.reading import check_plain, parsed, query_of, read_anyhow
from holdfast.server.kit.sockets import Socket, SocketCall, SocketRoute
from holdfast.server.kit.transfer import form_values, is_form, upload_limit
from holdfast.server.kit.vouching import OtherSecret, Vouched

_JSON = "application/json"


def dialect_api(dialect: Dialect, door: Door, *, log: logging.Logger) -> Api:
    """Returns the API of a dialect under its prefix."""
    own = document_routes(dialect)
    routes = (*own, *_routes(dialect, dialect.operations, door))
    public = (*own, *_routes(dialect, (one for one in dialect.operations if one.public), door))
    sockets = tuple(_socket_route(dialect, socket, door) for socket in dialect.sockets)
    places = [*routes, *(one.route for one in sockets)]
    router = Router(places, redirect_slashes=False, default=_nothing(dialect.nothing_there))
    admitted = Admitted(
        router,
        public=partial(_has, public),
        secret_of=dialect.secret_of,
        in_body=_in_body(dialect, door),
    )
    asked: ASGIApp = admitted
    if dialect.other_secret_of:
        asked = OtherSecret(asked, dialect.other_secret_of)
    if dialect.name_of:
        asked = Vouched(asked, dialect.name_of, door.host)
    app = _bounded(dialect, asked, log)
    led_to = (one for one in dialect.operations if one.navigated)
    return MadeApi(dialect.name, dialect.prefix, app, routes, sockets, _routes(dialect, led_to, door))


def _bounded(dialect: Dialect, app: ASGIApp, log: logging.Logger) -> ASGIApp:
    """Returns `app`, its errors in the shapes that the dialect says."""
    plain = Boundary(app, log, render=dialect.render, render_at=dialect.render_at)
    shaped = [
        (f"{dialect.prefix}{path}/", Boundary(app, log, render=render)) for path, render in dialect.shapes
    ]
    if not shaped:
        return plain

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        found = (one for path, one in shaped if scope["path"].startswith(path))
        await next(found, plain)(scope, receive, send)

    return answer


def _in_body(dialect: Dialect, door: Door) -> InBody | None:
    """Returns what reads keys in bodies; None where no operation has one there."""
    having = [one for one in dialect.operations if one.secrets is not None]
    if not having:
        return None
    places = [(one, route) for one in having for route in _routes(dialect, (one,), door)]

    def operation_of(scope: Scope) -> Operation | None:
        found = (one for one, route in places if route.matches(scope)[0] is Match.FULL)
        return next(found, None)

    return keys_in_bodies(operation_of, door.max_body)


def _has(routes: Iterable[Route], scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


def _routes(dialect: Dialect, operations: Iterable[Operation], door: Door) -> tuple[Route, ...]:
    everywhere = (replace(one, path=path) for one in operations for path in (one.path, *one.other_paths))
    ordered = sorted(everywhere, key=lambda one: _fixed_first(one.path))
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
    kind = LooseRoute if dialect.loose_paths else Route
    return kind(dialect.prefix + path, endpoint, methods=list(by_method))


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
    workbench = host if operation.public else _as_caller(host, dialect, operation, request)
    path = dict(request.path_params)
    check_plain(path)
    query = body = None
    if operation.query is not None:
        query = parsed(operation.query, query_of(request.query_params.multi_items()), dialect.refuse)
    if operation.body is not None:
        most = await _most(dialect, operation, request, workbench, door)
        refuse = operation.refuse or dialect.refuse
        body = parsed(operation.body, await _body(dialect, operation, request, most), refuse)
    call = Call(request, workbench, door, path, query, body)
    made = await operation.answer(call)
    if callable(made):
        app: ASGIApp = made
        return app
    if operation.result is None:
        return Response(status_code=operation.status)
    response = written(operation.result, made, operation.status, omit_null=dialect.omit_null)
    if dialect.finish is None:
        return response
    return Response(dialect.finish(request, bytes(response.body)), response.status_code, media_type=_JSON)


def _as_caller(host: Host, dialect: Dialect, operation: Operation, request: Request) -> Workbench:
    """Returns the workbench as the caller sees it. Raises `ForbiddenError` for a key that allows too
    little."""
    principal = principal_of(request)
    Needs(operation.least).check(f"{dialect.name}.{operation.id}", principal)
    return host.as_principal(principal)


async def _most(
    dialect: Dialect, operation: Operation, request: Request, workbench: Workbench, door: Door
) -> int:
    """Returns how large a body may be, in bytes: base64 makes four of three. Who shows no key sends no
    files."""
    if not operation.holds_file:
        return door.max_body
    if operation.public and await recognised(request, dialect.secret_of) is None:
        return door.max_body
    return door.max_body + await upload_limit(workbench) * 4 // 3


async def _body(dialect: Dialect, operation: Operation, request: Request, most: int) -> Any:
    if dialect.json_only:
        given = await read_anyhow(request, most) if _says_json(request) else None
        return {} if given is None else given
    if is_form(request):
        return await form_values(request, most)
    given = await read_anyhow(request, most)
    if given is not None:
        return given
    if operation.required:
        raise InvalidError("The body is missing; it must be JSON.", code="invalid_request")
    return {}


def _says_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == _JSON or (kind.startswith("application/") and kind.endswith("+json"))


def _nothing(said: str) -> ASGIApp:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        raise HTTPException(404, said)

    return nothing
