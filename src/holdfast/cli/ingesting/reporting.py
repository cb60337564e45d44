"""Says how jobs have ended: a summary on stdout, what went wrong on stderr."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from holdfast.cli.ingesting.following import JobFollower
from holdfast.cli.ingesting.tally import DONE, Tally
from holdfast.cli.output import say, say_json, warn
from holdfast.cli.running.console import Console
from holdfast.core.domain.jobs import Job, JobStatus
from holdfast.core.domain.knowledge import IngestResult
from holdfast.core.domain.text import sanitize_line
from holdfast.core.services.workbench import Workbench

_SHOWN = 50
"""Most failures that are listed; `holdfast jobs show` has all."""


def follower_of(workbench: Workbench) -> JobFollower:
    """Returns a follower on this process's terminal."""
    return JobFollower(workbench, Console(sys.stdout, sys.stderr, shutil.get_terminal_size().columns))


def report(jobs: Sequence[Job], tally: Tally, as_json: bool, *, one: bool = False) -> int:
    """Says how the jobs have ended and returns the exit status. The JSON is a list; with `one` it is
    the only job."""
    if as_json:
        say_json(jobs[0] if one else jobs)
    else:
        unlike = next((job.status.value for job in jobs if job.status is not JobStatus.COMPLETED), "")
        say(": ".join(filter(None, (unlike, "" if unlike and tally.empty else str(tally)))))
    say_failures(tally.failures, jobs)
    for job in jobs:
        if job.error is not None:
            warn(f"{job.error.message} ({job.error.code})")
    return tally.status(jobs)


async def settle(workbench: Workbench, job: Job, wait: bool, as_json: bool) -> int:
    """Follows one job to its end, or says its id when nobody waits; returns the exit status."""
    if not wait:
        say_started([job], as_json, one=True)
        return DONE
    follower = follower_of(workbench)
    ended = await follower.follow(job)
    return report([ended], follower.tally, as_json, one=True)


def say_started(jobs: Sequence[Job], as_json: bool, *, one: bool = False) -> None:
    """Prints the ids of jobs that go on without being looked at, one a line."""
    if as_json:
        say_json(jobs[0] if one else jobs)
    else:
        say("\n".join(job.id for job in jobs))


def say_failures(failures: Sequence[IngestResult], jobs: Sequence[Job], most: int | None = _SHOWN) -> None:
    """Lists on stderr what could not be taken in, each with its reason, and how to try it again."""
    for failed in failures[:most]:
        why = failed.error.message if failed.error else "no reason was given"
        warn(f"✗ {sanitize_line(failed.name)}: {sanitize_line(why)}")
    if most is not None and len(failures) > most:
        warn(f"… and {len(failures) - most:,} more: `holdfast jobs show` lists them all")
    again = [job for job in jobs if job.failures and job.status.ended]
    if len(again) == 1:
        warn(f"`holdfast jobs retry {again[0].id}` tries them again.")
