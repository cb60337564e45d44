import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.domain.addresses import WebAddress, is_public
from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError, ToolError
from holdfast.core.tools.builtin.fetch_url import MAX_BYTES, FetchUrl
from holdfast.core.tools.web import WebFetcher, WebPage

PUBLIC = "93.184.215.14"
Answer = tuple[str, dict[str, str], bytes]
PAGE = b"""<html><head><title>Sales</title><style>p {}</style></head><body><nav>menu</nav>
<h1>Sales</h1><p>Revenue <b>rose</b> in <a href="/r">every region</a>.</p>
<script>evil()</script></body></html>"""


def resolver(known: dict[str, Sequence[str]]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return known.get(host, ())

    return resolve


class Web:
    """Answers from a table instead of a network, and keeps what was asked."""

    def __init__(self, answers: dict[str, httpx.Response]) -> None:
        self.answers = answers
        self.requests: list[httpx.Request] = []

    def __call__(self) -> httpx.AsyncBaseTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            return self.answers[f"{request.headers['host']}{request.url.raw_path.decode()}"]

        return httpx.MockTransport(answer)


def page(body: str) -> httpx.Response:
    async def stream() -> AsyncIterator[bytes]:
        yield body.encode()

    return httpx.Response(200, content=stream())


def moved(to: str) -> httpx.Response:
    return httpx.Response(302, headers={"location": to})


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, dict[str, Answer]]]:
    """A web server on loopback with pages by path."""
    pages: dict[str, Answer] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode()
        while await reader.readline() not in (b"\r\n", b""):
            continue
        status, headers, body = pages[path]
        lines = [
            f"HTTP/1.1 {status}",
            *(f"{k}: {v}" for k, v in headers.items()),
            "Connection: close",
            "",
            "",
        ]
        try:
            writer.write("\r\n".join(lines).encode() + body)
            await writer.drain()
        except ConnectionError:
            return  # the client had enough
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", pages


HTML = {"Content-Type": "text/html; charset=utf-8"}


async def test_a_page_becomes_markdown(bench: Any, text: Any, server: Any) -> None:
    base, pages = server
    pages["/"] = ("200 OK", HTML, PAGE)
    shown = text(await bench.run("fetch_url", {"url": base}, allow_private_hosts=True))
    assert shown == "# Sales\n\nRevenue **rose** in [every region](/r).\n"


async def test_json_and_text_come_as_they_are(bench: Any, text: Any, server: Any) -> None:
    base, pages = server
    pages["/j"] = ("200 OK", {"Content-Type": "application/json"}, b'{"a": 1}')
    pages["/t"] = ("200 OK", {"Content-Type": "text/plain; charset=latin-1"}, b"caf\xe9")
    pages["/x"] = ("200 OK", {"Content-Type": "text/plain; charset=nonsense"}, b"plain")
    pages["/b"] = ("200 OK", {"Content-Type": "image/png"}, b"\x89PNG")
    pages["/e"] = ("404 Not Found", {"Content-Type": "text/plain"}, b"no such page")
    found = {
        path: text(await bench.run("fetch_url", {"url": base + path}, allow_private_hosts=True))
        for path in ("/j", "/t", "/x")
    }
    assert found == {"/j": '{"a": 1}', "/t": "café", "/x": "plain"}
    with pytest.raises(ToolError, match="image/png"):
        await bench.run("fetch_url", {"url": f"{base}/b"}, allow_private_hosts=True)
    missing = await bench.run("fetch_url", {"url": f"{base}/e"}, allow_private_hosts=True)
    assert missing.is_error
    assert text(missing) == f"{base}/e answered with status 404.\n\nno such page"


async def fetched(packed: bytes, max_bytes: int) -> WebPage:
    headers = {"content-encoding": "gzip"}

    async def stream() -> AsyncIterator[bytes]:
        yield packed

    web = Web({"a.test/": httpx.Response(200, headers=headers, content=stream())})
    fetcher = WebFetcher(resolve=resolver({"a.test": [PUBLIC]}), transport=web)
    found = await fetcher.fetch(WebAddress.parse("http://a.test/"), max_bytes=max_bytes, allow_private=False)
    assert isinstance(found, WebPage)
    return found


