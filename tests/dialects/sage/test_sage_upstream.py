"""Signing in at another server, as browsers do it through Sage's API; and what attackers would try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from tests.fakes.oidc_server import CLIENT_SECRET, FakeProvider

from holdfast.core.domain.errors import UnauthenticatedError
from holdfast.core.domain.identity import Role, User

LOGIN = "/sage/api/auth/upstream/login"
CALLBACK = "/sage/api/auth/upstream/callback/corp"
STARTS = {
    "upstream_login": f"{LOGIN}/corp",
    "upstream_login_default": LOGIN,
    "user_oauth_login": "/sage/api/user/oauth/login/corp",
    "user_oauth_login_default": "/sage/api/user/oauth/login",
}


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider().serving() as provider:
        yield provider


@pytest.fixture
def house(serve: Any, fake: FakeProvider) -> Callable[..., Any]:
    """Serves Sage's API with the provider, whose settings may say more."""

    @asynccontextmanager
    async def opened(*, others: tuple[dict[str, Any], ...] = (), **more: Any) -> AsyncIterator[Any]:
        providers = [fake.settings(**more), *others]
        accounts = {"mode": "oauth", "providers": providers}
        async with serve(more_settings={"accounts": accounts}) as served:
            await served.bench.workbench.keys.set_provider("login.corp", CLIENT_SECRET)
            yield served

    return opened


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    """Returns the lines that set cookies, by name."""
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}


async def begin(http: httpx.AsyncClient, path: str = f"{LOGIN}/corp", **query: str) -> str:
    """Begins to sign in; returns where the browser is sent."""
    begun = await http.get(path, params=query)
    assert begun.status_code == 302, begun.text
    return begun.headers["location"]


async def sign_in(http: httpx.AsyncClient, fake: FakeProvider, **query: str) -> httpx.Response:
    """Signs in; returns the last answer."""
    return await http.get(fake.sign_in(await begin(http, **query)))


async def user_of(served: Any, answer: httpx.Response) -> User:
    """Returns the user that an answer has let in."""
    assert answer.status_code == 302, answer.text
    secret = cookies_of(answer)["sage_session"].partition("=")[2].partition(";")[0]
    principal = await served.bench.workbench.authenticate(secret)
    found = {user.id: user for user in await served.bench.workbench.users.list()}
    assert found[principal.user_id].role is principal.role
    return found[principal.user_id]


async def refused(answer: httpx.Response, status: int, said: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["message"], body["success"], body["data"]) == (status, said, False, None)
    assert "sage_session" not in cookies_of(answer)


@pytest.mark.covers("sage.auth_providers", "sage.user_auth_providers")
async def test_the_ways_to_sign_in_are_listed(house: Any, serve: Any) -> None:
    async with serve() as served:
        for path in ("auth/providers", "user/auth-providers"):
            native = (await served.http.get(f"/sage/api/{path}")).json()
            assert native["message"] == "获取认证 Providers 成功"
            assert native["data"] == [
                {
                    "id": "native",
                    "type": "native",
                    "name": "账号密码",
                    "button_text": "使用账号密码登录",
                    "description": "输入 Sage 内置账号和密码进入工作台",
                    "icon": "key-round",
                }
            ]


async def test_providers_of_the_settings_are_listed_without_what_is_secret(house: Any) -> None:
    async with house(icon="building") as served:
        listed = await served.http.get("/sage/api/auth/providers")
        assert listed.json()["data"] == [
            {
                "id": "corp",
                "type": "oidc",
                "name": "Corp",
                "button_text": "使用Corp登录",
                "description": "",
                "icon": "building",
            }
        ]
        english = await served.http.get("/sage/api/auth/providers", headers={"X-Sage-Locale": "en-US"})
        assert english.json()["data"][0]["button_text"] == "Sign in with Corp"


