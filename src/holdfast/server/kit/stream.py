"""A response that streams frames until its source ends, the client goes away, or the server closes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.types import Receive, Scope, Send

from holdfast.server.kit.sse import PING

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_WAITING_FRAMES = 512


class FrameStream:
    """Sends the frames of `source`. Those that wait go out in one write; a quiet line gets a ping.

    `source` is closed at once when the client goes away, also while it waits. A client that does not read
    stops `source` after a bounded number of frames.
    """

    def __init__(
        self, source: AsyncGenerator[bytes, None], *, closing: asyncio.Event, ping_s: float = 15.0
    ) -> None:
        self._source = source
        self._closing = closing
        self._ping_s = ping_s
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_FRAMES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if scope["method"] != "HEAD":
            await self._stream(receive, send)
        await self._source.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, receive: Receive, send: Send) -> None:
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write(send))
        gone = asyncio.create_task(_gone(receive))
        closing = asyncio.create_task(self._closing.wait())
        tasks = {reading, writing, gone, closing}
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
                await self._queue.put(frame)
        await self._queue.put(None)

    async def _write(self, send: Send) -> None:
        while True:
            try:
                async with asyncio.timeout(self._ping_s):
                    batch = [await self._queue.get()]
            except TimeoutError:
                await send({"type": "http.response.body", "body": PING, "more_body": True})
                continue
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            frames = [frame for frame in batch if frame is not None]
            await send({"type": "http.response.body", "body": b"".join(frames), "more_body": True})
            if len(frames) < len(batch):
                return


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
