"""Streams of events over a real socket: cursor, batches, errors, broken connections, leaving clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
from server_fakes import FakeWorkbench
from server_running import QUICK, Served, running_server
from starlette.types import Message

from holdfast.core.domain.errors import NotFoundError, UnavailableError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.server.kit.stream import FrameStream
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.native.follow import Backoff

ALL = EventFilter()


async def take(events: AsyncIterator[LoggedEvent], count: int) -> list[int]:
    """Returns the ids of the next `count` events, and lets go of the stream."""
    async with asyncio.timeout(10), contextlib.aclosing(events):  # type: ignore[type-var]
        return [(await anext(events)).id for _ in range(count)]


async def eventually(condition: Any) -> None:
    """Waits, bounded, until `condition()` holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is in the server
            await asyncio.sleep(0.005)


async def test_a_stream_gives_what_is_there_and_what_comes(served: Served) -> None:
    served.fake.add(3)
    events = served.remote.events.follow(ALL, after=1)
    async with asyncio.timeout(10), contextlib.aclosing(events):
        assert [(await anext(events)).id, (await anext(events)).id] == [2, 3]
        served.fake.add(1, title="new\r\n\u2028line")
        logged = await anext(events)
    assert logged == served.fake.log[3]


async def test_a_stream_passes_its_filter_on(served: Served) -> None:
    served.fake.add(2, "s1")
    served.fake.add(2, "s2")
    wanted = EventFilter(session_id="s2", deltas=False)
    assert await take(served.remote.events.follow(wanted, after=0), 2) == [3, 4]
    assert served.fake.calls[-1][1] == (wanted, 0)


async def test_a_stream_from_now_begins_at_the_end_of_the_log(served: Served) -> None:
    served.fake.add(3)
    events = served.remote.events.follow(ALL)
    following = asyncio.create_task(take(events, 1))
    await eventually(lambda: served.fake.following == 1)
    served.fake.add()
    assert await following == [4]


async def test_last_event_id_wins_over_after(served: Served) -> None:
    served.fake.add(4)
    headers = {"Last-Event-ID": "3"}
    async with served.http.stream("GET", "/events/stream?after=1", headers=headers) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = answer.aiter_lines()
        async with asyncio.timeout(5):
            seen = [await anext(lines) for _ in range(6)]
    event = served.fake.log[3]
    assert seen == ["id: 3", "", "id: 4", "event: session.renamed", f"data: {event.to_json()}", ""]


async def test_a_last_event_id_that_is_no_number_is_refused(served: Served) -> None:
    answer = await served.http.get("/events/stream", headers={"Last-Event-ID": "x"})
    assert answer.status_code == 400
    assert "Last-Event-ID" in answer.json()["error"]["message"]


async def test_a_quiet_stream_gets_pings(served: Served) -> None:
    async with served.http.stream("GET", "/events/stream?after=0") as answer:
        lines = answer.aiter_lines()
        async with asyncio.timeout(5):
            assert [await anext(lines) for _ in range(6)] == ["id: 0", "", ": ping", "", ": ping", ""]


async def test_events_that_wait_go_out_in_few_writes(served: Served) -> None:
    served.fake.add(400)
    async with served.http.stream("GET", "/events/stream?after=0") as answer:
        chunks, size = 0, 0
        async with asyncio.timeout(5):
            async for chunk in answer.aiter_raw():
                chunks += 1
                size += chunk.count(b"data: ")
                if size == 400:
                    break
    assert chunks < 20


async def test_a_client_that_leaves_ends_the_generator_while_it_waits(served: Served) -> None:
    async with served.http.stream("GET", "/events/stream?after=0"):
        await eventually(lambda: served.fake.following == 1)
    await eventually(lambda: served.fake.following == 0)


async def test_a_client_that_does_not_read_stops_the_generator_and_then_loses_nothing(served: Served) -> None:
    served.fake.add(3000, title="x" * 2000)
    async with served.http.stream("GET", "/events/stream?after=0") as answer:
        await eventually(lambda: served.fake.following == 1)
        assert (await served.http.get("/health/live")).status_code == 200
        data = 0
        async with asyncio.timeout(20):
            async for line in answer.aiter_lines():
                data += line.startswith("data: ")
                if data == 3000:
                    break


@pytest.mark.parametrize(("size", "most"), [(100, 2_000), (100_000, 20), (5_000_000, 4)])
async def test_what_waits_for_a_client_that_does_not_read_is_little_in_number_and_in_bytes(
    size: int, most: int
) -> None:
    made = 0

    async def frames() -> AsyncGenerator[bytes, None]:
        nonlocal made
        while True:
            made += 1
            yield b"x" * size

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    stream = FrameStream(frames(), closing=asyncio.Event())
    serving = asyncio.create_task(stream({"type": "http", "method": "GET"}, receive, send))
    before = -1
    async with asyncio.timeout(5):
        while made != before:
            before = made
            for _ in range(100):
                await asyncio.sleep(0)
    assert 0 < made <= most
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_an_error_of_the_log_reaches_the_reader_as_itself(served: Served) -> None:
    served.fake.add(1)
    served.fake.results["events.follow"] = NotFoundError("No such session")
    events = served.remote.events.follow(ALL, after=0)
    assert (await anext(events)).id == 1
    with pytest.raises(NotFoundError, match="No such session"):
        await anext(events)


