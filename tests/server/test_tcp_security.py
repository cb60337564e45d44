"""Who is let in by the TCP door: keys, names, origins, rates; and what is told of requests."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest
from server_fakes import FakeWorkbench
from tcp_running import ANN, BEARER, KEY, WRONG_KEY, Raw, Tcp, listening, until

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.errors import InvalidError, UnavailableError
from holdfast.core.domain.identity import LOCAL_PRINCIPAL, Principal, Role, Scope
from holdfast.core.domain.status import ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.security import FAILURES, HostNames

OPEN = ListenOptions(port=0, no_auth=True)
ME = "/holdfast/v1/engine/status"


async def code_of(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["request_id"] == answer.headers["x-request-id"]
    assert not [name for name in answer.headers if name.startswith("access-control")]
    return str(error["code"])


# --- keys


@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"Authorization": f"bearer  {KEY}"},
        {"X-API-Key": KEY},
        {"X-API-Key": KEY, "Authorization": "Basic abc"},
    ],
)
async def test_a_key_lets_in_as_its_user(tmp_path: Path, headers: dict[str, str]) -> None:
    async with listening(tmp_path) as tcp:
        assert (await tcp.get(ME, headers)).status_code == 200
        assert tcp.fake.principals == [ANN]


async def test_what_streams_to_a_key_ends_when_it_is_revoked(tmp_path: Path) -> None:
    other = "hf_" + "o" * 43
    async with listening(tmp_path) as tcp:
        tcp.fake.secrets[other] = ANN
        tcp.fake.add(1)
        head = "Host: localhost\r\nAuthorization: Bearer {}\r\n\r\n"
        leaked, good = await tcp.connect(), await tcp.connect()
        for connection, key in ((leaked, KEY), (good, other)):
            await connection.say("GET /events/stream?after=0 HTTP/1.1\r\n" + head.format(key))
            async with asyncio.timeout(10):
                await connection.reader.readuntil(b"id: 1\n")
        tcp.fake.revoke(KEY)
        async with asyncio.timeout(10):
            await leaked.reader.readuntil(b"\r\n0\r\n\r\n")
        await leaked.say("GET /me HTTP/1.1\r\n" + head.format(KEY))
        assert await leaked.status() == 401
        tcp.fake.add(1)
        async with asyncio.timeout(10):
            await good.reader.readuntil(b"id: 2\n")
        assert tcp.fake.following == 1
        for connection in (leaked, good):
            connection.writer.transport.abort()
        await until(lambda: not tcp.fake.following)


async def test_without_a_key_nothing_is_told_not_even_what_there_is(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        for path in (ME, "/engine/status", "/nothing", "/holdfast/v1", "/", "/sessions/x?y=z"):
            answer = await tcp.get(path, {})
            assert await code_of(answer, 401) == "key_missing", path
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "holdfast-version" not in answer.headers
        assert tcp.fake.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {WRONG_KEY}"},
        {"X-API-Key": WRONG_KEY},
        {"Authorization": f"Bearer {WRONG_KEY}", "X-API-Key": KEY},
    ],
)
async def test_a_wrong_key_is_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    async with listening(tmp_path) as tcp:
        answer = await tcp.get(ME, headers)
        assert await code_of(answer, 401) == "invalid_key"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert tcp.fake.principals == []


@pytest.mark.parametrize(
    "headers",
    [
        f"Authorization: Bearer {KEY}\r\nAuthorization: Bearer {WRONG_KEY}\r\n",
        f"Authorization: Bearer {KEY}\r\nAuthorization: Bearer {KEY}\r\n",
        f"X-API-Key: {WRONG_KEY}\r\nX-API-Key: {KEY}\r\n",
    ],
)
async def test_of_two_keys_none_is_chosen(tmp_path: Path, headers: str) -> None:
    async with listening(tmp_path) as tcp:
        connection = await tcp.connect()
        await connection.say(f"GET {ME} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
        assert await connection.status() == 401
        await connection.close()
        assert tcp.fake.calls == []


async def test_a_request_whose_end_can_be_seen_in_two_ways_is_refused(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        connection = await tcp.connect()
        both = f"Host: localhost\r\nX-API-Key: {KEY}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n"
        hidden = f"GET {ME} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {KEY}\r\n\r\n"
        await connection.say(f"POST /runs/r1/cancel HTTP/1.1\r\n{both}\r\n0\r\n\r\n{hidden}")
        heard = await connection.all()
        assert heard.startswith(b"HTTP/1.1 400 ")
        assert b'"malformed_request"' in heard
        assert heard.count(b"HTTP/1.1") == 1
        assert tcp.fake.calls == []


async def test_no_answer_is_taken_for_anything_else_or_kept_by_a_browser(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        tcp.fake.results["sessions.get"] = ZeroDivisionError()
        foreign = {"Origin": "http://evil.example"}
        paths = (
            (ME, None),
            ("/x", None),
            ("/x", {}),
            (ME, foreign),
            ("/health/live", {}),
            ("/sessions/s", None),
        )
        for path, headers in paths:
            answer = await tcp.get(path, headers)
            assert answer.headers.get_list("x-content-type-options") == ["nosniff"], path
            assert answer.headers.get_list("cache-control") == ["no-store"], path
        page = await tcp.get("/docs", {})
        assert page.headers.get_list("x-content-type-options") == ["nosniff"]
        assert page.headers.get_list("cache-control") == ["no-cache"]


async def test_a_revoked_key_is_refused_from_the_next_request_on(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp, tcp.client() as client:
        assert (await client.get(ME)).status_code == 200
        tcp.fake.secrets.clear()
        assert (await client.get(ME)).status_code == 401


@pytest.mark.parametrize("prefix", ["", "/holdfast/v1"])
async def test_health_and_version_need_no_key(tmp_path: Path, prefix: str) -> None:
    async with listening(tmp_path) as tcp:
        assert (await tcp.get(f"{prefix}/health/live", {})).json() == {"status": "live"}
        assert (await tcp.get(f"{prefix}/health/ready", {})).json() == {"status": "ready"}
        assert (await tcp.get(f"{prefix}/version", {})).json()["api"] == "v1"


async def test_an_engine_whose_database_does_not_answer_is_not_ready_and_says_no_more(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        tcp.fake.results["engine.status"] = UnavailableError("the disk /secret/place is gone")
        answer = await tcp.get("/health/ready", {})
        assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
        assert answer.headers["retry-after"] == "1"


async def test_a_key_with_too_small_a_scope_is_forbidden(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        tcp.fake.secrets[KEY] = ANN.model_copy(update={"scope": Scope.READ})
        async with tcp.client() as client:
            assert await code_of(await client.post("/engine/stop"), 403) == "scope_missing"


async def test_a_user_opens_no_listener_and_reads_no_access_lines(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        tcp.fake.secrets[KEY] = ANN.model_copy(update={"role": Role.USER})
        async with tcp.client() as client:
            assert await code_of(await client.post("/engine/listeners", json={}), 403) == "admin_only"
            assert await code_of(await client.get("/engine/listeners/x/access"), 403) == "admin_only"


# --- without keys, and the pages of a browser


async def test_without_keys_everybody_is_the_local_user(tmp_path: Path) -> None:
    async with listening(tmp_path, OPEN) as tcp:
        assert (await tcp.get(ME, {})).status_code == 200
        assert (await tcp.get(ME, {"Authorization": f"Bearer {WRONG_KEY}"})).status_code == 200
        keyless = LOCAL_PRINCIPAL.model_copy(update={"client": "HTTP without a key"})
        assert tcp.fake.principals == [keyless, keyless]
        assert [call for call in tcp.fake.calls if call[0] == "authenticate"] == []


@pytest.mark.parametrize("wanted", [OPEN, ListenOptions(port=0)])
@pytest.mark.parametrize("path", [ME, "/health/live"])
async def test_a_page_whose_name_was_turned_to_our_address_gets_nothing(
    tmp_path: Path, wanted: ListenOptions, path: str
) -> None:
    near = ["127.0.0.1.evil.example", "localhost.evil.example", "evil.example#localhost", "a@127.0.0.1"]
    async with listening(tmp_path, wanted) as tcp:
        for host in (*near, "evil.example", "192.0.2.1", "[::2]", ""):
            connection = await tcp.connect()
            head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\n\r\n"
            await connection.say(head)
            assert await connection.status() == 403, host
            await connection.close()
        assert tcp.fake.calls == []


async def test_a_request_of_http_1_0_without_a_host_is_refused(tmp_path: Path) -> None:
    async with listening(tmp_path, OPEN) as tcp:
        connection = await tcp.connect()
        await connection.say(f"GET {ME} HTTP/1.0\r\n\r\n")
        assert b"host_not_allowed" in await connection.all()


async def test_every_loopback_name_is_taken_whatever_the_port_of_a_tunnel(tmp_path: Path) -> None:
    async with listening(tmp_path, OPEN) as tcp:
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.2:80", "[::1]:9", "localhost."):
            assert (await tcp.get(ME, {"Host": host})).status_code == 200, host


async def test_a_name_that_was_allowed_is_taken(tmp_path: Path) -> None:
    async with listening(tmp_path, OPEN.model_copy(update={"allow_hosts": ("Bench.example.org",)})) as tcp:
        assert (await tcp.get(ME, {"Host": "bench.example.org"})).status_code == 200
        own = {"Host": "bench.example.org", "Origin": "https://bench.example.org"}
        assert (await tcp.get(ME, own)).status_code == 200
        assert (await tcp.get(ME, {"Host": "example.org"})).status_code == 403


FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:{other}"},
    {"Origin": "http://localhost:{port}"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:{port}.evil.example"},
    {"Origin": "http://127.0.0.1:{port}@evil.example"},
    {"Origin": "http://evil.example#127.0.0.1:{port}"},
    {"Origin": "file://"},
    {"Origin": ""},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("wanted", [OPEN, ListenOptions(port=0)])
async def test_a_page_of_another_site_is_refused(tmp_path: Path, wanted: ListenOptions) -> None:
    async with listening(tmp_path, wanted) as tcp, tcp.client() as client:
        for headers in FOREIGN:
            filled = {n: v.format(port=tcp.port, other=tcp.port % 60_000 + 1) for n, v in headers.items()}
            for method in ("GET", "POST", "OPTIONS"):
                answer = await client.request(method, ME, headers=filled)
                assert await code_of(answer, 403) == "origin_not_allowed", filled
        assert tcp.fake.calls == []


async def test_two_origins_are_refused_when_one_is_foreign(tmp_path: Path) -> None:
    async with listening(tmp_path, OPEN) as tcp:
        connection = await tcp.connect()
        own = f"127.0.0.1:{tcp.port}"
        await connection.say(
            f"GET {ME} HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\nOrigin: http://evil.example\r\n\r\n"
        )
        assert await connection.status() == 403
        await connection.close()


async def test_a_page_of_the_listener_itself_is_let_in(tmp_path: Path) -> None:
    async with listening(tmp_path, OPEN) as tcp:
        own = {"Origin": f"http://127.0.0.1:{tcp.port}", "Sec-Fetch-Site": "same-origin"}
        assert (await tcp.get(ME, own)).status_code == 200
        tunnel = {"Origin": "http://localhost:9000", "Host": "localhost:9000"}
        assert (await tcp.get(ME, tunnel)).status_code == 200
        assert (await tcp.get(ME, {"Sec-Fetch-Site": "none"})).status_code == 200


def test_a_listener_on_every_address_takes_literal_addresses_but_no_foreign_names() -> None:
    names = HostNames("0.0.0.0", "0.0.0.0")
    assert all(map(names.admits, ["192.0.2.7:8700", "[2001:db8::1]", "localhost", "127.0.0.1"]))
    assert not any(map(names.admits, ["evil.example", "192.0.2.7.evil.example", "[::1", "", "a b", ":80"]))


def test_a_listener_on_one_address_takes_its_names() -> None:
    names = HostNames("Bench.example.org", "192.0.2.7")
    assert all(map(names.admits, ["bench.example.org:1", "192.0.2.7", "localhost"]))
    assert not any(map(names.admits, ["192.0.2.8", "example.org"]))


@pytest.mark.parametrize("name", ["http://x.org", "x.org:80", "x.org/a", "", "*", "a b", "-", "x" * 300])
def test_what_is_no_name_cannot_be_allowed(name: str) -> None:
    with pytest.raises(InvalidError, match="not a host's name"):
        HostNames("127.0.0.1", "127.0.0.1", [name])


# --- rates


async def test_one_key_may_ask_so_often_and_another_is_not_hindered(tmp_path: Path) -> None:
    other = "hf_" + "o" * 43
    async with listening(tmp_path, settings=ServerSettings(requests_per_s=0.01, burst=2)) as tcp:
        tcp.fake.secrets[other] = ANN.model_copy(update={"credential_id": "c2"})
        assert [(await tcp.get(ME)).status_code for _ in range(2)] == [200, 200]
        answer = await tcp.get(ME)
        assert await code_of(answer, 429) == "too_many_requests"
        assert 90 <= int(answer.headers["retry-after"]) <= 100
        assert (await tcp.get(ME, {"X-API-Key": other})).status_code == 200
        assert (await tcp.get("/health/live", {})).status_code == 200


async def test_without_keys_the_local_user_has_the_limit(tmp_path: Path) -> None:
    async with listening(tmp_path, OPEN, settings=ServerSettings(requests_per_s=0.01, burst=1)) as tcp:
        assert [(await tcp.get(ME, {})).status_code for _ in range(2)] == [200, 429]


async def test_a_rate_of_0_is_no_limit(tmp_path: Path) -> None:
    unlimited = ServerSettings(requests_per_s=0, burst=1)
    async with listening(tmp_path, settings=unlimited) as tcp, tcp.client() as client:
        assert {(await client.get(ME)).status_code for _ in range(20)} == {200}


async def test_wrong_keys_of_one_address_have_a_limit_that_does_not_shut_out_right_ones(
    tmp_path: Path,
) -> None:
    wrong = [{"X-API-Key": f"hf_{number:043}"} for number in range(FAILURES + 5)]
    async with listening(tmp_path) as tcp:
        answers = [await tcp.get(ME, headers) for headers in wrong]
        assert [answer.status_code for answer in answers] == [401] * FAILURES + [429] * 5
        assert await code_of(answers[-1], 429) == "too_many_failures"
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert (await tcp.get(ME)).status_code == 200, "a key that was not seen before is looked at"
        tcp.fake.secrets.clear()
        assert (await tcp.get(ME)).status_code == 429, "and is a wrong one when it has been revoked"


async def test_a_missing_key_is_no_wrong_one(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        answers = [(await tcp.get(ME, {})).status_code for _ in range(FAILURES + 3)]
        assert set(answers) == {401}


async def test_one_user_cannot_have_all_connections(tmp_path: Path) -> None:
    other = "hf_" + "o" * 43
    async with listening(tmp_path, settings=ServerSettings(max_connections=4)) as tcp:
        tcp.fake.secrets[other] = ANN.model_copy(update={"user_id": "u2", "credential_id": "c2"})
        streams = [await open_stream(tcp) for _ in range(3)]
        answer = await tcp.get(ME)
        assert await code_of(answer, 429) == "too_many_requests"
        assert "3 requests and streams" in answer.text
        assert (await tcp.get(ME, {"X-API-Key": other})).status_code == 200
        await streams.pop().close()
        await until(lambda: tcp.fake.following == 2)
        await until(lambda: len(tcp.lines) == 3)
        assert (await tcp.get(ME)).status_code == 200
        for stream in streams:
            stream.writer.transport.abort()
        await until(lambda: not tcp.fake.following)


async def test_without_keys_there_is_nobody_to_leave_connections_to(tmp_path: Path) -> None:
    async with listening(tmp_path, OPEN, settings=ServerSettings(max_connections=2)) as tcp:
        streams = [await open_stream(tcp) for _ in range(2)]
        for stream in streams:
            stream.writer.transport.abort()
        await until(lambda: not tcp.fake.following)


async def open_stream(tcp: Tcp) -> Raw:
    connection = await tcp.connect()
    await connection.say(
        f"GET /events/stream?after=0 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {KEY}\r\n\r\n"
    )
    assert await connection.status() == 200
    return connection


# --- what is told


async def test_every_request_is_told_of_without_query_body_and_key(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        await tcp.get("/sessions/x%1b%5B31m%0Ay%201?query=private")
        async with tcp.client() as client:
            await client.put("/sessions/s1/title", json={"title": "private"})
            await client.get("/nothing", headers={"Authorization": "Bearer private"})
            await client.delete(f"/keys/{KEY}")
            await client.get("/" + "long" * 1000)
        await until(lambda: len(tcp.lines) == 5)
        text = "".join(line.model_dump_json() for line in tcp.lines)
        assert "private" not in text
        assert KEY not in text
        assert "\\u001b" not in text
        assert "\\n" not in text
        first, second, third, fourth, fifth = tcp.lines
        assert (first.method, first.path, first.principal) == ("GET", "/sessions/x[31m%20y%201", "ann")
        assert (second.method, second.path) == ("PUT", "/sessions/s1/title")
        assert (third.status, third.principal, third.client) == (401, "", "127.0.0.1")
        assert fourth.path == "/keys/hf_…"
        assert len(fifth.path) == 300
        assert all(0 <= line.ms < 10_000 for line in tcp.lines)


async def test_the_log_of_a_listener_that_stays_is_a_private_file(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        await tcp.get(ME)
        await tcp.get("/nothing?secret=1", {})
        await until(lambda: len(tcp.lines) == 2)
        log = Path(tcp.opened.state.log)
    assert log.parent == tmp_path
    assert log.stat().st_mode & 0o777 == 0o600
    lines = log.read_text().splitlines()
    assert len(lines) == 2
    assert re.fullmatch(
        r"2\S+T\S+\+00:00 127\.0\.0\.1 'ann' GET /holdfast/v1/engine/status 200 \d+\.\dms", lines[0]
    )
    assert "secret" not in lines[1]
    assert " '-' GET /nothing 401 " in lines[1]


async def test_a_log_that_is_full_is_rotated_and_every_part_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.server.log.MAX_BYTES", 500)
    before = os.umask(0o022)
    try:
        async with listening(tmp_path) as tcp, tcp.client() as client:
            for _ in range(30):
                await client.get(ME)
    finally:
        os.umask(before)
    files = list(tmp_path.iterdir())
    assert len(files) == 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert all(file.stat().st_size <= 500 for file in files)


async def test_a_bug_is_one_answer_and_the_listener_goes_on(tmp_path: Path) -> None:
    async with listening(tmp_path) as tcp:
        tcp.fake.results["sessions.get"] = ZeroDivisionError("canary")
        assert await code_of(await tcp.get("/sessions/x"), 500) == "internal"
        assert (await tcp.get(ME)).status_code == 200
        await until(lambda: [line.status for line in tcp.lines] == [500, 200])


async def test_a_client_that_leaves_before_the_answer_is_told_of(tmp_path: Path) -> None:
    fake, asked = FakeWorkbench(), asyncio.Event()

    async def never(**_: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    fake.sessions.get = never  # type: ignore[attr-defined]
    async with listening(tmp_path, fake=fake, patience=Patience(grace_s=0)) as tcp:
        connection = await tcp.connect()
        await connection.say(f"GET /sessions/x HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {KEY}\r\n\r\n")
        async with asyncio.timeout(10):
            await asked.wait()
        await connection.close()
    assert [line.status for line in tcp.lines] == [0]


async def test_each_user_has_his_own_view(tmp_path: Path) -> None:
    bob = Principal(user_id="u2", name="bob", role=Role.USER, scope=Scope.CHAT, credential_id="c2")
    async with listening(tmp_path) as tcp:
        tcp.fake.secrets[WRONG_KEY] = bob
        await tcp.get(ME)
        await tcp.get(ME, {"X-API-Key": WRONG_KEY})
        assert tcp.fake.principals == [ANN, bob]
        await until(lambda: [line.principal for line in tcp.lines] == ["ann", "bob"])
