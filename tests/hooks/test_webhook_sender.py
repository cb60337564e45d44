"""One attempt against a real server on loopback, which does what hostile receivers do."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.webhook_formats import Message
from holdfast.core.hooks.outcome import Verdict, judge
from holdfast.core.hooks.sender import KEPT_BODY, Certificates, HttpSender

MESSAGE = Message(
    {"Content-Type": "application/json", "X-Holdfast-Signature": "sha256=00"}, b'{"a": "\xc3\xbc"}'
)
PEM = Path(__file__).with_name("receiver.pem")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


def resolver(ips: Sequence[str]) -> Resolve:
    """Returns where every name leads to."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ips

    return resolve


def plain_certificates() -> Certificates:
    """No authorities: loading them takes time that only TLS needs."""
    return Certificates(lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., HttpSender]]:
    """Makes senders, closed at the end."""
    made: list[HttpSender] = []

    def sender(certificates: Certificates | None = None, **more: Any) -> HttpSender:
        made.append(HttpSender(certificates or plain_certificates(), **more))
        return made[-1]

    yield sender
    for each in made:
        await each.close()


async def test_the_raw_body_and_the_headers_arrive_as_they_are(make: Any, receiver: Any) -> None:
    receiver.answer(202, b"got it")
    answer = await make().send(f"{receiver.url}/a%20b?x=1", MESSAGE, allow_private=True)
    assert (answer.status, answer.body, answer.error) == (202, "got it", "")
    assert answer.duration_ms > 0
    (request,) = receiver.requests
    assert request.line == "POST /hook/a%20b?x=1 HTTP/1.1"
    assert request.body == MESSAGE.body
    assert request.headers["x-holdfast-signature"] == "sha256=00"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert "cookie" not in request.headers
    assert "authorization" not in request.headers


async def test_a_burst_uses_one_connection_and_no_cookie(make: Any, receiver: Any) -> None:
    sender = make()
    for _ in range(3):
        receiver.answer(200, b"ok", Set_Cookie="a=b; Path=/")
        await sender.send(receiver.url, MESSAGE, allow_private=True)
    await sender.close()
    await sender.send(receiver.url, MESSAGE, allow_private=True)
    assert receiver.connections == 2
    assert not any("cookie" in request.headers for request in receiver.requests)


async def test_a_redirection_is_not_followed(make: Any, receiver: Any) -> None:
    receiver.answer(307, Location="/elsewhere")
    answer = await make().send(receiver.url, MESSAGE, allow_private=True)
    assert (answer.status, judge(answer)) == (307, Verdict.REFUSED)
    assert len(receiver.requests) == 1


