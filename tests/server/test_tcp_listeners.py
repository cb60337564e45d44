"""Listeners on TCP from their opening to their end: ports, hosts, certificates, leases, drains."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from certificates import PASSWORD
from server_fakes import AT, FakeWorkbench
from tcp_running import BEARER, KEY, Tcp, listening, until

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.core.domain.runs import RunStatus, Session, Submitted
from holdfast.core.domain.status import AccessLine, ListenOptions
from holdfast.server import tcp as tcp_module
from holdfast.server.connections import Patience
from holdfast.server.engine import serve_engine
from holdfast.server.listeners import TcpListeners

ME = "/engine/status"
LOG = logging.getLogger("holdfast.tests")


def wanted(**options: Any) -> ListenOptions:
    return ListenOptions(**{"port": 0, **options})


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
        return client.connect_ex((host, port)) == 0


# --- what cannot be opened


async def refused(folder: Path, options: ListenOptions) -> HoldfastError:
    with pytest.raises(HoldfastError) as caught:
        async with listening(folder, options):
            raise AssertionError("it was opened")
    return caught.value


async def test_a_port_in_use_is_a_clear_error_and_leaves_its_user_alone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = await refused(tmp_path, wanted(port=port))
        assert (type(error), error.code) == (ConflictError, "port_in_use")
        assert f"127.0.0.1:{port}" in error.message and "--port" in error.message
        assert is_open(port)
    async with listening(tmp_path, wanted(port=port)) as tcp:
        assert tcp.port == port
        assert (await refused(tmp_path, wanted(port=port))).code == "port_in_use"


@pytest.mark.parametrize(
    ("options", "kind", "code"),
    [
        ({"host": "no-such-host.invalid"}, InvalidError, "unknown_host"),
        ({"host": ""}, InvalidError, "unknown_host"),
        ({"host": "a\0b"}, InvalidError, "unknown_host"),
        ({"host": "x" * 300}, InvalidError, "unknown_host"),
        ({"host": "192.0.2.1"}, InvalidError, "host_not_here"),
        ({"port": -1}, InvalidError, "invalid_port"),
        ({"port": 65_536}, InvalidError, "invalid_port"),
        ({"host": "0.0.0.0", "no_auth": True}, ForbiddenError, "auth_required"),
        ({"host": "::", "no_auth": True}, ForbiddenError, "auth_required"),
        ({"host": "192.0.2.1", "no_auth": True}, ForbiddenError, "auth_required"),
        ({"root": ("nothing",)}, InvalidError, "unknown_api"),
        ({"allow_hosts": ("http://x",)}, InvalidError, "invalid_host"),
        ({"tls_key": "/k.pem"}, InvalidError, "tls_invalid"),
        ({"tls_cert": "/no/such/file.pem"}, InvalidError, "tls_unreadable"),
        ({"tls_cert": "/"}, InvalidError, "tls_unreadable"),
        ({"tls_cert": "a\0b"}, InvalidError, "tls_unreadable"),
    ],
)
async def test_what_cannot_be_is_a_clear_error_and_leaves_nothing_behind(
    tmp_path: Path, options: dict[str, Any], kind: type[HoldfastError], code: str
) -> None:
    error = await refused(tmp_path, wanted(**options))
    assert (type(error), error.code) == (kind, code)
    assert list(tmp_path.iterdir()) == []


async def test_a_port_of_the_system_is_forbidden_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Guarded(socket.socket):
        """What a user who is not root has."""

        def bind(self, address: Any) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tcp_module.socket, "socket", Guarded)
    error = await refused(tmp_path, wanted(port=80))
    assert (type(error), error.code) == (ForbiddenError, "port_forbidden")


@pytest.mark.parametrize(
    ("cert", "key", "code"),
    [
        ("cert.pem", "other.pem", "tls_invalid"),
        ("cert.pem", None, "tls_invalid"),
        ("key.pem", "key.pem", "tls_invalid"),
        ("cert.pem", "locked.pem", "tls_key_encrypted"),
        ("cert.pem", "gone.pem", "tls_unreadable"),
    ],
)
async def test_a_certificate_that_does_not_fit_is_refused(
    tmp_path: Path, certificate_files: Path, cert: str, key: str | None, code: str
) -> None:
    files = {"tls_cert": str(certificate_files / cert), "tls_key": key and str(certificate_files / key)}
    error = await refused(tmp_path, wanted(**files))
    assert (type(error), error.code) == (InvalidError, code)
    assert key is not None or "--tls-key" in error.message
    assert PASSWORD.decode() not in error.message


# --- TLS


@pytest.mark.parametrize("files", [("cert.pem", "key.pem"), ("both.pem", None)])
async def test_a_listener_with_a_certificate_speaks_tls(
    tmp_path: Path, certificate_files: Path, files: tuple[str, str | None]
) -> None:
    cert, key = (name and str(certificate_files / name) for name in files)
    trust = ssl.create_default_context(cafile=str(certificate_files / "cert.pem"))
    async with listening(tmp_path, wanted(tls_cert=cert, tls_key=key)) as tcp:
        assert tcp.opened.state.tls
        assert tcp.opened.state.url == f"https://127.0.0.1:{tcp.port}"
        async with tcp.client(verify=trust) as client:
            assert (await client.get(ME)).status_code == 200
            assert (await client.get(ME, headers={"Authorization": "Bearer x"})).status_code == 401
            own = {"Origin": f"https://127.0.0.1:{tcp.port}"}
            assert (await client.get(ME, headers=own)).status_code == 200


async def test_plain_http_and_half_a_handshake_at_a_tls_listener_end_and_hinder_nobody(
    tmp_path: Path, certificate_files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"tls_cert": str(certificate_files / "both.pem")}
    trust = ssl.create_default_context(cafile=str(certificate_files / "cert.pem"))
    async with listening(tmp_path, wanted(**files), patience=Patience(head_s=0.2)) as tcp:
        for beginning in (b"", b"\x16\x03\x01", f"GET {ME} HTTP/1.1\r\nX-API-Key: {KEY}\r\n\r\n".encode()):
            connection = await tcp.connect()
            await connection.say(beginning)
            assert b"HTTP" not in await connection.all()
        async with tcp.client(verify=trust) as client:
            assert (await client.get(ME)).status_code == 200
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_half_handshakes_make_room_for_whole_ones(tmp_path: Path, certificate_files: Path) -> None:
    files = {"tls_cert": str(certificate_files / "both.pem")}
    trust = ssl.create_default_context(cafile=str(certificate_files / "cert.pem"))
    few = ServerSettings(max_connections=2)
    async with listening(tmp_path, wanted(**files), settings=few) as tcp:
        held = [await tcp.connect() for _ in range(40)]
        async with tcp.client(verify=trust) as client:
            assert (await client.get(ME)).status_code == 200
        for connection in held:
            connection.writer.transport.abort()


# --- what was opened


async def test_a_listener_says_what_it_is(tmp_path: Path) -> None:
    async with listening(tmp_path, wanted(host="localhost", root=())) as tcp:
        state = tcp.opened.state
        assert state.port > 0
        assert (state.url, state.host) == (f"http://localhost:{state.port}", "localhost")
        assert (state.tls, state.auth, state.root, state.closing) == (False, True, (), False)
        assert (await tcp.get("/holdfast/v1" + ME)).status_code == 200
        assert (await tcp.get(ME)).status_code == 404


async def test_a_listener_on_ipv6_has_a_url_with_brackets(tmp_path: Path) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with listening(tmp_path, wanted(host="::1", no_auth=True)) as tcp:
        assert tcp.opened.state.url == f"http://[::1]:{tcp.port}"
        assert (await tcp.get(ME, {})).status_code == 200
        assert tcp.lines[0].client == "::1"


async def test_a_listener_on_every_address_asks_for_keys(tmp_path: Path) -> None:
    async with listening(tmp_path, wanted(host="0.0.0.0")) as tcp:
        assert tcp.opened.state.url == f"http://0.0.0.0:{tcp.port}"
        assert (await tcp.get(ME, {"Host": "192.0.2.7"})).status_code == 401
        assert (await tcp.get(ME, {**BEARER, "Host": "192.0.2.7"})).status_code == 200


# --- ends


async def test_a_closed_listener_takes_no_connection_from_that_moment_on(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp, tcp.client() as client:
        assert (await client.get(ME)).status_code == 200
        tcp.opened.close()
        assert not is_open(tcp.port)
        assert tcp.opened.state.closing
        async with listening(tmp_path, wanted(port=tcp.port)) as next_one:
            assert (await next_one.get(ME)).status_code == 200


async def test_open_streams_end_when_the_listener_closes(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp, tcp.client() as client:
        async with client.stream("GET", "/events/stream", params={"after": 0}) as answer:
            assert answer.status_code == 200
            await until(lambda: tcp.fake.following)
            tcp.opened.close()
            async with asyncio.timeout(5):
                assert b"".join([chunk async for chunk in answer.aiter_raw()]) == b"id: 0\n\n"
        await until(lambda: not tcp.fake.following)


class Working:
    """A workbench in which a run executes until it is told to end."""

    def __init__(self) -> None:
        self.fake = FakeWorkbench()
        self.status = RunStatus.RUNNING
        self.fake.results["runs.send"] = Submitted(session_id="s1", message_id="m1", run_id="r1")
        self.fake.results["sessions.get"] = self._session

    def _session(self, session_id: str) -> Session:
        fields = {"title": "", "agent": "a", "project": "/", "workspace": "/"}
        return Session(id=session_id, status=self.status, created_at=AT, updated_at=AT, **fields)

    async def send(self, client: httpx.AsyncClient) -> None:
        body = {"parts": [{"type": "text", "text": "go"}]}
        assert (await client.post("/sessions/s1/runs", json=body)).status_code == 202


async def test_a_drain_waits_for_runs_started_through_it_and_their_streams_with_them(tmp_path: Path) -> None:
    work = Working()
    async with listening(tmp_path, fake=work.fake) as tcp, tcp.client() as client:
        await work.send(client)
        async with client.stream("GET", "/events/stream", params={"after": 0}) as answer:
            tcp.opened.close(drain_s=60)
            assert not is_open(tcp.port)
            await asyncio.wait({tcp.opened.task}, timeout=0.3)
            assert not tcp.opened.task.done()
            work.status = RunStatus.COMPLETED
            work.fake.add(1, title="the last word")
            async with asyncio.timeout(5):
                heard = b"".join([chunk async for chunk in answer.aiter_raw()])
            assert b"the last word" in heard
        async with asyncio.timeout(5):
            await tcp.opened.task


@pytest.mark.parametrize("status", [RunStatus.WAITING, RunStatus.FAILED])
async def test_a_drain_does_not_wait_for_what_does_not_execute(tmp_path: Path, status: RunStatus) -> None:
    work = Working()
    work.status = status
    async with listening(tmp_path, fake=work.fake) as tcp:
        async with tcp.client() as client:
            await work.send(client)
        tcp.opened.close(drain_s=60)
        async with asyncio.timeout(5):
            await tcp.opened.task


async def test_a_drain_ends_after_its_time_and_the_run_goes_on(tmp_path: Path) -> None:
    work = Working()
    async with listening(tmp_path, fake=work.fake) as tcp:
        async with tcp.client() as client:
            await work.send(client)
        tcp.opened.close(drain_s=0.2)
        async with asyncio.timeout(5):
            await tcp.opened.task
        assert [call[0] for call in work.fake.calls if call[0] == "runs.cancel"] == []


async def test_a_second_close_ends_a_drain(tmp_path: Path) -> None:
    work = Working()
    async with listening(tmp_path, fake=work.fake) as tcp:
        async with tcp.client() as client:
            await work.send(client)
        tcp.opened.close(drain_s=3600)
        tcp.opened.close()
        async with asyncio.timeout(5):
            await tcp.opened.task


async def test_a_drain_lets_a_request_be_answered(tmp_path: Path) -> None:
    fake, asked, go = FakeWorkbench(), asyncio.Event(), asyncio.Event()

    async def slow(**_: Any) -> tuple[()]:
        asked.set()
        await go.wait()
        return ()

    fake.users.list = slow  # type: ignore[attr-defined]
    async with listening(tmp_path, fake=fake) as tcp:
        answer = asyncio.create_task(tcp.get("/users"))
        async with asyncio.timeout(5):
            await asked.wait()
            tcp.opened.close(drain_s=60)
            await asyncio.wait({tcp.opened.task}, timeout=0.2)
            assert not tcp.opened.task.done()
            go.set()
            assert (await answer).status_code == 200
            await tcp.opened.task


async def test_a_drain_whose_engine_is_gone_ends(tmp_path: Path) -> None:
    work = Working()
    async with listening(tmp_path, fake=work.fake) as tcp:
        async with tcp.client() as client:
            await work.send(client)
        work.fake.results["sessions.get"] = UnavailableError("stopping")
        tcp.opened.close(drain_s=3600)
        async with asyncio.timeout(5):
            await tcp.opened.task


# --- leases


async def follow(tcp: Tcp) -> AsyncGenerator[AccessLine, None]:
    """Follows until the next line, which the caller has to cause."""
    lines = cast("AsyncGenerator[AccessLine, None]", tcp.opened.access.follow())
    line = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0)
    await tcp.get(ME)
    assert (await line).status == 200
    return lines


@contextlib.asynccontextmanager
async def leased(folder: Path, lease_s: float) -> AsyncIterator[Tcp]:
    """A listener with a lease that the helper's own reader does not hold."""
    fake = FakeWorkbench()
    async with listening(folder, wanted(lease_s=lease_s), fake=fake) as tcp:
        yield tcp


