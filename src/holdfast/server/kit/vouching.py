"""Requests that come in another way than by the one secret that they show."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.errors import ForbiddenError
from holdfast.core.domain.identity import Principal
from holdfast.server.kit.auth import Admit, admit_by, or_by
from holdfast.server.kit.operations import HostSource


class OtherSecret:
    """Lets a request in by another secret that it has, where the first one lets nobody in: clients keep an
    answer's token beside a cookie, and show it for longer than it is good. `other_of` finds that one; empty:
    there is none."""

    def __init__(self, app: ASGIApp, other_of: Callable[[Headers], str]) -> None:
        self._app = app
        self._other_of = other_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if other := self._other_of(Headers(scope=scope)):
            or_by(scope, other)
        await self._app(scope, receive, send)


class Vouched:
    """Lets the door of a request let in the user whom a trusted proxy names, where it shows no secret: he
    gets a login as anybody does, with which all goes on as usual.

    `name_of` finds that name as an API's clients send it; empty: there is none. What anybody else than a
    trusted proxy says counts for nothing.
    """

    def __init__(self, app: ASGIApp, name_of: Callable[[Headers], str], host: HostSource) -> None:
        self._app = app
        self._name_of = name_of
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = self._name_of(Headers(scope=scope))
        if name and scope.get("client"):
            admit_by(scope, partial(self._admit, scope["client"][0], name), vouched=True)
        await self._app(scope, receive, send)

    async def _admit(self, address: str, name: str, admit: Admit, secret: str) -> Principal:
        if not secret:
            host = await self._host()
            try:
                secret = (await host.accounts.proxied(address, name)).secret
            except ForbiddenError as error:
                if error.code != "proxy_not_trusted":
                    raise
        return await admit(secret)
