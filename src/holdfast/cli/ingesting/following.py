"""Follows jobs to their end: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from holdfast.cli.ingesting.bar import figures, live
from holdfast.cli.ingesting.tally import Tally
from holdfast.cli.output import draws
from holdfast.cli.running.console import Console
from holdfast.core.domain.errors import HoldfastError, UnavailableError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.jobs import Job, JobProgress
from holdfast.core.domain.user_events import JOB_ENDS, JobProgressed
from holdfast.core.services.workbench import Workbench

_LINES = 10
"""Lines that tell the progress of one job where there is no terminal."""


class JobFollower:
    """Shows one job after the other on stderr, and adds up what became of their items in `tally`."""

    def __init__(self, workbench: Workbench, console: Console) -> None:
        self._workbench = workbench
        self._console = console
        self._live = draws(sys.stderr)
        self._whole: Whole | None = None
        self._told = 0
        self.tally = Tally()

    def expect(self, sizes: Sequence[int]) -> None:
        """Says that so many jobs of one file each are followed, of these sizes in bytes: from now on their
        progress is that of all of them."""
        self._whole, self._told = Whole(tuple(sizes)), 0

    async def follow(self, job: Job) -> Job:
        """Returns the job when it has ended. When it is cancelled itself it says how to come back.

        Raises `UnavailableError` when the engine ends, and the other `HoldfastError` of the services.
        """
        if self._whole is None:
            self._told = 0
        try:
            await self._until_end(job)
        except asyncio.CancelledError:
            self.close()
            self._console.line(
                f"The job goes on in the engine: `holdfast jobs follow {job.id}` shows it again, "
                f"`holdfast jobs cancel {job.id}` ends it."
            )
            raise
        except HoldfastError:
            self.close()
            raise
        ended = await self._workbench.jobs.get(job.id)
        self.tally.end(ended)
        if self._whole is not None:
            self._show(self._whole.after(ended))
        return ended

    def close(self) -> None:
        """Takes the bar away."""
        self._console.withdraw()

    def _show(self, progress: JobProgress) -> None:
        self._console.transient(live(progress))
        tenth = _tenth(progress)
        if not self._live and tenth > self._told:
            self._told = tenth
            self._console.line(figures(progress))

    async def _until_end(self, job: Job) -> None:
        after = max(0, job.first_event_id - 1)
        async for logged in self._workbench.events.follow(EventFilter(job_id=job.id), after):
            event = logged.event
            if event.type in JOB_ENDS:
                if self._whole is None:
                    self.close()
                return
            if not isinstance(event, JobProgressed):
                continue
            self.tally.add(event.results)
            if self._whole is None:
                self._show(event.progress)
        raise UnavailableError("the engine has ended; it takes the job up again when it starts")


class Whole:
    """How far several jobs of one file each are together."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._sizes = sizes
        self._ended: list[Job] = []
        self._began = time.monotonic()

    def after(self, ended: Job) -> JobProgress:
        """Returns how far they are when this one has ended too."""
        self._ended.append(ended)
        done, total = len(self._ended), len(self._sizes)
        size, whole = sum(self._sizes[:done]), sum(self._sizes)
        pace = (time.monotonic() - self._began) / size if size else 0.0
        return JobProgress(
            done=done,
            total=total,
            failed=sum(job.progress.failed for job in self._ended),
            chunks=sum(job.progress.chunks for job in self._ended),
            bytes_done=size,
            bytes_total=whole,
            current=ended.title,
            eta_s=pace * (whole - size) if done < total else None,
        )


def _tenth(progress: JobProgress) -> int:
    return progress.done * _LINES // progress.total if progress.total else 0