async def test_only_the_start_of_an_endless_body_is_read(make: Any, receiver: Any) -> None:
    receiver.answers.append(
        [b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", *[b"y" * 1000 for _ in range(5)]]
    )
    answer = await make().send(receiver.url, MESSAGE, allow_private=True)
    assert answer.status == 200
    assert len(answer.body) == KEPT_BODY
    assert set(answer.body[:-1]) == {"y"}


async def test_a_body_that_drips_does_not_outlast_the_limit_and_its_status_counts(
    make: Any, receiver: Any
) -> None:
    receiver.answers.append([b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\ndrip"])
    answer = await make(timeout_s=0.2).send(receiver.url, MESSAGE, allow_private=True)
    assert answer.status == 200
    assert answer.body == "drip [broken off: TimeoutError]"


async def test_no_answer_within_the_limit_is_a_failure_to_be_tried_again(make: Any, receiver: Any) -> None:
    receiver.answers.append(None)
    answer = await make(timeout_s=0.1).send(receiver.url, MESSAGE, allow_private=True)
    assert (answer.status, judge(answer)) == (None, Verdict.RETRY)
    assert "within 0.1 s" in answer.error


async def test_a_name_server_that_keeps_silent_is_within_the_limit(make: Any) -> None:
    async def silent(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    answer = await make(resolve=silent, timeout_s=0.1).send("http://a.test/", MESSAGE, allow_private=True)
    assert judge(answer) is Verdict.RETRY


@pytest.mark.parametrize(
    "pieces",
    [
        [b"", b""],
        [b"\x00\xff\xfe no http\r\n\r\n", b""],
        [b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b""],
        [b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000 + b"\r\n", b""],
        [b"HTTP/1.1 200 OK\r\nA: " + b"b" * 1_000_000, b""],
        [b"HTTP/1.1 99999 OK\r\n\r\n", b""],
    ],
    ids=["cut", "garbage", "length", "headers", "header", "status"],
)
async def test_what_is_no_answer_is_a_failure_and_never_an_exception(
    make: Any, receiver: Any, pieces: list[bytes]
) -> None:
    receiver.answers.append(pieces)
    answer = await make(timeout_s=5).send(receiver.url, MESSAGE, allow_private=True)
    assert (answer.status, judge(answer)) == (None, Verdict.RETRY)
    assert 0 < len(answer.error) <= 300


async def test_a_body_that_breaks_off_leaves_its_status(make: Any, receiver: Any) -> None:
    receiver.answers.append([b"HTTP/1.1 500 No\r\nContent-Length: 99\r\n\r\nhalf", b""])
    answer = await make().send(receiver.url, MESSAGE, allow_private=True)
    assert answer.status == 500
    assert answer.body.startswith("half [broken off")


async def test_a_packed_body_is_not_unpacked(make: Any, receiver: Any) -> None:
    packed = gzip.compress(b"0" * 50_000_000)
    receiver.answer(200, packed, Content_Encoding="gzip")
    answer = await make().send(receiver.url, MESSAGE, allow_private=True)
    assert answer.status == 200
    assert "000" not in answer.body
    assert len(answer.body) <= KEPT_BODY


async def test_what_is_kept_has_no_control_characters_and_no_secrets(make: Any, receiver: Any) -> None:
    receiver.answer(400, "\x1b[31mno\x9b \u202ewell\x00, hfw_secr\x07et\nand more".encode())
    sender = make(redact=lambda text: text.replace("hfw_secret", "[redacted]"))
    answer = await sender.send(receiver.url, MESSAGE, allow_private=True)
    assert answer.body == "[31mno well, [redacted]\nand more"


async def test_a_secret_across_the_end_of_what_is_kept_is_redacted_whole(make: Any, receiver: Any) -> None:
    receiver.answer(400, b"x" * (KEPT_BODY - 8) + b"hfw_secret" + b"y" * 5000)
    sender = make(redact=lambda text: text.replace("hfw_secret", "[redacted]"))
    answer = await sender.send(receiver.url, MESSAGE, allow_private=True)
    assert "hfw_" not in answer.body


async def test_the_wait_that_a_receiver_asks_for_is_told(make: Any, receiver: Any) -> None:
    receiver.answer(429, Retry_After="17")
    answer = await make().send(receiver.url, MESSAGE, allow_private=True)
    assert answer.retry_after_s == 17


async def test_nobody_there_is_a_failure_to_be_tried_again(make: Any, receiver: Any) -> None:
    answer = await make().send("http://127.0.0.1:1/", MESSAGE, allow_private=True)
    assert judge(answer) is Verdict.RETRY
    assert answer.error == "127.0.0.1:1 cannot be reached: Connection refused."


async def test_an_unknown_host_is_a_failure_to_be_tried_again(make: Any) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise ToolError(f"The host {host} is not known.", code="unreachable")

    answer = await make(resolve=unknown).send("http://nowhere.test/", MESSAGE, allow_private=False)
    assert (judge(answer), answer.error) == (Verdict.RETRY, "The host nowhere.test is not known.")


async def test_the_next_address_of_a_name_is_tried_when_one_takes_no_connection(
    make: Any, receiver: Any
) -> None:
    sender = make(resolve=resolver(["::1", "127.0.0.1"]))
    answer = await sender.send(f"http://two.test:{receiver.port}/", MESSAGE, allow_private=True)
    assert answer.status == 200
    assert receiver.requests[0].headers["host"] == f"two.test:{receiver.port}"


@pytest.mark.parametrize(
    "ips",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["0.0.0.0"],
    ],
)
async def test_a_name_with_a_private_address_is_refused_for_good(
    make: Any, receiver: Any, ips: list[str]
) -> None:
    sender = make(resolve=resolver(ips))
    answer = await sender.send(f"http://inside.test:{receiver.port}/", MESSAGE, allow_private=False)
    assert judge(answer) is Verdict.REFUSED
    assert "not at a public address" in answer.error
    assert not any(ip in answer.error for ip in ips), "what a network's names lead to is not told"
    assert receiver.connections == 0


async def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_checked(
    make: Any, receiver: Any
) -> None:
    """A name server cannot say one thing to the check and another to the connection."""
    asked = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    url = f"http://rebinding.test:{receiver.port}/"
    answer = await make(resolve=resolve).send(url, MESSAGE, allow_private=True)
    assert (answer.status, asked) == (200, ["rebinding.test"])


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost"])
async def test_other_ways_to_write_this_machine_are_refused_too(make: Any, receiver: Any, host: str) -> None:
    answer = await make().send(f"http://{host}:{receiver.port}/", MESSAGE, allow_private=False)
    assert judge(answer) is Verdict.REFUSED
    assert receiver.connections == 0


@pytest.mark.parametrize("url", ["ftp://a.test/", "http://user:pw@a.test/", "http://", "file:///etc/passwd"])
async def test_what_is_no_address_is_refused_for_good(make: Any, url: str) -> None:
    answer = await make().send(url, MESSAGE, allow_private=True)
    assert judge(answer) is Verdict.REFUSED


# --- TLS


@pytest.fixture
async def secure_port() -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(PEM))


async def test_a_certificate_of_the_hosts_name_is_taken(make: Any, secure_port: int) -> None:
    sender = make(Certificates(trusting), resolve=resolver(["127.0.0.1"]))
    answer = await sender.send(f"https://receiver.test:{secure_port}/", MESSAGE, allow_private=True)
    assert (answer.status, answer.error) == (200, "")


@pytest.mark.parametrize(
    ("certificates", "host"),
    [(Certificates(trusting), "other.test"), (Certificates(), "receiver.test")],
    ids=["another name", "nobody knows it"],
)
async def test_any_other_certificate_is_refused(
    make: Any, secure_port: int, certificates: Certificates, host: str
) -> None:
    sender = make(certificates, resolve=resolver(["127.0.0.1"]))
    answer = await sender.send(f"https://{host}:{secure_port}/", MESSAGE, allow_private=True)
    assert answer.status is None
    assert "certificate" in answer.error.lower()


def test_nothing_of_it_loads_httpx_before_something_is_sent() -> None:
    code = "import sys, holdfast.core.services.local; print('httpx' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"
