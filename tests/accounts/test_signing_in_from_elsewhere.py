"""Signing in at an engine on another machine: over TCP, with the client that the app has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import create_server
from typing import Any

import pytest
from tests.runs.conftest import open_bench

from accounts.conftest import SECRET
from holdfast.core.domain.errors import ForbiddenError, RateLimitedError, UnauthenticatedError
from holdfast.core.domain.identity import Role
from holdfast.server.app import DEFAULT_ROOT, composed_apis
from holdfast.server.kit.meter import Meter
from holdfast.server.listener import listen
from holdfast.server.native.address import EngineUrl
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.security import GUESSES, HostNames, Rates, TcpDoor

__all__ = ["open_bench"]


@pytest.fixture
def door() -> str:
    return "local"


@asynccontextmanager
async def listening(bench: Any) -> AsyncIterator[str]:
    """Opens an engine to others; gives its URL."""

    async def host() -> Any:
        return bench.workbench

    stop, log = asyncio.Event(), logging.getLogger("holdfast.tests")
    apis = composed_apis(host, log=log, closing=stop, root=DEFAULT_ROOT, meter=Meter())
    names, rates = HostNames("127.0.0.1", "127.0.0.1"), Rates(1000, 1000)
    door = TcpDoor(
        *(apis, host, names, rates, lambda line: None), keyless=False, body_s=5, navigated=apis.navigated
    )
    place = create_server(("127.0.0.1", 0))
    place.setblocking(False)
    serving = asyncio.create_task(listen(door, place, stop))
    try:
        yield f"http://127.0.0.1:{place.getsockname()[1]}"
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await serving


@asynccontextmanager
async def at(url: str, key: str = "") -> AsyncIterator[RemoteWorkbench]:
    """Gives the engine at a URL, as who has this key sees it."""
    remote = RemoteWorkbench(EngineUrl.parse(url, key))
    try:
        yield remote
    finally:
        await remote.close()


async def test_who_has_no_key_signs_in_and_has_one(open_bench: Any) -> None:
    async with open_bench() as bench, listening(bench) as url, at(url) as stranger:
        ann = await bench.workbench.users.add("ann", password=SECRET)
        assert (await stranger.accounts.ways()).passwords == "all"
        made = await stranger.accounts.sign_in("ann", SECRET, 3_600)
        async with at(url, made.secret) as remote:
            assert await remote.accounts.me() == ann
            await remote.accounts.change_password(SECRET, "another password")
            assert await remote.accounts.me() == ann
            with pytest.raises(ForbiddenError):
                await remote.users.page()


async def test_a_wrong_password_is_told_as_what_it_is(open_bench: Any) -> None:
    async with open_bench() as bench, listening(bench) as url, at(url) as stranger:
        await bench.workbench.users.add("ann", password=SECRET)
        with pytest.raises(UnauthenticatedError) as raised:
            await stranger.accounts.sign_in("ann", "a wrong password")
        assert raised.value.code == "wrong_password"
        assert "HOLDFAST_KEY" not in raised.value.message
        with pytest.raises(UnauthenticatedError) as missing:
            await stranger.accounts.me()
        assert "HOLDFAST_KEY" in missing.value.message


async def test_a_thousand_passwords_at_once_are_as_many_as_one_address_has(open_bench: Any) -> None:
    async with open_bench() as bench, listening(bench) as url, at(url) as stranger:
        await bench.workbench.users.add("root", Role.ADMIN, SECRET)
        tried = (stranger.accounts.sign_in(f"name{n}", "a wrong password") for n in range(GUESSES + 10))
        found = await asyncio.gather(*tried, return_exceptions=True)
        assert sum(isinstance(each, UnauthenticatedError) for each in found) == GUESSES
        with pytest.raises(RateLimitedError) as raised:
            await stranger.accounts.sign_in("root", SECRET)
        assert raised.value.code == "too_many_failures"
        assert (await stranger.accounts.ways()).passwords == "all"


async def test_who_may_register_does(open_bench: Any) -> None:
    settings = {"accounts": {"registration": True}}
    async with open_bench(more_settings=settings) as bench, listening(bench) as url, at(url) as stranger:
        await stranger.accounts.send_code("ann@example.org")
        (mail,) = await bench.workbench.accounts.outbox()
        code = next(word for word in mail.text.split() if word.isdigit() and len(word) == 6)
        made = await stranger.accounts.register("ann", SECRET, "ann@example.org", code)
        assert (made.name, made.role) == ("ann", Role.USER)
        assert (await stranger.accounts.sign_in("ann", SECRET)).credential.user_id == made.id
