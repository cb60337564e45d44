"""Takes the main part of a web page as Markdown, piece by piece, with its links."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.pages import MAX_BYTES, is_html, markdown
from holdfast.core.tools.web import WebFetcher, plain_address

_PIECE = 20_000


class WebScrapeArguments(Arguments):
    url: str = Field(min_length=1, max_length=4_000, description="An http or https address of an HTML page")
    only_main_content: bool = Field(
        default=True, description="Only the main part of the page, without what stands around it"
    )
    links: bool = Field(default=False, description="Also list all links of the page, behind the text")
    images: bool = Field(default=False, description="Also name images, by their description and address")
    start: int = Field(default=0, ge=0, description="Character of the text at which to begin")
    max_chars: int = Field(default=_PIECE, ge=500, le=200_000, description="Characters to return at most")


class WebScrape(BuiltinTool):
    name = "web_scrape"
    risk = Risk.NETWORK
    arguments = WebScrapeArguments

    def __init__(self, processes: ProcessRunner, fetcher: WebFetcher | None = None) -> None:
        self._processes = processes
        self._fetcher = fetcher or WebFetcher()

    def subjects(self, arguments: WebScrapeArguments) -> tuple[str, ...]:
        return (plain_address(arguments.url),)

    async def run(self, arguments: WebScrapeArguments, context: ToolContext) -> ToolOutput:
        address = WebAddress.parse(arguments.url)
        page = await self._fetcher.fetch(
            address,
            max_bytes=MAX_BYTES,
            allow_private=context.allow_private_hosts,
            timeout_s=context.timeout_s,
        )
        if isinstance(page, WebAddress):
            return ToolOutput.text(f"{address} leads to another site: {page}. Scrape that address to go on.")
        if page.status >= 400:
            raise ToolError(f"{page.address} answered with status {page.status}.")
        if not is_html(page):
            kind = page.content_type or "of an unknown type"
            raise ToolError(f"{page.address} is {kind}, no HTML; fetch_url returns text as it is.")
        wanted = {
            "base": str(page.address),
            "main": arguments.only_main_content,
            "links": arguments.links,
            "images": arguments.images,
        }
        text = (await markdown(page, context, self._processes, wanted)).strip()
        shown = _piece(text, arguments) + ("\n[the page was cut]" if page.cut else "")
        return ToolOutput.text(shown, TextBlock(text=shown))


def _piece(text: str, arguments: WebScrapeArguments) -> str:
    end = arguments.start + arguments.max_chars
    if arguments.start >= len(text) > 0:
        raise ToolError(f"The text has {len(text)} characters; `start` is behind its end.")
    note = f"\n[{end:,} of {len(text):,} characters; go on with start={end}]" if end < len(text) else ""
    return text[arguments.start : end] + note