async def test_a_listener_that_nobody_follows_closes_after_its_lease(tmp_path: Path) -> None:
    async with leased(tmp_path, 0.2) as tcp:
        await tcp.stop_reading()
        async with asyncio.timeout(5):
            await tcp.opened.task
    assert not is_open(tcp.port)


async def test_a_listener_stays_while_somebody_follows_and_ends_after_the_last(tmp_path: Path) -> None:
    async with leased(tmp_path, 0.1) as tcp:
        first, second = await follow(tcp), await follow(tcp)
        await tcp.stop_reading()
        await asyncio.wait({tcp.opened.task}, timeout=0.3)
        await first.aclose()
        await asyncio.wait({tcp.opened.task}, timeout=0.3)
        assert not tcp.opened.task.done()
        await second.aclose()
        async with asyncio.timeout(5):
            await tcp.opened.task


async def test_who_comes_back_within_the_lease_keeps_the_listener(tmp_path: Path) -> None:
    async with leased(tmp_path, 0.5) as tcp:
        first = await follow(tcp)
        await tcp.stop_reading()
        await first.aclose()
        second = await follow(tcp)
        await asyncio.wait({tcp.opened.task}, timeout=0.7)
        assert not tcp.opened.task.done()
        await second.aclose()


async def test_a_leased_listener_writes_no_file(tmp_path: Path) -> None:
    async with listening(tmp_path, wanted(lease_s=60)) as tcp:
        assert tcp.opened.state.log == ""
        await tcp.get(ME)
    assert list(tmp_path.iterdir()) == []


