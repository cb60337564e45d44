"""Receivers, scripted and real, and a log with two users whose events webhooks get."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.events import (
    LoggedEvent,
    PartDelta,
    RunCompleted,
    SessionCreated,
    SessionDeleted,
    SessionRenamed,
)
from holdfast.core.domain.identity import Role, User
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.domain.webhook_formats import Message
from holdfast.core.domain.webhooks import Delivery, Webhook
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.hooks.line import Means
from holdfast.core.hooks.outcome import Answer
from holdfast.core.hooks.worker import DeliveryWorker
from holdfast.core.store.accounts import Accounts
from holdfast.core.store.log import EventLog
from holdfast.core.store.webhooks import WebhookTables

SECRET = "hfw_a-secret-for-tests"
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OK = Answer(200)


class Clock:
    """A clock that a wait moves on, without taking time."""

    def __init__(self) -> None:
        self.time = START
        self.waits: list[float] = []

    def now(self) -> datetime:
        return self.time

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)
        if not event.is_set():
            self.time += timedelta(seconds=seconds)


class StoppedClock(Clock):
    """A clock on which a wait ends only when somebody is in a hurry."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        self.waits.append(seconds)
        await event.wait()


class Post:
    """The network of a test: answers from a script for each address, then with 200, and keeps what came."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.hanging: set[str] = set()
        """Addresses that never answer."""
        self.attempts: list[tuple[str, dict[str, Any]]] = []
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self._grown = asyncio.Condition()

    def __call__(self) -> Post:
        return self

    async def send(self, url: str, message: Message, *, allow_private: bool) -> Answer:
        body = json.loads(message.body)
        self.attempts.append((url, body))
        async with self._grown:
            self._grown.notify_all()
        if url in self.hanging:
            await asyncio.Event().wait()
        script = self.answers.get(url)
        answer = script.pop(0) if script else OK
        if answer.status == 200:
            self.taken.append((url, body))
        async with self._grown:
            self._grown.notify_all()
        return answer

    async def close(self) -> None:
        return

    def events(self, url: str) -> list[int]:
        """Returns the events that a receiver took, in the order of their coming."""
        return [body["event_id"] for address, body in self.taken if address == url]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until `condition` holds after something came."""
        async with asyncio.timeout(10), self._grown:
            await self._grown.wait_for(condition)


