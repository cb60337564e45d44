"""Engines that are reached by a URL and a key: addresses, refusals, proxies, certificates."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_fakes import FakeWorkbench
from server_running import QUICK
from tcp_door import KEY, tcp_server

from holdfast import __version__
from holdfast.core.domain.errors import (
    ForbiddenError,
    InvalidError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.core.domain.events import EventFilter
from holdfast.server.native.address import EngineUrl
from holdfast.server.native.channel import open_channel
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.native.follow import Backoff

ALL = EventFilter()


@contextlib.asynccontextmanager
async def opened(url: str, key: str = KEY, ca_file: str = "") -> AsyncIterator[RemoteWorkbench]:
    remote = RemoteWorkbench(EngineUrl.parse(url, key, ca_file), backoff=QUICK)
    try:
        async with asyncio.timeout(10):
            yield remote
    finally:
        await remote.close()


@contextlib.asynccontextmanager
async def answering(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that is no engine: it gives `answer` to every request."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def http(status: str, body: str = "", *headers: str) -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close"))
    return f"{head}\r\n\r\n{body}".encode()


# --- addresses


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://bench.example.org", "https://bench.example.org"),
        (" http://127.0.0.1:8700/ ", "http://127.0.0.1:8700"),
        ("https://example.org/tools/holdfast/", "https://example.org/tools/holdfast"),
        ("https://example.org/tools/holdfast/v1", "https://example.org/tools"),
        ("http://[::1]:8700/holdfast/v1", "http://[::1]:8700"),
    ],
)
def test_an_address_is_where_the_api_begins(given: str, url: str) -> None:
    assert EngineUrl.parse(given).url == url


@pytest.mark.parametrize(
    "given",
    ["", "bench.example.org:8700", "ftp://example.org", "https://", "http://h:port", "http://h:0",
     "https://example.org/?key=1", "https://example.org/#x", "https://exa mple.org", "https://e\x1b.org",
     "http://[::1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidError) as caught:
        EngineUrl.parse(given)
    assert caught.value.code == "invalid_url"
    assert "\x1b" not in caught.value.message


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidError) as caught:
        EngineUrl.parse("https://me:pa55word@example.org")
    assert "pa55word" not in caught.value.message


@pytest.mark.parametrize("key", ["ключ", "two words", "line\nbreak", "a\x7fb"])
def test_a_key_that_no_header_takes_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(InvalidError) as caught:
        EngineUrl.parse("https://example.org", key)
    assert key not in caught.value.message


def test_http_is_open_to_others_but_on_this_machine() -> None:
    addresses = [
        "http://127.0.0.1:1",
        "http://localhost:1",
        "http://[::1]",
        "https://example.org",
        "http://h",
    ]
    assert [EngineUrl.parse(a).is_open for a in addresses] == [False, False, False, False, True]


def test_the_key_shows_in_no_text_of_an_address() -> None:
    address = EngineUrl.parse("http://127.0.0.1:9", "hf_secret")
    remote = RemoteWorkbench(address)
    shown = f"{address!r} {remote!r} {remote.sessions!r} {vars(open_channel(address))!r}"
    assert "hf_secret" not in shown


# --- an engine on TCP


async def test_an_engine_behind_a_path_and_a_key_is_used_as_one_on_the_socket() -> None:
    fake = FakeWorkbench()
    fake.add(3)
    async with tcp_server(fake, prefix="/tools") as (url, _), opened(url) as remote:
        assert (await remote.engine.status()).last_event_id == 3
        stream = remote.events.follow(ALL, after=1)
        async with contextlib.aclosing(stream):  # type: ignore[type-var]
            assert [(await anext(stream)).id, (await anext(stream)).id] == [2, 3]
        assert remote.engine_version == __version__


@pytest.mark.parametrize(("key", "says"), [("hf_another", "is not known at http"), ("", "HOLDFAST_KEY")])
async def test_a_wrong_key_is_said_in_words_and_not_tried_again(key: str, says: str) -> None:
    async with tcp_server(FakeWorkbench()) as (url, door), opened(url, key) as remote:
        with pytest.raises(UnauthenticatedError, match=says) as caught:
            await remote.engine.status()
        assert "holdfast keys create" in caught.value.message
        assert "hf_another" not in str(caught.value)
        before = door.refused
        with pytest.raises(UnauthenticatedError):
            await anext(remote.events.follow(ALL))
        assert door.refused == before + 1
        assert remote.engine_version == "", "a version is for those who are let in"


@pytest.mark.parametrize(
    ("code", "says"), [("key_expired", "has expired at http"), ("key_revoked", "was revoked at http")]
)
async def test_a_key_that_was_good_once_is_told_from_one_that_never_was(code: str, says: str) -> None:
    body = json.dumps({"error": {"code": code, "message": "no", "details": {}, "request_id": "r"}})
    async with answering(http("401 Unauthorized", body)) as url, opened(url) as remote:
        with pytest.raises(UnauthenticatedError, match=says) as caught:
            await remote.engine.status()
        assert caught.value.code == code


async def test_what_a_key_may_not_do_is_said_as_the_engine_says_it() -> None:
    fake = FakeWorkbench()
    fake.results["runs.cancel"] = ForbiddenError("This key may only look.", code="scope_missing")
    async with tcp_server(fake) as (url, _), opened(url) as remote:
        with pytest.raises(ForbiddenError, match="may only look"):
            await remote.runs.cancel("r1")


async def test_a_stream_goes_on_over_a_restart_without_gap_or_repetition() -> None:
    fake, again = FakeWorkbench(), FakeWorkbench()
    fake.add(2)
    again.add(4)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with opened(f"http://127.0.0.1:{port}") as remote:
        stream = remote.events.follow(ALL, after=0)
        async with tcp_server(fake, port=port):
            assert [(await anext(stream)).id, (await anext(stream)).id] == [1, 2]
        async with tcp_server(again, port=port), contextlib.aclosing(stream):  # type: ignore[type-var]
            assert [(await anext(stream)).id, (await anext(stream)).id] == [3, 4]


async def test_without_an_engine_the_client_speaks_of_the_url_and_what_to_do_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with opened(url) as remote:
        with pytest.raises(UnavailableError) as caught:
            await remote.engine.status()
    message = caught.value.message
    assert url in message and "holdfast serve" in message
    assert "(Connection refused)" in message
    assert "starts it again" not in message and KEY not in message


# --- what is no engine


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (http("404 Not Found", "<html>"), "no_engine_there", "check host, port and path"),
        (http("200 OK", "<html>sign in</html>"), "answer_unreadable", "Check the address"),
        (http("200 OK", '{"a": 1}'), "answer_unreadable", "Check the address"),
        (http("301 Moved", "", "Location: https://elsewhere.example/x"), "redirected", "elsewhere.example"),
        (http("502 Bad Gateway", "<html>"), "engine_unreachable", "answered 502"),
        (b"SSH-2.0-OpenSSH_9\r\n", "engine_unreachable", "https://"),
        (b"220 mail.example.org ESMTP\r\n\r\n", "engine_unreachable", "does not speak HTTP"),
        (b"", "engine_unreachable", "it hung up.*https://"),
    ],
)
async def test_a_server_that_is_no_engine_is_found_out(answer: bytes, code: str, says: str) -> None:
    async with answering(answer) as url, opened(url) as remote:
        with pytest.raises((UnsupportedError, UnavailableError), match=says) as caught:
            await remote.engine.status()
        assert caught.value.code == code


async def test_a_path_that_the_engine_does_not_have_is_told_from_an_engine_that_is_not_there() -> None:
    async with tcp_server(FakeWorkbench()) as (url, _), opened(f"{url}/wrong") as remote:
        with pytest.raises(UnsupportedError, match="check what stands behind the host") as caught:
            await remote.engine.status()
        assert caught.value.code == "no_engine_there"


async def test_https_to_a_port_without_a_certificate_says_to_write_http() -> None:
    async with tcp_server(FakeWorkbench()) as (url, _), opened(url.replace("http:", "https:")) as remote:
        with pytest.raises(UnsupportedError, match="write http://") as caught:
            await remote.engine.status()
        assert caught.value.code == "no_tls_there"


async def test_a_page_in_place_of_a_stream_ends_it() -> None:
    async with answering(http("200 OK", "<html>", "Content-Type: text/html")) as url, opened(url) as remote:
        with pytest.raises(UnsupportedError, match="no stream of events, but text/html"):
            await anext(remote.events.follow(ALL))


async def test_a_stream_waits_out_a_gateway_whose_engine_is_away_and_then_gives_up() -> None:
    async with answering(http("503 Service Unavailable")) as url:
        remote = RemoteWorkbench(EngineUrl.parse(url), backoff=Backoff(0.01, 0.02, patience_s=0.1))
        with pytest.raises(UnavailableError, match="answered 503"):
            async with asyncio.timeout(5):
                await anext(remote.events.follow(ALL))
        await remote.close()


# --- certificates and proxies


@pytest.fixture
def certificate(certificate_files: Path) -> tuple[ssl.SSLContext, str]:
    """A certificate for 127.0.0.1 that nobody has signed but itself."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate_files / "cert.pem", certificate_files / "key.pem")
    return context, str(certificate_files / "cert.pem")


