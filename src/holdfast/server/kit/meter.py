"""Counts requests as they pass, and looks how late the event loop is; costs next to nothing until asked."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from holdfast.server.kit.stream import STARTS, is_stream, status_of

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the classes that answers are sorted into by how long they took, in seconds."""

UNKNOWN = "unknown"
"""The operation of requests that no API has named: paths and methods that are not there."""

_OPERATION = "operation"


def name_operation(scope: Scope, name: str) -> None:
    """Says which operation a request is for; `name` comes from a fixed set, never from the request."""
    scope.setdefault("state", {})[_OPERATION] = name


def named(
    name: str, endpoint: Callable[[Request], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """Returns the endpoint of a route whose requests are counted under `name`."""

    async def answer(request: Request) -> Response:
        name_operation(request.scope, name)
        return await endpoint(request)

    return answer


@dataclass(frozen=True, slots=True)
class HttpFigures:
    """What a meter has counted up to some moment."""

    requests: dict[tuple[str, str], int]
    """By operation and class of status (`2xx`; `none` when the client left before an answer)."""
    durations: dict[str, Durations]
    """By operation; without streams of events, which last as long as their readers like."""
    open_streams: int


@dataclass(slots=True)
class Durations:
    """How long answers took."""

    sum_s: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    """By the bounds of `BOUNDS_S`, and those beyond."""

    def add(self, seconds: float) -> None:
        self.sum_s += seconds
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1


class Meter:
    """What was counted over all doors of one engine."""

    def __init__(self) -> None:
        self.open_streams = 0
        self._requests: Counter[tuple[str, str]] = Counter()
        self._durations: defaultdict[str, Durations] = defaultdict(Durations)
        self.lag = LoopLag()

    def count(self, operation: str, status: int, seconds: float | None) -> None:
        """Counts a request that has ended; `seconds` is None for a stream."""
        self._requests[operation, f"{status // 100}xx" if status else "none"] += 1
        if seconds is not None:
            self._durations[operation].add(seconds)

    def figures(self) -> HttpFigures:
        """Returns the counts of now; they do not change any more."""
        durations = {name: Durations(each.sum_s, [*each.counts]) for name, each in self._durations.items()}
        return HttpFigures(dict(self._requests), durations, self.open_streams)


class Metered:
    """Passes requests on to `app` and counts them. An open WebSocket is a stream."""

    def __init__(self, app: ASGIApp, meter: Meter, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._meter = meter
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        meter = self._meter
        state = scope.setdefault("state", {})
        begun = self._clock()
        status = 0
        streams = False

        async def noting(message: Message) -> None:
            nonlocal status, streams
            if message["type"] in STARTS:
                status = status_of(message)
                streams = is_stream(message)
                meter.open_streams += streams
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            meter.open_streams -= streams
            operation = state.get(_OPERATION, UNKNOWN)
            meter.count(operation, status, None if streams else self._clock() - begun)


class LoopLag:
    """How much later than asked for the event loop calls back.

    It samples from the first reading on, and stops when nobody has read for `patience_s` seconds: an engine
    that nobody watches is not woken.
    """

    def __init__(
        self,
        *,
        every_s: float = 0.5,
        patience_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[float], None], float], asyncio.TimerHandle] | None = None,
    ) -> None:
        """`later` calls back after so many seconds; None: the running loop does."""
        self._later = later
        self._every_s = every_s
        self._patience_s = patience_s
        self._clock = clock
        self._samples: list[float] = []
        self._read_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def read(self) -> tuple[float, float] | None:
        """Returns the latest and the longest lag since the last reading, in seconds; None when there is no
        sample since then. To be called on the loop that is looked at."""
        self._read_at = self._clock()
        samples, self._samples = self._samples, []
        if self._timer is None:
            self._wait()
        return (samples[-1], max(samples)) if samples else None

    def stop(self) -> None:
        """Takes no more samples."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        later = self._later or asyncio.get_running_loop().call_later
        self._timer = later(self._every_s, self._sample, self._clock())

    def _sample(self, asked_at: float) -> None:
        now = self._clock()
        self._timer = None
        self._samples.append(max(0.0, now - asked_at - self._every_s))
        if now - self._read_at < self._patience_s:
            self._wait()
