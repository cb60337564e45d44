"""Fetches a page of the web as text."""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from holdfast.core.domain.addresses import Resolver, WebAddress, checked_addresses, system_resolver
from holdfast.core.domain.errors import HoldfastError, ToolError
from holdfast.core.domain.media import is_text
from holdfast.core.domain.processes import Ending, ProcessRunner, ProcessSpec
from holdfast.core.domain.tools import Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 5 * 2**20
MAX_REDIRECTS = 5
_CONVERT_S = 20.0
_CONVERTER = str(Path(__file__).with_name("html_main.py"))
_KEEP_CHARS = 4 * MAX_BYTES
_ADVICE = (
    "Private and loopback addresses are fetched only where the settings allow it (tools.allow_private_hosts)."
)
_HEADERS = {"User-Agent": "holdfast", "Accept": "text/html, text/*, application/json, */*;q=0.5"}
_TEXT_TYPES = ("json", "xml", "javascript", "yaml", "toml", "x-sh")

TransportFactory = Callable[[], "httpx.AsyncBaseTransport | None"]


class FetchUrlArguments(Arguments):
    url: str = Field(min_length=1, max_length=4_000, description="An http or https address")


@dataclass(frozen=True, slots=True)
class _Page:
    address: WebAddress
    status: int
    content_type: str
    charset: str | None
    data: bytes
    cut: bool


class FetchUrl(BuiltinTool):
    """`resolve` turns names into addresses; `transport` replaces the network in tests."""

    name = "fetch_url"
    risk = Risk.NETWORK
    arguments = FetchUrlArguments

    def __init__(
        self,
        processes: ProcessRunner,
        *,
        resolve: Resolver = system_resolver,
        transport: TransportFactory = lambda: None,
        timeout_s: float = 30,
    ) -> None:
        self._processes = processes
        self._resolve = resolve
        self._transport = transport
        self._timeout_s = timeout_s

    def subjects(self, arguments: FetchUrlArguments) -> tuple[str, ...]:
        """Returns the address in its plain form, which begins with the scheme and the host."""
        try:
            return (str(WebAddress.parse(arguments.url)),)
        except HoldfastError:
            return (arguments.url,)  # refused when it runs, whatever the rules say

    async def run(self, arguments: FetchUrlArguments, context: ToolContext) -> ToolOutput:
        address = WebAddress.parse(arguments.url)
        limit = min(self._timeout_s, context.timeout_s)
        try:
            async with asyncio.timeout(limit):
                found = await self._fetch(address, context)
        except TimeoutError as error:
            raise ToolError(f"{address} did not answer within {limit:g} s.", code="tool_timeout") from error
        if isinstance(found, WebAddress):
            # What was approved is one site; another needs a look of its own.
            return ToolOutput.text(f"{address} leads to another site: {found}. Fetch that address to go on.")
        return await self._output(found, context)

    async def _fetch(self, address: WebAddress, context: ToolContext) -> _Page | WebAddress:
        """Returns the page, or the address on another site that it leads to."""
        import httpx  # takes a tenth of a second, and most runs fetch nothing

        # Made in a thread, for it reads the certificates of all authorities.
        client = await asyncio.to_thread(
            lambda: httpx.AsyncClient(transport=self._transport(), trust_env=False, timeout=self._timeout_s)
        )
        async with client:
            for _ in range(MAX_REDIRECTS + 1):
                found = await self._one(client, address, context)
                if isinstance(found, _Page):
                    return found
                await self._addresses(found, context)
                if not address.same_site(found):
                    return found
                address = found
        raise ToolError(
            f"More than {MAX_REDIRECTS} redirections; the last led to {address}.", code="unreachable"
        )

    async def _one(
        self, client: httpx.AsyncClient, address: WebAddress, context: ToolContext
    ) -> _Page | WebAddress:
        import httpx  # see above

        ips = await self._addresses(address, context)
        request = client.build_request(
            "GET",
            address.at(ips[0]),
            headers={**_HEADERS, "Accept-Encoding": "gzip, identity", "Host": address.netloc},
            extensions={"sni_hostname": address.host},
        )
        try:
            response = await client.send(request, stream=True)
            try:
                location = response.headers.get("location")
                if response.is_redirect and location:
                    return address.join(location)
                return await _page(address, response)
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, zlib.error) as error:
            reason = str(error) or type(error).__name__
            raise ToolError(f"{address} cannot be fetched: {reason}.", code="unreachable") from error

    async def _addresses(self, address: WebAddress, context: ToolContext) -> Sequence[str]:
        return await checked_addresses(
            address, self._resolve, allow_private=context.allow_private_hosts, advice=_ADVICE
        )

    async def _output(self, page: _Page, context: ToolContext) -> ToolOutput:
        if page.content_type in ("text/html", "application/xhtml+xml"):
            text = await self._markdown(page, context)
        elif _is_readable(page):
            text = _decoded(page)
        else:
            kind = page.content_type or "of an unknown type"
            raise ToolError(f"{page.address} is {kind} ({len(page.data)} bytes), no text.")
        failed = page.status >= 400
        head = f"{page.address} answered with status {page.status}.\n\n" if failed else ""
        note = f"\n[only the first {MAX_BYTES} bytes were read]" if page.cut else ""
        whole = f"{head}{text}{note}"
        return ToolOutput.text(whole, TextBlock(text=whole), is_error=failed)

    async def _markdown(self, page: _Page, context: ToolContext) -> str:
        """Converts HTML in a process of its own: a hostile page can keep a parser busy for ever."""
        spec = ProcessSpec(
            command=(sys.executable, "-I", "-X", "utf8", _CONVERTER, page.charset or ""),
            cwd=context.workspace.root,
            environment=context.environment,
            timeout_s=_CONVERT_S,
            stdin=page.data or b"\n",
            keep_chars=_KEEP_CHARS,
        )
        result = await self._processes.run(spec)
        if result.ending is not Ending.EXITED or result.exit_code != 0:
            raise ToolError(f"The page at {page.address} cannot be turned into text.")
        return result.head + result.tail


async def _page(address: WebAddress, response: httpx.Response) -> _Page:
    data, cut = await _body(response)
    header = Message()
    header["content-type"] = response.headers.get("content-type", "")
    content_type = header.get_content_type() if header["content-type"] else ""
    return _Page(address, response.status_code, content_type, header.get_content_charset(), data, cut)


async def _body(response: httpx.Response) -> tuple[bytes, bool]:
    """Returns at most MAX_BYTES of the body, and whether there is more.

    Unpacked here, piece by piece: a few packed bytes can be gigabytes.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "deflate"):
        raise ToolError(f"The answer is packed as {encoding[:40]!r}, which is not understood.")
    unpack = zlib.decompressobj(wbits=47) if encoding in ("gzip", "deflate") else None
    data = bytearray()
    async for raw in response.aiter_raw():
        data += unpack.decompress(raw, MAX_BYTES + 1 - len(data)) if unpack else raw
        if len(data) > MAX_BYTES:
            return bytes(data[:MAX_BYTES]), True
    return bytes(data), False


def _is_readable(page: _Page) -> bool:
    kind = page.content_type
    if kind.startswith("text/") or kind.rsplit("/", 1)[-1].rsplit("+", 1)[-1] in _TEXT_TYPES:
        return True
    return kind in ("", "application/octet-stream") and is_text(page.data)


def _decoded(page: _Page) -> str:
    try:
        return page.data.decode(page.charset or "utf-8", errors="replace")
    except LookupError:  # a charset that does not exist
        return page.data.decode(errors="replace")
