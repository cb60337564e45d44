"""Stands at the streams of a server: holds what it asks to a number and a size. Imports `mcp`: loaded with
`session.py`.

The library answers each request in a task of its own, as many as come.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any

import anyio
import mcp_types
from mcp.client._transport import ReadStream, TransportStreams, WriteStream
from mcp.shared.message import SessionMessage

from holdfast.core.tools.mcp.limits import MAX_OPEN_REQUESTS, MAX_REQUEST_BYTES

_Id = str | int


@asynccontextmanager
async def gated(
    transport: AbstractAsyncContextManager[TransportStreams], lost: asyncio.Future[str]
) -> AsyncIterator[TransportStreams]:
    """Yields the streams of a transport; `lost` gets the reason when the server asks for too much."""
    async with transport as (incoming, outgoing):
        open_requests: Counter[_Id] = Counter()
        yield _Incoming(incoming, open_requests, lost), _Outgoing(outgoing, open_requests)


class _Incoming:
    """What comes from the server. It ends when the server asks for too much."""

    def __init__(
        self,
        inner: ReadStream[SessionMessage | Exception],
        open_requests: Counter[_Id],
        lost: asyncio.Future[str],
    ) -> None:
        self._inner = inner
        self._open = open_requests
        self._lost = lost

    @property
    def last_context(self) -> Any:
        """What the transport says of the last message."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """Raises `anyio.EndOfStream` at the end."""
        return self._counted(await self._inner.receive())

    def __aiter__(self) -> _Incoming:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return self._counted(await self._inner.__anext__())
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    def _counted(self, item: SessionMessage | Exception) -> SessionMessage | Exception:
        if isinstance(item, Exception):
            return item
        message = item.message
        if isinstance(message, mcp_types.JSONRPCRequest):
            self._open[message.id] += 1
            why = ""
            if self._open.total() > MAX_OPEN_REQUESTS:
                why = f"it asked for more than {MAX_OPEN_REQUESTS} things at once"
            elif len(message.model_dump_json()) > MAX_REQUEST_BYTES:
                why = f"it asked with more than {MAX_REQUEST_BYTES // 2**20} MiB"
            if why:
                if not self._lost.done():
                    self._lost.set_result(why)
                raise anyio.EndOfStream
        elif isinstance(message, mcp_types.JSONRPCNotification):
            _settle(self._open, _cancelled(message))
        return item

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def __aenter__(self) -> _Incoming:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, trace)


class _Outgoing:
    """What goes to the server: answers settle what it has asked."""

    def __init__(self, inner: WriteStream[SessionMessage], open_requests: Counter[_Id]) -> None:
        self._inner = inner
        self._open = open_requests

    async def send(self, item: SessionMessage, /) -> None:
        await self._inner.send(item)
        if isinstance(item.message, (mcp_types.JSONRPCResponse, mcp_types.JSONRPCError)):
            _settle(self._open, item.message.id)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def __aenter__(self) -> _Outgoing:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, trace)


def _cancelled(message: mcp_types.JSONRPCNotification) -> _Id | None:
    given = (message.params or {}).get("requestId") if message.method == "notifications/cancelled" else None
    return given if isinstance(given, (str, int)) else None


def _settle(open_requests: Counter[_Id], id: _Id | None) -> None:
    if id is not None and open_requests[id] > 0:
        open_requests[id] -= 1
        if not open_requests[id]:
            del open_requests[id]
