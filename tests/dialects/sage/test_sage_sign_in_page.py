"""The page where one signs in, before a door that asks for keys."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.listener import listening
from tests.fakes.oidc_server import CLIENT_SECRET, FakeProvider

from holdfast.core.domain.errors import UnauthenticatedError
from holdfast.core.domain.identity import Role

PASSWORD = "correct horse battery staple"
PAGE = "/sage/login"


@pytest.fixture
def entrance(open_bench: Any, tmp_path: Path) -> Callable[..., Any]:
    """Opens a listener with the settings of accounts, and gives a browser there."""

    @asynccontextmanager
    async def opened(**accounts: Any) -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
        headers = {"Accept": "text/html", "Accept-Language": "en-GB"}
        async with (
            open_bench(more_settings={"accounts": accounts}) as bench,
            listening(bench.workbench, tmp_path) as listener,
            httpx.AsyncClient(base_url=listener.state.url, headers=headers) as http,
        ):
            yield http, bench

    return opened


async def send(http: httpx.AsyncClient, name: str, password: str, **more: str) -> httpx.Response:
    """Sends the form."""
    return await http.post(PAGE, data={"name": name, "password": password, **more})


def secret_of(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].partition("sage_session=")[2].partition(";")[0]


@pytest.mark.covers("sage.sign_in_page")
async def test_the_page_runs_nothing_and_stands_in_no_frame(entrance: Any) -> None:
    async with entrance() as (http, _):
        shown = await http.get(PAGE)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
        rules = shown.headers["content-security-policy"]
        for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
            assert rule in rules
        assert "script" not in rules and "unsafe" not in rules
        assert shown.headers["x-frame-options"] == "DENY"
        assert shown.headers["cache-control"] == "no-store"
        assert "<script" not in shown.text and "onload" not in shown.text
        assert '<html lang="en">' in shown.text and 'action="/sage/login"' in shown.text


async def test_the_page_speaks_as_the_browser_wants(entrance: Any) -> None:
    async with entrance() as (http, _):
        shown = await http.get(PAGE, headers={"Accept-Language": "zh-CN,zh;q=0.9"})
        assert '<html lang="zh-CN">' in shown.text and "用户名或邮箱" in shown.text


@pytest.mark.covers("sage.sign_in_form")
async def test_who_knows_a_password_comes_in_and_goes_on(entrance: Any) -> None:
    async with entrance() as (http, bench):
        user = await bench.workbench.users.add("ann", password=PASSWORD)
        came = await send(http, "ann", PASSWORD, next="/oauth2/authorize?client_id=a&state=b")
        assert came.status_code == 200
        # No redirection: browsers hold where that leads at last against the form's rules.
        assert came.headers["refresh"] == "0; url=/oauth2/authorize?client_id=a&state=b"
        assert 'href="/oauth2/authorize?client_id=a&amp;state=b"' in came.text
        cookie = came.headers["set-cookie"]
        for said in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=1209600"):
            assert said in cookie
        principal = await bench.workbench.authenticate(secret_of(came))
        assert principal.user_id == user.id
        assert "You are signed in as ann" in (await http.get(PAGE)).text


async def test_a_wrong_password_is_told_and_lets_nobody_in(entrance: Any) -> None:
    async with entrance() as (http, bench):
        await bench.workbench.users.add("ann", password=PASSWORD)
        for name in ("ann", "nobody<b>"):
            told = await send(http, name, "wrong-password-of-somebody", next="/agent/list")
            assert told.status_code == 401
            assert 'role="alert"' in told.text and "set-cookie" not in told.headers
            assert 'value="/agent/list"' in told.text and "wrong-password-of-somebody" not in told.text
            assert "<b>" not in told.text


@pytest.mark.parametrize("next", ["https://evil.example", "//evil.example", "/\\evil.example", '/"><b>x'])
async def test_nobody_is_led_away(entrance: Any, next: str) -> None:
    async with entrance() as (http, bench):
        await bench.workbench.users.add("ann", password=PASSWORD)
        came = await send(http, "ann", PASSWORD, next=next)
        led = came.headers["refresh"].partition("url=")[2]
        assert led == (PAGE if "evil" in next else next)
        assert "<b>" not in came.text
        shown = await http.get(PAGE, params={"next": next})
        assert "evil.example" not in shown.text and "<b>" not in shown.text


async def test_another_site_cannot_sign_a_browser_in_or_out(entrance: Any) -> None:
    async with entrance() as (http, bench):
        await bench.workbench.users.add("mallory", password=PASSWORD)
        for origin in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            form = {"name": "mallory", "password": PASSWORD}
            for path in (PAGE, "/sage/logout"):
                sent = await http.post(path, data=form, headers=origin)
                assert (sent.status_code, "set-cookie" in sent.headers) == (403, False)


async def test_another_site_may_lead_a_browser_to_the_page(entrance: Any) -> None:
    led = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    async with entrance() as (http, _):
        assert (await http.get(PAGE, headers=led)).status_code == 200
        framed = await http.get(PAGE, headers=led | {"Sec-Fetch-Dest": "iframe"})
        assert framed.status_code == 403


@pytest.mark.parametrize(
    "body",
    [b"name=%00&password=x", b"name=%ff", b"\xff", b"&".join(b"f%d=1" % at for at in range(200)), b""],
    ids=["nul", "no-text", "no-utf8", "too-many", "empty"],
)
async def test_a_form_that_says_nobody_is_refused(entrance: Any, body: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    async with entrance() as (http, _):
        sent = await http.post(PAGE, content=body, headers=kind)
        assert sent.status_code >= 400 and "set-cookie" not in sent.headers
        assert "内部服务器错误" not in sent.text and "Internal server error" not in sent.text


async def test_what_is_no_form_lets_nobody_in(entrance: Any) -> None:
    async with entrance() as (http, bench):
        await bench.workbench.users.add("ann", password=PASSWORD)
        sent = await http.post(PAGE, json={"name": "ann", "password": PASSWORD})
        assert sent.status_code >= 400 and "set-cookie" not in sent.headers


@pytest.mark.covers("sage.sign_out_form")
async def test_who_signs_out_has_no_login_any_more(entrance: Any) -> None:
    async with entrance() as (http, bench):
        await bench.workbench.users.add("ann", password=PASSWORD)
        secret = secret_of(await send(http, "ann", PASSWORD))
        out = await http.post("/sage/logout")
        assert (out.status_code, out.headers["location"]) == (303, PAGE)
        assert "Max-Age=0" in out.headers["set-cookie"]
        with pytest.raises(UnauthenticatedError):
            await bench.workbench.authenticate(secret)
        assert 'type="password"' in (await http.get(PAGE)).text
        assert (await http.post("/sage/logout")).status_code == 303


async def test_a_key_in_the_cookie_is_not_revoked_by_signing_out(entrance: Any) -> None:
    async with entrance() as (http, bench):
        key = await bench.workbench.keys.create("kept")
        http.cookies.set("sage_session", key.secret)
        assert (await http.post("/sage/logout")).status_code == 303
        assert (await bench.workbench.authenticate(key.secret)).credential_id == key.credential.id


async def test_where_people_sign_in_elsewhere_the_page_leads_there(entrance: Any) -> None:
    with FakeProvider().serving() as fake:
        async with entrance(mode="oauth", providers=[fake.settings(name="<Corp> & Co")]) as (http, bench):
            await bench.workbench.users.add("ann", password=PASSWORD)
            await bench.workbench.keys.set_provider("login.corp", CLIENT_SECRET)
            shown = await http.get(PAGE, params={"next": "/agent/list?a=1&b=2"})
            assert 'type="password"' not in shown.text
            assert "Sign in with &lt;Corp&gt; &amp; Co" in shown.text
            (href,) = re.findall(r'href="(/[^"]*)"', shown.text)
            begun = await http.get(href.replace("&amp;", "&"))
            ended = await http.get(fake.sign_in(begun.headers["location"]))
            assert ended.headers["location"] == "/agent/list?a=1&b=2"
            assert "You are signed in as alice" in (await http.get(PAGE)).text
            http.cookies.clear()
            assert (await send(http, "ann", PASSWORD)).status_code == 403


async def test_with_a_proxy_before_it_only_administrators_sign_in(entrance: Any) -> None:
    async with entrance(mode="trusted_proxy", trusted_proxies=["10.0.0.0/8"]) as (http, bench):
        await bench.workbench.users.add("ann", password=PASSWORD)
        await bench.workbench.users.add("boss", Role.ADMIN, password=PASSWORD)
        assert "Only administrators" in (await http.get(PAGE)).text
        assert (await send(http, "ann", PASSWORD)).status_code == 403
        assert (await send(http, "boss", PASSWORD)).status_code == 200
