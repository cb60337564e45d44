"""The sessions of MCP clients over HTTP: each key's apart, so that nobody can take the room of others.

Who sends a request is looked at in every request. A session belongs to the key by which it was opened: with
another one, of the same user too, it is not there. With the key its sessions end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.core.domain.errors import UnavailableError
from holdfast.core.services.workbench import Host, Workbench
from holdfast.server.kit.auth import principal_of, shown_secret
from holdfast.server.mcp.caller import client_name
from holdfast.server.mcp.server import Context, agent_server

MAX_SESSIONS = 16
"""Sessions that one key has open at once. Clients of the protocol's newest version need none."""
IDLE_S = 1_800.0
"""A session in which nothing was asked for so long is ended."""

_End = Callable[[], Awaitable[object]]
"""Returns when sessions are to end."""


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

    async def answer_to(self, request: Request) -> ASGIApp:
        """Returns what answers a request. Raises `UnavailableError` when the door closes."""
        principal = principal_of(request)
        owner = principal.credential_id or principal.user_id
        manager = await self._manager(owner, shown_secret(request.headers) if principal.credential_id else "")
        token = AccessToken(token="", client_id=owner, scopes=[])

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

    async def _manager(self, owner: str, secret: str) -> StreamableHTTPSessionManager:
        """`secret` is that of the key; empty where nobody has to show one."""
        kept = self._kept.get(owner)
        if kept is None:
            ends: list[_End] = [self._closing.wait]
            if secret:
                ends.append(partial(self._until_refused, secret))
            kept = self._kept[owner] = _Kept(self._made(), ends)
            kept.owner.add_done_callback(lambda _: self._kept.pop(owner, None))
        await kept.ready.wait()
        if self._closing.is_set() or kept.owner.done():
            raise UnavailableError("The engine is stopping", code="engine_stopping", retryable=True)
        return kept.manager

    async def _until_refused(self, secret: str) -> None:
        await (await self._host()).until_refused(secret)

    def _made(self) -> StreamableHTTPSessionManager:
        return StreamableHTTPSessionManager(
            self._server,
            session_idle_timeout=self._idle_s,
            max_sessions=MAX_SESSIONS,
            max_request_body_size=self._max_body,
        )


class _Kept:
    """The sessions of one key, and the task that enters and leaves what they run in: until the first of
    `ends` returns."""

    def __init__(self, manager: StreamableHTTPSessionManager, ends: Sequence[_End]) -> None:
        self.manager = manager
        self.ready = asyncio.Event()
        self.owner = asyncio.create_task(self._own(ends))

    async def _own(self, ends: Sequence[_End]) -> None:
        waiting = [asyncio.ensure_future(end()) for end in ends]
        try:
            async with self.manager.run():
                self.ready.set()
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.ready.set()
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
