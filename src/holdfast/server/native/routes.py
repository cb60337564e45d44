"""The native API as an ASGI application, made from the table of operations."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, nullcontext
from dataclasses import replace
from itertools import groupby
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast import __version__
from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.idempotency import KeyedRequest
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.kit.auth import Admitted, principal_of
from holdfast.server.kit.body import MAX_BODY, read_json
from holdfast.server.kit.compose import PREFIXES, Api, MadeApi
from holdfast.server.kit.errors import Boundary
from holdfast.server.kit.guessing import guessing
from holdfast.server.kit.idempotency import answer_once, digest, idempotency_key, refuse_key
from holdfast.server.kit.meter import Meter, name_operation, named
from holdfast.server.kit.sse import ERROR_EVENT, PING, write_cursor, write_frame
from holdfast.server.kit.stream import FrameStream
from holdfast.server.kit.transfer import ReceivedFile, SentFile, is_form, received_file, upload_limit
from holdfast.server.native.codec import Codec, codec
from holdfast.server.native.extra import DOCS, EXTRA_ROUTES, LIVE, METRICS, OPENAPI, READY, VERSION
from holdfast.server.native.operation import PREFIX, Operation
from holdfast.server.native.operations import Place, operations, places
from holdfast.server.native.swagger import ASSET_PATHS, PAGE

LIVE_PATH, READY_PATH, VERSION_PATH = LIVE.path, READY.path, VERSION.path
PUBLIC_PATHS = frozenset((*(route.path for route in EXTRA_ROUTES if route.needs is None), *ASSET_PATHS))
"""They need no key: what they say is of the program, and of nobody's data."""

READY_WAIT_S = 1.0
"""How long the database has to answer before the engine is not ready."""

_LONGEST_ID = 18
"""Digits of an id of an event that the database can be asked for."""

_PUBLIC_OPERATIONS = frozenset(
    (place.operation.method, PREFIX + place.path) for place in places() if place.operation.public
)

HostSource = Callable[[], Awaitable[Host]]
"""Gives the workbench of the engine, or raises `UnavailableError` while there is none."""


def native_app(host: HostSource, *, log: logging.Logger, **options: Any) -> ASGIApp:
    """Returns the application of `native_api`, which takes the same."""
    return native_api(host, log=log, **options).app


def native_api(
    host: HostSource,
    *,
    log: logging.Logger,
    closing: asyncio.Event | None = None,
    max_body: int = MAX_BODY,
    ping_s: float = 15.0,
    meter: Meter | None = None,
) -> Api:
    """Returns the API that answers everything under `PREFIX`.

    `closing` ends the open streams when set. `max_body` is in bytes; `ping_s` is the longest silence of
    a stream, in seconds. `meter` is what counts the requests of all doors.
    """
    api = _NativeApi(host, closing or asyncio.Event(), max_body, ping_s, meter or Meter())
    by_path = sorted(places(), key=lambda place: place.path)
    routes = [
        _route(path, {place.operation.method: place for place in group}, api)
        for path, group in groupby(by_path, key=lambda place: place.path)
    ]
    # Fixed segments before those that take an id.
    routes.sort(key=lambda route: route.path.replace("{", "~"))
    answers = {
        LIVE: _live,
        READY: api.ready,
        VERSION: _version,
        METRICS: api.metrics,
        OPENAPI: _document,
        DOCS: PAGE.show,
    }
    own = tuple(Route(extra.path, named(extra.name, answers[extra])) for extra in EXTRA_ROUTES)
    assets = tuple(Route(path, named("docs", PAGE.asset)) for path in ASSET_PATHS)
    routes = [*own, *routes, *assets]
    router = Router(routes, redirect_slashes=False, default=_nothing_there)
    app = Boundary(Admitted(router, public=_is_public), log)
    return MadeApi("holdfast", PREFIX, app, tuple(routes))


def _route(path: str, by_method: dict[str, Place], api: _NativeApi) -> Route:
    async def answer(request: Request) -> ASGIApp:
        place = by_method["GET" if request.method == "HEAD" else request.method]
        if place.operation.streamed and _wants_stream(request):
            place = replace(place, operation=operations()[place.operation.streamed])
        name_operation(request.scope, place.operation.name)
        return await (api.stream if place.operation.stream else api.call)(place, request)

    # Starlette asks for a Response, but calls it as what every ASGI application is.
    endpoint = cast("Callable[[Request], Awaitable[Response]]", answer)
    return Route(PREFIX + path, endpoint, methods=list(by_method))


