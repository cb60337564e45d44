"""Searching the web through SearXNG, Tavily or Brave: their requests and answers, in one shape."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from holdfast.core.config.settings import WebSearchSettings
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import InvalidError, ToolError
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import Value
from holdfast.core.tools.web import WebFetcher, WebPage, WebRequest

MAX_RESULTS = 20
KEY_VARIABLES: dict[str, tuple[str, ...]] = {"tavily": ("TAVILY_API_KEY",), "brave": ("BRAVE_API_KEY",)}
"""Environment variables that may hold the key of a provider."""
_MAX_BYTES = 2 * 2**20
_MAX_TITLE = 300
_MAX_TEXT = 1_000
_TIMEOUT_S = 30.0
_TAVILY = "https://api.tavily.com/search"
_BRAVE = "https://api.search.brave.com/res/v1/web/search"
_TAG = re.compile(r"<[^<>]{0,200}>")
_SPACES = re.compile(r"\s+")


class WebResult(Value):
    """One page that was found."""

    title: str
    url: str
    text: str = ""
    """What the provider shows of it, on one line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for."""

    query: str
    max_results: int = 5
    include_domains: Sequence[str] = ()
    exclude_domains: Sequence[str] = ()


class WebSearcher:
    """Asks the provider that the settings name. `key` returns the key of one and may block."""

    def __init__(
        self,
        settings: Callable[[], WebSearchSettings],
        key: Callable[[str], str | None],
        fetcher: WebFetcher,
    ) -> None:
        self._settings = settings
        self._key = key
        self._fetcher = fetcher

    async def search(self, wanted: Wanted) -> tuple[WebResult, ...]:
        """Returns what was found, best first. Raises `ToolError` where nothing is set up or answers."""
        settings = await asyncio.to_thread(self._settings)
        request = await self._request(settings, wanted)
        found = await self._fetcher.send(
            request,
            max_bytes=_MAX_BYTES,
            # An address of the user's own settings may be anywhere; nothing else can set it.
            allow_private=settings.url is not None,
            timeout_s=_TIMEOUT_S,
        )
        if not isinstance(found, WebPage):
            raise _failed(settings, f"leads to {found} instead of answering")
        if found.status >= 400:
            raise _refused(settings, found.status)
        return tuple(_results(_listed(settings, found), wanted))

    async def _request(self, settings: WebSearchSettings, wanted: Wanted) -> WebRequest:
        match settings.provider:
            case "searxng" if settings.url is not None:
                asked = urlencode({"q": _with_sites(wanted), "format": "json"}, errors="replace")
                return WebRequest(_address(f"{settings.url.rstrip('/')}/search?{asked}"))
            case "tavily":
                body = {
                    "query": wanted.query,
                    "max_results": wanted.max_results,
                    "include_domains": list(wanted.include_domains),
                    "exclude_domains": list(wanted.exclude_domains),
                }
                headers = {
                    "Authorization": f"Bearer {await self._needed_key('tavily')}",
                    "Content-Type": "application/json",
                }
                address = _address(settings.url or _TAVILY)
                return WebRequest(address, "POST", headers, json.dumps(body).encode())
            case "brave":
                asked = urlencode({"q": _with_sites(wanted), "count": MAX_RESULTS}, errors="replace")
                headers = {"X-Subscription-Token": await self._needed_key("brave")}
                return WebRequest(_address(f"{settings.url or _BRAVE}?{asked}"), headers=headers)
        raise not_configured()

    async def _needed_key(self, provider: str) -> str:
        key = await asyncio.to_thread(self._key, provider)
        if key is None:
            raise ToolError(
                f"Web search with {provider} needs a key. The person who runs Holdfast stores it with "
                f"`holdfast keys provider set {provider}`.",
                code="web_search_not_configured",
            )
        return key


def not_configured() -> ToolError:
    """Returns the error of a search that nobody has set up."""
    return ToolError(
        "Web search is not set up. Who runs Holdfast sets `web_search.provider` to tavily or "
        "brave and stores its key (`holdfast keys provider set NAME`), or to searxng with `web_search.url`.",
        code="web_search_not_configured",
    )


def _address(text: str) -> WebAddress:
    try:
        return WebAddress.parse(text)
    except InvalidError as error:
        raise ToolError(f"The setting `web_search.url` is no address: {error.message}") from error


def _with_sites(wanted: Wanted) -> str:
    """Returns the query with the domains as search engines take them."""
    within = " OR ".join(f"site:{domain}" for domain in wanted.include_domains)
    without = " ".join(f"-site:{domain}" for domain in wanted.exclude_domains)
    return " ".join(part for part in (wanted.query, f"({within})" if within else "", without) if part)


def _failed(settings: WebSearchSettings, why: str) -> ToolError:
    return ToolError(f"The web search ({settings.provider}) {why}.", code="web_search_failed")


def _refused(settings: WebSearchSettings, status: int) -> ToolError:
    if settings.provider == "searxng" and status == 403:
        return _failed(settings, "gives no JSON: its settings.yml needs `json` among `search.formats`")
    if status in (401, 403):
        return _failed(settings, "refuses the key")
    if status in (402, 429, 432, 433):
        return _failed(settings, f"has had enough requests (status {status}); try later")
    return _failed(settings, f"answered with status {status}")


def _listed(settings: WebSearchSettings, page: WebPage) -> list[Any]:
    """Returns the list of results in an answer. Raises `ToolError` for what is none."""
    try:
        answer = json.loads(page.data)
    except (ValueError, RecursionError) as error:
        raise _failed(settings, "answered with something that is not JSON") from error
    match answer:
        case {"results": list() as found} | {"web": {"results": list() as found}}:
            return found
        case {"type": "search"}:  # Brave leaves out what it has not found
            return []
    raise _failed(settings, "answered with JSON that holds no results")


def _results(found: Iterable[Any], wanted: Wanted) -> list[WebResult]:
    """Returns what can be used: http addresses of the wanted domains, each once."""
    results: dict[str, WebResult] = {}
    for each in found:
        if not isinstance(each, dict) or len(results) >= wanted.max_results:
            continue
        try:
            address = WebAddress.parse(str(each.get("url", "")))
        except InvalidError:
            continue
        if not _is_wanted(address.host, wanted):
            continue
        url = str(address)
        title = _line(each.get("title"), _MAX_TITLE) or url
        text = _line(each.get("content") or each.get("description"), _MAX_TEXT)
        results.setdefault(url, WebResult(title=title, url=url, text=text))
    return list(results.values())


def _is_wanted(host: str, wanted: Wanted) -> bool:
    if any(_within(host, domain) for domain in wanted.exclude_domains):
        return False
    return not wanted.include_domains or any(_within(host, domain) for domain in wanted.include_domains)


def _within(host: str, domain: str) -> bool:
    domain = domain.lower().removeprefix("www.")
    return host == domain or host.endswith(f".{domain}")


def _line(value: Any, limit: int) -> str:
    """Returns a text of an answer as one plain line: no result can look like the next one."""
    if not isinstance(value, str):
        return ""
    plain = html.unescape(_TAG.sub("", value[: 20 * limit]))
    return shorten(_SPACES.sub(" ", sanitize_line(plain)).strip(), limit)
