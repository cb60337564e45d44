"""The sessions of MCP clients over HTTP: each user's apart, so that nobody can take the room of others.

Who sends a request is looked at in every request. A session belongs to the key by which it was opened: with
another one, of the same user too, it is not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.domain.identity import Principal
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.kit.auth import principal_of
from holdfast.server.mcp.caller import client_name
from holdfast.server.mcp.server import Context, agent_server

MAX_SESSIONS = 64
"""Sessions that one user has open at once. Clients of the protocol's newest version need none."""
IDLE_S = 1_800.0
"""A session in which nothing was asked for so long is ended."""


class Sessions:
    """Finds what answers a request. `closing` ends all sessions when set."""

    def __init__(
        self,
        host: Callable[[], Awaitable[Host]],
        closing: asyncio.Event,
        max_body: int,
        *,
        idle_s: float = IDLE_S,
    ) -> None:
        """`max_body` is in bytes, `idle_s` in seconds."""
        self._host = host
        self._closing = closing
        self._max_body = max_body
        self._idle_s = idle_s
        self._server = agent_server(self._opened)
        self._kept: dict[str, _Kept] = {}

    async def answer_to(self, principal: Principal) -> ASGIApp:
        """Returns what answers a request of `principal`. Raises `UnavailableError` when the door closes."""
        manager = await self._manager(principal.user_id)
        token = AccessToken(token="", client_id=principal.credential_id or principal.user_id, scopes=[])

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            scope["user"] = AuthenticatedUser(token)  # the library lets nobody else into the session
            await manager.handle_request(scope, receive, send)

        return answer

    @asynccontextmanager
    async def _opened(self, context: Context) -> AsyncIterator[Workbench]:
        assert context.request is not None, "over HTTP each message comes with its request"
        principal = principal_of(context.request)
        name = client_name(context)
        client = f"{principal.client} (MCP: {name})" if name else f"{principal.client} (MCP)"
        yield (await self._host()).as_principal(principal.model_copy(update={"client": client}))

    async def _manager(self, user_id: str) -> StreamableHTTPSessionManager:
        kept = self._kept.get(user_id)
        if kept is None:
            kept = self._kept[user_id] = _Kept(self._made(), self._closing)
            kept.owner.add_done_callback(lambda _: self._kept.pop(user_id, None))
        await kept.ready.wait()
        if self._closing.is_set() or kept.owner.done():
            raise UnavailableError("The engine is stopping", code="engine_stopping", retryable=True)
        return kept.manager

    def _made(self) -> StreamableHTTPSessionManager:
        return StreamableHTTPSessionManager(
            self._server,
            session_idle_timeout=self._idle_s,
            max_sessions=MAX_SESSIONS,
            max_request_body_size=self._max_body,
        )


class _Kept:
    """The sessions of one user, and the task that enters and leaves what they run in."""

    def __init__(self, manager: StreamableHTTPSessionManager, closing: asyncio.Event) -> None:
        self.manager = manager
        self.ready = asyncio.Event()
        self.owner = asyncio.create_task(self._own(closing))

    async def _own(self, closing: asyncio.Event) -> None:
        try:
            async with self.manager.run():
                self.ready.set()
                await closing.wait()
        finally:
            self.ready.set()