@dataclass
class Desk:
    """A log, its webhooks, and what delivers."""

    log: EventLog
    tables: WebhookTables
    accounts: Accounts
    post: Post
    clock: Clock
    workers: list[DeliveryWorker] = field(default_factory=list)

    async def session(self, owner: str = "local") -> str:
        created = SessionCreated(
            session_id=new_id(), title="A", agent="general", project="/p", workspace="/w", owner=owner
        )
        await self.log.append(created)
        return created.session_id

    async def rename(self, session_id: str, count: int = 1) -> list[int]:
        """Commits events; returns their ids."""
        events = [SessionRenamed(session_id=session_id, title=f"title {number}") for number in range(count)]
        return [logged.id for logged in await self.log.append(*events)]

    async def complete_run(self, session_id: str) -> LoggedEvent:
        (logged,) = await self.log.append(RunCompleted(session_id=session_id, run_id="r"))
        return logged

    async def delta(self, session_id: str) -> int:
        event = PartDelta(session_id=session_id, run_id="r", part_id="p", text="x")
        return (await self.log.append(event))[0].id

    async def delete(self, session_id: str, owner: str = "local") -> int:
        return (await self.log.append(SessionDeleted(session_id=session_id, owner=owner)))[0].id

    async def webhook(self, url: str = "http://a.test/", **more: Any) -> Webhook:
        cursor = await self.tables.last_event_id()
        fields = {"id": new_id(), "owner": "local", "created_at": self.clock.now(), "cursor": cursor, **more}
        webhook = Webhook(url=url, **fields)
        assert await self.tables.add(webhook, 100)
        return webhook

    async def deliver(self, **means: Any) -> DeliveryWorker:
        """Starts deliveries from what is in the store."""

        async def secret(id: str) -> str | None:
            return SECRET

        async def allow_private(owner: str) -> bool:
            return True

        given: dict[str, Any] = {
            "secret": secret,
            "allow_private": allow_private,
            "now": self.clock.now,
            "wait": self.clock.wait,
            "chance": lambda: 0.5,
            "store": self.tables,
            "make_sender": self.post,
            **means,
        }
        worker = DeliveryWorker(self.log, Means(**given))
        self.workers.append(worker)
        await worker.start()
        return worker

    async def stored(self, webhook: Webhook) -> Webhook:
        found = await self.tables.get(webhook.id)
        assert found is not None
        return found

    async def deliveries(self, webhook: Webhook) -> tuple[Delivery, ...]:
        """Returns the deliveries, oldest first."""
        return (await self.tables.deliveries(webhook.id, 1000)).items[::-1]

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Waits until `condition`, which asks the store, holds."""
        async with asyncio.timeout(10):
            while not await condition():
                continue

    async def until_done(self, webhook: Webhook, count: int) -> tuple[Delivery, ...]:
        """Returns the deliveries when so many have ended."""

        async def done() -> bool:
            return sum(each.status != "pending" for each in await self.deliveries(webhook)) >= count

        await self.until(done)
        return await self.deliveries(webhook)


@asynccontextmanager
async def opened_desk(folder: Path, clock: Clock | None = None) -> AsyncIterator[Desk]:
    """Opens a desk on the database in `folder`, with the users `ann` and `local`."""
    blobs = FileBlobs(folder / "blobs")
    log = await EventLog.open(folder / "holdfast.db", blobs)
    accounts = Accounts(log.writer, log.reader)
    if await accounts.user("ann") is None:
        await accounts.add_user(User(id="ann", name="ann", role=Role.USER, created_at=utc_now()))
    tables = WebhookTables(log.writer, log.reader, blobs)
    desk = Desk(log, tables, accounts, Post(), clock or Clock())
    try:
        yield desk
    finally:
        for worker in desk.workers:
            await worker.close()
        await log.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
def open_desk() -> Callable[..., Any]:
    """Opens a desk on a folder, as `desk` is."""
    return opened_desk


@pytest.fixture
def stopped_clock() -> StoppedClock:
    return StoppedClock()


@dataclass
class Request:
    """What a receiver got."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A web server on loopback. Each request is answered with the next of `answers`, as raw bytes; None
    keeps silent."""

    def __init__(self) -> None:
        self.answers: list[Sequence[bytes] | None] = []
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self.grown = asyncio.Condition()
        self._waiting: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Adds an answer; header names have underscores for hyphens."""
        lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.answers.append(["\r\n".join([*lines, "", ""]).encode() + body])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._waiting.add(writer)
        try:
            while (line := await reader.readline()) not in (b"", b"\r\n"):
                await self._one(line.decode().strip(), reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the sender had enough
        finally:
            self._waiting.discard(writer)
            writer.close()

    async def _one(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = {}
        while (each := await reader.readline()) not in (b"", b"\r\n"):
            name, _, value = each.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(Request(line, headers, body))
        async with self.grown:
            self.grown.notify_all()
        if not self.answers:
            self.answer()
        pieces = self.answers.pop(0)
        if pieces is None:
            await asyncio.Event().wait()
        for piece in pieces or ():
            if not piece:
                raise ConnectionError  # an empty piece ends the connection
            writer.write(piece)
            await writer.drain()

    async def until(self, count: int) -> list[Request]:
        """Returns the requests when there are so many."""
        async with asyncio.timeout(10), self.grown:
            await self.grown.wait_for(lambda: len(self.requests) >= count)
        return self.requests


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await made.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
