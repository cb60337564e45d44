"""A runner of jobs on a real log, with work that tests steer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import IngestRequest, IngestResult
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.jobs.report import Report
from holdfast.core.jobs.runner import JobRunner
from holdfast.core.store.jobs import Jobs
from holdfast.core.store.log import EventLog


class Desk:
    """A runner, its log, and the work of its jobs: each waits until the test lets it go on."""

    def __init__(self, log: EventLog, every_s: float) -> None:
        self.log = log
        self.table = Jobs(log.reader)
        self.runner = JobRunner(log.append, self.table, self._work, every_s=every_s)
        self.begun: list[str] = []
        self.work: Callable[[Job, Report], Awaitable[None]] | None = None
        self._news = asyncio.Condition()
        self._gates: dict[str, asyncio.Event] = {}

    async def _work(self, job: Job, report: Report) -> None:
        async with self._news:
            self.begun.append(job.id)
            self._news.notify_all()
        if self.work is not None:
            await self.work(job, report)
        else:
            await self.gate(job.id).wait()

    def gate(self, job_id: str) -> asyncio.Event:
        return self._gates.setdefault(job_id, asyncio.Event())

    async def until_begun(self, *jobs: Job) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: {job.id for job in jobs} <= set(self.begun))

    async def start(self, collection_id: str = "k1", owner: str = "local", **more: Any) -> Job:
        request = IngestRequest(collection_id=collection_id, folders=("/f",))
        return await self.runner.start(owner, "ingest", "Take it in", request, **more)

    async def ended(self, job: Job) -> Job:
        await self.runner.until_ended(job.id, 10)
        found = await self.table.job(job.id)
        assert found is not None and found.status.ended
        return found

    async def events(self, job: Job) -> list[LoggedEvent]:
        return await self.log.read_all(EventFilter(job_id=job.id))


@pytest.fixture
def open_desk(tmp_path: Path) -> Any:
    """Opens a runner on the test's log, which a second one may open again later."""

    @asynccontextmanager
    async def opened(every_s: float = 0.0) -> AsyncIterator[Desk]:
        log = await EventLog.open(tmp_path / "holdfast.db", FileBlobs(tmp_path / "blobs"))
        desk = Desk(log, every_s)
        try:
            yield desk
        finally:
            async with asyncio.timeout(10):
                await desk.runner.close()
                await log.close()

    return opened


@pytest.fixture
async def desk(open_desk: Any) -> AsyncIterator[Desk]:
    async with open_desk() as found:
        yield found


@pytest.fixture
def result() -> Callable[..., IngestResult]:
    """Makes a result."""

    def make(source: str = "/a", status: str = "added", **more: Any) -> IngestResult:
        return IngestResult.model_validate({"source": source, "name": source, "status": status, **more})

    return make