@pytest.mark.covers(
    "sage.upstream_login",
    "sage.upstream_login_default",
    "sage.user_oauth_login",
    "sage.user_oauth_login_default",
    "sage.upstream_callback",
)
@pytest.mark.parametrize("path", STARTS.values(), ids=list(STARTS))
async def test_somebody_new_comes_in_as_a_user_of_his_own(house: Any, fake: FakeProvider, path: str) -> None:
    async with house() as served:
        begun = await served.http.get(path, params={"next": "/agent/list?a=1"})
        assert "sage_session" not in cookies_of(begun)
        kept = cookies_of(begun)["sage_upstream"]
        assert "HttpOnly" in kept and "SameSite=lax" in kept and "Max-Age=600" in kept
        query = dict(parse_qsl(urlsplit(begun.headers["location"]).query))
        assert query["redirect_uri"] == f"http://engine{CALLBACK}"
        assert query["state"] not in kept

        ended = await served.http.get(fake.sign_in(begun.headers["location"]))
        assert ended.headers["location"] == "/agent/list?a=1"
        login = cookies_of(ended)["sage_session"]
        for said in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=1209600"):
            assert said in login
        assert "Secure" not in login
        assert 'sage_upstream=""' in cookies_of(ended)["sage_upstream"]
        user = await user_of(served, ended)
        assert (user.name, user.email, user.role) == ("alice", "alice@example.org", Role.USER)


@pytest.mark.covers("sage.user_oauth_callback")
async def test_a_client_may_name_its_own_callback_here(house: Any, fake: FakeProvider) -> None:
    callback = "http://engine/sage/api/user/oauth/callback/corp"
    async with house() as served:
        ended = await sign_in(served.http, fake, redirect_uri=callback)
        assert str(ended.request.url).startswith(callback)
        assert ended.headers["location"] == "/agent/chat"
        assert (await user_of(served, ended)).name == "alice"


async def test_behind_tls_cookies_are_for_tls_alone(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        served.http.headers["X-Forwarded-Proto"] = "https"
        begun = await served.http.get(LOGIN)
        assert "Secure" in cookies_of(begun)["sage_upstream"]
        query = parse_qs(urlsplit(begun.headers["location"]).query)
        assert query["redirect_uri"] == [f"https://engine{CALLBACK}"]


async def test_who_comes_again_is_the_same_user(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        first = await user_of(served, await sign_in(served.http, fake))
        fake.person |= {"preferred_username": "alice2", "email": "other@example.org"}
        assert await user_of(served, await sign_in(served.http, fake)) == first
        assert len(await served.bench.workbench.users.list()) == 2


async def test_somebody_else_of_the_same_name_is_another_user(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        await sign_in(served.http, fake)
        fake.person["sub"] = "subject-of-another-alice"
        other = await user_of(served, await sign_in(served.http, fake))
        # The address is the first one's, and nobody has said that both are one.
        assert (other.name, other.email) == ("alice-2", "")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"preferred_username": "victim@example.org"}, "victim"),
        ({"preferred_username": "<b>Zoé</b> & co"}, "b-Zo-b- - co"),
        ({"preferred_username": "用户", "email": "", "name": ""}, "user"),
        ({"preferred_username": None, "email": None, "name": "Ann Lee"}, "Ann Lee"),
        ({"preferred_username": "local"}, "local-2"),
        ({"preferred_username": "x" * 300}, "x" * 48),
    ],
    ids=["address", "markup", "other-script", "name", "taken", "long"],
)
async def test_a_new_user_gets_a_plain_name(
    house: Any, fake: FakeProvider, said: dict[str, Any], name: str
) -> None:
    fake.person |= said
    async with house() as served:
        assert (await user_of(served, await sign_in(served.http, fake))).name == name


