"""Fetches a page of the web as text."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.addresses import Resolver, WebAddress, system_resolver
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.pages import MAX_BYTES, decoded, is_html, is_readable, markdown
from holdfast.core.tools.web import TransportFactory, WebFetcher, WebPage, plain_address


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
        return (plain_address(arguments.url),)

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
        if is_html(page):
            text = await markdown(page, context, self._processes)
        elif is_readable(page):
            text = decoded(page)
        else:
            kind = page.content_type or "of an unknown type"
            raise ToolError(f"{page.address} is {kind} ({len(page.data)} bytes), no text.")
        failed = page.status >= 400
        head = f"{page.address} answered with status {page.status}.\n\n" if failed else ""
        note = f"\n[only the first {MAX_BYTES} bytes were read]" if page.cut else ""
        whole = f"{head}{text}{note}"
        return ToolOutput.text(whole, TextBlock(text=whole), is_error=failed)
