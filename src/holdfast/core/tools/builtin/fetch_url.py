"""Fetches a page of the web as text."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import Field

from holdfast.core.domain.addresses import Resolver, WebAddress, system_resolver
from holdfast.core.domain.errors import HoldfastError, ToolError
from holdfast.core.domain.media import is_text
from holdfast.core.domain.processes import Ending, ProcessRunner, ProcessSpec, Reach
from holdfast.core.domain.tools import Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.web import TransportFactory, WebFetcher, WebPage

MAX_BYTES = 5 * 2**20
_CONVERT_S = 20.0
_CONVERTER = str(Path(__file__).with_name("html_main.py"))
_KEEP_CHARS = 4 * MAX_BYTES
_TEXT_TYPES = ("json", "xml", "javascript", "yaml", "toml", "x-sh")


class FetchUrlArguments(Arguments):
    url: str = Field(min_length=1, max_length=4_000, description="An http or https address")


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
        self._fetcher = WebFetcher(resolve=resolve, transport=transport, timeout_s=timeout_s)

    def subjects(self, arguments: FetchUrlArguments) -> tuple[str, ...]:
        """Returns the address in its plain form, which begins with the scheme and the host."""
        try:
            return (str(WebAddress.parse(arguments.url)),)
        except HoldfastError:
            return (arguments.url,)  # refused when it runs, whatever the rules say

    async def run(self, arguments: FetchUrlArguments, context: ToolContext) -> ToolOutput:
        address = WebAddress.parse(arguments.url)
        found = await self._fetcher.fetch(
            address,
            max_bytes=MAX_BYTES,
            allow_private=context.allow_private_hosts,
            timeout_s=context.timeout_s,
        )
        if isinstance(found, WebAddress):
            # What was approved is one site; another needs a look of its own.
            return ToolOutput.text(f"{address} leads to another site: {found}. Fetch that address to go on.")
        return await self._output(found, context)

    async def _output(self, page: WebPage, context: ToolContext) -> ToolOutput:
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

    async def _markdown(self, page: WebPage, context: ToolContext) -> str:
        """Converts HTML in a process of its own: a hostile page can keep a parser busy for ever."""
        spec = ProcessSpec(
            command=(sys.executable, "-I", "-X", "utf8", _CONVERTER, page.charset or ""),
            cwd=context.workspace.root,
            environment=context.environment,
            timeout_s=_CONVERT_S,
            stdin=page.data or b"\n",
            keep_chars=_KEEP_CHARS,
            reach=Reach(),
        )
        result = await self._processes.run(spec)
        if result.ending is not Ending.EXITED or result.exit_code != 0:
            raise ToolError(f"The page at {page.address} cannot be turned into text.")
        return result.head + result.tail


def _is_readable(page: WebPage) -> bool:
    kind = page.content_type
    if kind.startswith("text/") or kind.rsplit("/", 1)[-1].rsplit("+", 1)[-1] in _TEXT_TYPES:
        return True
    return kind in ("", "application/octet-stream") and is_text(page.data)


def _decoded(page: WebPage) -> str:
    try:
        return page.data.decode(page.charset or "utf-8", errors="replace")
    except LookupError:  # a charset that does not exist
        return page.data.decode(errors="replace")