async def test_who_follows_too_slowly_loses_the_oldest_lines_and_holds_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.server.access._WAITING_LINES", 3)
    async with listening(tmp_path) as tcp:
        lines = await follow(tcp)
        async with tcp.client() as client:
            for number in range(6):
                await client.get(f"/agents/{number}")
        await until(lambda: len(tcp.lines) == 7)
        seen = [(await anext(lines)).path for _ in range(3)]
        assert seen == ["/agents/3", "/agents/4", "/agents/5"]
        await lines.aclose()


# --- in the engine


@contextlib.asynccontextmanager
async def engine(paths: Paths, **options: Any) -> AsyncIterator[tuple[FakeWorkbench, TcpListeners]]:
    """An engine on fakes with listeners."""
    fake, ready = FakeWorkbench(), asyncio.Event()

    async def make() -> FakeWorkbench:
        return fake

    listeners = TcpListeners(paths.logs, ServerSettings, Patience(grace_s=0))
    serving = asyncio.create_task(
        serve_engine(
            make,
            paths,
            **{"idle_stop_s": 0, **options},
            log=LOG,
            stop=fake.stop,
            on_ready=ready.set,
            listeners=listeners,
        )
    )
    async with asyncio.timeout(20):
        await ready.wait()
        try:
            yield fake, listeners
        finally:
            fake.stop.set()
            await serving


