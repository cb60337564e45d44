"""What a job says of itself while it goes on: its figures, and what became of its items."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import AnyEvent
from holdfast.core.domain.jobs import Job, JobProgress
from holdfast.core.domain.knowledge import IngestResult
from holdfast.core.domain.user_events import JobProgressed

logger = logging.getLogger(__name__)

EVERY_S = 0.25
"""Shortest time between two events of a job's progress."""
PACE_S = 2.0
"""How long a job works before its pace says something: the first items wait for the index to start."""

COUNTS = ("done", "total", "failed", "unchanged", "chunks", "bytes_done", "bytes_total")

Append = Callable[..., "asyncio.Future[Any]"]
"""Appends events to the log: `append(*events, durable=False)`. Raises `StoreError`."""


class Report:
    """Counts what a job does, and tells it to the log, a few times a second at most.

    A failure that the job had told already, before the engine started anew, is counted and not told again.
    """

    def __init__(
        self,
        job: Job,
        append: Append,
        *,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._job = job
        self._append = append
        self._every_s = every_s
        self._clock = clock
        self._told_before = {failure.source for failure in job.failures}
        self._results: list[IngestResult] = []
        self._counts = dict.fromkeys(COUNTS, 0)
        self._current = ""
        self._began: float | None = None
        self._worked = {"items": 0, "bytes": 0}
        self._news = asyncio.Event()
        self._ended = asyncio.Event()

    # --- what the job says

    def expect(self, items: int, size: int = 0) -> None:
        """Says that there is more to do: so many items of `size` bytes together."""
        self._counts["total"] += items
        self._counts["bytes_total"] += size
        self._news.set()

    def begin(self, name: str) -> None:
        """Says what is worked on now."""
        self._current = name
        if self._began is None:
            self._began = self._clock()
        self._news.set()

    def settle(self, result: IngestResult, size: int = 0) -> None:
        """Says what became of an expected item of `size` bytes that was worked on."""
        self._counts["unchanged"] += result.status == "unchanged"
        self._count(1, size)
        self._worked["items"] += 1
        self._worked["bytes"] += size
        self._counts["chunks"] += result.chunks if result.status in ("added", "changed") else 0
        self._add(result)

    def skip(self, items: int, size: int = 0) -> None:
        """Says that expected items needed no work."""
        self._counts["unchanged"] += items
        self._count(items, size)

    def note(self, result: IngestResult) -> None:
        """Tells of something that was not expected, such as a document that was removed."""
        self._add(result)

    def _count(self, items: int, size: int) -> None:
        self._counts["done"] += items
        self._counts["bytes_done"] += size
        self._news.set()

    def _add(self, result: IngestResult) -> None:
        self._news.set()
        if result.status == "failed":
            self._counts["failed"] += 1
            if result.source in self._told_before:
                return
        if result.status != "unchanged":
            self._results.append(result)

    # --- what the log is told

    @property
    def progress(self) -> JobProgress:
        """How far the job is."""
        return JobProgress(**self._counts, current=self._current, eta_s=self._eta())

    def last(self) -> list[AnyEvent]:
        """Returns what is to be told before the job's end."""
        return [self._event()] if self._results else []

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Tells what is new while the block runs."""
        pulse = asyncio.create_task(self._pulse())
        try:
            yield
        finally:
            self._ended.set()
            self._news.set()
            await pulse
            self._current, self._began = "", None

    async def _pulse(self) -> None:
        while True:
            await self._news.wait()
            if self._ended.is_set():
                return
            self._news.clear()
            await self._tell()
            try:
                async with asyncio.timeout(self._every_s):
                    await self._ended.wait()
            except TimeoutError:
                continue

    async def _tell(self) -> None:
        event = self._event()
        try:
            await self._append(event)
        except StoreError as error:
            logger.error("the progress of job %s could not be written: %s", self._job.id, error.message)
            return
        del self._results[: len(event.results)]

    def _event(self) -> JobProgressed:
        return JobProgressed(
            owner=self._job.owner,
            job_id=self._job.id,
            progress=self.progress,
            results=tuple(self._results),
        )

    def _eta(self) -> float | None:
        """Returns the seconds that are left by the pace until now, in bytes; in items if there are none.

        None while the pace is not known yet, and when nothing is left.
        """
        unit = "bytes" if self._worked["bytes"] else "items"
        worked = self._worked[unit]
        passed = self._clock() - self._began if self._began is not None else 0.0
        if not worked or passed < PACE_S or self._counts["done"] >= self._counts["total"]:
            return None
        done, total = ("bytes_done", "bytes_total") if unit == "bytes" else ("done", "total")
        left = max(0, self._counts[total] - self._counts[done])
        return round(left * passed / worked, 1)