async def test_a_certificate_that_nobody_vouches_for_is_refused_until_it_is_named(certificate: Any) -> None:
    context, pem = certificate
    async with answering(http("404 Not Found"), context) as url:
        async with opened(url) as remote:
            with pytest.raises(UnsupportedError, match="--ca FILE") as caught:
                await remote.engine.status()
            assert caught.value.code == "certificate_refused"
            with pytest.raises(UnsupportedError, match="is not trusted"):
                await anext(remote.events.follow(ALL))
        async with opened(url, ca_file=pem) as remote:
            with pytest.raises(UnsupportedError) as reached:
                await remote.engine.status()
            assert reached.value.code == "no_engine_there"


def test_another_hosts_certificate_is_not_cured_by_trusting_it() -> None:
    problem = ssl.SSLCertVerificationError(1, "certificate verify failed")
    problem.verify_code, problem.verify_message = 62, "Hostname mismatch."
    lost = open_channel(EngineUrl.parse("https://example.org")).lost(problem)
    assert "Hostname mismatch; use a name that it was made for" in lost.message
    assert "--ca" not in lost.message


@pytest.mark.parametrize(("name", "says"), [("none.pem", "No such file"), ("text.pem", "no certificate")])
def test_a_file_without_certificates_is_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "text.pem").write_text("hello")
    with pytest.raises(InvalidError, match=says):
        open_channel(EngineUrl.parse("https://example.org", ca_file=str(tmp_path / name)))


async def test_a_proxy_of_the_environment_is_used_for_others_and_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering(http("407 Proxy Authentication Required")) as proxy:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy)
        async with tcp_server(FakeWorkbench()) as (url, _), opened(url) as remote:
            await remote.engine.status()
        async with opened("http://bench.invalid") as remote:
            with pytest.raises(InvalidError, match="407"):
                await remote.engine.status()


def test_a_proxy_that_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "gopher://127.0.0.1:1")
    with pytest.raises(InvalidError, match="NO_PROXY"):
        open_channel(EngineUrl.parse("https://example.org"))


def test_what_the_client_knows_of_a_socket_comes_with_no_key() -> None:
    assert "authorization" not in httpx.Headers(open_channel("/none.sock").http.headers)
