"""`holdfast serve`, its listeners, and the engine's restart, on doors in memory."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_fakes import NOW, FakeDoors, FakeWorkbench

from holdfast.cli import serving
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from holdfast.core.domain.identity import Credential, Scope
from holdfast.core.domain.status import AccessLine, Listener

Cli = Callable[..., Any]
Follow = Callable[["Engine", str], AsyncIterator[AccessLine]]


def listener_of(id: str = "aaaa-1", port: int = 8700, **more: Any) -> Listener:
    fields = {"url": f"http://127.0.0.1:{port}", "host": "127.0.0.1", "tls": False, "auth": True}
    fields |= {"root": ("holdfast",), "started_at": NOW, "log": f"/logs/{port}.log"}
    return Listener(id=id, port=port, **(fields | more))


def line_of(path: str = "/sessions", **more: Any) -> AccessLine:
    fields = {"client": "127.0.0.1", "method": "GET", "status": 200, "ms": 12.4, "principal": "ann"}
    return AccessLine(at=NOW, path=path, **(fields | more))


class Engine:
    """What outlives the workbenches of a test: its listeners, and how a follower of them fares."""

    def __init__(self) -> None:
        self.open: list[Listener] = []
        self.listened: list[dict[str, Any]] = []
        self.unlistened: list[tuple[str, float]] = []
        self.keys: tuple[Credential, ...] = ()
        self.refusal: HoldfastError | None = None
        self.down = False
        self.closed = asyncio.Event()
        self.follow: Follow = until_closed

    async def listen(self, **options: Any) -> Listener:
        self.listened.append(options)
        if self.refusal is not None:
            raise self.refusal
        leased = "lease_s" in options
        opened = listener_of(
            f"{len(self.listened)}-id",
            options["port"] or 4321,
            host=options["host"],
            auth=not options["no_auth"],
            tls_cert=options.get("tls_cert"),
            tls_key=options.get("tls_key"),
            leased=leased,
            log="" if leased else "/logs/access.log",
        )
        self.open.append(opened)
        return opened

    async def listeners(self) -> tuple[Listener, ...]:
        if self.down:
            raise UnavailableError("there is no engine")
        return tuple(self.open)

    async def unlisten(self, listener_id: str, drain_s: float = 0) -> None:
        self.unlistened.append((listener_id, drain_s))
        if listener_id not in {each.id for each in self.open}:
            raise NotFoundError(f"There is no listener {listener_id}.")
        if not drain_s:
            self.open = [each for each in self.open if each.id != listener_id]
            self.closed.set()

    def workbench(self) -> FakeWorkbench:
        workbench = FakeWorkbench()
        for name in ("listen", "listeners", "unlisten"):
            setattr(workbench.engine, name, getattr(self, name))
        workbench.engine.access = lambda listener_id: self.follow(self, listener_id)
        workbench.keys.list = self._keys
        return workbench

    async def _keys(self) -> tuple[Credential, ...]:
        return self.keys


async def until_closed(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
    """Asks to end by SIGTERM after two lines."""
    yield line_of()
    yield line_of("/x", status=0, method="DELETE", ms=70_000, principal="")
    os.kill(os.getpid(), signal.SIGTERM)
    await engine.closed.wait()


@pytest.fixture
def engine(fake: FakeDoors) -> Engine:
    """Listeners in memory."""
    made = Engine()
    fake.build = made.workbench
    return made


# --- in the foreground


def test_serve_prints_what_is_asked_and_closes_its_listener_at_a_signal(
    fake: FakeDoors, engine: Engine, cli: Cli
) -> None:
    outcome = cli("serve", "--port", "0")
    assert outcome.status == 0
    url, first, second = outcome.out.splitlines()
    assert url == "Listening at http://127.0.0.1:4321; ctrl+c ends it."
    assert first.split()[1:] == ["200", "12", "ms", "ann", "GET", "/sessions"]
    assert second.split()[1:] == ["left", "70", "s", "-", "DELETE", "/x"]
    assert first.index("/sessions") == second.index("/x"), "the columns are aligned"
    assert "the port is closed" in outcome.err
    assert engine.unlistened == [("1-id", 0)]
    assert engine.listened[0]["lease_s"] > 0
    assert fake.own == [True], "it is for the engine here, whatever HOLDFAST_URL says"


def test_every_option_reaches_the_engine_with_whole_paths(
    engine: Engine, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--host", "::1", "--port", "9", "--root", "holdfast, openai", "--tls-cert", "c.pem")
    more = ("--tls-key", "/k.pem", "--allow-host", "a.org", "--allow-host", "b.org", "--drain", "0")
    assert cli("serve", *options, *more).status == 0
    assert engine.listened == [
        {
            "host": "::1",
            "port": 9,
            "root": ("holdfast", "openai"),
            "tls_cert": str(tmp_path / "c.pem"),
            "tls_key": "/k.pem",
            "no_auth": False,
            "allow_hosts": ("a.org", "b.org"),
            "lease_s": serving.LEASE_S,
        }
    ]


def test_json_is_one_value_a_line_with_its_control_characters_escaped(engine: Engine, cli: Cli) -> None:
    async def one(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        yield line_of("/a\x9bb")
        engine.open.clear()

    engine.follow = one
    listener, line = cli("serve", "--json").out.splitlines()
    assert json.loads(listener)["url"] == "http://127.0.0.1:8700"
    assert "\x9b" not in line
    assert json.loads(line)["path"] == "/a\x9bb"


def test_a_line_never_brings_control_characters_to_the_terminal() -> None:
    assert "\n" not in serving.as_text(line_of())


def test_a_first_signal_drains_and_a_second_ends_at_once(engine: Engine, cli: Cli) -> None:
    async def twice(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        os.kill(os.getpid(), signal.SIGTERM)
        while not engine.unlistened:  # noqa: ASYNC110
            await asyncio.sleep(0)
        yield line_of("/while-it-drains")
        os.kill(os.getpid(), signal.SIGINT)
        async with asyncio.timeout(10):
            while len(engine.unlistened) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)

    engine.follow = twice
    outcome = cli("serve", "--drain", "30")
    assert outcome.status == 0
    assert "/while-it-drains" in outcome.out
    assert outcome.err.count("runs have 30 s to end") == 1
    assert engine.unlistened == [("1-id", 30), ("1-id", 0)]


def test_a_signal_that_nohup_has_set_aside_stays_so(engine: Engine, cli: Cli) -> None:
    async def hung_up(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        assert engine.unlistened == []
        async for line in until_closed(engine, listener_id):
            yield line

    engine.follow = hung_up
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert cli("serve").status == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert len(engine.unlistened) == 1


def test_an_engine_that_does_not_close_the_listener_is_not_waited_for_without_end(
    engine: Engine, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
        yield line_of()

    monkeypatch.setattr(serving, "_LEFT_S", 0.05)
    engine.follow = never
    assert cli("serve").status == 0


def test_a_listener_that_somebody_else_closes_ends_serve(engine: Engine, cli: Cli) -> None:
    async def closed(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        engine.open.clear()
        return
        yield line_of()

    engine.follow = closed
    outcome = cli("serve")
    assert outcome.status == 0
    assert "the listener was closed" in outcome.err
    assert engine.unlistened == []


def test_an_engine_that_dies_is_started_again_with_the_listener_on_its_port(
    fake: FakeDoors, engine: Engine, cli: Cli
) -> None:
    async def dies_once(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        if len(engine.listened) == 1:
            raise UnavailableError("the connection broke")
        async for line in until_closed(engine, listener_id):
            yield line

    engine.follow = dies_once
    outcome = cli("serve", "--port", "0")
    assert outcome.status == 0
    assert "the engine went away; it is started again" in outcome.err
    assert [options["port"] for options in engine.listened] == [0, 4321]
    assert len(fake.opened) == 2


def test_an_engine_that_dies_again_and_again_is_given_up(
    engine: Engine, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_PAUSE_S", 0.001)

    async def dies(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        raise UnavailableError("the connection broke")
        yield line_of()

    engine.follow = dies
    outcome = cli("serve")
    assert outcome.status == 1
    assert "ends again and again" in outcome.err
    assert len(engine.listened) == 5


def test_the_rest_of_a_dead_engine_is_not_taken_for_the_next_one(engine: Engine, cli: Cli) -> None:
    async def dies_once(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        if len(engine.listened) == 1:
            engine.refusal = UnavailableError("nobody takes the connection")
            asyncio.get_running_loop().call_later(0.15, setattr, engine, "refusal", None)
            raise UnavailableError("the connection broke")
        async for line in until_closed(engine, listener_id):
            yield line

    engine.follow = dies_once
    assert cli("serve").status == 0
    assert len(engine.listened) > 2


def stops(fake: FakeDoors, then: Callable[[], object]) -> Follow:
    """The engine stops in good order, and `then` happens; a second follower ends by a signal."""

    async def follow(engine: Engine, listener_id: str) -> AsyncIterator[AccessLine]:
        if len(engine.listened) > 1:
            async for line in until_closed(engine, listener_id):
                yield line
            return
        engine.down = True
        fake.running = None
        then()

    return follow


@pytest.fixture
def ended(fake: FakeDoors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake's engine is a process that has ended."""
    fake.running = SimpleNamespace(pid=2**22 + 1, socket="/s", version="0.1.0")
    monkeypatch.setattr(serving, "COMES_BACK_S", 0.3)


