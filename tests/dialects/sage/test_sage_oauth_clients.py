"""Client libraries that people use, unchanged, through the whole of Sage's OAuth."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from tests.dialects.sage.oauth_door import ANN, BACK, EMAIL, NAVIGATION, OAuthDoor, answer_page, oauth_door

APP = "http://127.0.0.1:49152/callback"
VERIFIER = "a-verifier-of-the-client-itself-that-is-long-enough"


@pytest.fixture
def door() -> str:
    return "local"


async def came_back(oauth: OAuthDoor, url: str) -> str:
    """Where the browser ends that a client leads to `url`, and whose person agrees."""
    page = await oauth.browser.get(url, headers=NAVIGATION)
    assert page.status_code == 200, page.text
    back = await answer_page(oauth.browser, page, "allow")
    return str(back.headers["location"])


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
async def test_authlibs_client_signs_a_user_in(open_bench: Any, tmp_path: Path, method: Any) -> None:
    async with oauth_door(open_bench, tmp_path) as oauth:
        uri = APP if method == "none" else BACK
        registered = "http://127.0.0.1/callback" if method == "none" else BACK
        made = await oauth.register(auth_method=method, consent=True, redirect_uris=(registered,))
        told = (await oauth.http.get("/.well-known/oauth-authorization-server/sage/oauth2")).json()
        async with AsyncOAuth2Client(
            made.client.id,
            made.secret or None,
            token_endpoint_auth_method=method,
            scope="openid profile email",
            redirect_uri=uri,
            code_challenge_method="S256",
            token_endpoint=told["token_endpoint"],
            trust_env=False,
        ) as client:
            url, state = client.create_authorization_url(
                told["authorization_endpoint"], code_verifier=VERIFIER
            )
            back = await came_back(oauth, url)
            token = await client.fetch_token(authorization_response=back, state=state, code_verifier=VERIFIER)
            claims = (await client.get(told["userinfo_endpoint"])).json()
            assert (claims["sub"], claims["email"], claims["name"]) == (oauth.user_id, EMAIL, ANN)
            renewed = await client.refresh_token()
            assert renewed["access_token"] != token["access_token"]
            assert (await client.get(told["userinfo_endpoint"])).json() == claims
            with pytest.raises(OAuthError, match="invalid_grant"):
                await client.refresh_token(refresh_token=token["refresh_token"])


async def test_requests_oauthlib_signs_a_user_in(
    open_bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests_oauthlib = pytest.importorskip("requests_oauthlib")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the listener of the test has no TLS
    async with oauth_door(open_bench, tmp_path) as oauth:
        made = await oauth.register(consent=True)
        session = requests_oauthlib.OAuth2Session(
            made.client.id, redirect_uri=BACK, scope=["openid", "profile", "email"], pkce="S256"
        )
        session.trust_env = False
        issuer = f"{oauth.url}/sage/api/oauth2"
        url, _ = session.authorization_url(f"{issuer}/authorize")
        back = await came_back(oauth, url)

        def signed_in() -> tuple[dict[str, Any], dict[str, Any]]:
            token = session.fetch_token(
                f"{issuer}/token", authorization_response=back, client_secret=made.secret
            )
            renewed = session.refresh_token(f"{issuer}/token", auth=(made.client.id, made.secret))
            assert renewed["refresh_token"] != token["refresh_token"]
            return token, session.get(f"{issuer}/userinfo").json()

        with session:
            token, claims = await asyncio.to_thread(signed_in)
        assert token["expires_in"] == 3600
        assert claims["preferred_username"] == ANN