async def test_the_loop_goes_on_while_a_bomb_is_unpacked() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    found = await fetched(gzip.compress(bytes(32 * 2**20), 1), 31 * 2**20)
    counting.cancel()
    assert (len(found.data), found.cut) == (31 * 2**20, True)
    assert turns > 31


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20])
async def test_what_is_unpacked_is_whole(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    found = await fetched(gzip.compress(data), 4 * 2**20)
    assert (found.data == data, found.cut) == (True, False)


async def test_a_page_without_end_and_a_bomb_are_cut(bench: Any, text: Any, server: Any) -> None:
    base, pages = server
    plain = {"Content-Type": "text/plain"}
    pages["/long"] = ("200 OK", plain, b"x" * (MAX_BYTES + 100_000))
    pages["/bomb"] = ("200 OK", {**plain, "Content-Encoding": "gzip"}, gzip.compress(bytes(200 * 2**20), 1))
    pages["/small"] = ("200 OK", {**plain, "Content-Encoding": "deflate"}, zlib.compress(b"unpacked"))
    pages["/odd"] = ("200 OK", {**plain, "Content-Encoding": "br"}, b"?")
    for path in ("/long", "/bomb"):
        shown = text(await bench.run("fetch_url", {"url": base + path}, allow_private_hosts=True))
        assert len(shown) < MAX_BYTES + 100
        assert shown.endswith(f"[only the first {MAX_BYTES} bytes were read]")
    assert (
        text(await bench.run("fetch_url", {"url": f"{base}/small"}, allow_private_hosts=True)) == "unpacked"
    )
    with pytest.raises(ToolError, match="packed"):
        await bench.run("fetch_url", {"url": f"{base}/odd"}, allow_private_hosts=True)


async def test_a_server_that_says_nothing_is_given_up(bench: Any, processes: Any) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    ended = asyncio.Event()
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/"
        with pytest.raises(ToolError, match="did not answer within") as raised:
            await bench.run(FetchUrl(processes, timeout_s=0.3), {"url": url}, allow_private_hosts=True)
        await asyncio.wait_for(ended.wait(), timeout=10)
    assert raised.value.code == "tool_timeout"


async def test_a_hostile_nesting_is_still_turned_into_text(bench: Any, text: Any, server: Any) -> None:
    base, pages = server
    pages["/"] = ("200 OK", HTML, b"<div>" * 20_000 + b"deep")
    assert "deep" in text(await bench.run("fetch_url", {"url": base}, allow_private_hosts=True))


async def test_loopback_is_refused_unless_allowed(bench: Any, server: Any) -> None:
    base, pages = server
    pages["/"] = ("200 OK", HTML, PAGE)
    for url in (base, base.replace("127.0.0.1", "localhost"), base.replace("127.0.0.1", "2130706433")):
        with pytest.raises(ForbiddenError) as raised:
            await bench.run("fetch_url", {"url": url})
        assert raised.value.code == "private_address"


@pytest.mark.parametrize("ips", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"], ["::ffff:192.168.0.1"]])
async def test_a_name_with_a_private_address_is_refused(bench: Any, processes: Any, ips: list[str]) -> None:
    web = Web({})
    tool = FetchUrl(processes, resolve=resolver({"inside.test": ips}), transport=web)
    with pytest.raises(ForbiddenError, match="not at a public address"):
        await bench.run(tool, {"url": "http://inside.test/"})
    assert web.requests == []


async def test_the_connection_goes_to_the_address_that_was_checked(
    bench: Any, text: Any, processes: Any
) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    web = Web({"rebind.test/a?b=c": page("fine")})
    tool = FetchUrl(processes, resolve=rebinding, transport=web)
    assert text(await bench.run(tool, {"url": "https://rebind.test/a?b=c"})) == "fine"
    (request,) = web.requests
    assert str(request.url) == f"https://{PUBLIC}/a?b=c"
    assert request.headers["host"] == "rebind.test"
    assert request.extensions["sni_hostname"] == "rebind.test"
    assert "cookie" not in request.headers


@pytest.mark.parametrize(
    "target",
    ["http://inside.test/", "http://127.0.0.1/", "http://[::1]:80/", "http://169.254.169.254/latest"],
)
async def test_a_redirection_to_a_private_address_is_refused(bench: Any, processes: Any, target: str) -> None:
    names = {"out.test": [PUBLIC], "inside.test": ["10.1.2.3"]}
    names |= {ip: [ip] for ip in ("127.0.0.1", "::1", "169.254.169.254")}
    web = Web({"out.test/": moved(target)})
    tool = FetchUrl(processes, resolve=resolver(names), transport=web)
    with pytest.raises(ForbiddenError):
        await bench.run(tool, {"url": "http://out.test/"})
    assert len(web.requests) == 1


async def test_a_name_that_turns_private_between_two_redirections_is_refused(
    bench: Any, processes: Any
) -> None:
    answers = iter([[PUBLIC], [PUBLIC], ["192.168.1.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    web = Web({"out.test/": moved("/next")})
    with pytest.raises(ForbiddenError):
        await bench.run(FetchUrl(processes, resolve=rebinding, transport=web), {"url": "http://out.test/"})
    assert len(web.requests) == 1


async def test_redirections_of_one_site_are_followed_and_others_handed_back(
    bench: Any, text: Any, processes: Any
) -> None:
    names = {host: [PUBLIC] for host in ("a.test", "www.a.test", "b.test")}
    web = Web(
        {
            "a.test/": moved("https://www.a.test/home"),
            "www.a.test/home": page("home"),
            "a.test/away": moved("http://b.test/x"),
            "a.test/file": moved("file:///etc/passwd"),
            "a.test/loop": moved("/loop"),
        }
    )
    tool = FetchUrl(processes, resolve=resolver(names), transport=web)
    assert text(await bench.run(tool, {"url": "http://a.test"})) == "home"
    away = text(await bench.run(tool, {"url": "http://a.test/away"}))
    assert away == "http://a.test/away leads to another site: http://b.test/x. Fetch that address to go on."
    with pytest.raises(InvalidError):
        await bench.run(tool, {"url": "http://a.test/file"})
    web.requests.clear()
    with pytest.raises(ToolError, match="More than 5 redirections"):
        await bench.run(tool, {"url": "http://a.test/loop"})
    assert len(web.requests) == 6


async def test_an_unknown_host_is_said(bench: Any, processes: Any) -> None:
    with pytest.raises(ToolError, match="no address"):
        await bench.run(FetchUrl(processes, resolve=resolver({})), {"url": "http://nowhere.test/"})


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("http://example.com:80/a/../b", "http://example.com/b"),
        ("https://example.com./docs/%2e%2E/admin", "https://example.com/admin"),
        ("https://example.com:8443/a b"[:-2], "https://example.com:8443/a"),
        ("https://example.com/a?q=1#frag", "https://example.com/a?q=1"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_an_address_has_one_plain_form_for_rules(bench: Any, given: str, plain: str) -> None:
    assert bench.subjects("fetch_url", {"url": given}) == (plain,)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/",
        "file:///etc/passwd",
        "a.com",
        "http://",
        "http://a:b@c/",
        "http://a\\@b/",
        "http://a b/",
        "http://a:x/",
        "http://a\n/",
        "http://a%2f/",
        "http://[::1/",
        "javascript:alert(1)",
        "http://a..\u2100/",
    ],
)
async def test_what_is_no_plain_web_address_is_refused(bench: Any, url: str) -> None:
    assert bench.subjects("fetch_url", {"url": url}) == (url,)
    with pytest.raises(HoldfastError) as raised:
        await bench.run("fetch_url", {"url": url}, allow_private_hosts=True)
    assert raised.value.code == "invalid"


@given(st.text(max_size=40).map(lambda rest: f"http://{rest}"))
def test_httpx_sees_the_same_host_as_the_check(url: str) -> None:
    try:
        plain = WebAddress.parse(url)
    except InvalidError:
        return
    assert WebAddress.parse(str(plain)) == plain
    seen = httpx.URL(str(plain))
    assert (seen.raw_host.decode(), seen.port or 80) == (plain.host, plain.port)


@pytest.mark.parametrize(
    "ip",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "nonsense",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "198.18.0.1",
        "192.0.2.1",
        "2001:db8::1",
    ],
)
def test_addresses_that_are_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_that_are_public(ip: str) -> None:
    assert is_public(ip)
