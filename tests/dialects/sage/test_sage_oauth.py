"""Sage's authorization server as browsers and clients see it, through a listener that wants keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.dialects.sage.oauth_door import (
    ANN,
    BACK,
    EMAIL,
    NAVIGATION,
    PASSWORD,
    VERIFIER,
    OAuthDoor,
    answer_page,
    challenge,
    fields_of,
    oauth_door,
    query_of,
)

FORM = {"grant_type": "authorization_code", "redirect_uri": BACK}
WELL_KNOWN = "/.well-known/oauth-authorization-server"


@pytest.fixture
def door() -> str:
    return "local"


@pytest.fixture
async def oauth(open_bench: Any, tmp_path: Path, validated: Any) -> AsyncIterator[OAuthDoor]:
    async with oauth_door(open_bench, tmp_path, validated) as opened:
        yield opened


def refused(answer: httpx.Response, status: int, error: str, said: str = "") -> None:
    """Holds an answer against what OAuth has for a refusal."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "error_description"}
    assert body["error"] == error
    assert said in body["error_description"]
    assert answer.headers["cache-control"] == "no-store"


# --- where clients find their way


@pytest.mark.covers("sage.oauth2_well_known")
@pytest.mark.covers("sage.api_oauth2_metadata")
@pytest.mark.covers("sage.oauth2_metadata")
async def test_clients_are_told_their_way_without_a_key(oauth: OAuthDoor) -> None:
    issuer = f"{oauth.url}/sage/oauth2"
    for path in (f"/sage{WELL_KNOWN}", "/sage/api/oauth2/metadata", "/sage/oauth2/metadata"):
        found = (await oauth.http.get(path)).json()
        assert found == {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": True,
        }
    # Where RFC 8414 has it for an issuer with a path, and where it is looked for besides.
    for path in (f"{WELL_KNOWN}/sage/oauth2", f"{WELL_KNOWN}/sage"):
        assert (await oauth.http.get(path)).json()["issuer"] == issuer, path


async def test_at_the_root_the_issuer_is_there_too(open_bench: Any, tmp_path: Path) -> None:
    async with oauth_door(open_bench, tmp_path, root=("sage",)) as oauth:
        for path in (WELL_KNOWN, f"{WELL_KNOWN}/oauth2", "/api/oauth2/metadata", "/oauth2/metadata"):
            assert (await oauth.http.get(path)).json()["issuer"] == f"{oauth.url}/oauth2", path
        client = await oauth.register()
        query = f"response_type=code&client_id={client.client.id}"
        there = await oauth.browser.get(f"/oauth2/authorize?{query}", headers=NAVIGATION)
        assert query_of(there.headers["location"])["iss"] == f"{oauth.url}/oauth2"
        stranger = await oauth.http.get(f"/oauth2/authorize?{query}")
        assert stranger.headers["location"].startswith("/login?next=")
        assert query_of(stranger.headers["location"]) == {"next": f"/oauth2/authorize?{query}"}


async def test_the_issuer_is_at_the_public_address(open_bench: Any, tmp_path: Path) -> None:
    settings = {"accounts": {"public_url": "https://people.example/"}}
    async with oauth_door(open_bench, tmp_path, more_settings=settings) as oauth:
        found = (await oauth.http.get("/sage/oauth2/metadata")).json()
        assert found["issuer"] == "https://people.example/sage/oauth2"
        client = await oauth.register()
        back = await oauth.authorize(client)
        assert query_of(back.headers["location"])["iss"] == found["issuer"]


# --- the whole way


