"""Follows jobs to their end: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import asyncio
import sys

from holdfast.cli.ingesting.bar import figures, live
from holdfast.cli.ingesting.tally import Tally
from holdfast.cli.running.console import Console
from holdfast.core.domain.errors import UnavailableError
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
        self._live = sys.stderr.isatty()
        self.tally = Tally()

    async def follow(self, job: Job) -> Job:
        """Returns the job when it has ended. When it is cancelled itself it says how to come back.

        Raises `UnavailableError` when the engine ends, and the other `HoldfastError` of the services.
        """
        try:
            await self._until_end(job)
        except asyncio.CancelledError:
            self._console.withdraw()
            self._console.line(
                f"The job goes on in the engine: `holdfast jobs follow {job.id}` shows it again, "
                f"`holdfast jobs cancel {job.id}` ends it."
            )
            raise
        ended = await self._workbench.jobs.get(job.id)
        self.tally.end(ended)
        return ended

    async def _until_end(self, job: Job) -> None:
        told = 0
        after = max(0, job.first_event_id - 1)
        async for logged in self._workbench.events.follow(EventFilter(job_id=job.id), after):
            event = logged.event
            if event.type in JOB_ENDS:
                self._console.withdraw()
                return
            if not isinstance(event, JobProgressed):
                continue
            self.tally.add(event.results)
            self._console.transient(live(event.progress))
            tenth = _tenth(event.progress)
            if not self._live and tenth > told:
                told = tenth
                self._console.line(figures(event.progress))
        raise UnavailableError("the engine has ended; it takes the job up again when it starts")


def _tenth(progress: JobProgress) -> int:
    return progress.done * _LINES // progress.total if progress.total else 0
