"""h2oGPTe's API, asked by several users, each with a key."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain import identity
from holdfast.server.app import engine_app
from holdfast.server.kit.auth import ask_for_key


class KeyedDoor:
    """Asks the engine about the key of who shows one; who shows none is the local user."""

    def __init__(self, app: ASGIApp, host: Any) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "headers" in scope and "authorization" in Headers(scope=scope):
            scope["state"].clear()
            ask_for_key(scope, (await self._host()).authenticate)
        await self._app(scope, receive, send)


@pytest.fixture
def serve_users(serve: Any) -> Callable[..., Any]:
    """Serves as `serve` does; what it gives also has the headers of new users: `await served.user(name)`."""

    def app(host: Any, stop: Any) -> ASGIApp:
        return KeyedDoor(engine_app(host, log=logging.getLogger("holdfast.tests"), closing=stop), host)

    @asynccontextmanager
    async def serving(steps: Any = (), **options: Any) -> AsyncIterator[Any]:
        async with serve(steps, app=app, **options) as served:

            async def user(name: str, scope: identity.Scope = identity.Scope.ADMIN) -> dict[str, str]:
                workbench = served.bench.workbench
                await workbench.users.add(name)
                key = await workbench.keys.create(f"{name}s", scope, user=name)
                return {"Authorization": f"Bearer {key.secret}"}

            served.user = user
            yield served

    return serving
