"""Pages as Markdown and requests of any method: what is sent, what is refused, answers that lie."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError, ToolError
from holdfast.core.tools.builtin.http_request import HttpRequest, HttpRequestArguments
from holdfast.core.tools.builtin.web_scrape import WebScrape
from holdfast.core.tools.registry import validate_arguments
from holdfast.core.tools.web import WebFetcher

PUBLIC = "93.184.215.14"
HOSTS = {
    "a.test": PUBLIC,
    "www.a.test": PUBLIC,
    "b.test": PUBLIC,
    "inside.test": "127.0.0.1",
    "169.254.169.254": "169.254.169.254",
}
PAGE = """<html><head><title>News</title></head><body><header>Menu <a href="/menu">all</a></header>
<main><h1>Rain</h1><p>It <a href="../rain?q=1">rained</a> <a href="javascript:evil()">here</a>.
<img alt="a cloud" src="cloud.png"></p></main><footer>Imprint</footer></body></html>"""


class Web:
    """Answers every request alike, and keeps what was asked."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    @property
    def fetcher(self) -> WebFetcher:
        async def resolve(host: str, port: int) -> Sequence[str]:
            return [HOSTS[host]]

        def answered(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return self.answer

        return WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(answered))


def answer(body: str | bytes = "", kind: str = "text/html", status: int = 200) -> httpx.Response:
    async def stream() -> AsyncIterator[bytes]:
        yield body if isinstance(body, bytes) else body.encode()

    return httpx.Response(status, headers={"content-type": kind}, content=stream())


def moved(to: str) -> httpx.Response:
    return httpx.Response(307, headers={"location": to})


async def scraped(bench: Any, body: str, **given: Any) -> str:
    tool = WebScrape(bench.processes, Web(answer(body)).fetcher)
    output = await bench.run(tool, {"url": "http://a.test/news/today", **given})
    return str(output.content[0].text)


@pytest.fixture
def bench(bench: Any, processes: Any) -> Any:
    bench.processes = processes
    return bench


async def test_the_main_part_comes_with_whole_addresses(bench: Any) -> None:
    text = await scraped(bench, PAGE)
    assert text == "# News\n\n# Rain\n\nIt [rained](http://a.test/rain?q=1) here." or text == (
        "# Rain\n\nIt [rained](http://a.test/rain?q=1) here."
    )
    assert "Menu" not in text


async def test_all_of_a_page_its_links_and_images_come_when_they_are_wanted(bench: Any) -> None:
    text = await scraped(bench, PAGE, only_main_content=False, links=True, images=True)
    assert "Menu" in text and "Imprint" in text
    assert "![a cloud](http://a.test/news/cloud.png)" in text
    assert text.endswith("## Links\n\n- all: http://a.test/menu\n- rained: http://a.test/rain?q=1")
    assert "javascript" not in text


async def test_a_long_page_comes_in_pieces(bench: Any) -> None:
    body = f"<p>{'word ' * 400}end</p>"
    first = await scraped(bench, body, max_chars=500)
    assert first.endswith("[500 of 2,003 characters; go on with start=500]")
    assert (await scraped(bench, body, start=1_998, max_chars=500)) == "d end"
    with pytest.raises(ToolError, match="behind its end"):
        await scraped(bench, body, start=9_999)


async def test_a_hostile_page_stays_a_text(bench: Any) -> None:
    deep = await scraped(bench, "<div>" * 20_000 + "deep" + "<a href='http://[::bad'>x</a>", links=True)
    assert "deep" in deep
    many = await scraped(
        bench, "".join(f"<a href='/{n}'>{n}</a>" for n in range(900)), links=True, max_chars=90_000
    )
    assert many.endswith("- … and 600 more")
    forged = await scraped(bench, "<main><a href='/x) [y](http://evil'>a</a></main>")
    assert "](http://evil" not in forged


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (answer("{}", "application/json"), "no HTML"),
        (answer("gone", status=404), "status 404"),
    ],
)
async def test_what_is_no_page_is_told(bench: Any, given: httpx.Response, error: str) -> None:
    with pytest.raises(ToolError, match=error):
        await bench.run(WebScrape(bench.processes, Web(given).fetcher), {"url": "http://a.test/"})


