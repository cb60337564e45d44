"""A server at an address: which it may be, and how much it may answer. Imports `mcp`: loaded with
`session.py`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from holdfast.core.domain.addresses import Resolver, WebAddress, checked_addresses, system_resolver
from holdfast.core.domain.errors import HoldfastError
from holdfast.core.tools.mcp.flood import Flood, too_long
from holdfast.core.tools.mcp.limits import MAX_MESSAGE_BYTES
from holdfast.core.tools.mcp.port import Target

_ADVICE = "Only administrators use MCP servers in private networks."
_EVENTS = "text/event-stream"
_MOVED = (307, 308)
"""Moved, and asked for in the same way: method and body stay."""
_MOVES = 4
_SILENCE_S = 3_600.0
"""Longest silence of a stream: a call whose server waits for a person has no other end. Calls have their own
time limit."""
_DATA = re.compile(rb"[\r\n]data:")
_BEGUN = len(b"\ndata")


class Guarded(httpx2.AsyncBaseTransport):
    """Connects to addresses that were checked, and reads so much and no more. A name is resolved once for
    each request, and the connection goes to what was checked."""

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        *,
        allow_private: bool,
        flood: Flood,
        resolve: Resolver = system_resolver,
    ) -> None:
        self._inner = inner
        self._allow_private = allow_private
        self._flood = flood
        self._resolve = resolve

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Sends the request, and where the same host has moved it, sends it there. Raises
        `httpx2.ConnectError` for an address that must not be reached."""
        extensions = dict(request.extensions)
        for _ in range(_MOVES):
            asked = request.url
            response = await self._sent(request)
            moved = _moved(asked, response)
            if moved is None:
                return response
            await response.aclose()
            request = httpx2.Request(
                request.method,
                moved,
                headers=request.headers,
                stream=request.stream,
                extensions=dict(extensions),
            )
        raise httpx2.ConnectError("it sends the request from address to address", request=request)

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        try:
            address = WebAddress.parse(str(request.url))
            found = await checked_addresses(
                address, self._resolve, allow_private=self._allow_private, advice=_ADVICE
            )
        except HoldfastError as error:
            raise httpx2.ConnectError(error.message, request=request) from error
        request.extensions = {**request.extensions, "sni_hostname": address.host}
        request.url = request.url.copy_with(host=found[0])
        response = await self._inner.handle_async_request(request)
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("", "identity"):
            # It was asked not to: a few bytes could be gigabytes, and only what comes is counted.
            await response.aclose()
            raise httpx2.ReadError(f"it packs its answer as {packed[:40]!r}", request=request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        events = response.headers.get("content-type", "").startswith(_EVENTS)
        response.stream = _Bounded(response.stream, self._flood, events=events)
        return response

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._inner.aclose()


def _moved(asked: httpx2.URL, response: httpx2.Response) -> httpx2.URL | None:
    """Returns where the same host wants the same request; None for every other answer. To other hosts nothing
    is sent on: the headers have secrets."""
    if response.status_code not in _MOVED or "location" not in response.headers:
        return None
    try:
        to = asked.join(response.headers["location"])
    except (httpx2.InvalidURL, ValueError):
        return None
    same = (to.scheme, to.host, to.port) == (asked.scheme, asked.host, asked.port)
    return to if same and not to.userinfo else None


class _Bounded(httpx2.AsyncByteStream):
    """A body. One of events goes on for ever, so it is held to a rate; others end."""

    def __init__(self, inner: httpx2.AsyncByteStream, flood: Flood, *, events: bool) -> None:
        self._inner = inner
        self._flood = flood
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total, before = 0, b"\n"
        async for piece in self._inner:
            total += len(piece)
            text = before + piece
            before = text[-_BEGUN:]  # too short for a whole one, which would count twice
            try:
                self._flood.count(len(piece), len(_DATA.findall(text)) if self._events else 1)
                if not self._events and total > MAX_MESSAGE_BYTES:
                    raise too_long()
            except HoldfastError as error:
                raise httpx2.ReadError(error.message) from error
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def address(target: Target) -> AsyncIterator[TransportStreams]:
    """Yields the streams of a server at an address."""
    spec = target.spec
    assert spec.url is not None

    def client(
        headers: dict[str, str] | None = None,
        timeout: httpx2.Timeout | None = None,
        auth: httpx2.Auth | None = None,
    ) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            headers={**spec.headers, **(headers or {}), "Accept-Encoding": "identity"},
            timeout=timeout or httpx2.Timeout(spec.timeout_s, read=max(spec.timeout_s, _SILENCE_S)),
            auth=auth,
            transport=Guarded(
                httpx2.AsyncHTTPTransport(trust_env=False),
                allow_private=target.allow_private,
                flood=Flood(),
            ),
            trust_env=False,
        )

    if spec.sse:
        async with sse_client(spec.url, httpx_client_factory=client) as streams:
            yield streams
        return
    async with (
        client() as http,
        streamable_http_client(spec.url, http_client=http, max_sse_event_size=MAX_MESSAGE_BYTES) as streams,
    ):
        yield streams
