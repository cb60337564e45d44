"""Requests are counted as they pass; the loop is looked at only while somebody reads."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from holdfast.server.kit.meter import BOUNDS_S, LoopLag, Meter, Metered, name_operation


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def nothing(*_: Any) -> dict[str, Any]:
    return {"type": "http.disconnect"}


def answering(
    status: int, kind: bytes = b"application/json", name: str = "runs.get", took_s: float = 0.0
) -> tuple[ASGIApp, Clock]:
    """Returns an application that takes `took_s` seconds on the clock that comes with it."""
    clock = Clock()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        name_operation(scope, name)
        clock.now += took_s
        await send({"type": "http.response.start", "status": status, "headers": [(b"Content-Type", kind)]})
        await send({"type": "http.response.body", "body": b""})

    return app, clock


async def test_requests_are_counted_by_operation_and_class_of_status() -> None:
    meter = Meter()
    for status in (200, 204, 404, 500):
        app, clock = answering(status)
        await Metered(app, meter, clock=clock)({"type": "http"}, nothing, nothing)
    found = meter.figures()
    assert found.requests == {("runs.get", "2xx"): 2, ("runs.get", "4xx"): 1, ("runs.get", "5xx"): 1}
    assert sum(found.durations["runs.get"].counts) == 4


async def test_the_time_of_an_answer_goes_into_its_class() -> None:
    meter = Meter()
    for took_s in (0.0005, 0.005, 0.03, 60.0):
        app, clock = answering(200, took_s=took_s)
        await Metered(app, meter, clock=clock)({"type": "http"}, nothing, nothing)
    taken = meter.figures().durations["runs.get"]
    counts = dict(zip([*BOUNDS_S, None], taken.counts, strict=True))
    assert (counts[0.001], counts[0.005] + counts[0.01], counts[0.05], counts[None]) == (1, 1, 1, 1)
    assert taken.sum_s == pytest.approx(60.0355)


async def test_an_open_stream_is_counted_while_it_is_open_and_has_no_duration() -> None:
    meter = Meter()
    seen: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        seen.append(meter.open_streams)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Metered(app, meter)({"type": "http"}, nothing, nothing)
    assert (seen, meter.open_streams) == ([1], 0)
    found = meter.figures()
    assert (found.requests, found.durations) == ({("unknown", "2xx"): 1}, {})


async def test_a_client_that_leaves_before_the_answer_is_counted_apart() -> None:
    meter = Meter()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        return None

    await Metered(app, meter)({"type": "http"}, nothing, nothing)
    assert meter.figures().requests == {("unknown", "none"): 1}


async def test_what_is_no_request_passes_uncounted() -> None:
    meter = Meter()
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    await Metered(app, meter)({"type": "lifespan"}, nothing, nothing)
    assert (seen, meter.figures().requests) == (["lifespan"], {})


class Timers:
    """A loop whose calls are made by hand, as late as the test likes."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.waiting: list[Any] = []

    def later(self, after_s: float, call: Any, *arguments: Any) -> Any:
        self.waiting.append((after_s, call, arguments))
        return SimpleNamespace(cancel=self.waiting.clear)

    def fire(self, late_s: float) -> None:
        after_s, call, arguments = self.waiting.pop()
        self.clock.now += after_s + late_s
        call(*arguments)


def test_the_loop_is_sampled_from_the_first_reading_on() -> None:
    timers = Timers()
    lag = LoopLag(clock=timers.clock, later=timers.later)
    assert timers.waiting == []
    assert lag.read() is None
    timers.fire(late_s=0.25)
    assert lag.read() == pytest.approx((0.25, 0.25))
    assert lag.read() is None


def test_the_longest_lag_since_the_last_reading_is_kept() -> None:
    timers = Timers()
    lag = LoopLag(clock=timers.clock, later=timers.later)
    lag.read()
    for late_s in (0.1, 0.4, 0.2):
        timers.fire(late_s)
    assert lag.read() == pytest.approx((0.2, 0.4))
    lag.stop()
    assert timers.waiting == []


def test_nobody_who_reads_lets_the_loop_sleep() -> None:
    timers = Timers()
    lag = LoopLag(patience_s=5, clock=timers.clock, later=timers.later)
    lag.read()
    timers.fire(late_s=6)
    assert timers.waiting == []
    lag.read()
    assert len(timers.waiting) == 1


async def test_a_real_loop_calls_back() -> None:
    sampled = asyncio.Event()

    class Watched(LoopLag):
        def _sample(self, asked_at: float) -> None:
            super()._sample(asked_at)
            sampled.set()

    lag = Watched(every_s=0.001)
    assert lag.read() is None
    async with asyncio.timeout(10):
        await sampled.wait()
    found = lag.read()
    lag.stop()
    assert found is not None
    assert 0 <= found[0] < 10
