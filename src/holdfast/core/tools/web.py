"""Fetches from the web: only what is public, unless the settings allow more, and never more than is wanted.

A name is looked up once and the connection goes to what was checked, at each redirection anew.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING

from holdfast.core.domain.addresses import Resolver, WebAddress, checked_addresses, system_resolver
from holdfast.core.domain.errors import InvalidError, ToolError

if TYPE_CHECKING:
    import httpx

MAX_REDIRECTS = 5
_UNPACKED = 1 << 20
"""Bytes that are unpacked at once."""
_ADVICE = (
    "Private and loopback addresses are fetched only where the settings allow it (tools.allow_private_hosts)."
)
_HEADERS = {"User-Agent": "holdfast", "Accept": "text/html, text/*, application/json, */*;q=0.5"}

TransportFactory = Callable[[], "httpx.AsyncBaseTransport | None"]


@dataclass(frozen=True, slots=True)
class WebPage:
    """What an address answered with."""

    address: WebAddress
    """The last one, after redirections."""
    status: int
    content_type: str
    """Without parameters; empty when the server names none."""
    charset: str | None
    data: bytes
    cut: bool
    """Whether there is more than was read."""


@dataclass(frozen=True, slots=True)
class WebRequest:
    """One request, whatever it does."""

    address: WebAddress
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """They are in none of the representations: they may hold secrets."""
    content: bytes | None = None


class WebFetcher:
    """`resolve` turns names into addresses; `transport` replaces the network in tests."""

    def __init__(
        self,
        *,
        resolve: Resolver = system_resolver,
        transport: TransportFactory = lambda: None,
        timeout_s: float = 30,
    ) -> None:
        self._resolve = resolve
        self._transport = transport
        self.timeout_s = timeout_s
        """Longest time of one fetch, in seconds."""

    async def fetch(
        self,
        address: WebAddress,
        *,
        max_bytes: int,
        allow_private: bool,
        any_site: bool = False,
        https_only: bool = False,
        timeout_s: float | None = None,
    ) -> WebPage | WebAddress:
        """Returns the page; or the address on another site that it leads to, unless `any_site`.

        With `https_only` no redirection to http is followed, whatever comes after it.

        Raises `ForbiddenError` for an address that is not public, `ToolError` when it cannot be fetched.
        """
        limit = self.timeout_s if timeout_s is None else min(self.timeout_s, timeout_s)
        try:
            async with asyncio.timeout(limit):
                return await self._follow(address, max_bytes, allow_private, any_site, https_only)
        except TimeoutError as error:
            raise ToolError(f"{address} did not answer within {limit:g} s.", code="tool_timeout") from error

    async def send(
        self, request: WebRequest, *, max_bytes: int, allow_private: bool, timeout_s: float
    ) -> WebPage | WebAddress:
        """Sends one request and returns the answer; or the address that it leads to, to which nothing goes.

        `timeout_s` may be more than the fetcher's own. Raises what `fetch` raises.
        """
        try:
            async with asyncio.timeout(timeout_s), await self._client(timeout_s) as client:
                return await self._one(client, request, max_bytes, allow_private)
        except TimeoutError as error:
            raise ToolError(
                f"{request.address} did not answer within {timeout_s:g} s.", code="tool_timeout"
            ) from error

    async def check(self, address: WebAddress, *, allow_private: bool) -> None:
        """Raises `ForbiddenError` for an address that is not public, `ToolError` for an unknown one."""
        await self._addresses(address, allow_private)

    async def _client(self, timeout_s: float) -> httpx.AsyncClient:
        import httpx  # takes a tenth of a second, and most runs fetch nothing

        # Made in a thread, for it reads the certificates of all authorities.
        return await asyncio.to_thread(
            lambda: httpx.AsyncClient(transport=self._transport(), trust_env=False, timeout=timeout_s)
        )

    async def _follow(
        self, address: WebAddress, max_bytes: int, allow_private: bool, any_site: bool, https_only: bool
    ) -> WebPage | WebAddress:
        async with await self._client(self.timeout_s) as client:
            for _ in range(MAX_REDIRECTS + 1):
                found = await self._one(client, WebRequest(address), max_bytes, allow_private)
                if isinstance(found, WebPage):
                    return found
                if https_only and found.scheme != "https":
                    raise ToolError(f"{address} leads to {found}, which is not https.", code="unreachable")
                await self._addresses(found, allow_private)
                if not any_site and not address.same_site(found):
                    return found
                address = found
        raise ToolError(
            f"More than {MAX_REDIRECTS} redirections; the last led to {address}.", code="unreachable"
        )

    async def _one(
        self, client: httpx.AsyncClient, asked: WebRequest, max_bytes: int, allow_private: bool
    ) -> WebPage | WebAddress:
        import httpx  # see above

        address = asked.address
        ips = await self._addresses(address, allow_private)
        headers = httpx.Headers(_HEADERS)
        headers.update(asked.headers)
        headers.update({"Accept-Encoding": "gzip, identity", "Host": address.netloc})
        request = client.build_request(
            asked.method,
            address.at(ips[0]),
            headers=headers,
            content=asked.content,
            extensions={"sni_hostname": address.host},
        )
        try:
            response = await client.send(request, stream=True)
            try:
                location = response.headers.get("location")
                if response.is_redirect and location:
                    return address.join(location)
                return await _page(address, response, max_bytes)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, zlib.error) as error:
            reason = str(error) or type(error).__name__
            raise ToolError(f"{address} cannot be fetched: {reason}.", code="unreachable") from error

    async def _addresses(self, address: WebAddress, allow_private: bool) -> Sequence[str]:
        return await checked_addresses(address, self._resolve, allow_private=allow_private, advice=_ADVICE)


def plain_address(url: str) -> str:
    """Returns an address as rules see it; what is none as it stands, for it is refused when it is used."""
    try:
        return str(WebAddress.parse(url))
    except InvalidError:
        return url


async def _page(address: WebAddress, response: httpx.Response, max_bytes: int) -> WebPage:
    data, cut = await _body(response, max_bytes)
    header = Message()
    header["content-type"] = response.headers.get("content-type", "")
    content_type = header.get_content_type() if header["content-type"] else ""
    return WebPage(address, response.status_code, content_type, header.get_content_charset(), data, cut)


async def _body(response: httpx.Response, max_bytes: int) -> tuple[bytes, bool]:
    """Returns at most `max_bytes` of the body, and whether there is more.

    Unpacked here, piece by piece: a few packed bytes can be gigabytes.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "deflate"):
        raise ToolError(f"The answer is packed as {encoding[:40]!r}, which is not understood.")
    unpack = zlib.decompressobj(wbits=47) if encoding in ("gzip", "deflate") else None
    data = bytearray()
    async for raw in response.aiter_raw():
        async for piece in _unpacked(unpack, raw):
            data += piece
            if len(data) > max_bytes:
                del data[max_bytes:]
                return bytes(data), True
    return bytes(data), False


async def _unpacked(unpack: zlib._Decompress | None, raw: bytes) -> AsyncIterator[bytes]:
    """Yields what a piece of a body unpacks to, a little at a time; the loop goes on in between."""
    if unpack is None:
        yield raw
        return
    piece = b""
    while raw or len(piece) == _UNPACKED:  # a full piece may have left something inside
        piece = unpack.decompress(raw, _UNPACKED)
        raw = unpack.unconsumed_tail
        yield piece
        await asyncio.sleep(0)
