"""Searches the web through the provider that the settings name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from holdfast.core.domain.tools import Risk, TableBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.web_searching import MAX_RESULTS, Wanted, WebResult, WebSearcher, not_configured

Domain = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]


class WebSearchArguments(Arguments):
    query: str = Field(min_length=1, max_length=400, description="What to look for")
    max_results: int = Field(default=5, ge=1, le=MAX_RESULTS, description="Results at most")
    include_domains: tuple[Domain, ...] = Field(
        default=(), max_length=20, description="Only pages of these domains, such as example.com"
    )
    exclude_domains: tuple[Domain, ...] = Field(
        default=(), max_length=20, description="No pages of these domains"
    )


class WebSearch(BuiltinTool):
    """`searcher` asks a provider; None: there is no way to one."""

    name = "web_search"
    risk = Risk.NETWORK
    arguments = WebSearchArguments

    def __init__(self, searcher: WebSearcher | None = None) -> None:
        self._searcher = searcher

    def subjects(self, arguments: WebSearchArguments) -> tuple[str, ...]:
        """Returns what is looked for: it is what leaves this machine."""
        return (arguments.query,)

    async def run(self, arguments: WebSearchArguments, context: ToolContext) -> ToolOutput:
        if self._searcher is None:
            raise not_configured()
        wanted = Wanted(
            arguments.query, arguments.max_results, arguments.include_domains, arguments.exclude_domains
        )
        return _output(await self._searcher.search(wanted))


def _output(results: tuple[WebResult, ...]) -> ToolOutput:
    if not results:
        return ToolOutput.text("Nothing was found.")
    lines = [
        f"{at}. {each.title}\n   {each.url}\n   {each.text}".rstrip() for at, each in enumerate(results, 1)
    ]
    rows = tuple((each.title, each.url, each.text) for each in results)
    return ToolOutput.text("\n".join(lines), TableBlock(headers=("title", "address", "text"), rows=rows))
