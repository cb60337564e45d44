"""Owns every job: starts, cancels and takes up.

A job belongs to the runner, never to a request or a screen. Like the supervisor of runs it catches any
exception: a bug in a job ends that job as failed, with a reference id, and nothing else. Of one collection
one job goes on at a time, the others wait in the order in which they were started.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Protocol
from weakref import WeakValueDictionary

from holdfast.core.domain.errors import ConflictError, ErrorInfo, ErrorKind, HoldfastError, StoreError
from holdfast.core.domain.events import AnyEvent
from holdfast.core.domain.jobs import Job, JobKind, JobStatus
from holdfast.core.domain.knowledge import IngestRequest
from holdfast.core.domain.user_events import JobCancelled, JobCompleted, JobFailed, JobStarted
from holdfast.core.domain.values import new_id
from holdfast.core.jobs.report import EVERY_S, Append, Report

logger = logging.getLogger(__name__)

SIDE_BY_SIDE = 2
"""Jobs of different collections that go on at the same time."""
RETRY_S = 1.0
"""Pause before the end of a job is written again."""

Work = Callable[[Job, Report], Awaitable[None]]
"""Does what a job has to do. It is done again from the start when the engine died in the middle, so doing a
part of it twice must not matter. Raises `HoldfastError` for what ends the job."""


class JobTable(Protocol):
    """The index of jobs."""

    async def running(self) -> tuple[Job, ...]:
        """Returns the jobs that have not ended, oldest first."""
        ...


class JobRunner:
    """The owner of all jobs of one engine."""

    def __init__(
        self,
        append: Append,
        table: JobTable,
        work: Work,
        *,
        side_by_side: int = SIDE_BY_SIDE,
        every_s: float = EVERY_S,
    ) -> None:
        self._append = append
        self._table = table
        self._work = work
        self._every_s = every_s
        self._places = asyncio.Semaphore(side_by_side)
        self._lanes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._starting: set[asyncio.Task[Job]] = set()
        self._cancelled: set[str] = set()
        self._ending: set[str] = set()
        self._begun: set[str] = set()
        self._closing = False

    # --- what services ask

    @property
    def active(self) -> int:
        """How many jobs have not ended, those that wait for others included."""
        return len(self._tasks)

    def waiting(self, collection_id: str, kind: JobKind, folder: str) -> Job | None:
        """Returns a job that will go through a folder of the collection and has not begun yet."""
        found = (job for job in self._through(collection_id, folder) if job.kind == kind)
        return next((job for job in found if job.id not in self._begun), None)

    def working_on(self, collection_id: str, folder: str) -> Job | None:
        """Returns a job that goes through a folder of the collection, or will."""
        return next(self._through(collection_id, folder), None)

    def _through(self, collection_id: str, folder: str) -> Iterator[Job]:
        own = (job for job in self._jobs.values() if job.collection_id == collection_id)
        return (job for job in own if folder in job.request.folders)

    async def start(
        self, owner: str, kind: JobKind, title: str, request: IngestRequest, *, retry_of: str | None = None
    ) -> Job:
        """Starts a job, which is in the log when this returns. Raises `ConflictError` while the engine stops,
        `StoreError`."""
        if self._closing:
            raise ConflictError(
                "The engine is stopping and starts nothing more; try again in a moment.",
                code="engine_stopping",
                retryable=True,
            )
        started = JobStarted(
            owner=owner,
            job_id=new_id(),
            kind=kind,
            title=title,
            collection_id=request.collection_id,
            request=request,
            retry_of=retry_of,
        )
        # In a task of its own: a client may go away when the job is in the log and has no owner yet.
        task = asyncio.create_task(self._start(started))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)
        return await asyncio.shield(task)

    async def _start(self, started: JobStarted) -> Job:
        (logged,) = await self._append(started, durable=True)
        job = Job(
            id=started.job_id,
            owner=started.owner,
            kind=started.kind,
            title=started.title,
            collection_id=started.collection_id,
            status=JobStatus.RUNNING,
            request=started.request,
            retry_of=started.retry_of,
            started_at=started.at,
            first_event_id=logged.id,
            last_event_id=logged.id,
        )
        self._launch(job)
        return job

    async def cancel(self, job_id: str) -> None:
        """Ends a job as cancelled and waits until it has; one that ends or has ended is left as it is."""
        task = self._tasks.get(job_id)
        if task is None:
            return
        if job_id not in self._cancelled:
            self._cancelled.add(job_id)
            await asyncio.sleep(0)  # a task that has not begun would be cancelled without a word
            if job_id not in self._ending:
                task.cancel()
        await asyncio.wait([task])

    async def cancel_all(self, *, collection_id: str | None = None, owner: str | None = None) -> None:
        """Cancels the jobs of a collection, or of a user."""
        wanted = [
            job.id
            for job in self._jobs.values()
            if collection_id in (None, job.collection_id) and owner in (None, job.owner)
        ]
        await asyncio.gather(*map(self.cancel, wanted))

    async def until_ended(self, job_id: str, seconds: float) -> None:
        """Returns when a job has ended, or the time is over."""
        task = self._tasks.get(job_id)
        if task is not None:
            await asyncio.wait([task], timeout=seconds)

    # --- restart and stop

    async def recover(self) -> None:
        """Takes up the jobs that had not ended when the last engine did."""
        for job in await self._table.running():
            self._launch(job)

    async def close(self) -> None:
        """Interrupts all jobs. In the log they go on, and the next engine takes them up."""
        self._closing = True
        if self._starting:
            await asyncio.wait(self._starting)
        await asyncio.sleep(0)  # tasks that have not begun would be cancelled without a word
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # --- owning

    def _launch(self, job: Job) -> None:
        if job.id in self._tasks:  # started while the jobs of the last engine were read
            return
        self._jobs[job.id] = job
        self._tasks[job.id] = asyncio.create_task(self._own(job), name=f"job {job.id}")

    @asynccontextmanager
    async def _turn(self, job: Job) -> AsyncIterator[None]:
        """Waits until a job may begin. Deleting waits for nothing: it ends what works on what it deletes."""
        if job.kind == "delete":
            yield
            return
        async with self._lane(job.collection_id), self._places:
            yield

    def _lane(self, collection_id: str) -> asyncio.Lock:
        return self._lanes.setdefault(collection_id, asyncio.Lock())

    async def _own(self, job: Job) -> None:
        """Does a job to its end, whatever happens."""
        report = Report(job, self._append, every_s=self._every_s)
        try:
            end = await self._execute(job, report)
            self._ending.add(job.id)
            if end is not None:
                await self._write_end(job, [*report.last(), end])
        finally:
            del self._tasks[job.id], self._jobs[job.id]
            for known in (self._cancelled, self._ending, self._begun):
                known.discard(job.id)

    async def _execute(self, job: Job, report: Report) -> AnyEvent | None:
        """Does the work; returns the event that ends the job, None when it goes on in the next engine."""
        owner, job_id = job.owner, job.id
        try:
            async with self._turn(job):
                self._begun.add(job.id)
                async with report.telling():
                    await self._work(job, report)
        except asyncio.CancelledError:
            if self._closing and job.id not in self._cancelled:
                return None
            return JobCancelled(owner=owner, job_id=job_id, progress=report.progress)
        except HoldfastError as error:
            return JobFailed(owner=owner, job_id=job_id, progress=report.progress, error=error.info)
        except Exception:
            reference = new_id()[:8]
            logger.exception("job %s failed by a bug, reference %s", job.id, reference)
            return JobFailed(owner=owner, job_id=job_id, progress=report.progress, error=_bug(reference))
        return JobCompleted(owner=owner, job_id=job_id, progress=report.progress)

    async def _write_end(self, job: Job, events: list[AnyEvent]) -> None:
        """Appends the end. A database that does not take it is tried again until the engine stops; then the
        next one takes the job up."""
        while True:
            try:
                await self._append(*events, durable=True)
            except StoreError as error:
                logger.error("the end of job %s could not be written: %s", job.id, error.message)
            else:
                return
            if self._closing:
                return
            await asyncio.sleep(RETRY_S)


def _bug(reference: str) -> ErrorInfo:
    return ErrorInfo(
        kind=ErrorKind.INTERNAL,
        code="internal",
        message=f"Holdfast has a bug here. The engine's log has the details under {reference}.",
        details={"reference": reference},
    )
