"""Takes documents in: files of the engine's machine are named to it, those of another one are uploaded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from holdfast.cli.ingesting.following import JobFollower
from holdfast.cli.ingesting.reporting import follower_of, report, say_failures, say_started
from holdfast.cli.ingesting.sources import Named, uploads
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.jobs import Job
from holdfast.core.services.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Addition:
    """What `holdfast knowledge add` was asked for."""

    collection: str
    named: Named
    metadata: dict[str, Any] | None
    summaries: bool
    model: str | None


async def add_here(workbench: Workbench, asked: Addition, wait: bool, as_json: bool) -> int:
    """Adds what an engine on this machine reads by itself, as one job; returns the exit status."""

    async def started() -> AsyncIterator[Job]:
        yield await _add(workbench, asked, tuple(str(path) for path in asked.named.paths))

    return await _settle(started(), follower_of(workbench), wait, as_json)


async def add_there(workbench: Workbench, asked: Addition, wait: bool, as_json: bool) -> int:
    """Adds to an engine elsewhere: addresses as one job, each file of this machine as a job of its own, one
    after the other. Returns the exit status. Raises `InvalidError` when there is no file."""
    found = uploads(asked.named.paths)
    if not found.files and not asked.named.urls:
        raise InvalidError("there is nothing in what was named that can be taken in")
    follower = follower_of(workbench)
    follower.tally.leave_out(found.failures)

    async def started() -> AsyncIterator[Job]:
        if asked.named.urls:
            yield await _add(workbench, asked, ())
        follower.expect([path.stat().st_size for _, path in found.files])
        for name, path in found.files:
            with path.open("rb") as data:
                yield await workbench.knowledge.upload(
                    asked.collection, name, data, asked.metadata, asked.summaries, asked.model
                )

    return await _settle(started(), follower, wait, as_json)


async def _add(workbench: Workbench, asked: Addition, paths: tuple[str, ...]) -> Job:
    return await workbench.knowledge.add(
        asked.collection, paths, asked.named.urls, asked.metadata, asked.summaries, asked.model
    )


async def _settle(jobs: AsyncIterator[Job], follower: JobFollower, wait: bool, as_json: bool) -> int:
    if wait:
        try:
            ended = [await follower.follow(job) async for job in jobs]
        finally:
            follower.close()
        return report(ended, follower.tally, as_json)
    say_started([job async for job in jobs], as_json)
    say_failures(follower.tally.failures, ())
    return follower.tally.status(())
