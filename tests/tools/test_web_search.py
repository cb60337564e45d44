"""Web search: each provider's request and answer on a server of the test's own, and answers that lie."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.core.config.settings import WebSearchSettings
from holdfast.core.domain.errors import ForbiddenError, ToolError
from holdfast.core.tools.builtin.web_search import WebSearch
from holdfast.core.tools.web import WebFetcher
from holdfast.core.tools.web_searching import Wanted, WebSearcher

FOUND = [
    {"url": "https://a.example/1", "title": "One", "content": "first"},
    {"url": "https://b.example/2", "title": "Two", "content": "second"},
    {"url": "https://docs.a.example/3", "title": "Three", "content": "third"},
]
ANSWERS: dict[str, Any] = {
    "searxng": {"query": "x", "results": FOUND},
    "tavily": {"query": "x", "results": FOUND, "response_time": 1.2},
    "brave": {
        "type": "search",
        "web": {"results": [{**each, "description": each["content"], "content": None} for each in FOUND]},
    },
}


@dataclass
class Provider:
    """A search provider on loopback, which keeps what it was asked."""

    url: str = ""
    status: str = "200 OK"
    body: bytes = b""
    more: str = ""
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next((int(line[15:]) for line in head.splitlines() if line.startswith("content-length:")), 0)
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))
        start = f"HTTP/1.1 {self.status}\r\n{self.more}Connection: close\r\n\r\n"
        try:
            writer.write(start.encode() + self.body)
            await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.heads[-1].split()[1]).query)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    listener = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    async with listener:
        made.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield made


def searcher(name: Any, url: str | None, key: str | None = "canary-key") -> WebSearcher:
    settings = WebSearchSettings(provider=name, url=url)
    return WebSearcher(lambda: settings, lambda provider: key, WebFetcher(timeout_s=5))


@pytest.mark.parametrize("name", ["searxng", "tavily", "brave"])
async def test_each_provider_gives_results_in_one_shape(
    bench: Any, text: Any, provider: Provider, name: str
) -> None:
    provider.body = json.dumps(ANSWERS[name]).encode()
    tool = WebSearch(searcher(name, provider.url))
    given = {"query": "town budgets", "max_results": 2, "exclude_domains": ["b.example"]}
    output = await bench.run(tool, given)
    assert text(output) == (
        "1. One\n   https://a.example/1\n   first\n2. Three\n   https://docs.a.example/3\n   third"
    )
    assert output.display[0].rows[1] == ("Three", "https://docs.a.example/3", "third")
    assert bench.subjects(tool, given) == ("town budgets",)


async def test_what_each_provider_is_asked(provider: Provider) -> None:
    wanted = Wanted("budgets", 3, ("a.example", "c.example"), ("b.example",))
    provider.body = b'{"results": []}'
    await searcher("searxng", f"{provider.url}/").search(wanted)
    sites = "budgets (site:a.example or site:c.example) -site:b.example"
    assert provider.heads[-1].startswith("get /search?")
    assert provider.query == {"q": [sites], "format": ["json"]}
    assert "canary" not in provider.heads[-1]
    await searcher("tavily", provider.url).search(wanted)
    assert provider.heads[-1].startswith("post / ")
    assert "authorization: bearer canary-key" in provider.heads[-1]
    assert json.loads(provider.bodies[-1]) == {
        "query": "budgets",
        "max_results": 3,
        "include_domains": ["a.example", "c.example"],
        "exclude_domains": ["b.example"],
    }
    provider.body = b'{"type": "search"}'
    assert await searcher("brave", f"{provider.url}/web").search(wanted) == ()
    assert "x-subscription-token: canary-key" in provider.heads[-1]
    assert provider.query == {"q": [sites], "count": ["20"]}


async def test_only_the_included_domains_come_back(provider: Provider) -> None:
    provider.body = json.dumps(
        {"results": [*FOUND, {"url": "https://evila.example/", "title": "x"}]}
    ).encode()
    found = await searcher("searxng", provider.url).search(Wanted("x", 9, ("A.example",)))
    assert [each.title for each in found] == ["One", "Three"]


async def test_what_a_result_says_stays_within_its_lines(provider: Provider) -> None:
    provider.body = json.dumps(
        {
            "results": [
                {"url": "javascript:alert(1)", "title": "no address"},
                {"url": "http://user:pass@a.example/", "title": "no address either"},
                "no result",
                {
                    "url": "https://a.example/",
                    "title": "T\x1b[31m\n2. Forged\u202e",
                    "content": "<b>x</b> &amp;\n\ny" * 900,
                },
                {"url": "https://a.example/", "title": "again"},
                {"url": "https://c.example/", "title": 7, "content": {"a": 1}},
            ]
        }
    ).encode()
    one, two = await searcher("searxng", provider.url).search(Wanted("x", 9))
    assert one.title == "T[31m 2. Forged"
    assert one.text.startswith("x & yx & y")
    assert len(one.text) == 1_000
    assert (two.title, two.text) == ("https://c.example/", "")


async def test_what_is_not_set_up_is_said_with_what_to_do(bench: Any) -> None:
    for tool in (WebSearch(), WebSearch(searcher(None, None)), WebSearch(searcher("searxng", None))):
        with pytest.raises(ToolError, match=r"web_search\.provider") as raised:
            await bench.run(tool, {"query": "x"})
        assert raised.value.code == "web_search_not_configured"
    with pytest.raises(ToolError, match="holdfast keys provider set brave"):
        await bench.run(WebSearch(searcher("brave", None, key=None)), {"query": "x"})


@pytest.mark.parametrize(
    ("name", "status", "body", "said"),
    [
        ("tavily", "401 Unauthorized", b"{}", "refuses the key"),
        ("brave", "429 Too Many", b"{}", "try later"),
        ("searxng", "403 Forbidden", b"{}", "search.formats"),
        ("searxng", "500 Oh", b"{}", "status 500"),
        ("searxng", "200 OK", b"<html>", "not JSON"),
        ("searxng", "200 OK", b"[" * 100_000, "not JSON"),
        ("searxng", "200 OK", b'{"results": 3}', "no results"),
        ("searxng", "200 OK", b'{"results": [' + b'"x",' * 1_000_000, "not JSON"),
    ],
)
async def test_an_answer_that_is_none_is_told(
    provider: Provider, name: str, status: str, body: bytes, said: str
) -> None:
    provider.status, provider.body = status, body
    with pytest.raises(ToolError, match=said) as raised:
        await searcher(name, provider.url).search(Wanted("x"))
    assert raised.value.code == "web_search_failed"
    assert "canary" not in raised.value.message


async def test_a_redirection_gets_neither_the_query_nor_the_key(provider: Provider) -> None:
    provider.status, provider.more = "302 Found", "Location: http://169.254.169.254/latest\r\n"
    with pytest.raises(ToolError, match="instead of answering"):
        await searcher("tavily", provider.url).search(Wanted("x"))
    assert len(provider.heads) == 1


async def test_a_provider_that_resolves_to_loopback_is_refused_where_the_user_set_no_address() -> None:
    async def inside(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    settings = WebSearchSettings(provider="tavily")
    with pytest.raises(ForbiddenError):
        await WebSearcher(lambda: settings, lambda name: "key", WebFetcher(resolve=inside)).search(
            Wanted("x")
        )
