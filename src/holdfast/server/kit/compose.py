"""Several APIs behind one door: each under its own prefix, and some at the root as well."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Protocol

from starlette.convertors import (
    Convertor,
    FloatConvertor,
    IntegerConvertor,
    PathConvertor,
    StringConvertor,
    UUIDConvertor,
)
from starlette.datastructures import QueryParams
from starlette.routing import Match, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.errors import InvalidError
from holdfast.server.kit.sockets import SocketRoute

PREFIXES = "holdfast.prefixes"
"""The key of a request's scope under which the prefixes of all APIs stand, when no API has its path."""

AT_ROOT = "holdfast.at_root"
"""The key of a request's scope that is there when its path had no prefix."""

_AnyRoute = Route | WebSocketRoute

_SAMPLES: dict[type[Convertor[Any]], str] = {
    StringConvertor: "~",
    IntegerConvertor: "1",
    FloatConvertor: "1.5",
    UUIDConvertor: "00000000-0000-0000-0000-000000000000",
    PathConvertor: "~/~",
}
"""A value of each kind of path parameter that no narrower kind takes and no fixed segment is."""


class Api(Protocol):
    """One API with its own shapes of errors; its routes are told so that the root can be shared."""

    @property
    def name(self) -> str: ...

    @property
    def prefix(self) -> str:
        """Stands before every path; no slash at the end."""
        ...

    @property
    def app(self) -> ASGIApp:
        """Answers every path under the prefix, unknown ones too."""
        ...

    @property
    def routes(self) -> tuple[Route, ...]:
        """With the prefix."""
        ...

    @property
    def sockets(self) -> tuple[SocketRoute, ...]:
        """With the prefix."""
        ...

    @property
    def navigated(self) -> tuple[Route, ...]:
        """Those of `routes` to which a page of another site may lead a browser."""
        ...

    async def load(self) -> None:
        """Does what the first question after the routes and sockets would have to wait for."""
        ...


@dataclass(frozen=True, slots=True)
class MadeApi:
    """An API whose routes stand from the start."""

    name: str
    prefix: str
    app: ASGIApp
    routes: tuple[Route, ...]
    sockets: tuple[SocketRoute, ...] = ()
    navigated: tuple[Route, ...] = ()

    async def load(self) -> None:
        """Nothing is left to do."""


class LateApi:
    """An API that is made when it is first asked, or has to share the root: most engines are never asked for
    most dialects, and what describes their messages takes a while to load."""

    def __init__(self, name: str, prefix: str, make: Callable[[], Api]) -> None:
        """`make` is called once, in a thread where a request waits for it."""
        self.name = name
        self.prefix = prefix
        self._make = make
        self._made: Api | None = None
        self._making = asyncio.Lock()

    @property
    def app(self) -> ASGIApp:
        return self._answer

    @property
    def routes(self) -> tuple[Route, ...]:
        return self._now.routes

    @property
    def sockets(self) -> tuple[SocketRoute, ...]:
        return self._now.sockets

    @property
    def navigated(self) -> tuple[Route, ...]:
        return self._now.navigated

    @property
    def _now(self) -> Api:
        if self._made is None:
            self._made = self._make()
        return self._made

    async def load(self) -> None:
        if self._made is None:
            async with self._making:
                self._made = self._made or await asyncio.to_thread(self._make)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.load()
        await self._now.app(scope, receive, send)


