"""Where pages may be served, and the way from there to the engine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.core.domain.errors import ForbiddenError, InvalidError, UnauthenticatedError, UnavailableError
from holdfast.web.apps import AppCommand
from holdfast.web.gate import Address, EngineGate
from holdfast.web.serve import WebOptions, serve_web


class FakeEngine:
    """Opens listeners, which close when a test says so; knows one key."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.logged_out: list[str] = []
        self.closing: list[asyncio.Event] = []
        self.opened = asyncio.Event()

    @asynccontextmanager
    async def own(self) -> AsyncIterator[Any]:
        yield self.client(Address(""), "owner")

    def client(self, address: Address, key: str) -> Any:
        async def listen(*, port: int, root: tuple[str, ...], lease_s: float) -> Any:
            self.ports.append(port)
            self.closing.append(asyncio.Event())
            self.opened.set()
            return SimpleNamespace(id=str(len(self.ports)), url="http://127.0.0.1:4711", port=4711)

        async def access(_: str) -> AsyncIterator[None]:
            await self.closing[-1].wait()
            return
            yield

        async def me() -> Any:
            if key not in ("owner", "hf_ada", "login"):
                raise UnauthenticatedError("no")
            return SimpleNamespace(user_id=f"id-{key}", name=key)

        async def login(*, expires_s: int) -> Any:
            return SimpleNamespace(credential=SimpleNamespace(id="7"), secret="login")

        async def logout(id: str) -> None:
            self.logged_out.append(id)

        async def close() -> None:
            """Holds nothing."""

        return SimpleNamespace(
            engine=SimpleNamespace(listen=listen, access=access),
            users=SimpleNamespace(me=me, login=login, logout=logout),
            close=close,
        )


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


async def serve(options: WebOptions, engine: FakeEngine, folder: Path) -> None:
    gate = EngineGate(engine.own, engine.client)
    await serve_web(options, gate, AppCommand(("false",), folder / "web.log"), lambda _: None)


async def test_pages_for_others_need_tls(engine: FakeEngine, tmp_path: Path) -> None:
    with pytest.raises(ForbiddenError, match="--tls-cert") as refused:
        await serve(WebOptions(host="0.0.0.0", port=0), engine, tmp_path)
    assert refused.value.code == "tls_required"
    assert not engine.ports


async def test_what_is_no_certificate_is_refused(engine: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("none")
    with pytest.raises(InvalidError, match="no key"):
        await serve(WebOptions(port=0, tls_cert=str(tmp_path / "cert.pem")), engine, tmp_path)


async def test_the_engine_started_anew_is_reached_at_the_same_address(engine: FakeEngine) -> None:
    gate = EngineGate(engine.own, engine.client)
    with pytest.raises(UnavailableError):
        assert gate.address
    async with asyncio.timeout(10), gate.running():
        assert gate.address == Address("http://127.0.0.1:4711")
        engine.opened.clear()
        engine.closing[0].set()
        await engine.opened.wait()
    assert engine.ports == [0, 4711]


async def test_a_key_becomes_a_login_that_ends(engine: FakeEngine) -> None:
    gate = EngineGate(engine.own, engine.client, Address("https://bench.example"))
    async with gate.running():
        login = await gate.login("hf_ada")
        assert (login.user_id, login.secret) == ("id-hf_ada", "login")
        assert "login" not in repr(login).replace("Login", "")
        assert await gate.is_good(login)
        await gate.logout(login)
        with pytest.raises(UnauthenticatedError):
            await gate.login("hf_wrong")
        assert (await gate.own_login()).name == "owner"
    assert engine.logged_out == ["7"]
    assert not engine.ports, "an engine elsewhere has its own listener"


CHILD = (
    "import time; from holdfast.web import parent;"
    "parent._LOOK_S = 0.02; parent.end_with_parent(); time.sleep(60)"
)
PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]]);"
    "print(child.pid, flush=True); time.sleep(60)"
)


async def test_an_app_ends_when_its_server_was_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, CHILD, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(20):
        child = int(await parent.stdout.readline())
        running = Path(f"/proc/{child}/cmdline")
        while len(list(Path(f"/proc/{child}/task").iterdir())) < 2:  # noqa: ASYNC110 (until it watches)
            await asyncio.sleep(0.01)
        parent.kill()
        await parent.wait()
        while running.exists() and running.read_bytes():  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.01)