@pytest.mark.usefixtures("ended")
def test_an_engine_that_stops_ends_serve(fake: FakeDoors, engine: Engine, cli: Cli) -> None:
    engine.follow = stops(fake, lambda: None)
    outcome = cli("serve")
    assert outcome.status == 0
    assert "the engine has stopped" in outcome.err
    assert len(engine.listened) == 1, "no engine was started again"


@pytest.mark.usefixtures("ended")
def test_an_engine_that_restarts_gets_its_listener_back(fake: FakeDoors, engine: Engine, cli: Cli) -> None:
    def comes_back() -> None:
        engine.down = False
        fake.running = SimpleNamespace(pid=os.getpid(), socket="/s", version="0.1.0")

    engine.follow = stops(fake, lambda: asyncio.get_running_loop().call_later(0.05, comes_back))
    outcome = cli("serve", "--port", "0")
    assert outcome.status == 0
    assert [options["port"] for options in engine.listened] == [0, 4321]


@pytest.mark.usefixtures("ended")
def test_a_signal_ends_the_wait_for_an_engine(
    fake: FakeDoors, engine: Engine, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "COMES_BACK_S", 3600)
    engine.follow = stops(
        fake, lambda: asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    )
    assert cli("serve").status == 0


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (ConflictError("127.0.0.1:8700 is in use", code="port_in_use"), 1),
        (ForbiddenError("Without keys only on loopback", code="auth_required"), 1),
        (InvalidError("no certificate", code="tls_invalid"), 2),
    ],
)
@pytest.mark.parametrize("more", [(), ("--background",)])
def test_what_cannot_be_opened_is_said_in_one_line(
    engine: Engine, cli: Cli, refusal: HoldfastError, status: int, more: tuple[str, ...]
) -> None:
    engine.refusal = refusal
    outcome = cli("serve", *more)
    assert (outcome.status, outcome.out) == (status, "")
    assert outcome.err == f"holdfast: {refusal.message}\n"