class Composed:
    """Hands a request to the API whose prefix it has; one without to the first of `root` that has a route
    for its path and method. A WebSocket may also be that of clients who leave a prefix out. What nobody has
    is answered by the first of `root`, or of `apis`.

    Not Starlette's `Mount`, which does not look further when the first mount has no such route.
    """

    def __init__(self, apis: Sequence[Api], root: Sequence[str]) -> None:
        """An entry of `root` is the name of an API, or `PATH=NAME`: whose a path is that several have.

        Raises `InvalidError` for a name that no API has, for a path that its owner does not have, and for an
        order that hides a route.
        """
        self._apis = tuple(apis)
        self._root = _named(apis, [entry for entry in root if "=" not in entry])
        owners = dict(entry.split("=", 1) for entry in root if "=" in entry)
        self._owned = _owned(self._root, owners)
        _refuse_hidden(self._root, frozenset(map(_nameless, owners)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            api, inner = await self._answering(scope)
            await api.app(inner, receive, send)

    async def navigated(self, scope: Scope) -> bool:
        """Says whether a page of another site may lead a browser to what this request asks for."""
        api, inner = await self._answering(scope)
        await api.load()
        return any(route.matches(inner)[0] is Match.FULL for route in api.navigated)

    async def _answering(self, scope: Scope) -> tuple[Api, Scope]:
        """Returns the API that answers a request, and the request as it has to be for that."""
        return self._below_prefix(scope) or await self._at_root(scope)

    def _below_prefix(self, scope: Scope) -> tuple[Api, Scope] | None:
        path: str = scope["path"]
        for api in self._apis:
            if path == api.prefix or path.startswith(api.prefix + "/"):
                return api, scope
            # What is told of an address with a path stands at the root, that path behind it (RFC 8414, 3.1).
            told = re.fullmatch(rf"(/\.well-known/[^/]+){re.escape(api.prefix)}(/.*)?", path)
            if told is not None:
                return api, _moved(scope, f"{api.prefix}{told[1]}{told[2] or ''}")
        return None

    async def _at_root(self, scope: Scope) -> tuple[Api, Scope]:
        for api, routes in self._owned:
            inner = _below(api, scope)
            if any(route.matches(inner)[0] is Match.FULL for route in routes):
                return api, inner
        partial: tuple[Api, Scope] | None = None
        for api in self._root:
            inner = _below(api, scope)
            match _match(api, inner):
                case Match.FULL:
                    return api, inner
                case Match.PARTIAL:
                    partial = partial or (api, inner)
        if scope["type"] == "websocket":
            partial = await self._without_prefix(scope)
        first = (*self._root, *self._apis)[0]
        return partial or (first, {**scope, PREFIXES: tuple(api.prefix for api in self._apis)})

    async def _without_prefix(self, scope: Scope) -> tuple[Api, Scope] | None:
        """Returns who has a WebSocket of clients that leave the prefix out."""
        query = QueryParams(scope["query_string"])
        for api in self._apis:
            await api.load()
            inner = _below(api, scope)
            for socket in api.sockets:
                asked = socket.route.matches(inner)[0] is Match.FULL
                if asked and socket.root is not None and socket.root(query):
                    return api, inner
        return None


def _below(api: Api, scope: Scope) -> Scope:
    """Returns the request as it would be with the prefix."""
    path: str = scope["path"]
    raw = scope.get("raw_path") or path.encode()
    return {**scope, "path": api.prefix + path, "raw_path": api.prefix.encode() + raw, AT_ROOT: True}


def _moved(scope: Scope, path: str) -> Scope:
    return {**scope, "path": path, "raw_path": path.encode()}


def _match(api: Api, scope: Scope) -> Match:
    """Returns how well a route of `api` fits; PARTIAL is the path with another method."""
    found = Match.NONE
    for route in (*api.routes, *(socket.route for socket in api.sockets)):
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return match
        if match is Match.PARTIAL:
            found = match
    return found


def _named(apis: Sequence[Api], root: Sequence[str]) -> tuple[Api, ...]:
    by_name = {api.name: api for api in apis}
    for name in root:
        if name not in by_name:
            known = ", ".join(by_name)
            raise InvalidError(
                f"There is no API {name!r} for the root; there are: {known}.", code="unknown_api"
            )
    return tuple(by_name[name] for name in dict.fromkeys(root))


def _owned(root: Sequence[Api], owners: Mapping[str, str]) -> tuple[tuple[Api, tuple[_AnyRoute, ...]], ...]:
    """Returns the routes that go before all others, each with its API."""
    found = []
    for path, name in owners.items():
        (api,) = _named(root, [name])
        routes = tuple(route for route in api.routes if _nameless(_short(api, route)) == _nameless(path))
        if not routes:
            raise InvalidError(f"{name} has no path {path!r} at the root.", code="unknown_path")
        found.append((api, routes))
    return tuple(found)


def _refuse_hidden(root: Sequence[Api], owned: Collection[str]) -> None:
    """Raises `InvalidError` when a route at the root could never be reached: an API before its own has one
    that takes every such request, and nobody has said whose it is."""
    for earlier, later in combinations(root, 2):
        for hiding, hidden in _pairs(earlier, later):
            if _nameless(_short(later, hidden)) not in owned and _hides(earlier, hiding, later, hidden):
                raise InvalidError(_clash(earlier, hiding, later, hidden), code="root_clash")


def _clash(earlier: Api, hiding: _AnyRoute, later: Api, hidden: _AnyRoute) -> str:
    path = _short(later, hidden)
    what = f"At the root, {_short(earlier, hiding)} of {earlier.name} would hide {path} of {later.name}. "
    mutual = _hides(later, hidden, earlier, hiding)
    first = "" if mutual else f"Name {later.name} first, or "
    owner = f"say whose it is by `{path}={later.name}`" if path else "leave one out"
    advice = f"{first}{owner}"
    return f"{what}{advice[0].upper()}{advice[1:]}; each API is under its own prefix as well."


def _pairs(earlier: Api, later: Api) -> Iterator[tuple[_AnyRoute, _AnyRoute]]:
    """Yields the routes that a request could both be for, as far as its kind and method go."""
    for one, other in product(earlier.routes, later.routes):
        if not one.methods or not other.methods or one.methods & other.methods:
            yield one, other
    for socket, another in product(earlier.sockets, later.sockets):
        yield socket.route, another.route


def _hides(earlier: Api, one: _AnyRoute, later: Api, other: _AnyRoute) -> bool:
    values = {name: _SAMPLES[type(kind)] for name, kind in other.param_convertors.items()}
    sample = other.path_format.format(**values).removeprefix(later.prefix)
    return one.path_regex.match(earlier.prefix + sample) is not None


def _nameless(path: str) -> str:
    """Returns a path without the names of its parameters, which say nothing of where it leads."""
    return re.sub(r"{[^}]*}", "{}", path)


def _short(api: Api, route: _AnyRoute) -> str:
    return route.path.removeprefix(api.prefix)
