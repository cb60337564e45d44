"""Connections that are held without being used, are cut, or are too many: each ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from server_fakes import FakeWorkbench
from tcp_running import KEY, Raw, Tcp, listening, until

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.status import ListenOptions
from holdfast.core.domain.values import Page
from holdfast.server import connections
from holdfast.server.connections import Patience, room_for, set_up
from holdfast.server.kit.body import MAX_BODY

ME = "/engine/status"
HEAD = f"Host: localhost\r\nX-API-Key: {KEY}\r\n"
GET = f"GET {ME} HTTP/1.1\r\n{HEAD}\r\n"
PUT = f"PUT /sessions/s1/title HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\n"
HASTY = Patience(head_s=0.1, body_s=0.1, idle_s=0.1, linger_s=0.1)


async def seconds_until_closed(connection: Raw) -> float:
    begun = asyncio.get_running_loop().time()
    await connection.all()
    return asyncio.get_running_loop().time() - begun


async def body_of(connection: Raw) -> bytes:
    """Reads the rest of an answer whose status line was read."""
    async with asyncio.timeout(10):
        head = await connection.reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"
        )
        return await connection.reader.readexactly(length)


# --- heads


@pytest.mark.parametrize("begin", ["", "G", "GET / HTTP/1.1\r\nHost: localhost\r\n", GET[:-2]])
async def test_a_head_that_does_not_come_whole_in_time_ends_the_connection(
    tmp_path: Path, begin: str
) -> None:
    async with listening(tmp_path, patience=HASTY) as tcp:
        connection = await tcp.connect()
        await connection.say(begin)
        assert await connection.all() == b""
        assert tcp.lines == []


async def test_a_head_that_trickles_does_not_get_more_time(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(head_s=0.2)) as tcp:
        connection = await tcp.connect()
        begun = asyncio.get_running_loop().time()

        async def trickle() -> None:
            with contextlib.suppress(ConnectionError):
                for number in range(1000):
                    await connection.say("GET / HTTP/1.1\r\n" if not number else f"x-{number}: y\r\n")
                    await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        await connection.all()
        await trickling
        assert asyncio.get_running_loop().time() - begun < 2


async def test_a_second_head_on_a_kept_connection_has_its_time_too(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(head_s=0.1, idle_s=60)) as tcp:
        connection = await tcp.connect()
        for _ in range(2):
            await connection.say(GET)
            assert await connection.status() == 200
            await body_of(connection)
        await connection.say("GET /")
        assert await connection.all() == b""


async def test_an_idle_connection_is_kept_for_a_while_and_closed(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(head_s=60, idle_s=0.1)) as tcp:
        connection = await tcp.connect()
        await connection.say(GET)
        assert await connection.status() == 200
        await body_of(connection)
        assert await seconds_until_closed(connection) < 5


async def test_requests_that_are_sent_at_once_are_answered_in_order(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=HASTY) as tcp:
        connection = await tcp.connect()
        await connection.say(GET * 3)
        answers = await connection.all()
        assert answers.count(b"HTTP/1.1 200") == 3


async def test_a_head_over_64_kib_is_refused(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        connection = await tcp.connect()
        await connection.say(f"GET /{'x' * 70_000}")
        assert b"HTTP/1.1 400" in await connection.all()


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"hello\r\n\r\n"]
)
async def test_noise_is_answered_as_what_it_is_and_is_no_news_for_the_log(
    tmp_path: Path, noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with listening(tmp_path, patience=HASTY) as tcp:
            connection = await tcp.connect()
            await connection.say(noise)
            assert b'"malformed_request"' in await connection.all() or noise[0] == 0x16
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_an_upgrade_to_what_is_not_there_is_an_ordinary_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path) as tcp:
        connection = await tcp.connect()
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
        await connection.say(f"GET /ws HTTP/1.1\r\n{HEAD}{upgrade}\r\n")
        assert await connection.status() == 404
        await connection.close()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


# --- bodies


@pytest.mark.parametrize("length", ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"])
async def test_a_body_that_stalls_is_answered_408_and_ends_the_connection(
    tmp_path: Path, length: str
) -> None:
    async with listening(tmp_path, patience=HASTY) as tcp:
        connection = await tcp.connect()
        await connection.say(f"{PUT}{length}\r\n")
        heard = await connection.all()
        assert heard.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in heard
        await until(lambda: [line.status for line in tcp.lines] == [408])


async def test_a_body_that_goes_on_is_taken_however_long_it_takes(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(body_s=0.6)) as tcp:
        tcp.fake.results["sessions.rename"] = None
        connection = await tcp.connect()
        body = b'{"title": "a long one"}'
        await connection.say(f"{PUT}Content-Length: {len(body)}\r\n\r\n")
        for byte in body:
            await connection.say(bytes([byte]))
            await asyncio.sleep(0.03)
        assert await connection.status() in (200, 500)
        assert tcp.fake.calls[-1][2] == {"session_id": "s1", "title": "a long one"}
        await connection.close()


async def test_a_body_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=HASTY) as tcp:
        connection = await tcp.connect()
        await connection.say(f"{PUT}Content-Length: {MAX_BODY + 1}\r\n\r\n")
        assert b"HTTP/1.1 413" in await connection.all()
        assert [call for call in tcp.fake.calls if call[0] != "authenticate"] == []


async def test_a_body_that_says_no_length_is_refused_when_it_is_over_the_limit(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(linger_s=0.2)) as tcp:
        connection = await tcp.connect()
        await connection.say(f"{PUT}Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"

        async def send() -> None:
            with contextlib.suppress(ConnectionError):
                for _ in range(20):
                    await connection.say(chunk)

        sending = asyncio.create_task(send())
        assert await connection.status() == 413
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        connection.writer.transport.abort()


async def test_a_client_that_lies_about_the_length_gets_what_it_said(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=HASTY) as tcp:
        tcp.fake.results["sessions.rename"] = RuntimeError()
        connection = await tcp.connect()
        await connection.say(f'{PUT}Content-Length: 5\r\n\r\n{{"title": "longer than said"}}')
        heard = await connection.all()
        assert heard.startswith(b"HTTP/1.1 400 ")
        assert b"invalid_json" in heard
        assert [call for call in tcp.fake.calls if call[0] == "sessions.rename"] == []


async def test_who_is_refused_cannot_hold_the_connection_with_the_rest_of_the_body(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(linger_s=0.2)) as tcp:
        connection = await tcp.connect()
        await connection.say("POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        assert await connection.status() == 401

        async def trickle() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    await connection.say(" ")
                    await asyncio.sleep(0.01)

        trickling = asyncio.create_task(trickle())
        assert await seconds_until_closed(connection) < 5
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)


async def test_a_connection_is_kept_when_the_body_that_nobody_read_has_come(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(linger_s=0.3)) as tcp:
        connection = await tcp.connect()
        await connection.say("POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
        assert await connection.status() == 401
        await body_of(connection)
        await connection.say("more")
        await asyncio.sleep(0.4)
        await connection.say(GET)
        assert await connection.status() == 200
        await connection.close()


async def test_a_wrong_chunk_after_the_answer_is_no_bug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path) as tcp:
        connection = await tcp.connect()
        await connection.say(
            "POST /sessions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert await connection.status() == 401
        await body_of(connection)
        await connection.say("no chunk\r\n\r\n")
        assert await connection.all() == b""
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
async def test_a_wrong_chunk_before_the_answer_is_answered_once_and_is_no_bug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    async with listening(tmp_path, patience=HASTY) as tcp:
        connection = await tcp.connect()
        await connection.say(
            f"POST /sessions HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n\r\n"
        )
        heard = await connection.all()
        assert heard.startswith(b"HTTP/1.1 400 ")
        assert heard.count(b"HTTP/1.1 ") == 1
        await until(lambda: tcp.lines)
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


# --- connections


async def test_a_connection_that_is_only_held_makes_room_for_another(tmp_path: Path) -> None:
    async with listening(tmp_path, settings=ServerSettings(max_connections=3)) as tcp:
        silent = await tcp.connect()
        await until(lambda: len(tcp.opened._server.server_state.connections) == 1)
        used = [await tcp.connect() for _ in range(2)]
        for connection in used:
            await connection.say(GET)
            assert await connection.status() == 200
            await body_of(connection)
        assert (await tcp.get(ME)).status_code == 200
        assert await silent.all() == b"", "the one that was held longest"
        for connection in used:
            await connection.say(GET)
            assert await connection.status() == 200
            await connection.close()


async def test_who_holds_hundreds_of_connections_shuts_out_nobody(tmp_path: Path) -> None:
    async with listening(tmp_path, settings=ServerSettings(max_connections=5)) as tcp:
        held = [await tcp.connect() for _ in range(200)]
        for begin in (b"GET / HTTP/1.1\r\n", b"Host: localhost\r\n"):
            for connection in held:
                with contextlib.suppress(ConnectionError):
                    await connection.say(begin)
            assert (await tcp.get(ME)).status_code == 200
        assert len(tcp.opened._server.server_state.connections) <= 5
        for connection in held:
            connection.writer.transport.abort()


async def test_more_connections_than_are_allowed_are_told_so(tmp_path: Path) -> None:
    wanted = ListenOptions(port=0, no_auth=True)
    async with listening(tmp_path, wanted, settings=ServerSettings(max_connections=3)) as tcp:
        used = [await stream(tcp) for _ in range(3)]
        answer = await tcp.get(ME)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_connections")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["connection"] == "close"
        await used.pop().close()
        await until(lambda: len(tcp.opened._server.server_state.connections) < 3)
        assert (await tcp.get(ME)).status_code == 200
        for connection in used:
            connection.writer.transport.abort()
        await until(lambda: not tcp.fake.following)


async def test_far_more_connections_than_are_allowed_are_closed_at_once(tmp_path: Path) -> None:
    wanted = ListenOptions(port=0, no_auth=True)
    async with listening(tmp_path, wanted, settings=ServerSettings(max_connections=1)) as tcp:
        used = [await stream(tcp)]
        # Two at a time: of those over the limit, one that only waits makes room for the next.
        for _ in range(15):
            used.append(await stream_over(tcp))
        closed = [asyncio.create_task(connection.reader.read()) for connection in used[1:]]
        await asyncio.wait(closed, timeout=10)
        assert all(task.done() for task in closed)
        assert tcp.fake.following == 1
        for connection in used:
            connection.writer.transport.abort()
        await until(lambda: not tcp.fake.following)


async def stream_over(tcp: Tcp) -> Raw:
    """Asks for a stream over the limit of connections."""
    connection = await tcp.connect()
    with contextlib.suppress(ConnectionError):
        await connection.say(f"GET /events/stream?after=0 HTTP/1.1\r\n{HEAD}\r\n")
    return connection


async def test_connections_wait_while_the_system_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "_PAUSE_S", 0.01)
    async with listening(tmp_path) as tcp:
        acceptor = tcp.opened._server._acceptor
        listener, full = acceptor._listener, [True, True]

        class Full:
            """The listening socket of a process without a free file, twice."""

            def accept(self) -> Any:
                if full:
                    full.pop()
                    raise OSError(24, "Too many open files")
                return listener.accept()

            def __getattr__(self, name: str) -> Any:
                return getattr(listener, name)

        acceptor._listener = Full()  # type: ignore[assignment]
        assert (await tcp.get(ME)).status_code == 200
    assert full == []
    assert "no more connections for a moment" in caplog.text


def test_the_process_gets_room_for_its_connections_as_far_as_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = [300, 5000]
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(connections.resource, "setrlimit", lambda _, wanted: limits.__setitem__(0, wanted[0]))
    assert room_for(10) == 10
    assert limits[0] == 300
    assert room_for(1000) == 1000
    assert limits[0] == 1256
    assert room_for(100_000) == 5000 - 256
    assert limits[0] == 5000


async def test_a_machine_that_went_away_is_noticed_by_the_system(tmp_path: Path) -> None:
    with socket.socket() as connection:
        set_up(connection, 120)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000


async def stream(tcp: Tcp) -> Raw:
    """Opens a stream of events and reads what it begins with."""
    connection = await tcp.connect()
    await connection.say(f"GET /events/stream?after=0 HTTP/1.1\r\n{HEAD}\r\n")
    assert await connection.status() == 200
    await connection.reader.readuntil(b"\r\n\r\n")
    await until(lambda: tcp.fake.following)
    return connection


async def test_a_stream_whose_reader_was_cut_off_ends(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        connection = await stream(tcp)
        raw: socket.socket = connection.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.writer.transport.abort()
        await until(lambda: not tcp.fake.following)


@pytest.mark.parametrize("path", ["/events/stream?after=0", "/events?limit=1000"])
async def test_who_does_not_take_his_answer_is_cut_off(tmp_path: Path, path: str) -> None:
    fake = FakeWorkbench()
    fake.add(1000, title="x" * 20_000)
    fake.results["events.read"] = Page[LoggedEvent](items=tuple(fake.log), next_cursor=None)
    async with listening(tmp_path, fake=fake, patience=Patience(take_s=0.2, idle_s=0.2)) as tcp:
        connection = await tcp.connect()
        await connection.say(f"GET {path} HTTP/1.1\r\n{HEAD}\r\n")
        assert await connection.status() == 200
        await until(lambda: not tcp.opened._server.server_state.connections)
        await until(lambda: not fake.following)
        connection.writer.transport.abort()


async def test_who_takes_his_answer_slowly_gets_it_whole(tmp_path: Path) -> None:
    fake = FakeWorkbench()
    fake.add(1000, title="x" * 20_000)
    fake.results["events.read"] = Page[LoggedEvent](items=tuple(fake.log), next_cursor=None)
    async with listening(tmp_path, fake=fake, patience=Patience(take_s=1)) as tcp:
        connection = await tcp.connect()
        await connection.say(f"GET /events?limit=1000 HTTP/1.1\r\n{HEAD}\r\n")
        assert await connection.status() == 200
        assert len(await body_of(connection)) > 20_000_000
        await connection.close()


async def test_a_reader_that_does_not_read_hinders_nobody(tmp_path: Path) -> None:
    fake = FakeWorkbench()
    async with listening(tmp_path, fake=fake, patience=Patience(grace_s=0)) as tcp:
        stuck = await stream(tcp)
        fake.add(2000, title="x" * 10_000)
        good = await stream(tcp)
        async with asyncio.timeout(10):
            heard = 0
            while heard < 2000 * 10_000:
                heard += len(await good.reader.read(1 << 20))
        assert (await tcp.get(ME)).status_code == 200
        for connection in (stuck, good):
            connection.writer.transport.abort()
        await until(lambda: not tcp.fake.following)