async def test_a_refused_stream_is_an_error_at_once(served: Served) -> None:
    served.fake.results["engine.status"] = NotFoundError("nothing here")
    with pytest.raises(NotFoundError):
        await anext(served.remote.events.follow(ALL))


async def test_a_head_request_ends(served: Served) -> None:
    answer = await served.http.head("/events/stream?after=0")
    assert answer.status_code == 200
    await eventually(lambda: served.fake.following == 0)


async def test_a_stream_goes_on_over_a_restart_of_the_engine_without_gap_or_repetition(
    short_folder: Any,
) -> None:
    fake, socket = FakeWorkbench(), short_folder / "s.sock"
    remote = RemoteWorkbench(socket, backoff=QUICK)
    events = remote.events.follow(ALL, after=0)
    seen = []
    async with asyncio.timeout(20):
        for _ in range(3):
            fake.add(5)
            async with running_server(fake, socket):
                seen += [(await anext(events)).id for _ in range(5)]
            fake.add(5)
            async with running_server(fake, socket):
                seen += [(await anext(events)).id for _ in range(5)]
    assert seen == list(range(1, 31))
    await events.aclose()  # type: ignore[attr-defined]
    await remote.close()


async def test_a_stream_from_now_that_breaks_before_its_first_event_misses_nothing(short_folder: Any) -> None:
    fake, socket = FakeWorkbench(), short_folder / "s.sock"
    fake.add(3)
    remote = RemoteWorkbench(socket, backoff=QUICK)
    async with running_server(fake, socket):
        following = asyncio.create_task(take(remote.events.follow(ALL), 2))
        await eventually(lambda: fake.following == 1)
        # The greeting with the cursor was sent before the log was asked; let it arrive.
        assert (await remote.engine.status()).last_event_id == 3
    fake.add(2)
    async with running_server(fake, socket):
        assert await following == [4, 5]
    await remote.close()


async def test_a_stream_drops_what_a_server_sends_twice(short_folder: Any) -> None:
    served = [0]

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        served[0] += 1
        fake = FakeWorkbench()
        fake.add(served[0] + 1)
        frames = "".join(f"id: {e.id}\r\ndata: {e.to_json()}\r\n\r\n" for e in fake.log)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        writer.write(frames.encode())
        await writer.drain()
        writer.close()

    socket = short_folder / "s.sock"
    async with await asyncio.start_unix_server(repeat, socket):
        remote = RemoteWorkbench(socket, backoff=QUICK)
        assert await take(remote.events.follow(ALL, after=0), 4) == [1, 2, 3, 4]
        await remote.close()


async def test_a_stream_gives_up_when_no_engine_comes_back(short_folder: Any) -> None:
    remote = RemoteWorkbench(short_folder / "none.sock", backoff=Backoff(0.01, 0.02, patience_s=0.1))
    with pytest.raises(UnavailableError, match="is not there"):
        async with asyncio.timeout(5):
            await anext(remote.events.follow(ALL, after=0))
    await remote.close()


async def test_a_stream_gives_up_on_an_engine_whose_streams_break_at_once(short_folder: Any) -> None:
    fake, socket = FakeWorkbench(), short_folder / "s.sock"
    fake.results["events.follow"] = ZeroDivisionError("bug")
    remote = RemoteWorkbench(socket, backoff=Backoff(0.01, 0.02, patience_s=0.1))
    async with running_server(fake, socket):
        with pytest.raises(UnavailableError):
            async with asyncio.timeout(5):
                await anext(remote.events.follow(ALL, after=0))
    await remote.close()


async def test_many_streams_of_one_client_each_see_everything_once(served: Served) -> None:
    tasks = [asyncio.create_task(take(served.remote.events.follow(ALL, after=0), 100)) for _ in range(30)]
    for _ in range(10):
        served.fake.add(10)
        await served.remote.engine.status()
    results = await asyncio.gather(*tasks)
    assert all(ids == list(range(1, 101)) for ids in results)
    await eventually(lambda: served.fake.following == 0)


async def test_closing_the_client_ends_its_streams(served: Served) -> None:
    reading = asyncio.create_task(take(served.remote.events.follow(ALL, after=0), 1))
    await eventually(lambda: served.fake.following == 1)
    await served.remote.close()
    with pytest.raises(UnavailableError):
        async with asyncio.timeout(5):
            await reading


async def test_closing_the_client_while_a_stream_waits_to_try_again_ends_it(short_folder: Any) -> None:
    patient = Backoff(first_s=0.05, most_s=0.05, patience_s=5)
    remote = RemoteWorkbench(short_folder / "nobody.sock", backoff=patient)
    stream = asyncio.create_task(take(remote.events.follow(ALL, after=0), 1))
    for _ in range(3):  # it has asked once, and waits
        await asyncio.sleep(0)
    await remote.close()
    async with asyncio.timeout(5):
        with pytest.raises(UnavailableError, match="closed"):
            await stream