# --- what is warned of


def key(**more: Any) -> Credential:
    fields = {"id": "k1", "kind": "key", "user_id": "local", "name": "ci", "scope": Scope.CHAT}
    return Credential.model_validate({**fields, "last_four": "abcd", "created_at": NOW, **more})


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((), True),
        ((key(revoked_at=NOW),), True),
        ((key(expires_at=NOW - timedelta(days=1)),), True),
        ((key(expires_at=NOW + timedelta(days=9999)),), False),
        ((key(),), False),
    ],
)
def test_serve_says_how_to_make_a_key_when_there_is_none(
    engine: Engine, cli: Cli, keys: tuple[Credential, ...], said: bool
) -> None:
    engine.keys = keys
    assert ("holdfast keys create NAME" in cli("serve", "--background").err) is said


def test_a_listener_without_keys_is_warned_of(engine: Engine, cli: Cli) -> None:
    assert "asks for no key" in cli("serve", "--background", "--no-auth").err


@pytest.mark.parametrize(
    ("host", "said"), [("0.0.0.0", True), ("bench.example.org", True), ("localhost", False)]
)
def test_keys_in_the_clear_on_a_network_are_warned_of(
    engine: Engine, cli: Cli, host: str, said: bool
) -> None:
    assert ("unencrypted" in cli("serve", "--background", "--host", host).err) is said


