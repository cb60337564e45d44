"""The door on TCP: who is let in, by which name, from which page, how often; and a line for each request.

A browser carries requests of any web page to any address that the person's machine reaches. Two checks keep
pages out, whether a key is asked for or not: `Host` must be a name of this listener, so that a page cannot
give its own name our address (DNS rebinding), and `Origin` must be the listener itself. No CORS header is
ever sent.

A page may lead a browser away to few places: those that are made for it, such as a sign-in. It does not learn
what stands there, and what it can say is a path and a query.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.core.domain.errors import (
    ForbiddenError,
    HoldfastError,
    InvalidError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal
from holdfast.core.domain.status import AccessLine
from holdfast.core.domain.token_buckets import TokenBuckets
from holdfast.core.domain.values import new_id, utc_now
from holdfast.server.access import shown_path
from holdfast.server.connections import OVERLOADED
from holdfast.server.kit.auth import ask_for_key, no_key
from holdfast.server.kit.errors import error_response
from holdfast.server.kit.guessing import guard_guesses
from holdfast.server.kit.limits import network_of
from holdfast.server.kit.sockets import REFUSED
from holdfast.server.kit.stream import STARTS, is_stream, method_of, status_of
from holdfast.server.native.routes import HostSource

_KEYLESS = LOCAL_PRINCIPAL.model_copy(update={"client": "HTTP without a key"})
"""Who comes in where no key is asked for."""

FAILURES = 10
"""Refused keys that one client may show before it has to wait."""
GUESSES = 20
"""Wrong passwords and codes that one client may show before it has to wait."""
FAILURES_PER_S = 0.2
"""How quickly a client may try again: one key every five seconds."""

_FOR_BROWSERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
"""In every answer that says nothing else of it: a page can load it as nothing but what it is."""

Navigated = Callable[[Scope], Awaitable[bool]]
"""Says whether a page of another site may lead a browser to what a request asks for."""

_HOST = re.compile(r"(\[[0-9a-f:.%]+\]|[^\[\]:@/\s]+)(?::(\d{1,5}))?", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class HostNames:
    """The names by which a listener may be asked.

    They are the loopback ones, the host that it was opened on and those in `more`; when it listens on every
    address of the machine, also the machine's name and every literal address, which no page can rebind.
    """

    def __init__(self, host: str, address: str, more: Iterable[str] = ()) -> None:
        """`address` is what `host` has resolved to. Raises `InvalidError` for what is no name in `more`."""
        self._everywhere = ip_address(address.partition("%")[0]).is_unspecified
        self._names = {"localhost", _plain(host), _plain(address), *map(_checked, more)}
        if self._everywhere:
            machine = _plain(socket.gethostname())
            self._names |= {machine, f"{machine}.local"}

    def admits(self, host: str) -> bool:
        """Says whether the value of a `Host` header names the listener; its port may be a tunnel's."""
        found = _HOST.fullmatch(host.strip())
        if found is None:
            return False
        name = _plain(found[1])
        if name in self._names:
            return True
        try:
            address = ip_address(name.partition("%")[0])
        except ValueError:
            return False
        return address.is_loopback or self._everywhere


