"""What providers of logins say, and what is believed of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError
from tests.fakes.oidc_server import (
    ALICE,
    CLIENT_ID,
    CLIENT_SECRET,
    FakeProvider,
    signed_by_nobody_known,
    signed_with_the_client_secret,
    signed_with_the_public_key,
    unsigned,
)

from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import UpstreamError
from holdfast.core.domain.upstream import UpstreamPerson, UpstreamProvider, own_path
from holdfast.core.identity.oidc import Attempt, OidcClient
from holdfast.core.services.upstream import ProviderWeb
from holdfast.core.tools.web import WebFetcher

CALLBACK = "http://us.test/sage/api/auth/upstream/callback/corp"
ATTEMPT = Attempt("state-of-this-attempt", "nonce-of-this-attempt", "v" * 43, CALLBACK)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider().serving() as provider:
        yield provider


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def client(clock: Callable[[], float] = time.monotonic) -> OidcClient:
    return OidcClient(ProviderWeb(WebFetcher(), Settings), clock)


async def sign_in(
    fake: FakeProvider, oidc: OidcClient | None = None, attempt: Attempt = ATTEMPT, **more: Any
) -> UpstreamPerson:
    oidc = oidc or client()
    provider = UpstreamProvider.model_validate(fake.settings(**more))
    back = urlsplit(fake.sign_in(await oidc.url(provider, attempt)))
    return await oidc.person(provider, attempt, parse_qs(back.query)["code"][0], CLIENT_SECRET)


async def test_somebody_signs_in(fake: FakeProvider) -> None:
    person = await sign_in(fake)
    assert person == UpstreamPerson(
        issuer=fake.url,
        subject="subject-of-alice",
        username="alice",
        name="Alice Adams",
        email="alice@example.org",
        email_verified=True,
    )


async def test_a_browser_is_sent_with_all_that_ties_the_attempt(fake: FakeProvider) -> None:
    oidc = client()
    url = await oidc.url(UpstreamProvider.model_validate(fake.settings()), ATTEMPT)
    assert url.startswith(f"{fake.url}/authorize?")
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query.pop("code_challenge") not in ("", ATTEMPT.verifier)
    assert query == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "scope": "openid profile email",
        "state": ATTEMPT.state,
        "nonce": ATTEMPT.nonce,
        "code_challenge_method": "S256",
    }


async def test_the_secret_goes_as_the_provider_wants_it(fake: FakeProvider) -> None:
    await sign_in(fake)
    assert "client_secret" not in fake.requests("/token")[-1]
    fake.described["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    await sign_in(fake)
    assert fake.requests("/token")[-1]["client_secret"] == CLIENT_SECRET
    await sign_in(fake, token_auth="client_secret_basic")
    assert "client_secret" not in fake.requests("/token")[-1]


async def test_a_provider_without_id_tokens_is_asked_about_the_user() -> None:
    with FakeProvider(plain=True).serving() as fake:
        person = await sign_in(fake)
        assert (person.issuer, person.subject) == (f"{fake.url}/userinfo", "subject-of-alice")
        assert fake.requests("/token")[-1]["client_secret"] == CLIENT_SECRET


async def test_claims_have_the_names_that_settings_say(fake: FakeProvider) -> None:
    fake.person |= {"uid": 4711, "login": "al", "groups": ["staff", "admin"], "label": "Al"}
    more = {
        "subject_claim": "uid",
        "username_claim": "login",
        "name_claim": "label",
        "role_claim": "groups",
    }
    person = await sign_in(fake, **more)
    assert (person.subject, person.username, person.name) == ("4711", "al", "Al")
    assert person.roles == ("staff", "admin")


@pytest.mark.parametrize(
    "unlike",
    [
        pytest.param("{}\u202e", id="reordering"),
        pytest.param("\u2060{}", id="unseen"),
        pytest.param("{}\x00", id="nul"),
        pytest.param(" {}", id="a-space"),
        pytest.param("{}\x85", id="a-new-line"),
    ],
)
async def test_nobody_becomes_somebody_else_by_being_made_plain(fake: FakeProvider, unlike: str) -> None:
    said = unlike.format("admin@example.org")
    fake.person |= {"email": said, "email_verified": True, "preferred_username": said}
    person = await sign_in(fake)
    assert (person.username, person.email) == ("", "")


async def test_an_address_of_other_letters_is_nobodys(fake: FakeProvider) -> None:
    fake.person |= {"email": "mi\u212ae@example.org", "preferred_username": "\u00c5ke"}
    person = await sign_in(fake)
    assert (person.username, person.email) == ("\u00c5ke", "")


@pytest.mark.parametrize(
    ("said", "more", "verified"),
    [
        pytest.param({"email_verified": True}, {}, True, id="verified"),
        pytest.param({"email_verified": "true"}, {}, True, id="verified-as-text"),
        pytest.param({"email_verified": False}, {"trust_emails": True}, False, id="denied"),
        pytest.param({"email_verified": None}, {}, False, id="unsaid"),
        pytest.param({"email_verified": None}, {"trust_emails": True}, True, id="unsaid-and-trusted"),
        pytest.param({"mail": "x@example.org"}, {"email_claim": "mail"}, False, id="another-claim"),
    ],
)
async def test_an_address_counts_as_verified(
    fake: FakeProvider, said: dict[str, Any], more: dict[str, Any], verified: bool
) -> None:
    fake.person |= said
    assert (await sign_in(fake, **more)).email_verified is verified


async def test_an_address_is_not_verified_by_what_is_said_of_another(fake: FakeProvider) -> None:
    fake.about = {"sub": ALICE["sub"], "email": "victim@example.org"}
    person = await sign_in(fake)
    assert (person.email, person.email_verified) == ("victim@example.org", False)


@pytest.mark.parametrize(
    "sign",
    [unsigned, signed_with_the_public_key, signed_with_the_client_secret, signed_by_nobody_known],
    ids=["unsigned", "by-the-public-key", "by-the-client-secret", "by-an-unknown-key"],
)
async def test_an_id_token_that_the_provider_has_not_signed_is_refused(fake: FakeProvider, sign: Any) -> None:
    fake.sign = sign
    fake.described["id_token_signing_alg_values_supported"] = ["RS256", "HS256", "none"]
    with pytest.raises(UpstreamError, match="ID token is not right"):
        await sign_in(fake)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"nonce": "nonce-of-another-attempt"}, id="nonce"),
        pytest.param({"nonce": None}, id="no-nonce"),
        pytest.param({"iss": "https://elsewhere.example"}, id="issuer"),
        pytest.param({"aud": "another-client"}, id="audience"),
        pytest.param({"aud": "another-client", "azp": CLIENT_ID}, id="audience-of-another"),
        pytest.param({"aud": [CLIENT_ID, "another-client"]}, id="several-audiences"),
        pytest.param({"aud": [CLIENT_ID, "x"], "azp": "x"}, id="authorised-party"),
        pytest.param({"exp": 1_000_000_000}, id="expired"),
        pytest.param({"iat": 9_000_000_000}, id="not-issued-yet"),
        pytest.param({"exp": None}, id="no-end"),
        pytest.param({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, id="access-token"),
        pytest.param({"at_hash": ["x"]}, id="access-token-of-a-list"),
        pytest.param({"sub": None}, id="no-subject"),
    ],
)
async def test_an_id_token_for_something_else_is_refused(fake: FakeProvider, claims: dict[str, Any]) -> None:
    fake.claims = claims
    with pytest.raises(UpstreamError, match="ID token is not right"):
        await sign_in(fake)


async def test_an_answer_without_an_id_token_is_refused(fake: FakeProvider) -> None:
    fake.sign = lambda provider, claims: ""
    with pytest.raises(UpstreamError, match="ID token is not right: there is none"):
        await sign_in(fake)


async def test_a_page_about_somebody_else_is_refused(fake: FakeProvider) -> None:
    fake.about = {**ALICE, "sub": "subject-of-mallory"}
    with pytest.raises(UpstreamError, match="about somebody else"):
        await sign_in(fake)


async def test_a_provider_that_says_nobody_is_refused(fake: FakeProvider) -> None:
    with pytest.raises(UpstreamError, match="does not say who"):
        await sign_in(fake, subject_claim="missing_claim")


async def test_a_code_for_another_attempt_gets_nothing(fake: FakeProvider) -> None:
    oidc = client()
    provider = UpstreamProvider.model_validate(fake.settings())
    back = urlsplit(fake.sign_in(await oidc.url(provider, ATTEMPT)))
    other = Attempt(ATTEMPT.state, ATTEMPT.nonce, "w" * 43, CALLBACK)
    with pytest.raises(UpstreamError, match="invalid_grant"):
        await oidc.person(provider, other, parse_qs(back.query)["code"][0], CLIENT_SECRET)


async def test_a_new_key_is_found_but_not_looked_for_at_each_token(fake: FakeProvider) -> None:
    clock = Clock()
    oidc = client(clock)
    await sign_in(fake, oidc)
    fake.key, fake.shown_keys = "second", ("first", "second")
    with pytest.raises(UpstreamError, match="invalid_key_id"):
        await sign_in(fake, oidc)
    clock.now += 61
    await sign_in(fake, oidc)
    assert len(fake.requests("/jwks")) == 2
    assert len(fake.requests("/.well-known/openid-configuration")) == 1
    clock.now += 3_601
    await sign_in(fake, oidc)
    assert len(fake.requests("/.well-known/openid-configuration")) == 2


async def test_a_provider_that_does_not_answer_is_left_alone_for_a_moment(fake: FakeProvider) -> None:
    clock, path = Clock(), "/.well-known/openid-configuration"
    oidc, provider = client(clock), UpstreamProvider.model_validate(fake.settings())
    fake.failing[path] = (503, b"{}")
    begun = (oidc.url(provider, ATTEMPT) for _ in range(50))
    refused = await asyncio.gather(*begun, return_exceptions=True)
    assert {str(each) for each in refused} == {"Corp has let nobody in: it answers 503."}
    del fake.failing[path]
    with pytest.raises(UpstreamError, match="answers 503"):
        await oidc.url(provider, ATTEMPT)
    assert len(fake.requests(path)) == 1
    clock.now += 6
    assert fake.url in await oidc.url(provider, ATTEMPT)
    assert len(fake.requests(path)) == 2


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        pytest.param({"issuer": "https://elsewhere.example"}, "calls itself", id="another-issuer"),
        pytest.param({"issuer": None}, "as the protocol says", id="no-issuer"),
        pytest.param({"token_endpoint": "http://corp.example/token"}, "not https", id="plain-http"),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, "not https", id="script"),
        pytest.param({"jwks_uri": None}, "no way that can be checked", id="no-keys"),
        pytest.param(
            {"id_token_signing_alg_values_supported": ["HS256", "none"]},
            "no way that can be checked",
            id="no-signatures",
        ),
    ],
)
async def test_a_provider_that_describes_itself_wrongly_is_not_used(
    fake: FakeProvider, described: dict[str, Any], reason: str
) -> None:
    fake.described = described
    with pytest.raises(UpstreamError, match=reason):
        await sign_in(fake)


async def test_a_server_cannot_name_addresses_inside_our_network(fake: FakeProvider) -> None:
    fake.described = {"token_endpoint": fake.url.replace("127.0.0.1", "localhost") + "/token"}
    with pytest.raises(UpstreamError, match="not at a public address"):
        await sign_in(fake)
    assert fake.requests("/token") == []


@pytest.mark.parametrize(
    ("path", "status", "body", "reason"),
    [
        pytest.param("/token", 500, b"{}", "answers 500", id="broken"),
        pytest.param("/token", 200, b"<html>", "as the protocol says", id="no-json"),
        pytest.param("/token", 200, b"[" * 100_000, "as the protocol says", id="nested"),
        pytest.param("/token", 200, b'{"access_token": "a", "token_type": "mac"}', "no token", id="kind"),
        pytest.param("/token", 302, b"http://127.0.0.1/x", "leads on", id="redirection"),
        pytest.param("/userinfo", 403, b"{}", "answers 403", id="no-page"),
        pytest.param("/userinfo", 200, b'{"a": "' + b"x" * 300_000 + b'"}', "too large", id="too-large"),
        pytest.param("/jwks", 404, b"{}", "answers 404", id="no-keys"),
    ],
)
async def test_what_a_provider_answers_instead_is_an_error_with_its_reason(
    fake: FakeProvider, path: str, status: int, body: bytes, reason: str
) -> None:
    fake.failing[path] = (status, body)
    with pytest.raises(UpstreamError, match=reason) as raised:
        await sign_in(fake)
    assert CLIENT_SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"discovery_url": "http://corp.example/.well-known/openid-configuration"}, id="http"),
        pytest.param({"discovery_url": "https://corp.example/"}, id="no-issuer"),
        pytest.param({"discovery_url": ""}, id="no-addresses"),
        pytest.param({"discovery_url": "https://a:b@corp.example/.well-known/openid-configuration"}, id="@"),
        pytest.param({"id": "../up"}, id="id"),
        pytest.param({"client_secret": "s"}, id="secret-in-settings"),
    ],
)
def test_a_provider_that_cannot_be_is_refused_in_settings(wrong: dict[str, str]) -> None:
    right = {"id": "corp", "client_id": "c", "discovery_url": "https://x/.well-known/openid-configuration"}
    UpstreamProvider.model_validate(right)
    with pytest.raises(ValidationError):
        UpstreamProvider.model_validate(right | wrong)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n//evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/" + "x" * 3_000,
        "/ümlaut",
    ],
)
def test_a_path_that_leads_away_is_not_taken(wanted: str) -> None:
    assert own_path(wanted, "/home") == "/home"


@pytest.mark.parametrize("wanted", ["/", "/agent/chat", "/a?b=https://x.example/&c=%2F%2Fy", "/a//b#c"])
def test_a_path_of_ones_own_is_taken(wanted: str) -> None:
    assert own_path(wanted, "/home") == wanted