async def test_an_engine_with_a_listener_does_not_stop_when_idle(paths: Paths) -> None:
    async with engine(paths, idle_stop_s=0.05) as (fake, listeners):
        opened = await listeners.open(wanted())
        assert listeners.all() == (opened,)
        await asyncio.sleep(0.3)
        assert not fake.stop.is_set()
        await listeners.close(opened.id)
        await fake.stop.wait()
    assert listeners.all() == ()


async def test_an_engine_that_stops_closes_its_listeners_first(paths: Paths) -> None:
    async with engine(paths) as (fake, listeners):
        one, two = await listeners.open(wanted()), await listeners.open(wanted(lease_s=60))
        lines = listeners.access(two.id)
        waiting = asyncio.ensure_future(anext(lines, None))
        await asyncio.sleep(0)
        assert is_open(one.port)
        fake.stop.set()
        assert await waiting is None
    assert not is_open(one.port)
    assert not is_open(two.port)
    with pytest.raises(ConflictError) as stopping:
        await listeners.open(wanted(port=one.port))
    assert stopping.value.code == "engine_stopping"
    assert not is_open(one.port)


async def test_what_is_no_listener_cannot_be_closed_or_followed(paths: Paths) -> None:
    async with engine(paths) as (_, listeners):
        with pytest.raises(NotFoundError):
            await listeners.close("none")
        with pytest.raises(NotFoundError):
            listeners.access("none")


