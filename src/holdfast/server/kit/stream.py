"""A response that streams frames until its source ends, the client goes away, or the server closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from holdfast.server.kit.sse import PING

EVENT_STREAM = "text/event-stream; charset=utf-8"
UNBUFFERED = (b"x-accel-buffering", b"no")
"""Stands in the head of every stream: proxies are to pass it on as it comes."""
_WAITING_FRAMES = 512
_WAITING_BYTES = 64 * 1024


STARTS = frozenset({"http.response.start", "websocket.http.response.start", "websocket.accept"})
"""The messages with which the answer to a request starts."""


def is_stream(start: Message) -> bool:
    """Says whether the response that begins so goes on for as long as its reader likes."""
    if start["type"] == "websocket.accept":
        return True
    headers = [(name.lower(), value) for name, value in start.get("headers", ())]
    kinds = (value for name, value in headers if name == b"content-type")
    return UNBUFFERED in headers or any(kind.startswith(b"text/event-stream") for kind in kinds)


def status_of(start: Message) -> int:
    """Returns the status of the response that begins so; an open WebSocket is one as well."""
    status: int = start.get("status", 101)
    return status


def method_of(scope: Scope) -> str:
    """Returns the method of a request; a WebSocket's is always the same."""
    method: str = scope.get("method", "GET")
    return method


class FrameStream:
    """Sends the frames of `source`. Those that wait go out in one write; a quiet line gets a ping.

    `source` is closed at once when the client goes away, also while it waits. A client that does not read
    stops `source` when so many frames wait, or so many bytes.
    """

    def __init__(
        self,
        source: AsyncGenerator[bytes, None],
        *,
        closing: asyncio.Event,
        ping_s: float = 15.0,
        headers: Mapping[str, str] | None = None,
        cut: Callable[[], bytes] = bytes,
        media_type: str = EVENT_STREAM,
        ping: bytes = PING,
    ) -> None:
        """`ping_s` is the longest silence in seconds, `ping` what breaks it; `headers` come beside those of
        every stream. `cut` makes the last frame when the server closes before the end of `source`."""
        more = {"content-type": media_type, "cache-control": "no-store", **(headers or {})}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in more.items()]
        self._headers.append(UNBUFFERED)
        self._ping_frame = ping
        self._source = source
        self._cut = cut
        self._closing = closing
        self._ping_s = ping_s
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._ended = False
        self._quiet = True
        self._ready = asyncio.Event()
        self._room = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        if scope["method"] != "HEAD":
            await self._stream(receive, send)
        await self._source.aclose()
        last = self._cut() if self._closing.is_set() and not self._ended else b""
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _stream(self, receive: Receive, send: Send) -> None:
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write(send))
        gone = asyncio.create_task(when_gone(receive))
        closing = asyncio.create_task(self._closing.wait())
        pinging = asyncio.create_task(self._ping())
        tasks: set[asyncio.Task[Any]] = {reading, writing, gone, closing, pinging}
        try:
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if done == {reading} and reading.exception() is None:
                await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in (reading, writing):
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _read(self) -> None:
        async with aclosing(self._source):
            async for frame in self._source:
                self._waiting.append(frame)
                self._waiting_bytes += len(frame)
                self._ready.set()
                if len(self._waiting) >= _WAITING_FRAMES or self._waiting_bytes >= _WAITING_BYTES:
                    self._room.clear()
                    await self._room.wait()
        self._ended = True
        self._ready.set()

    async def _write(self, send: Send) -> None:
        while self._waiting or not self._ended:
            await self._ready.wait()
            self._ready.clear()
            body = b"".join(self._waiting)
            self._waiting, self._waiting_bytes = [], 0
            self._room.set()
            if body:
                await send({"type": "http.response.body", "body": body, "more_body": True})
                self._quiet = False

    async def _ping(self) -> None:
        # Looks twice in the longest silence instead of setting a timer anew for each frame.
        while True:
            self._quiet = True
            await asyncio.sleep(self._ping_s / 2)
            if self._quiet and not self._waiting:
                self._waiting.append(self._ping_frame)
                self._ready.set()


async def when_gone(receive: Receive) -> None:
    """Returns when the caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        continue
