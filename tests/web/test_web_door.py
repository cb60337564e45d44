"""Who is let in to the pages, and which requests are heard."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import aiohttp
import pytest

from holdfast.web.server import ASSETS, Limits
from holdfast.web.sittings import CODE_S, IDLE_S, LIFE_S, MOST, Login, OneTimeCode, Sittings


async def test_without_a_cookie_there_is_the_sign_in_and_nothing_else(open_pages: Any) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        status, _, headers = await visitor.get("/")
        assert (status, headers["Location"]) == (303, "/login")
        assert (await visitor.get("/download/k1"))[0] == 401
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await visitor.socket()


async def test_a_key_opens_the_terminal_with_a_cookie_that_scripts_cannot_read(open_pages: Any) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        _, _, headers = await visitor.post("/login", {"key": " hf_ada "})
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "hf_ada" not in cookie
        status, page, _ = await visitor.get("/")
        assert (status, "Holdfast · ada" in page) == (200, True)
        assert "hf_ada" not in page
        assert pages.lines == ["ada signed in from 127.0.0.1"]


async def test_what_is_no_form_is_no_key(open_pages: Any) -> None:
    async with open_pages() as pages:
        for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain"):
            status, _, _ = await pages.visitor().post("/login", {"key": "hf_ada"}, **{"Content-Type": kind})
            assert status == 401


async def test_over_tls_the_cookie_never_goes_over_an_open_line(open_pages: Any) -> None:
    async with open_pages() as pages:
        host = pages.url.partition("://")[2]
        _, _, headers = await pages.visitor().post("/login", {"key": "hf_ada"}, Origin=f"https://{host}")
        assert "Secure" in headers["Set-Cookie"]


async def test_a_wrong_key_is_refused_and_too_many_are_told_to_wait(open_pages: Any) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        seen = [(await visitor.post("/login", {"key": f"hf_{n}"}))[0] for n in range(12)]
        assert (seen[0], seen[-1]) == (401, 429)
        await visitor.sign_in()  # a right one is not held up: behind a proxy all are one address


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_of_another_site_changes_nothing(open_pages: Any, origin: str) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        assert (await visitor.post("/login", {"key": "hf_ada"}, Origin=origin))[0] == 403
        await visitor.sign_in()
        assert (await visitor.post("/logout", {}, Origin=origin))[0] == 403
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await visitor.socket(Origin=origin)


async def test_a_request_that_does_not_say_where_it_is_from_is_no_browsers(open_pages: Any) -> None:
    async with (
        open_pages() as pages,
        pages.visitor().http.post(f"{pages.url}/login", data={"key": "hf_ada"}) as answer,
    ):
        assert answer.status == 403


async def test_another_name_for_this_address_is_refused(open_pages: Any) -> None:
    async with open_pages() as pages:
        assert (await pages.visitor().get("/login", headers={"Host": "evil.example"}))[0] == 403


async def test_every_answer_forbids_what_is_not_of_this_server(open_pages: Any) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        for path in ("/", "/login", "/static/js/textual.js", "/assets/page.css", "/no-such"):
            _, _, headers = await visitor.get(path)
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'; script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_pages_name_no_other_server(open_pages: Any) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        login = (await visitor.get("/login"))[1]
        await visitor.sign_in()
        texts = [login, (await visitor.get("/"))[1]]
        texts += [(await visitor.get(f"/assets/{name.name}"))[1] for name in ASSETS.iterdir()]
        assert not [text for text in texts if "http://" in text or "https://" in text]


async def test_signing_out_ends_the_login_and_closes_the_pages(open_pages: Any) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        await visitor.sign_in()
        async with visitor.socket() as socket:
            await socket.receive()
            assert (await visitor.post("/logout", {}))[0] == 303
            while (await socket.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                pass
        assert pages.gate.ended == ["login-ada-1"]
        assert (await visitor.get("/"))[0] == 303


async def test_a_key_that_was_revoked_opens_no_page_any_more(open_pages: Any) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        await visitor.sign_in()
        pages.gate.good.clear()
        assert (await visitor.get("/"))[2]["Location"] == "/login"


async def test_the_link_lets_one_in_once(open_pages: Any) -> None:
    async with open_pages() as pages:
        code = pages.server.code.issue()
        first, second = pages.visitor(), pages.visitor()
        assert (await first.post("/enter", {"code": "another"}))[0] == 403
        assert (await first.post("/enter", {"code": code}))[0] == 204
        assert "Holdfast · local" in (await first.get("/"))[1]
        assert (await second.post("/enter", {"code": code}))[0] == 403


async def test_there_are_only_so_many_pages(open_pages: Any) -> None:
    async with open_pages(limits=Limits(pages=2, pages_each=1)) as pages:
        ada, bob, third = pages.visitor(), pages.visitor(), pages.visitor()
        await ada.sign_in()
        await bob.sign_in("hf_bob")
        await third.sign_in()
        async with ada.socket() as one, bob.socket() as two:
            await one.receive()
            await two.receive()
            for visitor in (ada, third):
                with pytest.raises(aiohttp.WSServerHandshakeError, match="429"):
                    await visitor.socket()


async def test_an_app_gets_the_login_of_its_page_and_nothing_of_the_owners(
    open_pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-owner")
    monkeypatch.setenv("HOLDFAST_KEY", "hf_owner")
    async with open_pages() as pages:
        visitor = pages.visitor()
        await visitor.sign_in("hf_bob")
        async with visitor.socket("?width=100&height=99999999") as socket:
            said = json.loads((await socket.receive()).data)
    assert said["HOLDFAST_KEY"] == "login-bob-1"
    assert said["argv"] == ["id-bob"]
    assert (said["COLUMNS"], said["ROWS"]) == ("100", "1000")
    assert "OPENAI_API_KEY" not in said["names"]


async def test_what_a_page_says_reaches_its_app_and_nonsense_does_not(open_pages: Any) -> None:
    async with open_pages() as pages:
        visitor = pages.visitor()
        await visitor.sign_in()
        async with visitor.socket() as socket:
            await socket.receive()
            for nonsense in ("no json", "{}", "[]", '["stdin", 7]', '["resize", []]', '["no such"]'):
                await socket.send_str(nonsense)
            await socket.send_str("[" * 100_000)
            await socket.send_str('["stdin", "héllo"]')
            while (got := await socket.receive()).data != "Dhéllo".encode():
                assert got.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)
                assert "javascript" not in str(got.data)


async def test_a_file_is_saved_and_never_shown_and_for_its_user_alone(open_pages: Any) -> None:
    async with open_pages() as pages:
        ada, bob = pages.visitor(), pages.visitor()
        await ada.sign_in()
        await bob.sign_in("hf_bob")
        async with ada.socket() as socket:
            while (got := await socket.receive()).type is not aiohttp.WSMsgType.TEXT:
                pass
            assert json.loads(got.data) == ["deliver_file_start", "k1"]
            assert (await bob.get("/download/k1"))[0] == 404
            status, text, headers = await ada.get("/download/k1")
        assert (status, text) == (200, "<script>")
        assert headers["Content-Disposition"] == 'attachment; filename="a_b.html"'
        assert headers["Content-Type"] == "application/octet-stream"


async def test_an_app_that_does_not_listen_is_ended_with_its_page(
    open_pages: Any, deaf_app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.web.apps.ENDS_WITHIN_S", 0.1)
    monkeypatch.setattr("holdfast.web.apps._LEAVES_WITHIN_S", 0.1)
    async with open_pages(deaf_app) as pages:
        visitor = pages.visitor()
        await visitor.sign_in()
        async with visitor.socket() as socket:
            pid = int((await socket.receive()).data)
        with pytest.raises(ProcessLookupError):
            while True:  # bounded by the server's own time
                os.kill(pid, 0)
                await asyncio.sleep(0.01)


# --- the sittings themselves

ADA = Login("id-ada", "ada", "1", "secret")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_sitting_ends_when_it_is_not_used_and_at_its_end_in_any_case() -> None:
    clock = Clock()
    sittings = Sittings(clock)
    idle, _, _ = sittings.open(ADA)
    busy, sitting, _ = sittings.open(ADA)
    for _ in range(int(LIFE_S / (IDLE_S / 2))):
        assert sittings.find(busy) is sitting
        clock.now += IDLE_S / 2
    assert sittings.find(idle) is None
    assert len(sittings.over()) == 1
    clock.now += 1
    assert sittings.find(busy) is None


def test_an_open_page_keeps_its_sitting() -> None:
    clock = Clock()
    sittings = Sittings(clock)
    token, sitting, _ = sittings.open(ADA)

    async def close() -> None:
        """Nothing is to be closed."""

    sitting.pages.add(close)
    clock.now = IDLE_S + 1
    assert sittings.find(token) is sitting


def test_the_oldest_sitting_makes_room() -> None:
    clock = Clock()
    sittings = Sittings(clock)
    tokens = []
    for _ in range(MOST):
        clock.now += 1
        tokens.append(sittings.open(ADA)[0])
    _, _, gone = sittings.open(ADA)
    assert len(gone) == 1
    assert sittings.find(tokens[0]) is None
    assert sittings.find(tokens[1]) is not None


def test_a_code_is_good_for_a_while_and_once() -> None:
    clock = Clock()
    code = OneTimeCode(clock)
    assert not code.take("")
    old, new = code.issue(), code.issue()
    assert not code.take(old)
    assert code.take(new)
    assert not code.take(new)
    late = code.issue()
    clock.now = CODE_S + 1
    assert not code.take(late)
