"""Signing in at a real engine over TCP, as the command line and the app do it; what is kept of it here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakes.listener import listening
from tests.runs.conftest import open_bench

from accounts.conftest import SECRET
from holdfast import remote
from holdfast.core.domain.errors import UnauthenticatedError
from holdfast.core.domain.identity import Role
from holdfast.server.native.address import EngineUrl
from holdfast.tui.app import HoldfastApp
from holdfast.tui.screens.form import FormScreen
from holdfast.tui.start import Remote, Start

__all__ = ["open_bench"]


@pytest.fixture
def door() -> str:
    return "local"


@pytest.fixture
async def engine(open_bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """An engine on TCP with ann, an administrator, and bob; the home of who signs in there is another one."""
    monkeypatch.setenv("HOLDFAST_HOME", str(tmp_path / "laptop"))
    for name in ("HOLDFAST_URL", "HOLDFAST_KEY", "HOLDFAST_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("holdfast.core.identity.keys.find_keyring", lambda environ: None)
    async with open_bench() as bench, listening(bench.workbench, tmp_path) as listener:
        await bench.workbench.users.add("ann", Role.ADMIN, SECRET, "ann@example.org")
        await bench.workbench.users.add("bob", Role.USER, SECRET)
        yield SimpleNamespace(bench=bench, url=listener.state.url)


async def logins_of(address: EngineUrl) -> list[Any]:
    opened = remote.client_of(address, "tests")
    try:
        return [one for one in await opened.users.logins() if one.revoked_at is None]
    finally:
        await opened.close()


async def test_a_login_is_kept_for_its_address_replaced_and_ended(engine: Any) -> None:
    found = remote.elsewhere(engine.url)
    assert found is not None and (found.key, found.login) == ("", "")
    with pytest.raises(UnauthenticatedError):
        await remote.knock(found)
    said = await remote.ways(found)
    assert said is not None and said.passwords == "all"

    first = await remote.sign_in(found, "ANN@example.org", SECRET)
    assert first.login == "ann"
    kept = remote.elsewhere(engine.url)
    assert kept is not None and (kept.key, kept.login) == (first.key, "ann")
    await remote.knock(kept)

    with pytest.raises(UnauthenticatedError) as error:
        await remote.sign_in(found, "ann", "not the password")
    assert error.value.code == "wrong_password"
    await remote.knock(kept)

    second = await remote.sign_in(found, "ann", SECRET)
    with pytest.raises(UnauthenticatedError):
        await remote.knock(first)
    assert len(await logins_of(second)) == 1
    assert [(one.url, one.name) for one in remote.kept_logins()] == [(found.url, "ann")]

    ended = await remote.sign_out(engine.url)
    assert ended is not None and ended[0].name == "ann" and ended[1]
    with pytest.raises(UnauthenticatedError):
        await remote.knock(second)
    assert remote.kept_logins() == () and await remote.sign_out(engine.url) is None


@pytest.mark.thorough
async def test_the_app_signs_in_and_is_left_to_another_user(engine: Any, tmp_path: Path) -> None:
    found = remote.elsewhere(engine.url)
    assert found is not None
    reached = await remote.sign_in(found, "ann", SECRET)

    async def connect() -> Any:
        return remote.client_of(reached, "app")

    async def sign_in(name: str, password: str) -> None:
        nonlocal reached
        reached = await remote.sign_in(found, name, password, client="app")

    theirs = remote.client_of(reached, "tests")
    session = await theirs.sessions.create("general", "")
    await theirs.sessions.rename(session.id, "what ann is about")
    await theirs.close()
    elsewhere = Remote(reached, sign_in=sign_in, login="ann")
    start = Start(connect, tmp_path, tmp_path / "tui.json", session=session.id, remote=elsewhere)
    app = HoldfastApp(start)
    async with app.run_test(size=(120, 40)) as pilot:
        while app.model.session_id != session.id:
            await pilot.pause(0.02)
        assert (app.model.header.who, app.model.header.role) == ("ann", "admin")
        app.command("login", "bob")
        while not isinstance(app.screen, FormScreen):
            await pilot.pause(0.02)
        await pilot.press("tab", *("space" if one == " " else one for one in SECRET), "enter")
        while not app.left_to:
            await pilot.pause(0.02)
    assert app.left_to == "bob"

    app = HoldfastApp(start.left_to(app.left_to))
    async with app.run_test(size=(120, 40)) as pilot:
        while app.model.header.engine != "ready" or not app.model.agent or not is_whole(app):
            await pilot.pause(0.02)
        assert (app.model.header.who, app.model.header.role) == ("bob", "user")
        assert app.model.session_id is None and session.id not in app.model.sessions
    assert reached.login == "bob" and len(await logins_of(reached)) == 1


def is_whole(app: HoldfastApp) -> bool:
    """Says whether all panes are there, and what was found at the start is known: an app that ends hinders
    nothing then."""
    return app.model.found is not None and bool(app.screen.query("#too-small"))
