"""The sessions of a key end with it, without a listener: they take no room of anybody's then."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from plain_mcp import HELLO, MESSAGES, PING
from starlette.requests import Request

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.domain.identity import LOCAL_PRINCIPAL
from holdfast.server.mcp.sessions import Sessions


class Keys:
    """An engine that lets keys in until they are revoked."""

    def __init__(self) -> None:
        self.revoked: dict[str, asyncio.Event] = {}

    async def until_refused(self, secret: str) -> None:
        await self.revoked.setdefault(secret, asyncio.Event()).wait()
        del self.revoked[secret]


async def test_a_key_that_is_revoked_takes_its_sessions_along() -> None:
    keys, closing = Keys(), asyncio.Event()
    host: Any = keys

    async def ready() -> Any:
        return host

    sessions = Sessions(ready, closing, 10_000)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope)
        key = request.headers["x-api-key"]
        scope["state"] = {"principal": LOCAL_PRINCIPAL.model_copy(update={"credential_id": f"id of {key}"})}
        answer = await sessions.answer_to(request)
        await answer(scope, receive, send)

    def client(key: str) -> httpx.AsyncClient:
        headers = {"Accept": MESSAGES, "X-API-Key": key}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://engine", headers=headers
        )

    async def asked(http: httpx.AsyncClient) -> int:
        await asyncio.sleep(0)
        try:
            return (await http.post("/mcp", json=PING)).status_code
        except UnavailableError:
            return 503

    async with client("old") as old, client("new") as new, asyncio.timeout(20):
        for http in (old, new):
            http.headers["Mcp-Session-Id"] = (await http.post("/mcp", json=HELLO)).headers["mcp-session-id"]
        assert (await asked(old), await asked(new)) == (200, 200)
        keys.revoked["old"].set()
        while (status := await asked(old)) != 404:
            assert status in (200, 503)
        assert await asked(new) == 200
        closing.set()
        with pytest.raises(UnavailableError):
            await new.post("/mcp", json=PING)
