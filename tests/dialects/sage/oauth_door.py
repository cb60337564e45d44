"""Sage's authorization server behind a real listener that wants keys, and a browser that has signed in."""

from __future__ import annotations

import base64
import hashlib
import html
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.identity import Role
from holdfast.core.domain.oauth import NewOAuthClient
from holdfast.core.domain.status import ListenOptions
from holdfast.server.connections import Patience
from holdfast.server.tcp import Behind, OpenListener

ANN, PASSWORD = "ann", "correct horse battery"
EMAIL = "ann@people.example"
BACK = "https://notes.example/callback?from=us"
VERIFIER = "v" * 60
NAVIGATION = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Accept-Language": "en",
}
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def challenge(verifier: str = VERIFIER) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def query_of(url: str) -> dict[str, str]:
    """The query of a URL, each name once."""
    found = parse_qs(urlsplit(url).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values()), url
    return {name: values[0] for name, values in found.items()}


@dataclass
class OAuthDoor:
    """A listener, a person's browser, and what clients ask with."""

    bench: Any
    url: str
    browser: httpx.AsyncClient
    http: httpx.AsyncClient
    user_id: str

    async def register(self, **options: Any) -> NewOAuthClient:
        wanted = {"name": "Notes", "redirect_uris": (BACK,), "consent": False} | options
        made: NewOAuthClient = await self.bench.workbench.oauth.add_client(**wanted)
        return made

    async def authorize(self, client: NewOAuthClient, **more: str) -> httpx.Response:
        """What the browser gets where the client has led it."""
        asked = {"response_type": "code", "client_id": client.client.id, "redirect_uri": BACK, "state": "s1"}
        query = urlencode({name: value for name, value in (asked | more).items() if value})
        return await self.browser.get(f"/sage/oauth2/authorize?{query}", headers=NAVIGATION)

    async def code(self, client: NewOAuthClient, **more: str) -> str:
        answer = await self.authorize(client, **more)
        assert answer.status_code == 302, answer.text
        return query_of(answer.headers["location"])["code"]

    async def token(
        self, client: NewOAuthClient | None = None, path: str = "/sage/oauth2/token", **form: str
    ) -> httpx.Response:
        """What the client gets that shows its secret in the header."""
        auth = (client.client.id, client.secret) if client is not None and client.secret else None
        return await self.http.post(path, data=form, auth=auth or httpx.USE_CLIENT_DEFAULT)

    async def tokens(self, client: NewOAuthClient, **more: str) -> dict[str, Any]:
        """The tokens of a whole round."""
        code = await self.code(client, **more)
        got = await self.token(client, grant_type="authorization_code", code=code, redirect_uri=BACK)
        assert got.status_code == 200, got.text
        found: dict[str, Any] = got.json()
        return found

    async def refresh(self, client: NewOAuthClient, refresh_token: str, **more: str) -> httpx.Response:
        return await self.token(client, grant_type="refresh_token", refresh_token=refresh_token, **more)

    async def userinfo(self, access_token: str) -> httpx.Response:
        return await self.http.get(
            "/sage/oauth2/userinfo", headers={"Authorization": f"Bearer {access_token}"}
        )


def fields_of(page: httpx.Response) -> list[tuple[str, str]]:
    """The hidden fields of a page's form."""
    return [(html.unescape(name), html.unescape(value)) for name, value in _FIELD.findall(page.text)]


async def answer_page(
    browser: httpx.AsyncClient, page: httpx.Response, decision: str, **changed: str
) -> httpx.Response:
    """Sends the form of a consent page as a browser does."""
    fields = [(name, changed.get(name, value)) for name, value in fields_of(page)]
    origin = f"{page.url.scheme}://{page.url.netloc.decode()}"
    return await browser.post(
        page.url.join("consent"),
        content=urlencode([*fields, ("consent_decision", decision)]),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": origin,
            "Sec-Fetch-Site": "same-origin",
            "Accept-Language": "en",
        },
    )


def pairs_of(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query)


@asynccontextmanager
async def oauth_door(
    open_bench: Any,
    folder: Path,
    validated: Any = None,
    *,
    root: tuple[str, ...] = ("holdfast",),
    **bench: Any,
) -> AsyncIterator[OAuthDoor]:
    """Opens the listener, with the user ann, who has signed in with her browser."""
    async with open_bench(**bench) as opened:
        workbench = opened.workbench

        async def host() -> Any:
            return workbench

        log = logging.getLogger("holdfast.tests")
        behind = Behind(host, log, ServerSettings(), Patience(), folder)
        listener = await OpenListener.open(ListenOptions(port=0, root=root), behind)
        user = await workbench.users.add(ANN, Role.USER, password=PASSWORD, email=EMAIL)
        login = await workbench.accounts.sign_in(ANN, PASSWORD)
        options: dict[str, Any] = {"base_url": listener.state.url, "timeout": 10, "trust_env": False}
        async with (
            httpx.AsyncClient(cookies={"sage_session": login.secret}, **options) as browser,
            httpx.AsyncClient(**options) as client,
        ):
            if validated is not None:
                validated(browser), validated(client)
            try:
                yield OAuthDoor(opened, listener.state.url, browser, client, user.id)
            finally:
                listener.close()
                await listener.task