@pytest.mark.parametrize(("mode", "said"), [(0o644, True), (0o640, False), (0o600, False)])
@pytest.mark.parametrize("apart", [True, False])
def test_a_key_of_tls_that_others_can_read_is_warned_of(
    engine: Engine, cli: Cli, tmp_path: Path, mode: int, said: bool, apart: bool
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.touch(0o644 if apart else mode)
    key.touch(mode)
    cert.chmod(0o644 if apart else mode)
    key.chmod(mode)
    more = ("--tls-key", str(key)) if apart else ()
    err = cli("serve", "--background", "--tls-cert", str(cert), *more).err
    assert (f"can read the key in {key if apart else cert}" in err) is said


# --- in the background


def test_a_listener_in_the_background_stays_and_says_where_it_is(engine: Engine, cli: Cli) -> None:
    outcome = cli("serve", "--background")
    assert outcome.status == 0
    assert "lease_s" not in engine.listened[0]
    for said in ("http://127.0.0.1:8700", "42", "/logs/access.log", "holdfast serve stop 8700"):
        assert said in outcome.out
    shown = json.loads(cli("serve", "--background", "--json").out)
    assert (shown["url"], shown["pid"]) == ("http://127.0.0.1:8700", 42)


def test_listeners_are_listed_where_status_is_asked_for_too(engine: Engine, cli: Cli) -> None:
    engine.open = [listener_of(), listener_of("bbbb-2", 9000, auth=False, root=(), log="", leased=True)]
    listed = cli("serve", "list").out
    assert [line.split()[-1] for line in listed.splitlines()] == ["STATE", "background", "foreground"]
    assert "http://127.0.0.1:8700" in listed
    assert [each["port"] for each in json.loads(cli("serve", "list", "--json").out)] == [8700, 9000]


def test_no_engine_has_no_listeners_and_is_not_started_for_the_question(
    fake: FakeDoors, engine: Engine, cli: Cli
) -> None:
    fake.running = None
    assert "listens on no port" in cli("serve", "list").out
    assert json.loads(cli("serve", "list", "--json").out) == []
    assert cli("serve", "stop").status == 1
    assert fake.opened == []


@pytest.mark.parametrize("named", ["bbbb", "9000", "http://127.0.0.1:9000", "bbbb-2"])
def test_a_listener_is_stopped_by_url_port_or_id(engine: Engine, cli: Cli, named: str) -> None:
    engine.open = [listener_of(), listener_of("bbbb-2", 9000)]
    assert cli("serve", "stop", named).out == "closed http://127.0.0.1:9000\n"
    assert engine.unlistened == [("bbbb-2", 0)]


def test_one_of_several_must_be_named_and_one_alone_need_not(engine: Engine, cli: Cli) -> None:
    engine.open = [listener_of(), listener_of("bbbb-2", 9000)]
    outcome = cli("serve", "stop")
    assert outcome.status == 2
    assert "http://127.0.0.1:8700, http://127.0.0.1:9000" in outcome.err
    assert cli("serve", "stop", "8701").status == 1
    assert engine.unlistened == []
    assert cli("serve", "stop", "--all", "--drain", "5").status == 0
    assert engine.unlistened == [("aaaa-1", 5), ("bbbb-2", 5)]
    engine.open = [listener_of()]
    assert cli("serve", "stop").status == 0
    assert engine.unlistened[-1] == ("aaaa-1", 0)


def test_all_and_one_are_not_both(engine: Engine, cli: Cli) -> None:
    assert cli("serve", "stop", "8700", "--all").status == 2


# --- the engine


def test_the_engine_is_stopped_when_its_runs_have_ended(fake: FakeDoors, cli: Cli) -> None:
    assert cli("engine", "stop", "--drain", "60").status == 0
    assert fake.stopped == [(10, 60)]
    fake.stops = False
    assert "within 70 s" in cli("engine", "stop", "--drain", "60").err


def restarted(fake: FakeDoors, engine: Engine) -> Callable[[float, float], bool]:
    def stop(timeout_s: float, drain_s: float = 0) -> bool:
        fake.stopped.append((timeout_s, drain_s))
        engine.open.clear()
        return True

    return stop


def test_a_restart_brings_the_listeners_of_the_background_back(
    fake: FakeDoors, engine: Engine, cli: Cli
) -> None:
    fake.stop_engine = restarted(fake, engine)  # type: ignore[method-assign]
    more = {"tls_cert": "/c.pem", "allow_hosts": ("x.org",), "root": ()}
    engine.open = [
        listener_of(auth=False),
        listener_of("b", 9000, leased=True),
        listener_of("c", 9001, closing=True),
        listener_of("d", 9002, **more),
    ]
    outcome = cli("engine", "restart", "--drain", "5", "--timeout", "3")
    assert outcome.status == 0
    assert fake.stopped == [(3, 5)]
    assert "pid 42" in outcome.out
    assert [
        (o["port"], o["no_auth"], o["tls_cert"], o["allow_hosts"], o["root"]) for o in engine.listened
    ] == [
        (8700, True, None, (), ("holdfast",)),
        (9002, False, "/c.pem", ("x.org",), ()),
    ]
    assert all("lease_s" not in options for options in engine.listened)


def test_a_restart_starts_an_engine_where_none_runs(fake: FakeDoors, engine: Engine, cli: Cli) -> None:
    fake.running = None
    assert cli("engine", "restart").status == 0
    assert fake.stopped == []


def test_an_engine_too_old_to_have_listeners_is_restarted_all_the_same(
    fake: FakeDoors, engine: Engine, cli: Cli
) -> None:
    async def unknown() -> tuple[Listener, ...]:
        raise UnsupportedError("version skew")

    listeners: Callable[[], Awaitable[tuple[Listener, ...]]] = unknown
    engine.listeners = listeners  # type: ignore[method-assign]
    assert cli("engine", "restart").status == 0
    assert len(fake.stopped) == 1


def test_an_engine_that_does_not_stop_is_not_restarted(fake: FakeDoors, engine: Engine, cli: Cli) -> None:
    fake.stops = False
    outcome = cli("engine", "restart", "--timeout", "1")
    assert outcome.status == 1
    assert "within 1 s" in outcome.err
    assert "started" not in outcome.out


def test_the_status_shows_where_the_engine_listens(fake: FakeDoors, cli: Cli) -> None:
    workbench = FakeWorkbench()
    inner = workbench.engine.status

    async def status() -> Any:
        two = (listener_of(auth=False), listener_of("b", 9000, log="", leased=True))
        return (await inner()).model_copy(update={"listeners": two})

    workbench.engine.status = status
    fake.build = lambda: workbench
    out = cli("engine", "status").out
    assert "http://127.0.0.1:8700 (without keys, log /logs/8700.log)" in out
    assert "http://127.0.0.1:9000 (in the foreground)" in out
    assert len(json.loads(cli("engine", "status", "--json").out)["listeners"]) == 2
