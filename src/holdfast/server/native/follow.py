"""The client's end of an event stream: goes on over broken connections, without gap or repetition."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx

from holdfast.core.domain.errors import ErrorInfo, HoldfastError, UnavailableError, from_info
from holdfast.core.domain.events import LoggedEvent
from holdfast.server.kit.sse import ERROR_EVENT, Frame, FrameReader
from holdfast.server.native.channel import Channel
from holdfast.server.native.codec import Codec, WireRequest, read_event

SILENCE_S = 45.0
"""A stream without even a ping for so many seconds is dead: three pings were missed."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How a broken stream is tried again; all times in seconds."""

    first_s: float = 0.05
    most_s: float = 1.0
    patience_s: float = 30.0
    """With no life of the engine for so long, the stream gives up."""


class Follower:
    """One stream of events that reconnects by itself."""

    def __init__(self, channel: Channel, request: WireRequest, backoff: Backoff) -> None:
        self._channel = channel
        self._http = channel.http
        self._request = request
        self._backoff = backoff
        self._cursor: int | None = None
        self._alive_at = 0.0
        self._wait_s = backoff.first_s

    async def events(self, after: int | None) -> AsyncGenerator[LoggedEvent, None]:
        """Yields events with ids over `after` (None: from now).

        Raises `UnavailableError` when there is no engine for longer than the patience, and at once what
        the engine refuses for good: a key, for example.
        """
        self._cursor = after
        self._alive()
        while True:
            lost: HoldfastError | None = None
            try:
                async with aclosing(self._connection()) as connection:
                    async for logged in connection:
                        if self._cursor is not None and logged.id <= self._cursor:
                            continue
                        self._cursor = logged.id
                        yield logged
            except httpx.TransportError as error:
                lost = self._channel.lost(error)
            except HoldfastError as error:
                lost = error
            if lost is not None and not lost.retryable:
                raise lost
            await self._pause(lost)

    async def _connection(self) -> AsyncGenerator[LoggedEvent, None]:
        if self._http.is_closed:  # while this waited to try again
            raise closed_workbench()
        headers = {} if self._cursor is None else {"Last-Event-ID": str(self._cursor)}
        async with opened_stream(self._channel, self._request, headers) as chunks:
            async for logged in self._events_of(chunks):
                yield logged

    async def _events_of(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[LoggedEvent, None]:
        reader = FrameReader()
        greeted = False
        async for chunk in chunks:
            frames = reader.feed(chunk)
            # The greeting comes from any engine, also from one whose streams break at once.
            if frames or greeted:
                self._alive()
            greeted = True
            if self._cursor is None and reader.last_id.isdigit() and not frames:
                self._cursor = int(reader.last_id)
            for frame in frames:
                logged = self._read(frame)
                if logged is not None:
                    yield logged

    def _read(self, frame: Frame) -> LoggedEvent | None:
        """Returns the event in a frame; None when it is one that only a newer engine knows."""
        try:
            fields = json.loads(frame.data)
            refused = ErrorInfo.model_validate(fields, extra="ignore") if frame.event == ERROR_EVENT else None
            logged = None if refused else read_event(fields)
        except (ValueError, KeyError, TypeError) as error:
            raise self._channel.unreadable(error) from error
        if refused is not None:
            raise from_info(refused)
        if logged is None and frame.id.isdigit():
            self._cursor = max(self._cursor or 0, int(frame.id))
        return logged

    def _alive(self) -> None:
        self._alive_at = time.monotonic()
        self._wait_s = self._backoff.first_s

    async def _pause(self, lost: HoldfastError | None) -> None:
        if self._http.is_closed:
            raise closed_workbench()
        if time.monotonic() - self._alive_at > self._backoff.patience_s:
            raise lost or self._channel.lost(None)
        _LOG.debug("the event stream broke; trying again in %.2f s", self._wait_s)
        await asyncio.sleep(self._wait_s)
        self._wait_s = min(self._wait_s * 2, self._backoff.most_s)


@asynccontextmanager
async def opened_stream(
    channel: Channel, request: WireRequest, headers: Mapping[str, str]
) -> AsyncIterator[AsyncGenerator[bytes, None]]:
    """Gives the bytes of a stream of frames. Raises `httpx.TransportError`, or what the engine answers
    instead of a stream."""
    async with channel.http.stream(
        "GET",
        request.path,
        params=list(request.query),
        headers={"Accept": "text/event-stream", **headers},
        timeout=httpx.Timeout(channel.http.timeout.connect, read=SILENCE_S, pool=None),
    ) as response:
        channel.heard(response)
        if not response.is_success:
            await response.aread()
            raise channel.error_of(response)
        kind = response.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            raise channel.unreadable(ValueError(f"no stream of events, but {kind or 'nothing'}"))
        chunks = cast("AsyncGenerator[bytes, None]", response.aiter_raw())
        async with aclosing(chunks):
            yield chunks


async def follow_items(channel: Channel, request: WireRequest, wire: Codec) -> AsyncGenerator[Any, None]:
    """Yields the items of a stream that has no cursor, until the engine ends it.

    Raises `UnavailableError` when it breaks: what came meanwhile could not be had again.
    """
    if channel.http.is_closed:
        raise closed_workbench()
    reader = FrameReader()
    try:
        async with opened_stream(channel, request, {}) as chunks:
            async for chunk in chunks:
                for frame in reader.feed(chunk):
                    if frame.event == ERROR_EVENT:
                        raise from_info(ErrorInfo.model_validate_json(frame.data, extra="ignore"))
                    yield wire.read_item(frame.data)
    except httpx.TransportError as error:
        raise channel.lost(error) from error


def closed_workbench() -> UnavailableError:
    """Returns the error of a client that is used after its end."""
    return UnavailableError("This workbench was closed", code="workbench_closed", retryable=False)
