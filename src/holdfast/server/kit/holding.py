"""Streams that are quiet for a while, because somebody has asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


class Holds:
    """Holds back what streams have to say of a run. The run itself may go on meanwhile, up to where it
    pauses: what it says then comes when the stream goes on."""

    def __init__(self) -> None:
        self._streams: dict[str, list[asyncio.Event]] = {}

    def hold(self, run_id: str) -> None:
        """Quiets the streams of a run that there are now."""
        for stream in self._streams.get(run_id, ()):
            stream.clear()

    def let_go(self, run_id: str) -> None:
        """Lets the streams of a run go on."""
        for stream in self._streams.get(run_id, ()):
            stream.set()

    async def heard(self, run_id: str, frames: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """Yields the frames of a stream, each when it is not held back."""
        go = asyncio.Event()
        go.set()
        streams = self._streams.setdefault(run_id, [])
        streams.append(go)
        try:
            async with aclosing(frames):
                async for frame in frames:
                    await go.wait()
                    yield frame
        finally:
            streams.remove(go)
            if not streams:
                self._streams.pop(run_id, None)
