"""Requests that a proxy says a user's name of, and what others make up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.listener import listening

from holdfast.core.domain.identity import Role

NAMED = "X-Sage-Internal-UserId"
NOWHERE = "/sage/api/no-such-path"
"""Is not there for who is let in, and asks others for a login."""


@pytest.fixture
def proxied(open_bench: Any, tmp_path: Path) -> Callable[..., Any]:
    """Opens a listener behind which requests come from a trusted proxy: from this machine."""

    @asynccontextmanager
    async def opened(
        mode: str = "trusted_proxy", proxies: tuple[str, ...] = ("127.0.0.0/8",)
    ) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
        settings = {"accounts": {"mode": mode, "trusted_proxies": proxies}}
        async with (
            open_bench(more_settings=settings) as bench,
            listening(bench.workbench, tmp_path) as listener,
            httpx.AsyncClient(base_url=listener.state.url) as http,
        ):
            yield http, bench

    return opened


async def who(http: httpx.AsyncClient, headers: Any) -> str:
    """Returns what the sign-in page says of who asks."""
    shown = await http.get("/sage/login", headers=headers)
    return shown.text.partition("当前账号：")[2].partition("<")[0]


async def test_a_trusted_proxy_says_who_asks(proxied: Any) -> None:
    async with proxied() as (http, bench):
        ann = await bench.workbench.users.add("ann")
        assert (await http.get(NOWHERE, headers={NAMED: "ann"})).status_code == 404
        assert (await http.get(NOWHERE, headers={NAMED: ann.id})).status_code == 404
        assert await who(http, {NAMED: "ann"}) == "ann"
        assert (await http.get(NOWHERE)).status_code == 401


async def test_whom_nobody_knows_becomes_a_user_once(proxied: Any) -> None:
    async with proxied() as (http, bench):
        for _ in range(3):
            assert (await http.get(NOWHERE, headers={NAMED: "new-one"})).status_code == 404
        found = [user for user in await bench.workbench.users.list() if user.name == "new-one"]
        assert [user.role for user in found] == [Role.USER]


@pytest.mark.parametrize(
    ("mode", "proxies"),
    [("native", ("127.0.0.0/8",)), ("trusted_proxy", ("10.0.0.0/8",)), ("trusted_proxy", ())],
    ids=["another-mode", "another-address", "no-proxy"],
)
async def test_what_others_say_counts_for_nothing(proxied: Any, mode: str, proxies: tuple[str, ...]) -> None:
    async with proxied(mode, proxies) as (http, bench):
        await bench.workbench.users.add("ann")
        for more in ({}, {"X-Forwarded-For": "10.0.0.1"}, {"X-Real-IP": "10.0.0.1"}):
            asked = await http.get(NOWHERE, headers={NAMED: "ann", **more})
            assert (asked.status_code, asked.json()["message"]) == (401, "未授权")
            assert await who(http, {NAMED: "ann", **more}) == ""


async def test_a_name_that_is_there_twice_is_nobodys(proxied: Any) -> None:
    async with proxied() as (http, _):
        twice = [(NAMED, "ann"), (NAMED, "bob")]
        assert (await http.get(NOWHERE, headers=twice)).status_code == 401


async def test_a_secret_goes_before_the_name(proxied: Any) -> None:
    async with proxied() as (http, bench):
        bob = await bench.workbench.users.add("bob")
        key = await bench.workbench.keys.create("bobs", user=bob.name)
        assert await who(http, {NAMED: "ann", "Authorization": f"Bearer {key.secret}"}) == "bob"
        assert await who(http, {NAMED: "ann", "Cookie": f"sage_session={key.secret}"}) == "bob"
        wrong = {NAMED: "ann", "Authorization": "Bearer hf_" + "x" * 43}
        assert (await http.get(NOWHERE, headers=wrong)).status_code == 401


async def test_a_cookie_counts_where_the_token_beside_it_has_ended(proxied: Any) -> None:
    async with proxied() as (http, bench):
        await bench.workbench.users.add("bob")
        await bench.workbench.users.add("eve")
        bobs = await bench.workbench.keys.create("bobs", user="bob")
        eves = await bench.workbench.keys.create("eves", user="eve")
        cookie, ended = {"Cookie": f"sage_session={bobs.secret}"}, "Bearer hf_" + "x" * 43
        for name in ({}, {NAMED: "ann"}):
            assert await who(http, {**cookie, **name, "Authorization": ended}) == "bob"
            assert (await http.get(NOWHERE, headers={**cookie, "Authorization": ended})).status_code == 404
            assert await who(http, {**cookie, **name, "Authorization": f"Bearer {eves.secret}"}) == "eve"
        await bench.workbench.keys.revoke(bobs.credential.id)
        assert (await http.get(NOWHERE, headers={**cookie, "Authorization": ended})).status_code == 401


@pytest.mark.parametrize("name", ["boss", "local"])
async def test_no_proxy_makes_anybody_an_administrator(proxied: Any, name: str) -> None:
    async with proxied() as (http, bench):
        await bench.workbench.users.add("boss", Role.ADMIN)
        assert (await http.get(NOWHERE, headers={NAMED: name})).status_code >= 401
        assert await who(http, {NAMED: name}) == ""
        page = await http.get("/sage/login", headers={NAMED: name})
        assert page.status_code == 200 and 'type="password"' in page.text


async def test_apis_that_have_no_such_header_do_not_hear_it(proxied: Any) -> None:
    async with proxied() as (http, _):
        asked = await http.get("/holdfast/v1/users/me", headers={NAMED: "ann"})
        assert asked.status_code == 401
