"""Several APIs behind one door: each under its own prefix, and some at the root as well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.errors import InvalidError

PREFIXES = "holdfast.prefixes"
"""The key of a request's scope under which the prefixes of all APIs stand, when no API has its path."""

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


@dataclass(frozen=True, slots=True)
class MadeApi:
    """An API whose routes stand from the start."""

    name: str
    prefix: str
    app: ASGIApp
    routes: tuple[Route, ...]


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
        if self._made is None:
            self._made = self._make()
        return self._made.routes

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        made = self._made
        if made is None:
            async with self._making:
                made = self._made = self._made or await asyncio.to_thread(self._make)
        await made.app(scope, receive, send)


class Composed:
    """Hands a request to the API whose prefix it has; one without to the first of `root` that has a route
    for its path and method. What nobody has is answered by the first of `apis`.

    Not Starlette's `Mount`, which does not look further when the first mount has no such route.
    """

    def __init__(self, apis: Sequence[Api], root: Sequence[str]) -> None:
        """Raises `InvalidError` for a name in `root` that no API has, and for an order that hides a route."""
        self._apis = tuple(apis)
        self._root = _named(apis, root)
        _refuse_hidden(self._root)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            app, inner = self._find(scope)
            return await app(inner, receive, send)
        if scope["type"] == "websocket":  # no API here has one
            await send({"type": "websocket.close", "code": 1000, "reason": "there is no WebSocket here"})
        return None

    def _find(self, scope: Scope) -> tuple[ASGIApp, Scope]:
        path: str = scope["path"]
        for api in self._apis:
            if path == api.prefix or path.startswith(api.prefix + "/"):
                return api.app, scope
        partial: tuple[ASGIApp, Scope] | None = None
        for api in self._root:
            raw = scope.get("raw_path") or path.encode()
            inner = {**scope, "path": api.prefix + path, "raw_path": api.prefix.encode() + raw}
            match _match(api, inner):
                case Match.FULL:
                    return api.app, inner
                case Match.PARTIAL:
                    partial = partial or (api.app, inner)
        return partial or (self._apis[0].app, {**scope, PREFIXES: tuple(api.prefix for api in self._apis)})


def _match(api: Api, scope: Scope) -> Match:
    """Returns how well a route of `api` fits; PARTIAL is the path with another method."""
    found = Match.NONE
    for route in api.routes:
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


def _refuse_hidden(root: Sequence[Api]) -> None:
    """Raises `InvalidError` when a route at the root could never be reached: an API before its own has one
    that takes every such request."""
    for earlier, later in combinations(root, 2):
        for hiding, hidden in product(earlier.routes, later.routes):
            if _hides(earlier, hiding, later, hidden):
                raise InvalidError(
                    f"At the root, {_short(earlier, hiding)} of {earlier.name} would hide "
                    f"{_short(later, hidden)} of {later.name}. Name {later.name} first, or leave one out; "
                    "each API is under its own prefix as well.",
                    code="root_clash",
                )


def _hides(earlier: Api, one: Route, later: Api, other: Route) -> bool:
    if one.methods and other.methods and not one.methods & other.methods:
        return False
    values = {name: _SAMPLES[type(kind)] for name, kind in other.param_convertors.items()}
    sample = other.path_format.format(**values).removeprefix(later.prefix)
    return one.path_regex.match(earlier.prefix + sample) is not None


def _short(api: Api, route: Route) -> str:
    return route.path.removeprefix(api.prefix)