def _is_public(scope: Scope) -> bool:
    """Says whether a request needs no key."""
    path, method = scope["path"], "GET" if scope.get("method") == "HEAD" else scope.get("method")
    return path in PUBLIC_PATHS or (method, path) in _PUBLIC_OPERATIONS


def _wants_stream(request: Request) -> bool:
    named = request.headers.get("accept", "").lower().split(",")
    accepted = {kind.partition(";")[0].strip() for kind in named}
    return "text/event-stream" in accepted and "application/json" not in accepted


async def _live(request: Request) -> Response:
    return Response(b'{"status":"live"}', media_type="application/json")


async def _version(request: Request) -> Response:
    return JSONResponse({"version": __version__, "api": "v1"})


async def _document(request: Request) -> Response:
    # It is long to make, and what makes it is imported with it.
    def made() -> bytes:
        from holdfast.server.native.openapi import document_json

        return document_json()

    return Response(await asyncio.to_thread(made), media_type="application/json")


async def _nothing_there(scope: Scope, receive: Receive, send: Send) -> None:
    path = scope["path"]
    if PREFIXES in scope:
        hint = f"APIs are under {', '.join(scope[PREFIXES])}"
    elif path.endswith("/"):
        hint = "leave out the slash at its end"
    else:
        hint = f"{DOCS.path} shows what there is"
    raise HTTPException(404, f"There is nothing at {path}; {hint}")


class _NativeApi:
    """Answers operations."""

    def __init__(
        self, host: HostSource, closing: asyncio.Event, max_body: int, ping_s: float, meter: Meter
    ) -> None:
        self._host = host
        self._meter = meter
        self._closing = closing
        self._max_body = max_body
        self._ping_s = ping_s

    async def _workbench(self, operation: Operation, request: Request) -> Workbench:
        """Returns the view of who asks. Raises `ForbiddenError` before anything of the request is read."""
        if operation.public:
            return await self._host()
        principal = principal_of(request)
        operation.needs.check(operation.name, principal)
        return (await self._host()).as_principal(principal)

    async def _once(
        self, operation: Operation, request: Request, body: bytes, answer: Callable[[], Awaitable[Response]]
    ) -> Response:
        """Returns what `answer` returns, or what it has for the same request before."""
        if operation.once == "refused":
            refuse_key(request)
        key = idempotency_key(request) if operation.once == "kept" else None
        if key is None:
            return await answer()
        said = digest((*request.path_params.items(), *request.query_params.multi_items()), body)
        keyed = KeyedRequest(principal_of(request).user_id, operation.name, key, said)
        request_id: str = request.scope["state"]["request_id"]
        return await answer_once((await self._host()).answers, keyed, request_id, answer)

    async def ready(self, request: Request) -> Response:
        """Answers 200 when the workbench is open and its database answers, else 503 without a reason: it
        needs no key."""
        try:
            async with asyncio.timeout(READY_WAIT_S):
                await (await self._host()).engine.status()
        except (HoldfastError, TimeoutError):
            return JSONResponse({"status": "unavailable"}, 503, {"Retry-After": "1"})
        return JSONResponse({"status": "ready"})

    async def metrics(self, request: Request) -> Response:
        """Answers with the engine's figures and those of its doors, for Prometheus."""
        principal = principal_of(request)
        assert METRICS.needs is not None
        METRICS.needs.check(METRICS.name, principal)
        figures = await (await self._host()).as_principal(principal).engine.figures()
        counted, lag = self._meter.figures(), self._meter.lag.read()

        def text() -> bytes:
            from holdfast.server.native.metrics import render  # its library is loaded when first asked for

            return render(figures, counted, lag)

        return Response(await asyncio.to_thread(text), headers={"Content-Type": METRICS.media_type})

    async def call(self, place: Place, request: Request) -> ASGIApp:
        """Answers with the result of one method."""
        operation = place.operation
        workbench = await self._workbench(operation, request)
        if operation.streamed:
            _last_event_id(request)  # it says nothing here, but what is wrong is wrong
        body = b"" if operation.in_query else await read_json(request, self._max_body)
        if operation.raw_in or operation.raw_out:
            return await self._transfer(place, request, workbench)
        wire = codec(operation)

        async def answer() -> Response:
            arguments = wire.parse(request.path_params, request.query_params.multi_items(), body)
            await _must_exist(place, request, workbench)
            with guessing(request) if operation.public and body else nullcontext():
                result: Any = await _method(workbench, operation)(**arguments)
            if operation.status == 204:
                return Response(status_code=204)
            return Response(wire.write(result), operation.status, media_type="application/json")

        return await self._once(operation, request, body, answer)

    async def _transfer(self, place: Place, request: Request, workbench: Workbench) -> ASGIApp:
        """Answers for a method that takes a file or gives one."""
        operation = place.operation
        wire, method = codec(operation), _method(workbench, operation)
        query = request.query_params.multi_items()
        if operation.raw_out or not is_form(request):
            arguments = wire.parse(request.path_params, query, b"")
        await _must_exist(place, request, workbench)
        if operation.raw_out:
            return SentFile(await method(**arguments))
        limit = await upload_limit(workbench)
        async with received_file(request, limit) as received:
            if is_form(request):
                arguments = wire.parse(request.path_params, [*query, *_told(operation, received, query)], b"")

            async def answer() -> Response:
                result: Any = await method(**arguments, **{operation.raw_in: received.file})
                return Response(wire.write(result), operation.status, media_type="application/json")

            keyed = operation.once == "kept" and idempotency_key(request) is not None
            said = await asyncio.to_thread(_digest, received) if keyed else b""
            return await self._once(operation, request, said, answer)

    async def stream(self, place: Place, request: Request) -> ASGIApp:
        """Answers with the events of the log from the client's cursor on, or with items that have none."""
        operation = place.operation
        workbench = await self._workbench(operation, request)
        wire = codec(operation)
        arguments = wire.parse(request.path_params, request.query_params.multi_items(), b"")
        if not wire.streams_events:
            items = _method(workbench, operation)(**arguments)
            return FrameStream(_items(wire, items), closing=self._closing, ping_s=self._ping_s)
        after = _last_event_id(request)
        await _must_exist(place, request, workbench)
        if after is None:
            after = arguments.get("after")
        if after is None:
            # The client learns where "now" is, so that a break before the first event loses nothing.
            after = (await workbench.engine.status()).last_event_id
        frames = _frames(workbench, arguments["filter"], after)
        return FrameStream(frames, closing=self._closing, ping_s=self._ping_s)