async def test_who_was_removed_comes_back_as_somebody_new(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        first = await user_of(served, await sign_in(served.http, fake))
        await served.bench.workbench.users.remove(first.id)
        again = await user_of(served, await sign_in(served.http, fake))
        assert (again.name, again.id != first.id) == ("alice", True)
        assert await user_of(served, await sign_in(served.http, fake)) == again


@pytest.mark.parametrize(
    ("link", "verified", "linked"),
    [
        pytest.param(True, True, True, id="verified"),
        pytest.param(True, False, False, id="unverified"),
        pytest.param(True, None, False, id="nothing-said"),
        pytest.param(False, True, False, id="not-wanted"),
    ],
)
async def test_only_a_verified_address_makes_somebody_a_user_of_before(
    house: Any, fake: FakeProvider, link: bool, verified: bool | None, linked: bool
) -> None:
    fake.person |= {"email": "Boss@Example.ORG", "email_verified": verified}
    async with house(link_by_email=link) as served:
        boss = await served.bench.workbench.users.add("boss", Role.ADMIN, email="boss@example.org")
        user = await user_of(served, await sign_in(served.http, fake))
        assert (user.id == boss.id) is linked
        assert user.role is (Role.ADMIN if linked else Role.USER)
        assert user.email == ("boss@example.org" if linked else "")


@pytest.mark.parametrize(
    ("more", "said", "role"),
    [
        pytest.param({"role_claim": "role"}, {"role": "admin"}, Role.ADMIN, id="claim"),
        pytest.param({"role_claim": "roles"}, {"roles": ["x", "admin"]}, Role.ADMIN, id="claims"),
        pytest.param({"role_claim": "role"}, {"role": {"admin": 1}}, Role.USER, id="odd-claim"),
        pytest.param({"role_claim": "role", "default_role": "admin"}, {"role": "x"}, Role.USER, id="no"),
        pytest.param({"default_role": "admin"}, {}, Role.ADMIN, id="default"),
        pytest.param({"admin_emails": ["Alice@example.org"]}, {}, Role.ADMIN, id="address"),
        pytest.param(
            {"admin_emails": ["alice@example.org"]}, {"email_verified": False}, Role.USER, id="unverified"
        ),
        pytest.param({"admin_usernames": ["alice"]}, {}, Role.ADMIN, id="name"),
        pytest.param({"admin_usernames": ["ALICE"]}, {}, Role.USER, id="another-name"),
    ],
)
async def test_the_provider_says_who_is_an_administrator(
    house: Any, fake: FakeProvider, more: dict[str, Any], said: dict[str, Any], role: Role
) -> None:
    fake.person |= said
    async with house(**more) as served:
        assert (await user_of(served, await sign_in(served.http, fake))).role is role


async def test_a_role_that_is_taken_back_is_gone_with_the_next_sign_in(
    house: Any, fake: FakeProvider
) -> None:
    fake.person["role"] = "admin"
    async with house(role_claim="role") as served:
        first = await sign_in(served.http, fake)
        assert (await user_of(served, first)).role is Role.ADMIN
        fake.person["role"] = "user"
        assert (await user_of(served, await sign_in(served.http, fake))).role is Role.USER
        assert (await user_of(served, first)).role is Role.USER  # logins of before have no more


async def test_who_owns_the_home_stays_an_administrator(house: Any, fake: FakeProvider) -> None:
    fake.person["role"] = "user"
    async with house(role_claim="role", link_by_email=True) as served:
        await served.bench.workbench.users.update("local", email="alice@example.org")
        user = await user_of(served, await sign_in(served.http, fake))
        assert (user.id, user.role) == ("local", Role.ADMIN)


async def test_two_browsers_of_one_new_person_make_one_user(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        backs = []
        for _ in range(2):
            begun = await served.http.get(LOGIN)
            cookie = cookies_of(begun)["sage_upstream"].partition(";")[0]
            backs.append((fake.sign_in(begun.headers["location"]), cookie))
        served.http.cookies.clear()
        ends = await asyncio.gather(*(served.http.get(url, headers={"Cookie": c}) for url, c in backs))
        assert len({(await user_of(served, end)).id for end in ends}) == 1


# What attackers would try.


async def test_a_state_that_nobody_was_given_ends_nothing(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        fake.answer["state"] = "made-up-state"
        await refused(await sign_in(served.http, fake), 400, "OAuth 登录状态已失效")
        assert fake.requests("/token") == []


async def test_an_answer_counts_once(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        back = fake.sign_in(await begin(served.http))
        kept = dict(served.http.cookies)
        await user_of(served, await served.http.get(back))
        served.http.cookies.clear()
        again = await served.http.get(back, headers={"Cookie": f"sage_upstream={kept['sage_upstream']}"})
        await refused(again, 400, "OAuth 登录状态已失效")
        assert len(fake.requests("/token")) == 1


async def test_a_failed_answer_counts_once_too(house: Any, fake: FakeProvider) -> None:
    fake.claims["nonce"] = "nonce-of-another-sign-in"
    async with house() as served:
        back = fake.sign_in(await begin(served.http))
        await refused(await served.http.get(back), 502, "OAuth 登录失败")
        fake.claims.clear()
        await refused(await served.http.get(back), 400, "OAuth 登录状态已失效")


@pytest.mark.parametrize("cookie", ["", "sage_upstream=of-the-victim"], ids=["none", "another"])
async def test_an_attackers_answer_lets_nobody_in_in_another_browser(
    house: Any, fake: FakeProvider, cookie: str
) -> None:
    async with house() as served:
        back = fake.sign_in(await begin(served.http))
        mine = dict(served.http.cookies)["sage_upstream"]
        served.http.cookies.clear()
        await refused(
            await served.http.get(back, headers={"Cookie": cookie} if cookie else {}),
            400,
            "OAuth 登录状态校验失败",
        )
        assert fake.requests("/token") == []
        # Who only knows the address has not ended the sign-in of its owner.
        assert (await served.http.get(back, headers={"Cookie": f"sage_upstream={mine}"})).status_code == 302


async def test_an_answer_of_another_provider_is_not_taken(house: Any, fake: FakeProvider) -> None:
    with FakeProvider().serving() as evil:
        async with house(others=(evil.settings(id="evil"),)) as served:
            back = fake.sign_in(await begin(served.http))
            mixed = back.replace("callback/corp", "callback/evil")
            await refused(await served.http.get(mixed), 400, "OAuth Provider 不匹配")
            assert evil.requests("/token") == fake.requests("/token") == []


async def test_an_issuer_that_is_named_has_to_be_the_one_that_was_asked(
    house: Any, fake: FakeProvider
) -> None:
    async with house() as served:
        fake.answer["iss"] = "https://evil.example"
        await refused(await sign_in(served.http, fake), 400, "OAuth Provider 不匹配")
        fake.answer["iss"] = fake.url
        assert (await sign_in(served.http, fake)).status_code == 302


async def test_a_provider_that_names_itself_has_to(house: Any, fake: FakeProvider) -> None:
    fake.described["authorization_response_iss_parameter_supported"] = True
    async with house() as served:
        await refused(await sign_in(served.http, fake), 400, "OAuth Provider 不匹配")
        assert fake.requests("/token") == []


@pytest.mark.parametrize(
    "next", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:1"]
)
async def test_nobody_is_led_away_after_signing_in(house: Any, fake: FakeProvider, next: str) -> None:
    async with house() as served:
        assert (await sign_in(served.http, fake, next=next)).headers["location"] == "/"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/callback",
        "//engine/callback",
        "http://engine@evil.example/",
        "http://engine.evil.example/",
        "http://engine:8080/",
        "https://engine/",
        "http://engine\\@evil.example/",
        "http://evil.example#@engine/",
        "http://[engine/",
    ],
)
async def test_a_code_is_sent_to_nobody_else(house: Any, fake: FakeProvider, wanted: str) -> None:
    async with house() as served:
        begun = await served.http.get(LOGIN, params={"redirect_uri": wanted})
        await refused(begun, 400, "OAuth 回调地址非法")
        assert fake.asked == []


async def test_no_secret_and_no_token_is_in_what_is_told(house: Any, fake: FakeProvider, caplog: Any) -> None:
    fake.failing["/userinfo"] = (500, b"{}")
    async with house() as served:
        answer = await sign_in(served.http, fake)
        await refused(answer, 502, "OAuth 登录失败")
        code = fake.requests("/token")[0]["code"]
        for hidden in (CLIENT_SECRET, code):
            assert hidden not in answer.text and hidden not in caplog.text


# What is refused, in words.


async def test_where_nobody_signs_in_elsewhere_that_is_said(serve: Any) -> None:
    async with serve() as served:
        for path in (LOGIN, "/sage/api/user/oauth/login"):
            none = await served.http.get(path)
            assert (none.status_code, none.json()["code"]) == (200, 404)
            assert none.json()["message"] == "未配置可用的 OAuth Provider"


async def test_an_unknown_provider_is_said(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        await refused(await served.http.get(f"{LOGIN}/other"), 404, "OAuth Provider 不存在")
        english = await served.http.get(f"{LOGIN}/other", headers={"X-Sage-Locale": "en"})
        await refused(english, 404, "OAuth provider does not exist")
        assert fake.asked == []


async def test_who_says_no_there_is_told_so(house: Any, fake: FakeProvider) -> None:
    fake.answer |= {"code": "", "error": "access_denied"}
    async with house() as served:
        await refused(await sign_in(served.http, fake), 400, "OAuth 登录被拒绝")


async def test_what_has_to_be_in_the_address_is_missed(house: Any) -> None:
    async with house() as served:
        bare = await served.http.get(CALLBACK)
        assert bare.status_code == 422
        assert {tuple(one["loc"]) for one in bare.json()["detail"]} == {("query", "state"), ("query", "code")}


async def test_a_provider_that_is_not_there_is_an_error_of_its_own(house: Any, fake: FakeProvider) -> None:
    fake.failing["/.well-known/openid-configuration"] = (503, b"")
    async with house() as served:
        await refused(await served.http.get(LOGIN), 502, "OAuth 登录失败")


async def test_a_browser_gets_a_page_where_it_begins_again(house: Any, fake: FakeProvider) -> None:
    fake.answer |= {"code": "", "error": "<script>alert(1)</script>"}
    async with house() as served:
        served.http.headers["Accept"] = "text/html,application/xhtml+xml"
        told = await sign_in(served.http, fake)
        assert (told.status_code, told.headers["content-type"]) == (400, "text/html; charset=utf-8")
        assert "OAuth 登录被拒绝" in told.text and "<script>" not in told.text
        assert f"{LOGIN}/corp?next=" in told.text


async def test_in_another_mode_a_sign_in_that_was_begun_ends_nowhere(serve: Any, fake: FakeProvider) -> None:
    settings = {"accounts": {"mode": "native", "providers": [fake.settings()]}}
    async with serve(more_settings=settings) as served:
        answer = await served.http.get(CALLBACK, params={"state": "s", "code": "c"})
        await refused(answer, 400, "OAuth 登录状态已失效")
        await refused(await served.http.get(f"{LOGIN}/corp"), 404, "OAuth Provider 不存在")


async def test_a_login_ends_as_others_do(house: Any, fake: FakeProvider) -> None:
    async with house() as served:
        ended = await sign_in(served.http, fake)
        secret = cookies_of(ended)["sage_session"].partition("=")[2].partition(";")[0]
        principal = await served.bench.workbench.authenticate(secret)
        mine = served.bench.workbench.as_principal(principal)
        await mine.users.logout(principal.credential_id)
        with pytest.raises(UnauthenticatedError):
            await served.bench.workbench.authenticate(secret)
