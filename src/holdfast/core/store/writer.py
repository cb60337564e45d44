"""The one writer of the database: a thread that commits all that is waiting at once, then publishes it.

A lonely run waits for nothing; two hundred runs share commits. What is published was committed, in the
order of ids, so no reader can see what a crash could take away.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import RUN_ENDS, AnyEvent, LoggedEvent
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.user_events import job_of, owner_of
from holdfast.core.store.index import index
from holdfast.core.store.migrations import migrate
from holdfast.core.store.reserve import Reserve
from holdfast.core.store.translate import translate

logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024
"""Bodies over this many characters are kept as blobs."""
_END = object()
_BATCH = 512
"""Most jobs in one transaction."""
_ROWS = 50
"""Most events in one statement: at each, this thread gives the interpreter away and waits for it."""


T = TypeVar("T")
Storable = tuple[AnyEvent, str]
"""An event and its JSON."""


@dataclass(slots=True)
class _Call:
    """Something else that needs the writing connection, alone."""

    function: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Job:
    events: Sequence[Storable]
    durable: bool
    done: asyncio.Future[list[LoggedEvent]]
    logged: list[LoggedEvent] = field(default_factory=list)

    @property
    def ends_a_run(self) -> bool:
        return any(event.type in RUN_ENDS for event, _ in self.events)


def connect(path: Path) -> sqlite3.Connection:
    """Opens the database for writing. Raises `StoreError` with what to do."""
    try:
        # Made by us with mode 0600, which SQLite then gives its side files (-wal, -shm) too.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror}. Check the permissions, or set HOLDFAST_HOME.",
            code="store_read_only",
        ) from error
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = OFF")
        migrate(db, path)
    except sqlite3.Error as error:
        raise translate(error, path) from error
    return db


class Writer:
    """Appends events; made on the event loop whose readers it publishes to."""

    def __init__(
        self,
        path: Path,
        blobs: BlobStore,
        publish: Callable[[list[LoggedEvent]], None],
    ) -> None:
        self._path = path
        self._blobs = blobs
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._db = connect(path)
        self._level = "NORMAL"
        self._reserve = Reserve(path.with_name("reserve"))
        self._reserve.keep()
        self._jobs: queue.SimpleQueue[_Job | _Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._closed = False
        self._thread.start()

    def append(
        self, events: Sequence[Storable], *, durable: bool = False
    ) -> asyncio.Future[list[LoggedEvent]]:
        """Hands events over, each with its JSON, to be committed together; the future gives them with ids.

        With `durable` the commit survives a power cut too, not only the death of the process.
        The future raises `StoreError`.
        """
        done: asyncio.Future[list[LoggedEvent]] = self._loop.create_future()
        if self._closed:
            done.set_exception(_closed())
        else:
            self._jobs.put(_Job(events, durable, done))
        return done

    async def run(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Calls `function` with the writing connection, between two commits; returns what it returns.
        Raises `StoreError`."""
        if self._closed:
            raise _closed()
        done: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Call(function, done))
        return await done

    async def close(self) -> None:
        """Commits what was handed over and ends the thread."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._db.close()

    def _work(self) -> None:
        while True:
            batch, other = self._take()
            if batch:
                self._commit(batch)
            if isinstance(other, _Call):
                self._serve(other)
            elif other is _END:
                return

    def _take(self) -> tuple[list[_Job], _Call | object | None]:
        """Waits for a job and takes all others that wait with it, up to a call or the end."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while isinstance(job, _Job):
            batch.append(job)
            if len(batch) == _BATCH:
                return batch, None
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, None
        return batch, _END if job is None else job

    def _serve(self, call: _Call) -> None:
        try:
            result = call.function(self._db)
        except Exception as error:  # noqa: BLE001 (given to who waits for it; this thread must not end)
            self._call(_fail, call.done, self._failure(error))
            return
        self._call(_succeed, call.done, result)

    def _commit(self, batch: list[_Job]) -> None:
        try:
            self._transaction(batch)
        except Exception as error:  # noqa: BLE001 (given to who waits for it; this thread must not end)
            if len(batch) > 1:
                # One of them is at fault: the others must not suffer for it.
                for job in batch:
                    self._commit([job])
                return
            failure = self._failure(error)
            if failure.code == "disk_full" and batch[0].ends_a_run and self._reserve.give():
                self._commit(batch)
                self._reserve.keep()
                return
            self._call(_fail, batch[0].done, failure)
            return
        self._call(self._deliver, batch)

    def _failure(self, error: Exception) -> StoreError:
        if isinstance(error, sqlite3.Error):
            return translate(error, self._path)
        if isinstance(error, StoreError):
            return error
        if isinstance(error, OSError):
            return StoreError(f"A large event could not be kept: {error}", code="blob_failed")
        logger.error("an event could not be indexed", exc_info=error)
        return StoreError(f"An event does not fit the log: {error!r}")

    def _transaction(self, batch: list[_Job]) -> None:
        db = self._db
        level = "FULL" if any(job.durable for job in batch) else "NORMAL"
        if level != self._level:
            db.execute(f"PRAGMA synchronous = {level}")
            self._level = level
        db.execute("BEGIN IMMEDIATE")
        try:
            logged = iter(self._insert([each for job in batch for each in job.events]))
            for job in batch:
                job.logged = [next(logged) for _ in job.events]
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _insert(self, events: Sequence[Storable]) -> list[LoggedEvent]:
        """Appends events to the table, then brings the index up to date with them."""
        rows = [self._row(event, body) for event, body in events]
        ids = [each for at in range(0, len(rows), _ROWS) for each in self._insert_rows(rows[at : at + _ROWS])]
        logged = []
        for event_id, row, (event, body) in zip(ids, rows, events, strict=True):
            blob = row[-1]
            if blob:
                self._db.execute("INSERT OR IGNORE INTO blob_uses VALUES (?, ?)", (blob, event_id))
            index(self._db, event_id, event, body)
            logged.append(LoggedEvent.committed(event_id, event, body))
        return logged

    def _row(self, event: AnyEvent, body: str) -> tuple[str | None, ...]:
        blob = self._blobs.put(body.encode()) if len(body) > MAX_BODY else None
        own = owner_of(event), job_of(event)
        return event.session_id, event.run_id, event.type, *own, "" if blob else body, blob

    def _insert_rows(self, rows: Sequence[tuple[str | None, ...]]) -> range:
        """Returns the ids, which follow each other: nobody else writes, and none is used twice."""
        marks = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(rows))
        last = self._db.execute(
            f"INSERT INTO events (session_id, run_id, type, owner, job_id, body, blob) VALUES {marks}",
            [value for row in rows for value in row],
        ).lastrowid
        assert last is not None
        return range(last - len(rows) + 1, last + 1)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _deliver(self, batch: list[_Job]) -> None:
        self._publish([logged for job in batch for logged in job.logged])
        for job in batch:
            if not job.done.done():
                job.done.set_result(job.logged)


def _closed() -> StoreError:
    return StoreError("The database is closed.", code="store_closed")


def _succeed(done: asyncio.Future[Any], result: object) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[Any], error: StoreError) -> None:
    if not done.done():
        done.set_exception(error)
