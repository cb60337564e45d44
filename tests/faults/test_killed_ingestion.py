"""`kill -9` of the engine at ten moments of an ingestion: the job goes on, and the index agrees."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.e2e.bench import Bench

from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.jobs import Job, JobStatus
from holdfast.core.domain.user_events import JOB_ENDS
from holdfast.core.domain.values import all_items
from holdfast.server.native.client import RemoteWorkbench

pytestmark = pytest.mark.thorough

KILLS = 10
FILES = 40
WORDS = ("hinge", "door", "screw", "frame", "panel", "lock", "key", "handle", "board", "paint")


def write_files(bench: Bench, version: int, chance: random.Random) -> None:
    """Writes the folder's files, each of several chunks, with other words in each version."""
    folder = bench.project / "book"
    folder.mkdir(exist_ok=True)
    for number in range(FILES):
        paragraphs = [" ".join(chance.choices(WORDS, k=60)) for _ in range(8)]
        text = f"# Version {version} of {number}\n\n" + "\n\n".join(paragraphs)
        (folder / f"{number:03}.md").write_text(text)


async def until_killed(bench: Bench, workbench: RemoteWorkbench, job: Job, moment: int) -> None:
    """Kills the engine when the job has told of its progress `moment` times, or has ended."""
    after = (await workbench.engine.status()).last_event_id
    seen = 0
    async with asyncio.timeout(30):
        if moment and not (await workbench.jobs.get(job.id)).status.ended:
            async for logged in workbench.events.follow(EventFilter(job_id=job.id), after=after):
                seen += logged.event.type == "job.progressed"
                if seen >= moment or logged.event.type in JOB_ENDS:
                    break
    bench.kill_engine()
    await workbench.close()


async def test_an_ingestion_survives_kills_at_ten_moments(bench: Bench) -> None:
    chance = random.Random(7)
    write_files(bench, 0, chance)
    workbench = bench.start_engine()
    collection = await workbench.knowledge.create("book")
    job = await workbench.knowledge.add("book", (str(bench.project / "book"),))
    for kill in range(KILLS):
        await until_killed(bench, workbench, job, chance.randrange(4))
        workbench = bench.start_engine()
        found = await workbench.jobs.get(job.id)
        assert found.status in (JobStatus.RUNNING, JobStatus.COMPLETED), found.error
        if found.status is JobStatus.COMPLETED:
            write_files(bench, kill + 1, chance)
            job = await workbench.knowledge.sync("book")
    try:
        ended = await workbench.jobs.get(job.id, wait_s=60)
        assert (ended.status, ended.failures) == (JobStatus.COMPLETED, ())
        documents = await all_items(
            lambda limit, at: workbench.knowledge.documents("book", limit=limit, cursor=at)
        )
        assert [each.name for each in documents] == [f"{number:03}.md" for number in range(FILES)]
        assert (await workbench.knowledge.get(collection.id)).chunks == sum(d.chunks for d in documents)
        checks = {each.name: each for each in await workbench.engine.check()}
        assert (checks["knowledge"].state, checks["index"].state) == ("ok", "ok"), checks["knowledge"].message
    finally:
        await workbench.close()