class Rates:
    """How often each credential may ask and each client show wrong ones; how much each user may have open."""

    def __init__(
        self, per_s: float, burst: int, *, at_once: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`at_once` is the most requests of one user that are open; 0: no limit."""
        self._requests = TokenBuckets(per_s, burst, clock=clock)
        self._failures = TokenBuckets(FAILURES_PER_S, FAILURES, clock=clock)
        self._guesses = TokenBuckets(FAILURES_PER_S, GUESSES, clock=clock)
        self._at_once = at_once
        self._open: Counter[str] = Counter()

    @contextmanager
    def counted(self, principal: Principal) -> Iterator[None]:
        """Counts a request, which is open as long as the block runs. Raises `RateLimitedError`."""
        user = principal.user_id
        if self._at_once and self._open[user] >= self._at_once:
            raise RateLimitedError(
                f"This user has {self._at_once} requests and streams open, as many as may be; close some.",
                code="too_many_requests",
            )
        self.count(principal)
        self._open[user] += 1
        try:
            yield
        finally:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]

    def count(self, principal: Principal) -> None:
        """Counts a request, or a message on a WebSocket. Raises `RateLimitedError`."""
        wait_s = self._requests.take(principal.credential_id or principal.user_id)
        if wait_s:
            raise RateLimitedError(
                f"Too many requests with this key; wait {wait_s:.1f} s.",
                code="too_many_requests",
                details={"retry_after_s": wait_s},
            )

    def wrong(self, client: str) -> None:
        """Counts a wrong secret. Raises `RateLimitedError` when `client` has shown too many.

        Right ones are not held up by it: behind a proxy all clients are one, and a stranger could lock out
        everybody. There are too many to be guessed.
        """
        wait_s = self._failures.take(client)
        if wait_s:
            raise RateLimitedError(
                f"Too many wrong keys from this address; wait {wait_s:.1f} s.",
                code="too_many_failures",
                details={"retry_after_s": wait_s},
            )

    @contextmanager
    def guess(self, client: str) -> Iterator[None]:
        """Stands around what looks at a password of `client`, and counts it when it raises. Raises
        `RateLimitedError` when too many were wrong.

        Passwords can be guessed, so right ones have to wait as well, and a place is taken before the look: of
        a thousand at once no more are looked at.
        """
        wait_s = self._guesses.take(client)
        if wait_s:
            raise RateLimitedError(
                f"Too many wrong passwords from this address; wait {wait_s:.1f} s.",
                code="too_many_failures",
                details={"retry_after_s": wait_s},
            )
        yield
        self._guesses.give(client)


class TcpDoor:
    """Passes on to `app` what may come in, and tells `tell` of every request when it was answered.

    `keyless` lets everybody in as the local user. `body_s` is how long the next piece of a body may take.
    `navigated` says to which requests pages of other sites may lead a browser.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: HostSource,
        names: HostNames,
        rates: Rates,
        tell: Callable[[AccessLine], None],
        *,
        keyless: bool,
        body_s: float,
        navigated: Navigated,
    ) -> None:
        self._app = app
        self._host = host
        self._names = names
        self._rates = rates
        self._tell = tell
        self._keyless = keyless
        self._body_s = body_s
        self._navigated = navigated
        self.answering = 0
        """Requests that are not answered yet; open streams of events are not counted."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        request = _Request(self, scope, send)
        try:
            try:
                await self._check(scope)
            except HoldfastError as error:
                return await self._refuse(error, scope, receive, request.send)
            caller = (
                _Patient(receive, self._body_s) if scope["type"] == "http" else _Talker(receive, request.send)
            )
            with ExitStack() as open_request:
                ask_for_key(scope, partial(self._admit, _client(scope), caller, open_request))
                guard_guesses(scope, partial(self._rates.guess, network_of(_client(scope))))
                await self._app(scope, caller, request.send)
        finally:
            self._tell(request.end())

    async def _check(self, scope: Scope) -> None:
        if scope["state"].get(OVERLOADED):
            raise UnavailableError("There are too many connections; try again", code="too_many_connections")
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers and "content-length" in headers:
            # Which of them counts is seen differently, so that a proxy may take one request for two.
            raise InvalidError(
                "A request has either `Content-Length` or `Transfer-Encoding`.", code="malformed_request"
            )
        host = headers.get("host", "")
        if not self._names.admits(host):
            raise ForbiddenError(
                "The name in `Host` is not one of this listener; `holdfast serve --allow-host NAME` adds it.",
                code="host_not_allowed",
            )
        own = _is_own(headers, host)
        if not own and not (_is_navigation(scope, headers) and await self._navigated(scope)):
            raise ForbiddenError(
                "Web pages of other sites may not send requests here.", code="origin_not_allowed"
            )

    async def _refuse(self, error: HoldfastError, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_id()
        headers = {"X-Request-Id": request_id}
        if isinstance(error, UnavailableError | InvalidError):
            headers["Connection"] = "close"
        await error_response(error.info, request_id, headers=headers)(scope, receive, send)

    async def _admit(
        self, client: str, caller: _Patient | _Talker, open_request: ExitStack, secret: str
    ) -> Principal:
        principal = _KEYLESS if self._keyless else await self._authenticate(client, secret)
        open_request.enter_context(self._rates.counted(principal))
        if isinstance(caller, _Talker):
            caller.count = partial(self._rates.count, principal)
        if not self._keyless:
            caller.refused = partial(self._until_refused, secret)
        return principal

    async def _until_refused(self, secret: str) -> None:
        await (await self._host()).until_refused(secret)

    async def _authenticate(self, client: str, secret: str) -> Principal:
        if not secret:
            raise no_key()
        host = await self._host()
        try:
            return await host.authenticate(secret)
        except UnauthenticatedError:
            self._rates.wrong(network_of(client))
            raise


class _Request:
    """One request on its way through the door."""

    def __init__(self, door: TcpDoor, scope: Scope, send: Send) -> None:
        self._door = door
        self._scope = scope
        self._send = send
        self._at = utc_now()
        self._begun = time.monotonic()
        self._status = 0
        self._counted = True
        door.answering += 1

    async def send(self, message: Message) -> None:
        if message["type"] in STARTS:
            self._status = status_of(message)
            if is_stream(message):
                self._uncount()
            said = {name.lower() for name, _ in message["headers"]}
            kept = [(name, value) for name, value in _FOR_BROWSERS if name not in said]
            message["headers"] = [*message["headers"], *kept]
        await self._send(message)

    def end(self) -> AccessLine:
        """Ends it; returns what is told of it."""
        self._uncount()
        principal = self._scope.get("state", {}).get("principal")
        return AccessLine(
            at=self._at,
            client=_client(self._scope),
            method=shown_path(method_of(self._scope)),
            path=shown_path(self._scope["path"]),
            status=self._status,
            ms=round((time.monotonic() - self._begun) * 1000, 1),
            principal=principal.name if isinstance(principal, Principal) else "",
        )

    def _uncount(self) -> None:
        if self._counted:
            self._counted = False
            self._door.answering -= 1


class _Caller:
    """Gives what a client sends. One whose key is refused meanwhile counts as gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.refused: Callable[[], Awaitable[None]] | None = None
        """Returns when the key that was shown is no longer let in; None where none is asked for."""

    async def _heard(self) -> Message | None:
        """Returns what comes next; None when the key is refused before."""
        if self.refused is None:
            return await self._receive()
        going = asyncio.ensure_future(self._receive())
        refused = asyncio.ensure_future(self.refused())
        try:
            await asyncio.wait({going, refused}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            unfinished = [task for task in (going, refused) if task.cancel()]
            await asyncio.gather(*unfinished, return_exceptions=True)
        if not going.cancelled():
            return going.result()
        refused.result()
        return None


class _Patient(_Caller):
    """Gives the pieces of a body, each of which may take a while but not for ever; then the client's leaving.

    That its key is refused ends what still streams to it.
    """

    def __init__(self, receive: Receive, body_s: float) -> None:
        super().__init__(receive)
        self._body_s = body_s
        self._ended = False

    async def __call__(self) -> Message:
        if self._ended:  # what comes now is the client's leaving, whenever that is
            return await self._heard() or {"type": "http.disconnect"}
        try:
            async with asyncio.timeout(self._body_s):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        self._ended = not message.get("more_body", False)
        return message


class _Talker(_Caller):
    """Gives the messages on a WebSocket, each of which counts as a request does."""

    def __init__(self, receive: Receive, send: Send) -> None:
        super().__init__(receive)
        self._send = send
        self.count: Callable[[], None] = _uncounted

    async def __call__(self) -> Message:
        """A message that is one too many says so; the socket goes on."""
        message = await self._heard()
        if message is None:
            with suppress(OSError, RuntimeError):  # it may have ended in this instant
                await self._send({"type": "websocket.close", **_KEY_REFUSED})
            return {"type": "websocket.disconnect", **_KEY_REFUSED}
        if message["type"] == "websocket.receive":
            try:
                self.count()
            except RateLimitedError as error:
                message[REFUSED] = error
        return message


_KEY_REFUSED = {"code": 1008, "reason": "The key is no longer let in."}


def _uncounted() -> None:
    """Counts nothing: nobody was let in yet."""


def _is_own(headers: Headers, host: str) -> bool:
    """Says whether no page of another site has made the request."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    return all(is_at(origin, host) for origin in headers.getlist("origin"))


def _is_navigation(scope: Scope, headers: Headers) -> bool:
    """Says whether a browser goes where a page of another site has led the person: with nothing but an
    address, to show in a window of its own what is there."""
    return (
        scope["type"] == "http"
        and method_of(scope) == "GET"
        and headers.getlist("sec-fetch-mode") == ["navigate"]
        and headers.getlist("sec-fetch-dest") == ["document"]
        and headers.getlist("content-length") in ([], ["0"])
        and "transfer-encoding" not in headers
        and "origin" not in headers
    )


def is_at(origin: str, host: str) -> bool:
    """Says whether `origin` is the host and port that the request was sent to."""
    scheme = origin.partition("://")[0].lower()
    place = _place(origin)
    return place is not None and place == _place(f"{scheme}://{host}")


def _place(url: str) -> tuple[str, int] | None:
    """Returns host and port of a URL; None when it has none, as the `null` of a hidden origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if not port or not parts.hostname:
        return None
    return _plain(parts.hostname), port


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()


def _checked(name: str) -> str:
    plain = _plain(name)
    try:
        ip_address(plain)
    except ValueError:
        if not _NAME.fullmatch(plain):
            raise InvalidError(
                f"{name!r} is not a host's name; give it without scheme, port and path.", code="invalid_host"
            ) from None
    return plain
