"""WebSockets through the doors: who may open one, what is said on it, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from tcp_running import BEARER, KEY, WRONG_KEY, Raw, Tcp, listening, until
from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.errors import STATUS, ErrorInfo, NotFoundError
from holdfast.core.domain.status import ListenOptions
from holdfast.server.app import engine_app
from holdfast.server.connections import Patience
from holdfast.server.dialects import every
from holdfast.server.kit.auth import LocalDoor
from holdfast.server.kit.operations import Call, Dialect, Operation
from holdfast.server.kit.sockets import Socket, SocketCall
from holdfast.server.listener import MAX_MESSAGE, listen
from holdfast.server.lock import bind_socket

TALK = "/toy/talk/mill"


def render(
    info: ErrorInfo, request_id: str, *, status: int | None = None, headers: Any = None
) -> JSONResponse:
    return JSONResponse({"oops": info.message}, status or STATUS[info.kind], headers)


async def talk(call: SocketCall) -> None:
    """Says back what it hears, and does what a few words say."""
    if call.path["name"] == "nobody":
        raise NotFoundError("There is nobody.")
    await call.accept()
    while (message := await call.receive()) is not None:
        heard = message.refused.code if message.refused else message.text
        match heard:
            case "leave":
                return
            case "break":
                raise ValueError("a secret of the inside")
            case "refuse":
                raise NotFoundError("There is no such thing. " * 20)
            case "flood":
                while await call.send("x" * 100_000):
                    pass
                return
            case _:
                await call.send(f"{call.principal.name}: {len(heard)} {heard[:99]}")


async def hello(call: Call) -> str:
    return "hello"


DIALECT = Dialect(
    "toy",
    "/toy",
    "A toy",
    (Operation("hello", "GET", "/hello", hello, result=str),),
    render,
    sockets=(Socket("talk", "/talk/{name}", talk, lambda query: query.get("who") == "ann"),),
)


class Place(every.DialectPlace):
    """Where the toy is; notes in which threads it was loaded."""

    loaded: list[int] = []  # noqa: RUF012 (of all, which are one)

    def load(self) -> Dialect:
        self.loaded.append(threading.get_ident())
        return DIALECT


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The toy is the only dialect; gives the threads in which it was loaded."""
    monkeypatch.setattr(every, "DIALECTS", (Place("toy"),))
    Place.loaded.clear()
    return Place.loaded


def opening(tcp: Tcp, path: str = TALK, headers: dict[str, str] | None = None, **options: Any) -> connect:
    head = BEARER if headers is None else headers
    url = tcp.opened.state.url.replace("http", "ws", 1) + path
    return connect(url, additional_headers=head, proxy=None, max_size=None, **options)