async def test_without_an_engine_there_are_no_listeners(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError):
        await TcpListeners(tmp_path, ServerSettings).open(wanted())


async def test_a_port_that_the_engine_itself_listens_on_is_told_from_that_of_another_program(
    paths: Paths,
) -> None:
    async with engine(paths) as (_, listeners):
        own = await listeners.open(wanted())
        with pytest.raises(ConflictError, match=f"listens at {own.url} already") as caught:
            await listeners.open(wanted(port=own.port))
        assert caught.value.code == "port_in_use" and f"serve stop {own.port}" in caught.value.message
        with (
            socket.create_server(("127.0.0.1", 0)) as other,
            pytest.raises(ConflictError, match="by another program"),
        ):
            await listeners.open(wanted(port=other.getsockname()[1]))


async def test_two_listeners_have_logs_of_their_own(paths: Paths) -> None:
    async with engine(paths) as (_, listeners):
        one, two = await listeners.open(wanted()), await listeners.open(wanted(host="localhost"))
        for listener in (one, two):
            async with httpx.AsyncClient(base_url=listener.url, trust_env=False) as client:
                await client.get(f"/agents/{listener.port}", headers=BEARER)
        for listener in (one, two):
            await until(lambda listener=listener: Path(listener.log).exists())
            (line,) = Path(listener.log).read_text().splitlines()
            assert f"/agents/{listener.port} " in line
    assert json.loads(one.model_dump_json())["log"].startswith(str(paths.logs))