async def test_a_request_is_sent_as_it_was_shown(bench: Any, text: Any) -> None:
    web = Web(answer('{"id": 7}', "application/json", 201))
    given = {
        "url": "https://A.test/items/../orders",
        "method": "PUT",
        "headers": {"X-Kind": "a", "Idempotency-Key": "1"},
        "body": '{"n": 1}',
    }
    tool = HttpRequest(web.fetcher)
    assert bench.subjects(tool, given) == ("PUT https://a.test/orders",)
    (block,) = (await bench.preview(tool, given)).blocks
    assert block.text == (
        'PUT https://a.test/orders\nX-Kind: a\nIdempotency-Key: 1\nContent-Type: application/json\n\n{"n": 1}'
    )
    output = await bench.run(tool, given)
    assert (text(output), output.is_error) == ('Status 201, application/json\n\n{"id": 7}', False)
    (request,) = web.requests
    assert (request.method, str(request.url), request.headers["host"]) == (
        "PUT",
        f"https://{PUBLIC}/orders",
        "a.test",
    )
    assert (request.content, request.headers["x-kind"]) == (b'{"n": 1}', "a")
    assert "cookie" not in request.headers


async def test_answers_of_all_kinds_are_told(bench: Any, text: Any) -> None:
    async def said(response: httpx.Response) -> tuple[str, bool]:
        output = await bench.run(HttpRequest(Web(response).fetcher), {"url": "http://a.test/"})
        return text(output), output.is_error

    assert await said(answer("", "text/plain", 204)) == ("Status 204, text/plain, no body.", False)
    assert await said(answer("no", "text/plain", 500)) == ("Status 500, text/plain\n\nno", True)
    assert await said(answer(b"\x89PNG\0", "image/png")) == (
        "Status 200, image/png, 5 bytes that are no text.",
        False,
    )
    long, _ = await said(answer("x" * (2**20 + 9), "text/plain"))
    assert long.endswith(f"[only the first {2**20} bytes were read]")


async def test_a_redirection_is_told_and_not_followed(bench: Any, text: Any) -> None:
    web = Web(moved("http://169.254.169.254/latest/meta-data"))
    output = await bench.run(
        HttpRequest(web.fetcher), {"url": "http://a.test/", "method": "POST", "body": "x"}
    )
    assert (
        text(output) == "The answer leads to http://169.254.169.254/latest/meta-data. Nothing was sent there."
    )
    assert len(web.requests) == 1


async def test_a_page_that_leads_inside_is_refused(bench: Any, text: Any) -> None:
    for target in ("http://169.254.169.254/", "http://inside.test/"):
        web = Web(moved(target))
        with pytest.raises(ForbiddenError):
            await bench.run(WebScrape(bench.processes, web.fetcher), {"url": "http://a.test/"})
        assert len(web.requests) == 1
    web = Web(moved("http://b.test/"))
    output = await bench.run(WebScrape(bench.processes, web.fetcher), {"url": "http://a.test/"})
    assert text(output).startswith("http://a.test/ leads to another site: http://b.test/.")


@pytest.mark.parametrize("url", ["http://inside.test/", "http://169.254.169.254/latest"])
async def test_addresses_inside_are_refused_for_every_method(bench: Any, url: str) -> None:
    web = Web(answer())
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(ForbiddenError) as raised:
            await bench.run(HttpRequest(web.fetcher), {"url": url, "method": method})
        assert raised.value.code == "private_address"
    assert web.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer x"},
        {"cookie": "a=b"},
        {"X-API-Key": "k"},
        {"X-Auth-Token": "t"},
        {"Host": "inside.test"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Transfer-Encoding": "chunked"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-Original-URL": "/admin"},
        {"x-rewrite-url": "/admin"},
        {"X-A": "a\r\nHost: b"},
        {"X A": "a"},
        {"": "a"},
        {"X-A": "ü"},
        {"X-A": "1", "x-a": "2"},
    ],
)
def test_headers_that_are_not_for_a_model_are_refused(bench: Any, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidError) as raised:
        validate_arguments(HttpRequest(), {"url": "http://a.test/", "headers": headers})
    assert raised.value.code == "invalid_arguments"


async def test_what_is_no_web_address_is_refused(bench: Any) -> None:
    for url in ("file:///etc/passwd", "http://user:pass@a.test/", "gopher://a.test/"):
        for tool in (HttpRequest(Web(answer()).fetcher), WebScrape(bench.processes, Web(answer()).fetcher)):
            with pytest.raises(HoldfastError) as raised:
                await bench.run(tool, {"url": url})
            assert raised.value.code == "invalid"


@given(st.text(max_size=60), st.sampled_from(["GET", "POST", "DELETE"]))
def test_a_subject_names_the_host_that_is_reached(rest: str, method: str) -> None:
    arguments = HttpRequestArguments.model_validate({"url": f"http://a.test/{rest}", "method": method})
    (subject,) = HttpRequest().subjects(arguments)
    assert subject.startswith(f"{method} http://a.test/")