@pytest.mark.covers("sage.oauth2_authorize")
@pytest.mark.covers("sage.oauth2_token")
@pytest.mark.covers("sage.oauth2_userinfo")
@pytest.mark.covers("sage.oauth2_userinfo_post")
async def test_a_client_learns_who_has_signed_in(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    back = await oauth.authorize(client, code_challenge=challenge(), code_challenge_method="S256")
    assert back.status_code == 302
    assert back.headers["location"].startswith(f"{BACK}&code=")
    said = query_of(back.headers["location"])
    assert (said["state"], said["iss"], said["from"]) == ("s1", f"{oauth.url}/sage/oauth2", "us")
    got = await oauth.token(client, **FORM, code=said["code"], code_verifier=VERIFIER)
    tokens = got.json()
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["pragma"] == "no-cache"
    assert {name: tokens[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "openid profile email",
    }
    assert len(tokens["access_token"]) == len(tokens["refresh_token"]) == 48
    shown = {"Authorization": f"Bearer {tokens['access_token']}"}
    for method in ("GET", "POST"):
        claims = await oauth.http.request(method, "/sage/oauth2/userinfo", headers=shown)
        assert claims.json() == {
            "sub": oauth.user_id,
            "iss": f"{oauth.url}/sage/oauth2",
            "preferred_username": ANN,
            "role": "user",
            "name": ANN,
            "email": EMAIL,
            "email_verified": True,
        }


@pytest.mark.covers("sage.api_oauth2_authorize")
@pytest.mark.covers("sage.api_oauth2_token")
@pytest.mark.covers("sage.api_oauth2_userinfo")
@pytest.mark.covers("sage.api_oauth2_userinfo_post")
async def test_below_api_all_is_the_same(oauth: OAuthDoor) -> None:
    client = await oauth.register(auth_method="client_secret_post", scope="openid")
    query = {"response_type": "code", "client_id": client.client.id}
    back = await oauth.browser.get("/sage/api/oauth2/authorize", params=query, headers=NAVIGATION)
    code = query_of(back.headers["location"])["code"]
    form = {"grant_type": "authorization_code", "code": code, "client_id": client.client.id}
    got = await oauth.token(path="/sage/api/oauth2/token", client_secret=client.secret, **form)
    assert got.json()["scope"] == "openid"
    shown = {"Authorization": f"Bearer {got.json()['access_token']}"}
    for method in ("GET", "POST"):
        claims = (await oauth.http.request(method, "/sage/api/oauth2/userinfo", headers=shown)).json()
        assert set(claims) == {"sub", "iss", "preferred_username", "role"}


async def test_only_what_was_asked_for_is_told(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens(client, scope="openid email")
    assert tokens["scope"] == "openid email"
    assert "name" not in (await oauth.userinfo(tokens["access_token"])).json()
    less = (await oauth.refresh(client, tokens["refresh_token"], scope="openid")).json()
    assert less["scope"] == "openid"
    assert "email" not in (await oauth.userinfo(less["access_token"])).json()
    whole = (await oauth.refresh(client, less["refresh_token"])).json()
    assert whole["scope"] == "openid email"


async def test_a_bearer_signs_in_as_a_cookie_does(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    secret = oauth.browser.cookies["sage_session"]
    query = {"response_type": "code", "client_id": client.client.id}
    shown = {"Authorization": f"Bearer {secret}"}
    back = await oauth.http.get("/sage/oauth2/authorize", params=query, headers=shown)
    assert "code" in query_of(back.headers["location"])


async def test_access_tokens_are_no_keys_and_keys_no_access_tokens(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens(client)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        shown = {"Authorization": f"Bearer {token}"}
        for path in ("/sage/api/user/options", "/holdfast/v1/me", "/powabase/api/agents"):
            assert (await oauth.http.get(path, headers=shown)).status_code == 401, path
    for wrong in (oauth.browser.cookies["sage_session"], tokens["refresh_token"], "x" * 48):
        answer = await oauth.userinfo(wrong)
        refused(answer, 401, "invalid_token")
        assert answer.headers["www-authenticate"].startswith('Bearer realm="sage"')


# --- signing in first


async def test_who_has_not_signed_in_does_so_first_and_comes_back(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    query = f"response_type=code&client_id={client.client.id}&state=%26%22x"
    for cookie in ({}, {"Cookie": "sage_session=hf_" + "x" * 43}):
        for path in ("/sage/oauth2/authorize", "/sage/api/oauth2/authorize"):
            away = await oauth.http.get(f"{path}?{query}", headers={**NAVIGATION, **cookie})
            assert away.status_code == 302
            place, _, rest = away.headers["location"].partition("?")
            assert place == "/sage/login"
            assert query_of(f"?{rest}") == {"next": f"{path}?{query}"}


async def test_the_whole_way_from_a_stranger_to_a_code(oauth: OAuthDoor) -> None:
    client = await oauth.register(consent=True)
    browser = oauth.http  # nobody has signed in there
    query = {"response_type": "code", "client_id": client.client.id, "state": "s&;1"}
    away = await browser.get("/sage/oauth2/authorize", params=query, headers=NAVIGATION)
    page = await browser.get(away.headers["location"], headers=NAVIGATION)
    fields = {"name": ANN, "password": PASSWORD, **dict(fields_of(page))}
    own = {"Origin": oauth.url, "Sec-Fetch-Site": "same-origin"}
    leaving = await browser.post("/sage/login", data=fields, headers=own)
    _, _, place = leaving.headers["refresh"].partition("url=")
    asked = await browser.get(place, headers={"Accept-Language": "en"})
    assert "Let Notes in?" in asked.text
    back = await answer_page(browser, asked, "allow")
    said = query_of(back.headers["location"])
    assert said["state"] == "s&;1"
    assert (await oauth.token(client, **FORM, code=said["code"])).status_code == 200


async def test_a_key_that_may_only_read_signs_nobody_in_elsewhere(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    for scope, user, place in (("chat", ANN, "/sage/login"), ("admin", ANN, BACK), ("admin", None, BACK)):
        key = await oauth.bench.workbench.keys.create("k", scope=scope, user=user)
        shown = {"Authorization": f"Bearer {key.secret}"}
        query = {"response_type": "code", "client_id": client.client.id}
        answer = await oauth.http.get("/sage/oauth2/authorize", params=query, headers=shown)
        assert answer.headers["location"].startswith(place)
    form = FORM | {"code": query_of(answer.headers["location"])["code"]}
    tokens = (await oauth.token(client, **form)).json()
    claims = (await oauth.userinfo(tokens["access_token"])).json()
    assert (claims["sub"], claims["role"]) == ("local", "admin")
    assert "email" not in claims


async def test_a_wrong_request_is_told_before_anybody_signs_in(oauth: OAuthDoor) -> None:
    answer = await oauth.http.get("/sage/oauth2/authorize?response_type=code&client_id=none")
    refused(answer, 401, "invalid_client")


# --- requests that are wrong: never sent on to where they say


WRONG_REQUESTS: list[tuple[dict[str, str], int, str, str]] = [
    ({"response_type": ""}, 400, "unsupported_response_type", "response_type"),
    ({"response_type": "token"}, 400, "unsupported_response_type", ""),
    ({"response_type": 'code "ü'}, 400, "unsupported_response_type", ""),
    ({"client_id": ""}, 400, "invalid_request", "client_id"),
    ({"client_id": "none"}, 401, "invalid_client", ""),
    (
        {"redirect_uri": "https://evil.example/callback"},
        400,
        "invalid_request",
        "redirect_uri is invalid",
    ),
    ({"redirect_uri": BACK + "/../other"}, 400, "invalid_request", "redirect_uri is invalid"),
    ({"redirect_uri": BACK.replace("notes.", "notes.evil.")}, 400, "invalid_request", "redirect_uri"),
    ({"redirect_uri": BACK.upper()}, 400, "invalid_request", "redirect_uri is invalid"),
    ({"redirect_uri": 'https://notes.example/"ü\\'}, 400, "invalid_request", "redirect_uri is invalid"),
    ({"scope": "openid admin"}, 400, "invalid_scope", ""),
    ({"scope": '"ü'}, 400, "invalid_scope", ""),
    ({"scope": "phone"}, 400, "invalid_scope", ""),
    ({"code_challenge": challenge(), "code_challenge_method": "S512"}, 400, "invalid_request", "method"),
    ({"code_challenge": "short"}, 400, "invalid_request", "code_challenge"),
    ({"code_challenge_method": "S256"}, 400, "invalid_request", "code_challenge"),
    ({"state": "s" * 5_000}, 400, "invalid_request", "too long"),
]


async def test_a_wrong_request_goes_nowhere(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    for changed, status, error, said in WRONG_REQUESTS:
        refused(await oauth.authorize(client, **changed), status, error, said)


async def test_a_parameter_that_is_there_twice_is_none(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    query = f"response_type=code&client_id={client.client.id}&state=a&state=b"
    answer = await oauth.browser.get(f"/sage/oauth2/authorize?{query}", headers=NAVIGATION)
    refused(answer, 400, "invalid_request", "repeated")
    form = f"grant_type=refresh_token&refresh_token=a&refresh_token=b&client_id={client.client.id}"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await oauth.http.post("/sage/oauth2/token", content=form, headers=kind)
    refused(answer, 400, "invalid_request", "repeated")


async def test_a_client_with_several_addresses_has_to_name_one(oauth: OAuthDoor) -> None:
    client = await oauth.register(redirect_uris=(BACK, "https://notes.example/other"))
    refused(await oauth.authorize(client, redirect_uri=""), 400, "invalid_request", "redirect_uri is missing")
    assert (await oauth.authorize(client)).status_code == 302


# --- consent


@pytest.mark.covers("sage.oauth2_consent")
async def test_the_user_is_asked_and_says_yes(oauth: OAuthDoor) -> None:
    client = await oauth.register(consent=True, name="N\"'&")
    page = await oauth.authorize(client, scope="openid email", state='s"<&')
    assert page.status_code == 200
    assert "Let N&quot;&#39;&amp; in?" in page.text
    assert "You are signed in as ann." in page.text
    assert "notes.example" in page.text
    assert "your e-mail address" in page.text
    assert "your display name" not in page.text
    assert "<script" not in page.text
    rules = page.headers["content-security-policy"]
    assert "form-action 'self' https://notes.example;" in rules
    assert "frame-ancestors 'none'" in rules
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    back = await answer_page(oauth.browser, page, "allow")
    assert back.status_code == 303
    said = query_of(back.headers["location"])
    assert said["state"] == 's"<&'
    got = await oauth.token(client, **FORM, code=said["code"])
    assert got.json()["scope"] == "openid email"


async def test_the_user_is_asked_in_chinese_where_nothing_else_is_said(oauth: OAuthDoor) -> None:
    client = await oauth.register(consent=True)
    query = {"response_type": "code", "client_id": client.client.id}
    page = await oauth.browser.get("/sage/oauth2/authorize", params=query)
    assert "允许 Notes 登录" in page.text
    assert '<html lang="zh-CN">' in page.text


async def test_the_user_says_no(oauth: OAuthDoor) -> None:
    client = await oauth.register(consent=True)
    for decision in ("deny", "", "ALLOW"):
        page = await oauth.authorize(client)
        back = await answer_page(oauth.browser, page, decision)
        assert back.status_code == 303
        said = query_of(back.headers["location"])
        assert (said["error"], said["state"]) == ("access_denied", "s1")
        assert said["iss"] == f"{oauth.url}/sage/oauth2"
        assert "code" not in said


async def test_nobody_answers_for_the_user(oauth: OAuthDoor) -> None:
    client = await oauth.register(consent=True)
    page = await oauth.authorize(client)
    asked_again = [
        await answer_page(oauth.browser, page, "allow", consent_ticket=""),
        await answer_page(oauth.browser, page, "allow", consent_ticket="9999999999.ü"),
        await answer_page(oauth.browser, page, "allow", consent_ticket="9999999999." + "0" * 64),
        await answer_page(oauth.browser, page, "allow", state="attackers"),
    ]
    other = await oauth.register(consent=True, name="Other")
    asked_again.append(await answer_page(oauth.browser, page, "allow", client_id=other.client.id))
    for answer in asked_again:
        assert answer.status_code == 200
        assert "in?" in answer.text
    assert await oauth.bench.workbench.oauth.grants() == ()


async def test_what_one_user_was_asked_another_cannot_answer(oauth: OAuthDoor) -> None:
    client = await oauth.register(consent=True)
    workbench = oauth.bench.workbench
    await workbench.users.add("eve", password=PASSWORD)
    eves = (await workbench.accounts.sign_in("eve", PASSWORD)).secret
    eve_is_asked = await oauth.http.get(
        "/sage/oauth2/authorize",
        params={"response_type": "code", "client_id": client.client.id},
        headers={"Cookie": f"sage_session={eves}", **NAVIGATION},
    )
    answer = await answer_page(oauth.browser, eve_is_asked, "allow")
    assert answer.status_code == 200
    assert "You are signed in as ann." in answer.text
    nobody = await answer_page(oauth.http, eve_is_asked, "allow")
    assert nobody.status_code == 303
    assert nobody.headers["location"].startswith("/sage/login?next=%2Fsage%2Foauth2%2Fauthorize%3F")


async def test_no_other_site_sends_the_form(oauth: OAuthDoor) -> None:
    client = await oauth.register(consent=True)
    fields = dict(fields_of(await oauth.authorize(client))) | {"consent_decision": "allow"}
    oauth.browser.event_hooks["response"].clear()  # the door refuses in its own words
    for headers in (NAVIGATION, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        for path in ("/sage/oauth2/consent", "/sage/oauth2/token", "/sage/oauth2/userinfo"):
            answer = await oauth.browser.post(path, data=fields, headers=headers)
            assert answer.status_code == 403
    query = {"response_type": "code", "client_id": client.client.id}
    for path, kind in (("authorize", "iframe"), ("userinfo", "document"), ("metadata", "document")):
        headers = {**NAVIGATION, "Sec-Fetch-Dest": kind}
        answer = await oauth.browser.get(f"/sage/oauth2/{path}", params=query, headers=headers)
        assert answer.status_code == 403


async def test_what_is_no_form_is_refused_in_oauths_words(oauth: OAuthDoor) -> None:
    for path in ("/sage/oauth2/consent", "/sage/oauth2/token", "/sage/api/oauth2/token"):
        refused(await oauth.browser.post(path, json={"grant_type": "x"}), 400, "invalid_request", "form")
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        many = "&".join(f"a{number}=1" for number in range(200))
        refused(await oauth.browser.post(path, content=many, headers=kind), 400, "invalid_request")
        refused(await oauth.browser.post(path, content=b"a=\xff", headers=kind), 400, "invalid_request")
    assert (await oauth.browser.delete("/sage/oauth2/token")).status_code == 405


# --- tokens


WRONG_QUESTIONS: list[tuple[dict[str, str], str, str]] = [
    ({"code": "x"}, "invalid_request", "grant_type"),
    ({"grant_type": 'pass"word'}, "unsupported_grant_type", ""),
    ({"grant_type": "client_credentials"}, "unsupported_grant_type", ""),
    ({"grant_type": "authorization_code"}, "invalid_request", "code"),
    (FORM | {"code": "x" * 48}, "invalid_grant", ""),
    (FORM | {"code": "ü"}, "invalid_grant", ""),
    ({"grant_type": "refresh_token"}, "invalid_request", "refresh_token"),
    ({"grant_type": "refresh_token", "refresh_token": "x" * 48}, "invalid_grant", ""),
]


async def test_a_wrong_question_for_tokens_is_refused(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    for form, error, said in WRONG_QUESTIONS:
        refused(await oauth.token(client, **form), 400, error, said)


async def test_who_is_no_client_gets_no_tokens(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    posting = await oauth.register(auth_method="client_secret_post")
    code = await oauth.code(client)
    form = FORM | {"code": code}
    id, secret = client.client.id, client.secret
    url = "/sage/oauth2/token"
    answers = [
        await oauth.http.post(url, data=form),
        await oauth.http.post(url, data=form | {"client_id": id}),
        await oauth.http.post(url, data=form | {"client_id": "none"}),
        await oauth.http.post(url, data=form | {"client_id": id, "client_secret": secret}),
        await oauth.http.post(url, data=form, auth=(id, "hf_" + "x" * 43)),
        await oauth.http.post(url, data=form, auth=(id, "")),
        await oauth.http.post(url, data=form, auth=("none", secret)),
        await oauth.http.post(url, data=form, auth=(posting.client.id, posting.secret)),
        *[
            await oauth.http.post(url, data=form, headers={"Authorization": odd})
            for odd in ("Basic", "Basic /w==", "Basic !", "Bearer x", "Basic Og==")
        ],
    ]
    for answer in answers:
        refused(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"] == 'Basic realm="sage"'
    assert "missing client authentication" in answers[0].json()["error_description"]
    named_twice = [
        await oauth.http.post(url, data=form | {"client_secret": secret}, auth=(id, secret)),
        await oauth.http.post(url, data=form | {"client_id": "other"}, auth=(id, secret)),
    ]
    for answer in named_twice:
        refused(answer, 400, "invalid_request")
    # None of it has used up the code.
    assert (await oauth.token(client, **form)).status_code == 200


async def test_refreshing_gives_new_tokens_and_ends_the_old_ones(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    first = await oauth.tokens(client)
    second = (await oauth.refresh(client, first["refresh_token"])).json()
    assert not {*first.values()} & {second["access_token"], second["refresh_token"]}
    refused(await oauth.userinfo(first["access_token"]), 401, "invalid_token")
    assert (await oauth.userinfo(second["access_token"])).status_code == 200
    refused(await oauth.refresh(client, second["refresh_token"], scope="openid phone"), 400, "invalid_scope")
    other = await oauth.register(name="Other")
    # Nor does another client end anything by a token that was used.
    for token in (second["refresh_token"], first["refresh_token"]):
        refused(await oauth.refresh(other, token), 400, "invalid_grant")
    assert (await oauth.refresh(client, second["refresh_token"])).status_code == 200


# --- attacks of RFC 9700


async def test_a_code_that_is_shown_twice_ends_all_that_came_of_it(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    code = await oauth.code(client)
    tokens = (await oauth.token(client, **FORM, code=code)).json()
    assert (await oauth.userinfo(tokens["access_token"])).status_code == 200
    refused(await oauth.token(client, **FORM, code=code), 400, "invalid_grant")
    refused(await oauth.userinfo(tokens["access_token"]), 401, "invalid_token")
    refused(await oauth.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")


async def test_of_many_at_once_with_one_code_at_most_one_gets_tokens(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    code = await oauth.code(client)
    got = await asyncio.gather(*(oauth.token(client, **FORM, code=code) for _ in range(8)))
    assert sum(each.status_code == 200 for each in got) == 1
    assert all(each.json()["error"] == "invalid_grant" for each in got if each.status_code != 200)
    (good,) = [each.json() for each in got if each.status_code == 200]
    refused(await oauth.userinfo(good["access_token"]), 401, "invalid_token")


async def test_a_refresh_token_that_is_shown_twice_ends_its_family(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    first = await oauth.tokens(client)
    second = (await oauth.refresh(client, first["refresh_token"])).json()
    unharmed = await oauth.tokens(client)
    refused(await oauth.refresh(client, first["refresh_token"]), 400, "invalid_grant")
    refused(await oauth.refresh(client, second["refresh_token"]), 400, "invalid_grant")
    refused(await oauth.userinfo(second["access_token"]), 401, "invalid_token")
    assert (await oauth.userinfo(unharmed["access_token"])).status_code == 200


async def test_a_code_is_its_clients_alone(oauth: OAuthDoor) -> None:
    client, other = await oauth.register(), await oauth.register(name="Other")
    code = await oauth.code(client)
    refused(await oauth.token(other, **FORM, code=code), 400, "invalid_grant")
    assert (await oauth.token(client, **FORM, code=code)).status_code == 200
    # Nor does another client end what came of it.
    refused(await oauth.token(other, **FORM, code=code), 400, "invalid_grant")
    assert len(await oauth.bench.workbench.oauth.clients()) == 2


async def test_a_code_comes_with_the_address_that_it_was_sent_to(oauth: OAuthDoor) -> None:
    elsewhere = "https://notes.example/other"
    client = await oauth.register(redirect_uris=(BACK, elsewhere))
    code = await oauth.code(client)
    wrong = {"grant_type": "authorization_code", "code": code}
    refused(await oauth.token(client, **wrong), 400, "invalid_request", "redirect_uri")
    for uri in (elsewhere, BACK + "&", "https://evil.example/"):
        refused(await oauth.token(client, **wrong, redirect_uri=uri), 400, "invalid_grant")
    assert (await oauth.token(client, **FORM, code=code)).status_code == 200


@pytest.mark.parametrize("method", ["S256", "plain", ""])
async def test_what_was_begun_with_a_challenge_ends_with_its_verifier(oauth: OAuthDoor, method: str) -> None:
    client = await oauth.register()
    said = challenge() if method == "S256" else VERIFIER
    code = await oauth.code(client, code_challenge=said, code_challenge_method=method)
    refused(await oauth.token(client, **FORM, code=code), 400, "invalid_request", "code_verifier")
    wrong = ["w" * 60, "short", "ü" * 50]
    if method == "S256":
        wrong.append(challenge())  # as though the method had been plain
    for verifier in wrong:
        answer = await oauth.token(client, **FORM, code=code, code_verifier=verifier)
        assert answer.status_code == 400, verifier
        answer = await oauth.token(
            client, **FORM, code=code, code_verifier=verifier, code_challenge_method="plain"
        )
        assert answer.status_code == 400, verifier
    assert (await oauth.token(client, **FORM, code=code, code_verifier=VERIFIER)).status_code == 200


async def test_a_verifier_without_a_challenge_tells_of_a_downgrade(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    code = await oauth.code(client)
    answer = await oauth.token(client, **FORM, code=code, code_verifier=VERIFIER)
    refused(answer, 400, "invalid_request")


async def test_a_client_without_a_secret_must_use_pkce(oauth: OAuthDoor) -> None:
    client = await oauth.register(auth_method="none")
    assert client.secret == ""
    answer = await oauth.authorize(client)
    refused(answer, 400, "invalid_request", "public clients must use PKCE")
    code = await oauth.code(client, code_challenge=challenge(), code_challenge_method="S256")
    form = FORM | {"code": code, "client_id": client.client.id}
    refused(await oauth.token(**form), 400, "invalid_request", "code_verifier")
    tokens = (await oauth.token(**form, code_verifier=VERIFIER)).json()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refused(await oauth.token(**again), 401, "invalid_client", "missing client authentication")
    assert (await oauth.token(**again, client_id=client.client.id)).status_code == 200


async def test_an_app_on_a_device_takes_any_port_of_the_loopback(oauth: OAuthDoor) -> None:
    client = await oauth.register(auth_method="none", redirect_uris=("http://127.0.0.1/cb",))
    pkce = {"code_challenge": challenge(), "code_challenge_method": "S256"}
    uri = "http://127.0.0.1:51234/cb"
    code = await oauth.code(client, redirect_uri=uri, **pkce)
    form = {"grant_type": "authorization_code", "code": code, "client_id": client.client.id}
    wrong = await oauth.token(**form, redirect_uri="http://127.0.0.1:51235/cb", code_verifier=VERIFIER)
    refused(wrong, 400, "invalid_grant")
    assert (await oauth.token(**form, redirect_uri=uri, code_verifier=VERIFIER)).status_code == 200
    for other in ("http://localhost:51234/cb", "http://127.0.0.1:51234/cb2", "http://127.0.0.1:5@evil/cb"):
        refused(await oauth.authorize(client, redirect_uri=other, **pkce), 400, "invalid_request")


# --- ends


async def test_a_user_who_is_removed_has_let_in_nobody(oauth: OAuthDoor) -> None:
    client = await oauth.register()
    tokens, code = await oauth.tokens(client), await oauth.code(client)
    await oauth.bench.workbench.users.remove(ANN)
    refused(await oauth.userinfo(tokens["access_token"]), 401, "invalid_token")
    refused(await oauth.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    refused(await oauth.token(client, **FORM, code=code), 400, "invalid_grant")


@pytest.mark.parametrize("how", ["remove", "disable"])
async def test_a_client_that_is_gone_has_nothing(oauth: OAuthDoor, how: str) -> None:
    client = await oauth.register()
    tokens, code = await oauth.tokens(client), await oauth.code(client)
    service = oauth.bench.workbench.oauth
    if how == "remove":
        await service.remove_client(client.client.id)
    else:
        await service.enable_client(client.client.id, False)
    refused(await oauth.userinfo(tokens["access_token"]), 401, "invalid_token")
    refused(await oauth.refresh(client, tokens["refresh_token"]), 401, "invalid_client")
    refused(await oauth.authorize(client), 401, "invalid_client")
    if how == "disable":
        await service.enable_client(client.client.id, True)
        refused(await oauth.userinfo(tokens["access_token"]), 401, "invalid_token")
        refused(await oauth.token(client, **FORM, code=code), 400, "invalid_grant")
        assert (await oauth.authorize(client)).status_code == 302


# --- what is written down


async def test_no_code_token_or_secret_is_written_into_a_log(
    oauth: OAuthDoor, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG, logger="authlib")
    caplog.set_level(logging.DEBUG, logger="holdfast")
    client = await oauth.register()
    code = await oauth.code(client)
    tokens = (await oauth.token(client, **FORM, code=code)).json()
    renewed = (await oauth.refresh(client, tokens["refresh_token"])).json()
    await oauth.refresh(client, tokens["refresh_token"])
    assert "Issue token" in caplog.text
    written = caplog.text + "".join(each.read_text() for each in tmp_path.glob("access-*.log"))
    assert "/sage/oauth2/token" in written
    secrets = [
        code,
        client.secret,
        *(t[n] for t in (tokens, renewed) for n in ("access_token", "refresh_token")),
    ]
    assert not [each for each in secrets if each in written]
    database = b"".join(each.read_bytes() for each in oauth.bench.home.rglob("*") if each.is_file())
    assert client.client.id.encode() in database
    assert not [each for each in secrets if each.encode() in database]
