"""Jobs from their start to their one end, whoever listens and whatever breaks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from holdfast.core.domain.errors import ConflictError, InvalidError, StoreError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.jobs import JobStatus
from holdfast.core.domain.user_events import JOB_ENDS
from holdfast.core.jobs.report import Report


def kinds(events: Any) -> list[str]:
    return [logged.event.type for logged in events]


async def test_a_job_is_in_the_log_when_its_start_returns(desk: Any) -> None:
    job = await desk.start()
    found = await desk.table.job(job.id)
    assert (found.status, found.title, found.first_event_id) == (
        JobStatus.RUNNING,
        "Take it in",
        job.first_event_id,
    )
    assert desk.runner.active == 1


async def test_a_job_has_exactly_one_end(desk: Any) -> None:
    job = await desk.start()
    desk.gate(job.id).set()
    assert (await desk.ended(job)).status == JobStatus.COMPLETED
    events = kinds(await desk.events(job))
    assert (events[0], events[-1], sum(kind in JOB_ENDS for kind in events)) == (
        "job.started",
        "job.completed",
        1,
    )
    assert desk.runner.active == 0


async def test_what_a_job_reports_is_in_its_events_before_the_end(desk: Any, result: Any) -> None:
    async def work(job: Any, report: Any) -> None:
        report.expect(3, 30)
        report.begin("a")
        report.settle(result("/a", chunks=2), 10)
        report.settle(result("/b", "failed"), 10)
        report.settle(result("/c", "unchanged"), 10)

    desk.work = work
    job = await desk.ended(await desk.start())
    assert job.progress.model_dump() == {
        "done": 3,
        "total": 3,
        "failed": 1,
        "unchanged": 1,
        "chunks": 2,
        "bytes_done": 30,
        "bytes_total": 30,
        "current": "",
        "eta_s": None,
    }
    assert [failure.source for failure in job.failures] == ["/b"]
    told = [r.source for logged in await desk.events(job) for r in getattr(logged.event, "results", ())]
    assert told == ["/a", "/b"]


async def test_progress_is_told_a_few_times_a_second_at_most(open_desk: Any, result: Any) -> None:
    async def work(job: Any, report: Any) -> None:
        report.expect(500)
        for number in range(500):
            report.settle(result(f"/{number}"))
            await asyncio.sleep(0)

    async with open_desk(every_s=5.0) as desk:
        desk.work = work
        job = await desk.ended(await desk.start())
        events = await desk.events(job)
        assert kinds(events).count("job.progressed") <= 2
        assert sum(len(logged.event.results) for logged in events[1:-1]) == 500


async def test_jobs_of_one_collection_go_one_after_another_in_order(desk: Any) -> None:
    jobs = [await desk.start() for _ in range(3)]
    for number, job in enumerate(jobs):
        await desk.until_begun(job)
        assert desk.begun == [each.id for each in jobs[: number + 1]]
        waiting = desk.runner.waiting("k1", "ingest", "/f")
        assert (waiting.id if waiting else None) == (jobs[number + 1].id if number < 2 else None)
        desk.gate(job.id).set()
        await desk.ended(job)


async def test_jobs_of_different_collections_go_side_by_side(desk: Any) -> None:
    one, other = await desk.start("k1"), await desk.start("k2")
    await desk.until_begun(one, other)


async def test_a_cancelled_job_has_ended_when_the_call_returns(desk: Any) -> None:
    job = await desk.start()
    await desk.until_begun(job)
    await desk.runner.cancel(job.id)
    assert kinds(await desk.events(job))[-1] == "job.cancelled"
    await desk.runner.cancel(job.id)


async def test_a_job_that_waits_can_be_cancelled_and_never_begins(desk: Any) -> None:
    first, second = await desk.start(), await desk.start()
    await desk.runner.cancel(second.id)
    assert (await desk.ended(second)).status == JobStatus.CANCELLED
    desk.gate(first.id).set()
    await desk.ended(first)
    assert desk.begun == [first.id]


async def test_all_jobs_of_a_collection_or_a_user_are_cancelled_together(desk: Any) -> None:
    one, other, hers = await desk.start("k1"), await desk.start("k2"), await desk.start("k3", "ann")
    await desk.runner.cancel_all(collection_id="k1")
    await desk.runner.cancel_all(owner="ann")
    assert [(await desk.table.job(job.id)).status for job in (one, other, hers)] == [
        "cancelled",
        "running",
        "cancelled",
    ]


async def test_an_error_ends_the_job_with_its_code(desk: Any) -> None:
    async def work(job: Any, report: Any) -> None:
        raise InvalidError("Not so.", code="not_so")

    desk.work = work
    job = await desk.ended(await desk.start())
    assert (job.status, job.error.code, job.error.message) == ("failed", "not_so", "Not so.")


async def test_a_bug_ends_the_job_alone_with_a_reference(desk: Any, caplog: Any) -> None:
    async def work(job: Any, report: Any) -> None:
        raise ZeroDivisionError

    desk.work = work
    job = await desk.ended(await desk.start())
    assert job.error.code == "internal"
    assert job.error.details["reference"] in caplog.text
    desk.work = None
    await desk.until_begun(await desk.start())


async def test_a_closed_runner_leaves_its_jobs_to_the_next_one(open_desk: Any) -> None:
    async with open_desk() as desk:
        running, waiting = await desk.start(), await desk.start()
        await desk.until_begun(running)
    async with open_desk() as desk:
        await desk.runner.recover()
        await desk.until_begun(running)
        desk.gate(running.id).set()
        desk.gate(waiting.id).set()
        assert (await desk.ended(waiting)).status == JobStatus.COMPLETED
        assert desk.begun == [running.id, waiting.id]
        assert kinds(await desk.events(running)).count("job.started") == 1


async def test_a_job_that_is_started_before_the_old_ones_are_taken_up_goes_on_once(desk: Any) -> None:
    job = await desk.start()
    await desk.until_begun(job)
    await desk.runner.recover()
    desk.gate(job.id).set()
    await desk.ended(job)
    assert (desk.begun, kinds(await desk.events(job))) == ([job.id], ["job.started", "job.completed"])


async def test_a_failure_that_was_told_is_not_told_again_after_a_restart(open_desk: Any, result: Any) -> None:
    async def work(job: Any, report: Any) -> None:
        report.expect(2)
        report.settle(result("/a", "failed"))
        await asyncio.Event().wait()

    async def rest(job: Any, report: Any) -> None:
        report.expect(2)
        report.settle(result("/a", "failed"))
        report.settle(result("/b", "failed"))

    async with open_desk() as desk:
        desk.work = work
        job = await desk.start()
        async with asyncio.timeout(10):
            async for logged in desk.log.follow(EventFilter(job_id=job.id), job.first_event_id):
                if logged.event.results:
                    break
    async with open_desk() as desk:
        desk.work = rest
        await desk.runner.recover()
        found = await desk.ended(job)
        assert [failure.source for failure in found.failures] == ["/a", "/b"]
        assert found.progress.failed == 2


async def test_the_table_of_jobs_is_made_again_from_the_log(desk: Any, result: Any) -> None:
    async def work(job: Any, report: Any) -> None:
        report.expect(1)
        report.settle(result("/a", "failed"))

    going_on = await desk.start("k1")
    await desk.until_begun(going_on)
    desk.work = work
    await desk.ended(await desk.start("k2", "ann"))
    before = await desk.table.list(None, None, 10)
    assert [job.status for job in before.items] == [JobStatus.COMPLETED, JobStatus.RUNNING]
    await desk.log.rebuild_index()
    assert await desk.table.list(None, None, 10) == before


async def test_a_runner_that_closes_starts_nothing(desk: Any) -> None:
    await desk.runner.close()
    with pytest.raises(ConflictError) as caught:
        await desk.start()
    assert (caught.value.code, caught.value.retryable) == ("engine_stopping", True)


async def test_a_client_that_goes_away_while_a_job_starts_leaves_it_with_its_owner(desk: Any) -> None:
    starting = asyncio.create_task(desk.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    async with asyncio.timeout(10):
        while not desk.begun:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert desk.runner.active == 1


async def test_an_end_that_the_disk_does_not_take_is_written_again(desk: Any, monkeypatch: Any) -> None:
    failing = [StoreError("disk full"), StoreError("disk full")]
    append = desk.log.append
    monkeypatch.setattr("holdfast.core.jobs.runner.RETRY_S", 0)

    def sometimes(*events: Any, durable: bool = False) -> Any:
        if failing and events[-1].type in JOB_ENDS:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(failing.pop())
            return future
        return append(*events, durable=durable)

    desk.runner._append = sometimes
    job = await desk.start()
    desk.gate(job.id).set()
    assert (await desk.ended(job)).status == JobStatus.COMPLETED
    assert failing == []


async def test_the_time_that_is_left_follows_the_pace_in_bytes(desk: Any, result: Any) -> None:
    now = [0.0]
    report = Report(await desk.start(), desk.log.append, clock=lambda: now[0])
    report.expect(4, 400)
    assert report.progress.eta_s is None
    report.skip(1, 100)
    report.begin("a")
    now[0] = 2.0
    report.settle(result(), 100)
    assert report.progress.eta_s == 4.0
    report.settle(result(), 200)
    report.settle(result(), 0)
    assert report.progress.eta_s is None, "nothing is left"


async def test_the_first_moments_of_a_job_say_nothing_of_its_pace(desk: Any, result: Any) -> None:
    now = [0.0]
    report = Report(await desk.start(), desk.log.append, clock=lambda: now[0])
    report.expect(400, 40_000)
    report.begin("a")
    now[0] = 1.9
    report.settle(result(), 100)
    assert report.progress.eta_s is None