def _told(
    operation: Operation, received: ReceivedFile, query: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Returns the parameters that stand in a form: its fields, and the file's name where none is given."""
    given = {name for name, _ in (*query, *received.fields)}
    name = [] if operation.file_name in given or not received.name else [(operation.file_name, received.name)]
    return [*received.fields, *name]


def _digest(received: ReceivedFile) -> bytes:
    """Returns what stands for a file and all that came with it, when a request is repeated."""
    found = hashlib.file_digest(received.file, "sha256")  # type: ignore[arg-type]
    found.update(repr((received.name, received.fields)).encode("utf-8", "surrogatepass"))
    received.file.seek(0)
    return found.digest()


async def _items(wire: Codec, items: AsyncGenerator[Any, None]) -> AsyncGenerator[bytes, None]:
    yield PING  # the client knows at once that it is heard
    try:
        async with aclosing(items):
            async for item in items:
                yield write_frame(wire.write_item(item))
    except HoldfastError as error:
        yield write_frame(error.info.model_dump_json(), event=ERROR_EVENT)


def _method(workbench: Workbench, operation: Operation) -> Callable[..., Any]:
    return getattr(getattr(workbench, operation.noun), operation.verb)  # type: ignore[no-any-return]


async def _must_exist(place: Place, request: Request, workbench: Workbench) -> None:
    """Raises `NotFoundError` when the object that the path is below does not exist, or is somebody else's."""
    if place.of:
        await _method(workbench, operations()[place.of])(**request.path_params)


async def _frames(workbench: Workbench, wanted: EventFilter, after: int) -> AsyncGenerator[bytes, None]:
    yield write_cursor(after)
    # An iterator that is no generator has nothing to close.
    following = cast("AsyncGenerator[LoggedEvent, None]", workbench.events.follow(wanted, after))
    try:
        async with aclosing(following):
            async for logged in following:
                yield write_frame(logged.to_json(), event=logged.event.type, id=logged.id)
    except HoldfastError as error:
        yield write_frame(error.info.model_dump_json(), event=ERROR_EVENT)


def _last_event_id(request: Request) -> int | None:
    text = request.headers.get("last-event-id", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_ID:
        raise InvalidError("Last-Event-ID: must be the id of an event", code="invalid_request")
    return int(text)
