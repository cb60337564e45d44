"""Clients and engines of different versions: what they can they understand, the rest is said in words."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from server_fakes import AT, FakeWorkbench
from server_running import QUICK, Served

from holdfast.core.domain.errors import HoldfastError, UnsupportedError
from holdfast.core.domain.events import EventFilter, LoggedEvent, SessionRenamed
from holdfast.core.domain.versions import is_newer
from holdfast.server.native.address import EngineUrl
from holdfast.server.native.client import RemoteWorkbench

RENAMED = SessionRenamed(session_id="s1", title="Title", at=AT)


def logged(id: int) -> str:
    return LoggedEvent(id=id, event=RENAMED).to_json()


def unknown(id: int) -> str:
    return json.dumps({"id": id, "type": "dream.interpreted", "session_id": "s1", "at": AT.isoformat()})


class Engine:
    """An engine of another version: gives prepared answers, one a request, and notes what it was asked."""

    def __init__(
        self, version: str, *answers: str, kind: str = "application/json", status: int = 200
    ) -> None:
        self._version = version
        self._answers = list(answers)
        self._kind = kind
        self._status = status
        self.asked: list[str] = []

    async def reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            body = (self._answers.pop(0) if self._answers else "").encode()
            head = f"HTTP/1.1 {self._status} X\r\nholdfast-version: {self._version}\r\nConnection: close\r\n"
            writer.write(
                f"{head}Content-Type: {self._kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def reached(engine: Engine) -> AsyncIterator[RemoteWorkbench]:
    server = await asyncio.start_server(engine.reply, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    remote = RemoteWorkbench(EngineUrl.parse(url), backoff=QUICK)
    async with server, asyncio.timeout(10):
        yield remote
        await remote.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [("0.2.0", "0.1.9"), ("0.10", "0.9.1"), ("1.0", "1.0rc1"), ("1.0rc2", "1.0rc1"), ("1.0b1", "1.0a9"),
     ("0.2.0.dev1", "0.1.0"), ("2", "1.99.99")],
)  # fmt: skip
def test_versions_are_in_order(one: str, other: str) -> None:
    assert is_newer(one, other)
    assert not is_newer(other, one)
    assert not is_newer(one, one)


@pytest.mark.parametrize("odd", ["", "latest", "v1", "1" * 5000])
def test_what_is_no_version_is_not_newer_than_anything_known(odd: str) -> None:
    assert not is_newer("0.1.0", odd)


def test_trailing_zeros_are_no_difference() -> None:
    assert not is_newer("1.0", "1") and not is_newer("1", "1.0")


async def test_what_a_newer_engine_says_more_is_left_out() -> None:
    status = FakeWorkbench().status()
    fields = {**status.model_dump(mode="json"), "moods": ["calm"]}
    async with reached(Engine("99.0", json.dumps(fields))) as remote:
        assert await remote.engine.status() == status
        assert remote.engine_version == "99.0"


@pytest.mark.parametrize(
    ("version", "says"), [("99.0", "Update Holdfast here"), ("0.0.1", "has to be updated there")]
)
async def test_what_cannot_be_read_names_both_versions_and_who_is_to_be_updated(
    version: str, says: str
) -> None:
    async with reached(Engine(version, '{"version": "x"}')) as remote:
        with pytest.raises(UnsupportedError, match=says) as caught:
            await remote.engine.status()
    assert caught.value.code == "version_skew"
    assert version in caught.value.message and "pid" in caught.value.message


async def test_an_operation_that_an_older_engine_does_not_have_is_said() -> None:
    error = {"error": {"kind": "not_found", "code": "no_such_path", "message": "There is nothing at /x"}}
    async with reached(Engine("0.0.1", json.dumps(error), status=404)) as remote:
        with pytest.raises(UnsupportedError, match=r"0\.0\.1"):
            await remote.sessions.get("s1")


async def test_an_event_that_only_a_newer_engine_knows_is_passed_over_and_not_asked_for_again() -> None:
    stream = f"id: 4\n\nid: 5\ndata: {logged(5)}\n\nid: 6\nevent: dream.interpreted\ndata: {unknown(6)}\n\n"
    rest = f"id: 6\n\nid: 7\ndata: {logged(7)}\n\n"
    engine = Engine("99.0", stream, rest, kind="text/event-stream")
    async with reached(engine) as remote:
        events = remote.events.follow(EventFilter(), after=4)
        async with contextlib.aclosing(events):  # type: ignore[type-var]
            assert [(await anext(events)).id, (await anext(events)).id] == [5, 7]
    assert "last-event-id: 6\r\n" in engine.asked[1].lower()


async def test_an_event_of_another_shape_ends_the_stream_in_words() -> None:
    fields = {**json.loads(logged(5)), "title": ["a", "b"]}
    stream = f"id: 4\n\nid: 5\ndata: {json.dumps(fields)}\n\n"
    async with reached(Engine("99.0", stream, kind="text/event-stream")) as remote:
        with pytest.raises(UnsupportedError, match=r"title.*Update Holdfast here"):
            await anext(remote.events.follow(EventFilter(), after=4))


async def test_the_socket_tells_its_version_too_and_a_wrong_id_stays_not_found(served: Served) -> None:
    await served.remote.engine.status()
    assert served.remote.engine_version != ""
    with pytest.raises(HoldfastError) as caught:
        await served.remote.sessions.get("")
    assert caught.value.kind == "not_found"