async def refusal(tcp: Tcp, path: str = TALK, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    with pytest.raises(InvalidStatus) as refused:
        async with opening(tcp, path, headers):
            raise AssertionError("it was opened")
    answer = refused.value.response
    assert answer.headers["x-request-id"]
    return answer.status_code, json.loads(answer.body or b"")


async def end_of(socket: ClientConnection, said: Any = "") -> tuple[int, str]:
    """Returns code and reason of the end that comes, whatever comes before; maybe to what is `said`."""
    with pytest.raises(ConnectionClosed) as closed:
        async with asyncio.timeout(10):
            if said:
                await socket.send(said)
            while True:
                await socket.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


@asynccontextmanager
async def at_unix_socket(folder: Path, fake: Any) -> AsyncIterator[tuple[Path, asyncio.Event]]:
    async def host() -> Any:
        return fake

    stop, file = asyncio.Event(), folder / "s.sock"
    app = LocalDoor(engine_app(host, log=logging.getLogger("holdfast.tests"), closing=stop))
    serving = asyncio.create_task(listen(app, bind_socket(file), stop))
    try:
        yield file, stop
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await serving


# --- who may open one


async def test_a_socket_talks_as_the_user_of_its_key(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp, opening(tcp) as socket:
        for said in ("one", "two"):
            await socket.send(said)
            assert await socket.recv() == f"ann: 3 {said}"
        assert socket.response is not None
        assert socket.response.headers["x-request-id"]


async def test_a_socket_talks_over_tls(tmp_path: Path, certificate_files: Path) -> None:
    wanted = ListenOptions(port=0, tls_cert=str(certificate_files / "both.pem"))
    trusting = ssl.create_default_context(cafile=str(certificate_files / "cert.pem"))
    async with listening(tmp_path, wanted) as tcp, opening(tcp, ssl=trusting) as socket:
        await socket.send("one")
        assert await socket.recv() == "ann: 3 one"


async def test_a_socket_talks_at_the_unix_socket_as_the_local_user(short_folder: Path) -> None:
    async with (
        at_unix_socket(short_folder, FakeView()) as (file, _),
        unix_connect(str(file), f"ws://engine{TALK}") as socket,
    ):
        await socket.send("one")
        assert await socket.recv() == "local: 3 one"


class FakeView:
    def as_principal(self, principal: Any) -> FakeView:
        return self


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {WRONG_KEY}"}])
async def test_without_a_right_key_nothing_is_opened_nor_told(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with listening(tmp_path) as tcp:
        for path in (TALK, "/toy/nothing"):
            status, said = await refusal(tcp, path, headers)
            assert (status, list(said)) == (401, ["oops"])
        assert (await refusal(tcp, "/nothing", headers))[0] == 401
        assert tcp.fake.principals == []


async def test_pages_of_other_sites_and_other_names_open_nothing(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        for more, code in (
            ({"Origin": "http://evil.example"}, "origin_not_allowed"),
            ({"Sec-Fetch-Site": "cross-site"}, "origin_not_allowed"),
            ({"Host": "evil.example"}, "host_not_allowed"),
        ):
            heard = await handshake(tcp, more)
            assert heard.startswith(b"HTTP/1.1 403 ") and code.encode() in heard
        own = {"Origin": tcp.opened.state.url, "Sec-Fetch-Site": "same-origin"}
        async with opening(tcp, headers=BEARER | own) as socket:
            await socket.send("one")
            assert await socket.recv() == "ann: 3 one"


async def handshake(tcp: Tcp, more: dict[str, str], path: str = TALK) -> bytes:
    """Returns everything that comes for a handshake with other headers."""
    connection = await tcp.connect()
    await connection.say(_handshake(tcp, more, path))
    return await connection.all()


def _handshake(tcp: Tcp, more: dict[str, str], path: str = TALK) -> str:
    head = {
        "Host": f"localhost:{tcp.port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **BEARER,
        **more,
    }
    return (
        f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head.items()) + "\r\n"
    )


async def test_what_is_not_there_is_refused_in_the_shape_of_its_api(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path) as tcp:
        assert await refusal(tcp, "/toy/talk/nobody") == (404, {"oops": "There is nobody."})
        for path in ("/toy/nothing", "/toy/hello", "/toy"):
            assert (await refusal(tcp, path))[0] == 404
        for path in ("/nothing", "/talk/mill", "/talk/mill?who=bob", "/nothing?who=ann", "/events/stream"):
            status, said = await refusal(tcp, path)
            assert (status, said["error"]["code"]) == (404, "no_such_path"), path
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_socket_whose_clients_leave_the_prefix_out_is_at_the_root_too(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp, opening(tcp, "/talk/mill?a=b&who=ann") as socket:
        await socket.send("one")
        assert await socket.recv() == "ann: 3 one"


async def test_a_listener_with_the_dialect_at_its_root_has_its_sockets_there(tmp_path: Path) -> None:
    async with listening(tmp_path, ListenOptions(port=0, root=("toy",))) as tcp:
        async with opening(tcp, "/talk/mill") as socket:
            await socket.send("one")
            assert await socket.recv() == "ann: 3 one"
        assert await refusal(tcp, "/talk/nobody") == (404, {"oops": "There is nobody."})


@pytest.mark.parametrize("path", [TALK, "/talk/mill?who=ann"])
async def test_a_dialect_is_loaded_with_its_first_socket_beside_the_loop(
    tmp_path: Path, toy: list[int], path: str
) -> None:
    async with listening(tmp_path) as tcp:
        assert (await tcp.get("/holdfast/v1/version")).status_code == 200
        assert toy == []
        for _ in range(2):
            async with opening(tcp, path):
                assert len(toy) == 1
        assert toy != [threading.get_ident()]


@pytest.mark.parametrize(
    "more",
    [
        {"Sec-WebSocket-Key": "x"},
        {"Sec-WebSocket-Version": "12"},
        {"Upgrade": "h2c"},
        {"Connection": "close"},
    ],
)
async def test_what_is_no_handshake_is_an_ordinary_request(tmp_path: Path, more: dict[str, str]) -> None:
    async with listening(tmp_path) as tcp:
        heard = await handshake(tcp, more | {"Connection": more.get("Connection", "Upgrade, close")})
        assert heard.startswith(b"HTTP/1.1 404 ") and b'"oops"' in heard
        await until(lambda: [line.status for line in tcp.lines] == [404])


@pytest.mark.parametrize("more", [{"X-Long": "x" * 9_000}, {f"X-{n}": "y" for n in range(200)}])
async def test_a_handshake_that_cannot_be_read_is_answered_in_the_shape_of_all_errors(
    tmp_path: Path, more: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path) as tcp:
        heard = await handshake(tcp, more)
        assert heard.startswith(b"HTTP/1.1 400 ") and b'"malformed_request"' in heard
        assert heard.count(b"HTTP/1.1") == 1
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_connection_that_was_used_before_can_become_a_socket(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(linger_s=0.05, idle_s=0.05)) as tcp:
        connection = await tcp.connect()
        await connection.say(f"GET /toy/hello HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {KEY}\r\n\r\n")
        async with asyncio.timeout(10):
            await connection.reader.readuntil(b'"hello"')
        await connection.say(_handshake(tcp, {}))
        assert await connection.status() == 101
        await asyncio.sleep(0.2)  # longer than every patience of a request
        await connection.say(MASKED_HI)
        async with asyncio.timeout(10):
            await connection.reader.readuntil(b"ann: 2 hi")
        connection.writer.transport.abort()


MASKED_HI = b"\x81\x82\0\0\0\0hi"


def test_an_engine_imports_the_library_of_sockets_with_the_first_one() -> None:
    code = "import sys, holdfast.server.tcp, holdfast.server.engine; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "uvicorn" in modules.split()
    assert not [name for name in modules.split() if name.partition(".")[0] == "websockets"]


# --- how much


async def test_messages_count_as_requests_and_a_socket_as_one_that_is_open(tmp_path: Path) -> None:
    settings = ServerSettings(requests_per_s=0.001, burst=3, max_connections=8)
    async with listening(tmp_path, settings=settings) as tcp, opening(tcp) as socket:
        for _ in range(3):
            await socket.send("one")
        heard = [await socket.recv() for _ in range(3)]
        assert heard == ["ann: 3 one", "ann: 3 one", "ann: 17 too_many_requests"]
        assert (await refusal(tcp))[0] == 429
    async with listening(tmp_path, settings=ServerSettings(max_connections=2)) as tcp:
        async with opening(tcp):
            assert (await tcp.get("/toy/hello")).status_code == 429
        await until(lambda: tcp.lines[-1].status == 101)
        assert (await tcp.get("/toy/hello")).status_code == 200


async def test_sockets_count_among_connections(tmp_path: Path) -> None:
    wanted = ListenOptions(port=0, no_auth=True)
    settings = ServerSettings(max_connections=1)
    async with listening(tmp_path, wanted, settings=settings) as tcp, opening(tcp, headers={}):
        status, said = await refusal(tcp, headers={})
        assert (status, said["error"]["code"]) == (503, "too_many_connections")


async def test_a_message_may_be_as_large_as_is_said(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        async with opening(tcp) as socket:
            await socket.send("x" * MAX_MESSAGE)
            assert (await socket.recv()).startswith(f"ann: {MAX_MESSAGE} xxx")  # type: ignore[arg-type]
        for too_large in ("x" * (MAX_MESSAGE + 1), ["x" * 1_000_000] * 6):
            async with opening(tcp) as socket:
                assert (await end_of(socket, too_large))[0] == 1009


async def test_who_does_not_take_what_comes_is_cut_off(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(take_s=0.2)) as tcp:
        connection = await tcp.connect()
        await connection.say(_handshake(tcp, {}))
        assert await connection.status() == 101
        await connection.say(b"\x81\x85\0\0\0\0flood")
        await until(lambda: tcp.lines, seconds=20)
        assert tcp.lines[0].status == 101
        await until(lambda: not tcp.opened._server.server_state.connections)
        connection.writer.transport.abort()


async def test_pings_whose_answers_nobody_takes_do_not_pile_up(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", tcp.port))
        connection = Raw(*await asyncio.open_connection(sock=peer, limit=1024))
        await connection.say(_handshake(tcp, {}))
        assert await connection.status() == 101
        (held,) = tcp.opened._server.server_state.connections
        pings = (b"\x89\xfd\0\0\0\0" + b"x" * 125) * 2_000
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                for _ in range(200):
                    await connection.say(pings)
        assert held.transport.get_write_buffer_size() < 1024 * 1024
        connection.writer.transport.abort()


async def test_who_answers_no_ping_is_cut_off_and_who_does_stays(tmp_path: Path) -> None:
    async with listening(tmp_path, patience=Patience(ping_s=0.05, pong_s=1)) as tcp:
        silent = await tcp.connect()
        await silent.say(_handshake(tcp, {}))
        async with opening(tcp) as socket:
            heard = await silent.all()
            assert heard.startswith(b"HTTP/1.1 101 ") and b"\x89\x04" in heard
            await socket.send("one")
            assert await socket.recv() == "ann: 3 one"


# --- how it ends


async def test_the_end_of_a_talk_ends_its_socket(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp, opening(tcp) as socket:
        await socket.send("leave")
        assert await end_of(socket) == (1000, "")


async def test_an_error_on_an_open_socket_is_the_reason_of_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path) as tcp:
        async with opening(tcp) as socket:
            await socket.send("refuse")
            code, reason = await end_of(socket)
            assert code == 1008
            assert reason.startswith("There is no such thing.") and len(reason) <= 123
        async with opening(tcp) as socket:
            await socket.send(b"no text")
            assert await end_of(socket) == (1008, "Messages must be text.")
        assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []
        async with opening(tcp) as socket:
            await socket.send("break")
            code, reason = await end_of(socket)
            assert code == 1011
            assert "reference" in reason and "secret" not in reason
    assert [r.exc_info and r.exc_info[0] for r in caplog.records if r.levelno > logging.INFO] == [ValueError]


async def test_what_says_to_be_text_and_is_none_ends_a_socket_and_is_no_news(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path) as tcp, opening(tcp) as socket:
        await socket.send(b"\xff\xfe", text=True)
        assert (await end_of(socket))[0] == 1007
        await until(lambda: tcp.lines)
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_socket_ends_when_its_key_is_revoked(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp, opening(tcp) as socket:
        await socket.send("one")
        await socket.recv()
        tcp.fake.revoke(KEY)
        assert await end_of(socket) == (1008, "The key is no longer let in.")
        await until(lambda: tcp.lines)


async def test_a_socket_ends_with_its_listener(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp, opening(tcp) as socket:
        tcp.opened.close()
        assert (await end_of(socket))[0] == 1012
        async with asyncio.timeout(10):
            await tcp.opened.task


async def test_a_socket_does_not_hold_up_the_end_of_the_engine(short_folder: Path) -> None:
    async with (
        at_unix_socket(short_folder, FakeView()) as (file, stop),
        unix_connect(str(file), f"ws://engine{TALK}") as socket,
    ):
        begun = asyncio.get_running_loop().time()
        stop.set()
        assert (await end_of(socket))[0] == 1012
    assert asyncio.get_running_loop().time() - begun < 2


@pytest.mark.parametrize("leave", [Raw.close, lambda raw: raw.writer.transport.abort()])
async def test_a_socket_is_one_line_when_its_client_has_gone(
    tmp_path: Path, leave: Callable[[Raw], Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(tmp_path) as tcp:
        connection = await tcp.connect()
        await connection.say(_handshake(tcp, {}, TALK + "?secret=word"))
        assert await connection.status() == 101
        assert tcp.opened._door.answering == 0
        left = leave(connection)
        if left is not None:
            await left
        await until(lambda: tcp.lines)
        line = tcp.lines[0]
        assert (line.method, line.path, line.status, line.principal) == ("GET", TALK, 101, "ann")
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []
