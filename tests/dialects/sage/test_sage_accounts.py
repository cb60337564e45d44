"""Accounts of Sage's API, through the door on TCP, with real passwords and logins."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from holdfast.core.domain.identity import Role, Scope
from holdfast.server.app import DEFAULT_ROOT, composed_apis
from holdfast.server.kit.meter import Meter
from holdfast.server.security import HostNames, Rates, TcpDoor

AUTH, USER = "/sage/api/auth", "/sage/api/user"
SECRET = "correct horse battery"
BASE = "http://127.0.0.1:8700"


class House:
    """An engine behind its door on TCP, and clients that come to it."""

    def __init__(self, bench: Any, validated: Callable[[httpx.AsyncClient], httpx.AsyncClient]) -> None:
        self.workbench = bench.workbench
        self._validated = validated

        async def host() -> Any:
            return bench.workbench

        log, meter = logging.getLogger("holdfast.tests"), Meter()
        apis = composed_apis(host, log=log, closing=asyncio.Event(), root=DEFAULT_ROOT, meter=meter)
        names, rates = HostNames("127.0.0.1", "127.0.0.1"), Rates(1000, 1000)
        self._door = TcpDoor(
            *(apis, host, names, rates, lambda line: None),
            keyless=False,
            body_s=5,
            navigated=apis.navigated,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._door({**scope, "state": {}}, receive, send)

    def client(self, address: str = "203.0.113.5", **headers: str) -> httpx.AsyncClient:
        """Returns a client at this address, which keeps its cookies."""
        transport = httpx.ASGITransport(self, client=(address, 1234))
        return self._validated(httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers))

    async def add(self, name: str, role: Role = Role.USER, email: str = "") -> str:
        """Adds a user whose password is `SECRET`; returns the id."""
        return str((await self.workbench.users.add(name, role, SECRET, email)).id)

    @asynccontextmanager
    async def signed_in(self, name: str, role: Role = Role.USER) -> AsyncIterator[httpx.AsyncClient]:
        """Gives a client with the cookie of a user, who is new."""
        await self.add(name, role)
        async with self.client() as http:
            assert (await login(http, name)).status_code == 200
            yield http


async def login(
    http: httpx.AsyncClient, name: str, password: str = SECRET, path: str = AUTH
) -> httpx.Response:
    return await http.post(f"{path}/login", json={"username_or_email": name, "password": password})


@pytest.fixture
def door() -> str:
    return "local"


@pytest.fixture
def house(open_bench: Any, validated: Any) -> Callable[..., Any]:
    """Opens an engine whose settings of accounts are these."""

    @asynccontextmanager
    async def opened(**accounts: object) -> AsyncIterator[House]:
        async with open_bench(more_settings={"accounts": accounts}) as bench:
            yield House(bench, validated)

    return opened


def told(answer: httpx.Response) -> tuple[int, int, str]:
    """Returns the status of an answer, with the code and the message of its envelope."""
    body = answer.json()
    assert body["success"] is (body["code"] == 200)
    assert isinstance(body["timestamp"], float)
    return answer.status_code, body["code"], body["message"]


@pytest.mark.covers("sage.login", "sage.session", "sage.login_compat", "sage.check_login")
@pytest.mark.parametrize(
    ("path", "place"), [(AUTH, f"{AUTH}/session"), (USER, f"{USER}/check_login")], ids=["auth", "user"]
)
async def test_a_password_lets_in_by_token_and_by_cookie(house: Any, path: str, place: str) -> None:
    async with house() as home, home.client() as http, home.client() as other:
        user_id = await home.add("ann", email="Ann@example.org")
        answer = await login(http, "ANN@example.org", path=path)
        assert told(answer) == (200, 200, "登录成功")
        tokens = answer.json()["data"]
        assert tokens["expires_in"] == 86_400
        cookie = answer.headers["set-cookie"]
        assert re.search(r"^sage_session=hf_\S+; HttpOnly; Max-Age=1209600; Path=/; SameSite=lax$", cookie)
        assert tokens["access_token"] not in cookie
        by_cookie = await http.get(place)
        by_token = await other.get(place, headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert (
            by_cookie.json()["data"]
            == by_token.json()["data"]
            == {
                "user": {
                    "userid": user_id,
                    "username": "ann",
                    "nickname": "ann",
                    "phonenum": "",
                    "email": "Ann@example.org",
                    "role": "user",
                    "avatar": "",
                    "avatar_url": "",
                },
                "has_provider": False,
                "has_agent": False,
            }
        )


@pytest.mark.covers("sage.session")
async def test_without_a_login_nothing_is_told(house: Any) -> None:
    async with house() as home, home.client() as http:
        for path in (f"{AUTH}/session", f"{USER}/options", f"{USER}/config", "/sage/api/nothing"):
            answer = await http.get(path)
            assert told(answer) == (401, 401, "未授权")
            assert answer.json()["error_detail"] == "missing auth session"
        wrong = await http.get(f"{AUTH}/session", headers={"Authorization": "Bearer hf_wrong"})
        assert told(wrong) == (401, 401, "Token非法")


@pytest.mark.covers("sage.login")
@pytest.mark.parametrize("name", ["ann", "nobody", "local", ""])
async def test_a_wrong_password_is_told_alike_for_everybody(house: Any, name: str) -> None:
    async with house() as home, home.client(**{"X-Sage-Locale": "en-GB"}) as http:
        await home.add("ann")
        answer = await login(http, name, "a wrong password")
        assert told(answer) == (500, 500, "Invalid username or password")
        assert "set-cookie" not in answer.headers


@pytest.mark.covers("sage.login")
async def test_one_address_cannot_try_password_after_password(house: Any) -> None:
    async with house() as home, home.client() as http, home.client("203.0.113.6") as elsewhere:
        await home.add("ann")
        tried = [told(await login(http, f"nobody{n}", "a wrong password"))[0] for n in range(25)]
        assert tried == [500] * 20 + [429] * 5
        assert (await login(http, "ann")).status_code == 429
        assert (await login(elsewhere, "ann")).status_code == 200


@pytest.mark.covers("sage.login")
@pytest.mark.parametrize(
    ("mode", "role", "said"),
    [
        ("trusted_proxy", Role.ADMIN, (200, 200, "登录成功")),
        ("trusted_proxy", Role.USER, (200, 403, "当前服务仅允许管理员通过账号密码登录")),
        ("oauth", Role.ADMIN, (200, 400, "当前服务未启用本地账号密码登录")),
    ],
)
async def test_the_mode_says_whose_passwords_let_in(
    house: Any, mode: str, role: Role, said: tuple[int, int, str]
) -> None:
    async with house(mode=mode) as home, home.client() as http:
        await home.add("ann", role)
        assert told(await login(http, "ann")) == said


@pytest.mark.covers("sage.logout", "sage.logout_compat")
@pytest.mark.parametrize("path", [AUTH, USER], ids=["auth", "user"])
@pytest.mark.parametrize("shown", ["cookie", "token"])
async def test_who_signs_out_is_let_in_no_more_by_either(house: Any, path: str, shown: str) -> None:
    async with house() as home, home.client() as http:
        await home.add("ann")
        answer = await login(http, "ann")
        cookie = {"Cookie": f"sage_session={http.cookies['sage_session']}"}
        token = {"Authorization": f"Bearer {answer.json()['data']['access_token']}"}
        http.cookies.clear()
        left = await http.post(f"{path}/logout", headers=cookie if shown == "cookie" else token)
        assert told(left) == (200, 200, "退出成功")
        assert left.json()["data"] == {}
        assert re.match(r'sage_session=("")?;', left.headers["set-cookie"])
        assert "Max-Age=0" in left.headers["set-cookie"]
        for each in (cookie, token):
            assert (await http.get(f"{AUTH}/session", headers=each)).status_code == 401


@pytest.mark.parametrize("path", [f"{AUTH}/logout", "/sage/logout"], ids=["api", "page"])
async def test_who_shows_two_logins_signs_out_of_both(house: Any, path: str) -> None:
    async with house() as home, home.client() as http, home.client() as other:
        await home.add("ann")
        await home.add("bob")
        token = (await login(http, "ann")).json()["data"]["access_token"]
        await login(other, "bob")
        cookies = [f"sage_session={each.cookies['sage_session']}" for each in (http, other)]
        http.cookies.clear()
        both = {"Authorization": f"Bearer {token}", "Cookie": cookies[1]}
        assert (await http.post(path, headers=both)).status_code in (200, 303)
        for shown in ({"Authorization": f"Bearer {token}"}, *({"Cookie": each} for each in cookies)):
            http.cookies.clear()
            assert (await http.get(f"{AUTH}/session", headers=shown)).status_code == 401


async def test_who_may_do_less_ends_no_login_that_may_do_more(house: Any) -> None:
    async with house() as home, home.client() as http:
        await home.add("ann")
        made = await home.workbench.accounts.sign_in("ann", SECRET)
        me = home.workbench.as_principal(await home.workbench.authenticate(made.secret))
        less = {"Authorization": f"Bearer {(await me.users.login(scope=Scope.CHAT)).secret}"}
        assert (await http.post(f"{AUTH}/logout", headers=less)).status_code == 200
        assert (await http.get(f"{AUTH}/session", headers=less)).status_code == 401
        assert (await home.workbench.authenticate(made.secret)).name == "ann"


@pytest.mark.covers("sage.logout")
async def test_a_key_stays_when_its_client_signs_out(house: Any) -> None:
    async with house() as home, home.client() as http:
        await home.add("ann")
        key = (await home.workbench.keys.create("script", user="ann")).secret
        http.headers["Authorization"] = f"Bearer {key}"
        assert (await http.post(f"{AUTH}/logout")).status_code == 200
        assert (await http.get(f"{AUTH}/session")).json()["data"]["user"]["username"] == "ann"


REGISTRATION = {"username": "ann", "password": SECRET, "email": "ann@example.org", "phonenum": "13800000000"}


async def code_of(home: House) -> str:
    """Reads the code of the last mail."""
    found = re.search(r"\b\d{6}\b", (await home.workbench.accounts.outbox())[0].text)
    assert found is not None
    return found[0]


@pytest.mark.covers(
    "sage.send_register_code", "sage.register", "sage.send_register_code_compat", "sage.register_compat"
)
@pytest.mark.parametrize("path", [AUTH, USER], ids=["auth", "user"])
async def test_who_registers_can_sign_in(house: Any, path: str) -> None:
    async with house(registration=True) as home, home.client() as http:
        sent = await http.post(f"{path}/register/send-code", json={"email": " ann@example.org "})
        assert told(sent) == (200, 200, "验证码发送成功")
        assert sent.json()["data"] == {"expires_in": 300, "retry_after": 30}
        again = await http.post(f"{path}/register/send-code", json={"email": "ANN@example.org"})
        assert told(again)[:2] == (500, 500)
        assert re.fullmatch(r"验证码发送过于频繁，请 (29|30) 秒后重试", again.json()["message"])
        given = {**REGISTRATION, "verification_code": await code_of(home)}
        made = await http.post(f"{path}/register", json=given)
        assert told(made) == (200, 200, "注册成功")
        user = (await home.workbench.users.list())[-1]
        assert made.json()["data"] == {"user_id": user.id}
        assert (user.role, user.phone) == (Role.USER, "13800000000")
        assert (await login(http, "ann")).status_code == 200


@pytest.mark.covers("sage.send_register_code", "sage.register")
@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ({}, (500, 500, "系统不允许自注册")),
        ({"mode": "trusted_proxy", "registration": True}, (200, 400, "当前服务未启用本地账号注册")),
        ({"mode": "oauth", "registration": True}, (200, 400, "当前服务未启用本地账号注册")),
    ],
    ids=["off", "trusted_proxy", "oauth"],
)
async def test_where_nobody_registers_it_is_said(
    house: Any, accounts: dict[str, Any], said: tuple[int, int, str]
) -> None:
    async with house(**accounts) as home, home.client() as http:
        sent = await http.post(f"{AUTH}/register/send-code", json={"email": "ann@example.org"})
        assert told(sent) == said
        made = await http.post(f"{AUTH}/register", json={**REGISTRATION, "verification_code": "123456"})
        assert told(made) == said
        assert await home.workbench.accounts.outbox() == ()


@pytest.mark.covers("sage.send_register_code")
@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("", (400, 400, "请输入邮箱地址")),
        ("no address", (500, 500, "邮箱格式不正确")),
        ("BEA@example.org", (500, 500, "邮箱已存在")),
    ],
)
async def test_an_address_that_gets_no_code(house: Any, email: str, said: tuple[int, int, str]) -> None:
    async with house(registration=True) as home, home.client() as http:
        await home.add("bea", email="bea@example.org")
        assert told(await http.post(f"{AUTH}/register/send-code", json={"email": email})) == said


@pytest.mark.covers("sage.register")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"email": ""}, (400, 400, "注册必须填写邮箱")),
        ({"username": "BEA"}, (500, 500, "用户名已存在")),
        ({"verification_code": "wrong!"}, (500, 500, "验证码错误")),
        ({"email": "eve@example.org"}, (500, 500, "验证码错误")),
        ({"password": "short"}, (500, 500, "密码长度须为 8 到 256 个字符")),
    ],
    ids=["no address", "name taken", "wrong code", "other address", "short password"],
)
async def test_a_registration_that_is_refused(
    house: Any, changed: dict[str, str], said: tuple[int, int, str]
) -> None:
    async with house(registration=True) as home, home.client() as http:
        await home.add("bea")
        await http.post(f"{AUTH}/register/send-code", json={"email": "ann@example.org"})
        given = {**REGISTRATION, "verification_code": await code_of(home), **changed}
        assert told(await http.post(f"{AUTH}/register", json=given)) == said
        assert len(await home.workbench.users.list()) == 2


@pytest.mark.covers("sage.change_password")
async def test_another_password_ends_the_other_logins(house: Any) -> None:
    async with house() as home, home.signed_in("ann") as http, home.client() as other:
        await login(other, "ann")
        wrong = {"old_password": "a wrong password", "new_password": "another password"}
        assert told(await http.post(f"{USER}/change-password", json=wrong)) == (500, 500, "旧密码错误")
        right = {"old_password": SECRET, "new_password": "another password"}
        changed = await http.post(f"{USER}/change-password", json=right)
        assert told(changed) == (200, 200, "密码修改成功")
        assert changed.json()["data"] == {}
        assert (await http.get(f"{AUTH}/session")).status_code == 200
        assert told(await other.get(f"{AUTH}/session")) == (401, 401, "登录过期")
        assert (await login(other, "ann")).status_code == 500
        assert (await login(other, "ann", "another password")).status_code == 200


@pytest.mark.covers("sage.user_options")
async def test_everybody_who_is_signed_in_sees_the_names(house: Any) -> None:
    async with house() as home, home.signed_in("ann") as http:
        bea = await home.add("bea")
        found = (await http.get(f"{USER}/options")).json()["data"]
        assert [each["label"] for each in found] == ["local", "ann", "bea"]
        assert found[2] == {"label": "bea", "value": bea}


@pytest.mark.covers("sage.user_list", "sage.user_add", "sage.user_delete", "sage.update_system_settings")
async def test_only_administrators_look_after_users(house: Any) -> None:
    async with house() as home, home.signed_in("ann") as http:
        bea = await home.add("bea")
        answers = (
            await http.get(f"{USER}/list"),
            await http.post(f"{USER}/add", json={"username": "eve", "password": SECRET, "role": "admin"}),
            await http.post(f"{USER}/delete", json={"user_id": bea}),
            await http.post("/sage/api/system/update_settings", json={"allow_registration": True}),
        )
        assert {told(each) for each in answers} == {(200, 403, "权限不足")}
        assert all(each.json()["data"] is None for each in answers)
        assert [each.name for each in await home.workbench.users.list()] == ["local", "ann", "bea"]


@pytest.mark.covers("sage.user_list")
async def test_the_list_of_users_begins_with_the_newest(house: Any) -> None:
    async with house() as home, home.signed_in("root", Role.ADMIN) as http:
        ann = await home.add("ann", email="ann@example.org")
        answer = await http.get(f"{USER}/list", params={"page": 1, "page_size": 2, "junk": "x"})
        assert told(answer) == (200, 200, "")
        found = answer.json()["data"]
        assert found["total"] == 3
        assert [each["username"] for each in found["items"]] == ["ann", "root"]
        first = found["items"][0]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", first.pop("created_at"))
        assert first == {
            "user_id": ann,
            "username": "ann",
            "email": "ann@example.org",
            "phonenum": None,
            "role": "user",
        }
        second = (await http.get(f"{USER}/list", params={"page": 2, "page_size": 2})).json()["data"]
        assert [each["username"] for each in second["items"]] == ["local"]
        assert (await http.get(f"{USER}/list", params={"page": 0})).status_code == 422


@pytest.mark.covers("sage.user_add")
async def test_an_added_user_can_sign_in(house: Any) -> None:
    async with house() as home, home.signed_in("root", Role.ADMIN) as http, home.client() as new:
        given = {"username": "ann", "password": SECRET, "email": "ann@example.org"}
        answer = await http.post(f"{USER}/add", json=given)
        assert told(answer) == (200, 200, "用户添加成功")
        assert answer.json()["data"]["user_id"] == (await home.workbench.users.list())[-1].id
        assert (await login(new, "ann")).status_code == 200
        taken = await http.post(f"{USER}/add", json={**given, "email": "x@example.org"})
        assert told(taken) == (500, 500, "用户名已存在")
        again = await http.post(f"{USER}/add", json={**given, "username": "bea"})
        assert told(again) == (500, 500, "邮箱已存在")
        missing = await http.post(f"{USER}/add", json={"username": "bea"})
        assert missing.status_code == 422
        assert missing.json()["detail"][0]["loc"] == ["body", "password"]
        nothing = await http.post(f"{AUTH}/login")
        assert (nothing.status_code, nothing.json()["detail"][0]["loc"]) == (422, ["body"])


@pytest.mark.covers("sage.user_delete")
async def test_a_deleted_user_is_let_in_no_more(house: Any) -> None:
    async with house() as home, home.signed_in("root", Role.ADMIN) as http, home.signed_in("ann") as gone:
        ann = (await gone.get(f"{AUTH}/session")).json()["data"]["user"]["userid"]
        answer = await http.post(f"{USER}/delete", json={"user_id": ann})
        assert told(answer) == (200, 200, "用户删除成功")
        assert (await gone.get(f"{AUTH}/session")).status_code == 401
        assert (await login(gone, "ann")).status_code == 500
        again = await http.post(f"{USER}/delete", json={"user_id": ann})
        assert told(again) == (500, 500, "用户不存在")


@pytest.mark.covers("sage.user_delete")
@pytest.mark.parametrize("name", ["root", "local"])
async def test_no_administrator_is_deleted(house: Any, name: str) -> None:
    async with house() as home, home.signed_in("root", Role.ADMIN) as http:
        ids = {each.name: each.id for each in await home.workbench.users.list()}
        answer = await http.post(f"{USER}/delete", json={"user_id": ids[name]})
        assert told(answer) == (500, 500, "无法删除管理员用户")
        assert len(await home.workbench.users.list()) == 2


@pytest.mark.covers("sage.user_config", "sage.update_user_config")
async def test_values_are_put_into_the_users_own_configuration(house: Any) -> None:
    async with house() as home, home.signed_in("ann") as http, home.signed_in("bea") as other:
        empty = await http.get(f"{USER}/config")
        assert (told(empty), empty.json()["data"]) == ((200, 200, "获取配置成功"), {"config": {}})
        await http.post(f"{USER}/config", json={"config": {"theme": "dark", "size": {"x": 1}}})
        merged = await http.post(f"{USER}/config", json={"config": {"size": {"y": 2}}})
        assert told(merged) == (200, 200, "更新配置成功")
        kept = {"config": {"theme": "dark", "size": {"y": 2}}}
        assert merged.json()["data"] == (await http.get(f"{USER}/config")).json()["data"] == kept
        assert (await other.get(f"{USER}/config")).json()["data"] == {"config": {}}
        too_much = await http.post(f"{USER}/config", json={"config": {"text": "x" * 70_000}})
        assert too_much.status_code == 500


@pytest.mark.covers("sage.system_info")
@pytest.mark.parametrize(
    ("accounts", "changed"),
    [
        ({}, {"allow_registration": False}),
        ({"registration": True}, {}),
        (
            {"mode": "trusted_proxy", "registration": True},
            {"allow_registration": False, "auth_mode": "trusted_proxy", "native_login_admin_only": True},
        ),
        (
            {"mode": "oauth"},
            {
                "allow_registration": False,
                "auth_mode": "oauth",
                "auth_providers": [],
                "default_auth_provider": None,
                "has_local_auth": False,
                "oauth_enabled": True,
            },
        ),
    ],
    ids=["closed", "open", "trusted_proxy", "oauth"],
)
async def test_anybody_learns_how_to_sign_in(
    house: Any, accounts: dict[str, Any], changed: dict[str, Any]
) -> None:
    native = {
        "id": "native",
        "type": "native",
        "name": "账号密码",
        "button_text": "使用账号密码登录",
        "description": "输入 Sage 内置账号和密码进入工作台",
        "icon": "key-round",
    }
    expected = {
        "allow_registration": True,
        "auth_mode": "native",
        "auth_providers": [native],
        "default_auth_provider": "native",
        "has_local_auth": True,
        "has_oauth_auth": False,
        "oauth_enabled": False,
        "oauth_provider_name": None,
        "native_login_admin_only": False,
    }
    async with house(**accounts) as home, home.client() as http:
        answer = await http.get("/sage/api/system/info")
        assert told(answer) == (200, 200, "获取系统信息成功")
        assert answer.json()["data"] == {**expected, **changed}


@pytest.mark.covers("sage.update_system_settings")
async def test_an_administrator_opens_registration(house: Any) -> None:
    async with house() as home, home.signed_in("root", Role.ADMIN) as http:
        answer = await http.post("/sage/api/system/update_settings", json={"allow_registration": True})
        assert told(answer) == (200, 200, "系统设置更新成功")
        assert answer.json()["data"] == {}
        found = {one.key: one for one in (await home.workbench.engine.describe_settings()).settings}
        assert found["accounts.registration"].value is True
        wrong = await http.post("/sage/api/system/update_settings", json={})
        assert wrong.status_code == 422


@pytest.mark.covers("sage.health", "sage.health_alias", "sage.active")
async def test_anybody_learns_that_the_server_is_there(house: Any) -> None:
    async with house() as home, home.client() as http:
        for path in ("/sage/api/health", "/sage/health"):
            answer = await http.get(path)
            assert told(answer) == (200, 200, "服务运行正常")
            said = answer.json()["data"]
            assert (said["status"], said["service"]) == ("healthy", "SagePlatform")
            assert isinstance(said["timestamp"], float)
        assert (await http.get("/sage/active")).json() == "Service is available."


async def test_strangers_sign_in_over_the_native_api_and_nothing_else(house: Any) -> None:
    async with house(registration=True) as home, home.client() as http:
        await home.add("ann")
        ways = await http.get("/holdfast/v1/accounts/ways")
        assert ways.json()["passwords"] == "all"
        given = {"name": "ann", "password": SECRET}
        made = await http.post("/holdfast/v1/accounts/logins", json=given)
        assert made.status_code == 201
        key = {"Authorization": f"Bearer {made.json()['secret']}"}
        assert (await http.get("/holdfast/v1/accounts/me", headers=key)).json()["name"] == "ann"
        assert (await http.get("/holdfast/v1/accounts/outbox", headers=key)).status_code == 403
        proxied = {"address": "127.0.0.1", "name": "local"}
        for headers, status in (({}, 401), (key, 403)):
            refused = await http.post("/holdfast/v1/accounts/proxied", json=proxied, headers=headers)
            assert refused.status_code == status
        for path in ("me", "names", "outbox"):
            assert (await http.get(f"/holdfast/v1/accounts/{path}")).status_code == 401
        wrong = [
            await http.post("/holdfast/v1/accounts/logins", json={**given, "password": "x"}) for _ in range(9)
        ]
        assert {each.status_code for each in wrong} == {401}


async def test_a_user_works_in_a_folder_of_his_own_and_sees_nothing_of_others(house: Any) -> None:
    async with house() as home, home.signed_in("ann") as http, home.signed_in("bea") as other:
        keys = []
        for each in (http, other):
            token = (await login(each, "ann" if each is http else "bea")).json()["data"]["access_token"]
            keys.append({"Authorization": f"Bearer {token}"})
        made = await http.post("/holdfast/v1/sessions", json={"agent": "general"}, headers=keys[0])
        assert made.status_code == 201, made.text
        assert "/projects/" in made.json()["project"]
        session = f"/holdfast/v1/sessions/{made.json()['id']}"
        assert (await other.get(session, headers=keys[1])).status_code == 404
        elsewhere = await http.post(
            "/holdfast/v1/sessions", json={"agent": "general", "project": "/tmp"}, headers=keys[0]
        )
        assert elsewhere.status_code == 403
