"""Jobs that delete many things, and jobs that are forgotten."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.jobs import JobStatus


async def test_collections_and_documents_go_by_one_job(shelf: Any) -> None:
    await shelf.collection("other")
    await shelf.added(shelf.file("a.md"), shelf.file("b.md"))
    first, second = (await shelf.workbench.knowledge.documents("docs")).items
    other = await shelf.workbench.knowledge.get("other")
    jobs = shelf.workbench.jobs
    job = await shelf.ended(await jobs.delete_knowledge((other.id,), (first.id, first.id)))
    assert (job.status, job.kind, job.title) == (JobStatus.COMPLETED, "delete", "Delete other, a.md")
    assert (job.progress.total, job.progress.done, job.progress.failed) == (2, 2, 0)
    assert await shelf.names() == ["b.md"]
    assert [each.name for each in await shelf.workbench.knowledge.list()] == ["docs"]
    assert [each.id for each in (await shelf.workbench.trash.list("collection")).items] == [other.id]
    with pytest.raises(NotFoundError):
        await jobs.delete_knowledge((), (second.id, first.id))
    assert await shelf.names() == ["b.md"]
    with pytest.raises(InvalidError):
        await jobs.delete_knowledge()


async def test_documents_must_be_in_the_named_collection_and_the_callers_own(shelf: Any) -> None:
    await shelf.collection("other")
    await shelf.added(shelf.file("a.md"))
    (document,) = (await shelf.workbench.knowledge.documents("docs")).items
    with pytest.raises(NotFoundError):
        await shelf.workbench.jobs.delete_knowledge((), (document.id,), "other")
    with pytest.raises(NotFoundError):
        await shelf.view().jobs.delete_knowledge((), (document.id,))
    assert await shelf.names() == ["a.md"]


async def test_a_collection_goes_with_documents_that_must_be_in_it(shelf: Any) -> None:
    await shelf.added(shelf.file("a.md"))
    (document,) = (await shelf.workbench.knowledge.documents("docs")).items
    jobs = shelf.workbench.jobs
    job = await shelf.ended(await jobs.delete_knowledge(("docs",), (document.id,), "docs"))
    assert (job.status, job.progress.done) == (JobStatus.COMPLETED, 2)
    assert await shelf.workbench.knowledge.list() == ()


async def test_the_rest_goes_where_a_collection_is_gone_meanwhile(shelf: Any) -> None:
    other = await shelf.collection("other")
    await shelf.added(shelf.file("a.md"))
    (document,) = (await shelf.workbench.knowledge.documents("docs")).items
    remove = shelf.index.remove

    async def remove_all(document_id: str) -> None:
        await remove(document_id)
        await shelf.index.delete(document.collection_id)

    shelf.index.remove = remove_all
    job = await shelf.ended(await shelf.workbench.jobs.delete_knowledge((other.id,), (document.id,)))
    assert (job.status, job.progress.done) == (JobStatus.COMPLETED, 2)
    assert await shelf.workbench.knowledge.list() == ()


async def test_more_than_a_job_deletes_is_refused_at_once(shelf: Any) -> None:
    jobs, many = shelf.workbench.jobs, tuple(map(str, range(1_001)))
    for delete in (
        partial(jobs.delete_knowledge, many),
        partial(jobs.delete_knowledge, (), many),
        partial(jobs.delete_sessions, many),
    ):
        with pytest.raises(InvalidError) as caught:
            await delete()
        assert caught.value.code == "too_many_things"


async def test_sessions_go_by_a_job_that_waits_for_none(shelf: Any) -> None:
    sessions = [await shelf.workbench.sessions.create("general", str(shelf.folder)) for _ in range(2)]
    shelf.index.gate = asyncio.Event()
    shelf.file("a.md")
    for name in ("docs", "more"):
        if name != "docs":
            await shelf.collection(name)
        await shelf.workbench.knowledge.add(name, (str(shelf.folder),))
    ids = tuple(each.id for each in sessions)
    job = await shelf.ended(await shelf.workbench.jobs.delete_sessions(ids))
    assert (job.status, job.progress.done, job.collection_id) == (JobStatus.COMPLETED, 2, "")
    assert (await shelf.workbench.sessions.list()).items == ()
    with pytest.raises(NotFoundError):
        await shelf.workbench.jobs.delete_sessions((ids[0],))
    with pytest.raises(NotFoundError):
        await shelf.view().jobs.delete_sessions(ids)
    shelf.index.gate.set()


async def test_a_job_deletes_no_session_that_has_become_somebody_elses(shelf: Any) -> None:
    jobs, sessions = shelf.workbench.jobs, shelf.workbench.sessions
    await sessions.create("general", str(shelf.folder), id="talk")
    async with shelf.workbench._core.supervisor.held("talk"):
        job = await jobs.delete_sessions(("talk",))
        await jobs.cancel(job.id)
    await sessions.delete("talk", permanent=True)
    await shelf.view().sessions.create("general", id="talk")
    again = await shelf.ended(await jobs.retry(job.id))
    assert (again.status, again.progress.done) == (JobStatus.COMPLETED, 1)
    assert [each.id for each in (await shelf.view().sessions.list()).items] == ["talk"]


async def test_a_collection_goes_while_it_is_worked_on(shelf: Any) -> None:
    shelf.index.gate = asyncio.Event()
    taking = await shelf.workbench.knowledge.add("docs", (str(shelf.file("a.md")),))
    await shelf.index.reached.wait()
    collection = await shelf.workbench.knowledge.get("docs")
    job = await shelf.ended(await shelf.workbench.jobs.delete_knowledge((collection.id,)))
    assert job.status is JobStatus.COMPLETED
    assert (await shelf.workbench.jobs.get(taking.id)).status is JobStatus.CANCELLED
    with pytest.raises(ConflictError) as caught:
        await shelf.workbench.jobs.retry(job.id)
    assert caught.value.code == "nothing_to_retry"


async def test_a_forgotten_job_is_in_no_list(shelf: Any) -> None:
    job = await shelf.added(shelf.file("a.md"))
    with pytest.raises(NotFoundError):
        await shelf.view().jobs.forget(job.id)
    await shelf.workbench.jobs.forget(job.id)
    assert (await shelf.workbench.jobs.list()).items == ()
    with pytest.raises(NotFoundError):
        await shelf.workbench.jobs.forget(job.id)
    checks = {each.name: each for each in await shelf.workbench.engine.check(repair=False)}
    assert checks["index"].state == "ok", checks["index"].message
    assert await shelf.names() == ["a.md"]


async def test_a_job_that_goes_on_is_counted_and_not_forgotten(shelf: Any) -> None:
    shelf.index.gate = asyncio.Event()
    job = await shelf.workbench.knowledge.add("docs", (str(shelf.file("a.md")),))
    with pytest.raises(ConflictError) as caught:
        await shelf.workbench.jobs.forget(job.id)
    assert caught.value.code == "job_running"
    assert (await shelf.workbench.jobs.pending(), await shelf.view().jobs.pending()) == (1, 0)
    shelf.index.gate.set()
    await shelf.ended(job)
    assert await shelf.workbench.jobs.pending() == 0
