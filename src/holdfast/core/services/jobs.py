"""Jobs as a service."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.jobs import Job, JobStatus
from holdfast.core.domain.knowledge import IngestItem, IngestRequest
from holdfast.core.domain.values import MAX_LIMIT, MAX_WAIT_S, Page
from holdfast.core.services.access import Access
from holdfast.core.services.library import Library
from holdfast.core.services.naming import title_of_deletion
from holdfast.core.services.owned import OwnedKnowledge
from holdfast.core.services.paging import checked_limit
from holdfast.core.services.sources import UNREADABLE
from holdfast.core.store.jobs import MAX_FAILURES


class JobService:
    """Implements the `Jobs` of a workbench."""

    def __init__(self, access: Access, library: Library) -> None:
        self._access = access
        self._library = library
        self._own = OwnedKnowledge(library, access.owner)

    async def list(
        self, collection_id: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Job]:
        return await self._library.table.list(self._access.owner, collection_id, checked_limit(limit), cursor)

    async def pending(self) -> int:
        return await self._library.table.count_running(self._access.owner)

    async def get(self, job_id: str, wait_s: float = 0) -> Job:
        job = await self._job(job_id)
        if wait_s > 0 and not job.status.ended:
            await self._library.jobs.until_ended(job_id, min(wait_s, MAX_WAIT_S))
            job = await self._job(job_id)
        return job

    async def cancel(self, job_id: str) -> Job:
        await self._job(job_id)
        await self._library.jobs.cancel(job_id)
        return await self._job(job_id)

    async def delete_knowledge(
        self,
        collections: tuple[str, ...] = (),
        documents: tuple[str, ...] = (),
        collection: str | None = None,
    ) -> Job:
        _check_number(len(collections) + len(documents))
        own = {each.id: each for each in await self._own.named(collections)}
        within = None if collection is None else await self._own.collection(collection)
        found = await self._own.documents(documents)
        strange = next((each for each in found if within and each.collection_id != within.id), None)
        if strange is not None:
            raise NotFoundError(f"There is no document {strange.id} in it.", code="document_not_found")
        request = IngestRequest(
            # Of no one collection where some go themselves: that ends the jobs of each.
            collection_id=within.id if within and not own else "",
            collections=tuple(own),
            documents=tuple(each.id for each in found),
        )
        names = [*(each.name for each in own.values()), *(each.name for each in found)]
        return await self._delete(names, request)

    async def delete_sessions(self, sessions: tuple[str, ...]) -> Job:
        _check_number(len(sessions))
        own = [await self._access.own_session(each) for each in dict.fromkeys(sessions)]
        request = IngestRequest(collection_id="", sessions=tuple(each.id for each in own))
        return await self._delete([each.title or each.id for each in own], request)

    async def _delete(self, names: Sequence[str], request: IngestRequest) -> Job:
        return await self._library.jobs.start(self._access.owner, "delete", title_of_deletion(names), request)

    async def forget(self, job_id: str) -> None:
        job = await self._job(job_id)
        if not job.status.ended:
            raise _running()
        await self._library.forget_job(job)

    async def retry(self, job_id: str) -> Job:
        job = await self._job(job_id)
        if not job.status.ended:
            raise _running()
        request = await self._left(job)
        if request is None:
            raise ConflictError("The job has left nothing to try again.", code="nothing_to_retry")
        if job.kind != "delete":
            await self._library.index.collection(job.collection_id)
            request = request.model_copy(update={"again": True})
        title = f"Again: {job.title.removeprefix('Again: ')}"
        return await self._library.jobs.start(self._access.owner, job.kind, title, request, retry_of=job.id)

    async def _left(self, job: Job) -> IngestRequest | None:
        """Returns what a job has not done; None when that is nothing."""
        if job.kind == "delete":
            return undeleted_of(job)
        if job.status is not JobStatus.COMPLETED or len(job.failures) >= MAX_FAILURES:
            settled = await self._library.settled(job)
            return left_of(job.request, settled)
        return failed_of(job)

    async def _job(self, job_id: str) -> Job:
        job = await self._library.table.job(job_id, self._access.owner)
        if job is None:
            raise NotFoundError(f"There is no job {job_id}.", code="job_not_found")
        return job


def _check_number(things: int) -> None:
    if not things:
        raise InvalidError("Name what is to be deleted.", code="nothing_to_delete")
    if things > MAX_LIMIT:
        raise InvalidError(f"At most {MAX_LIMIT} things are deleted at once.", code="too_many_things")


def _running() -> ConflictError:
    return ConflictError("The job goes on; wait for its end, or cancel it.", code="job_running")


def undeleted_of(job: Job) -> IngestRequest | None:
    """Returns a request for what an ended job has not deleted; None when that is nothing. What is gone
    already costs nothing."""
    request = job.request
    if job.status is not JobStatus.COMPLETED:
        return request
    failed = {each.source for each in job.failures}
    left = {
        name: tuple(id for id in getattr(request, name) if id in failed)
        for name in ("collections", "documents", "sessions")
    }
    return request.model_copy(update=left) if any(left.values()) else None


def left_of(request: IngestRequest, settled: frozenset[str]) -> IngestRequest:
    """Returns a request without what is settled. Folders are walked again: what is in them and has not
    changed costs nothing."""
    return request.model_copy(
        update={
            "items": tuple(item for item in request.items if item.source not in settled),
            "urls": tuple(url for url in request.urls if url not in settled),
        }
    )


def failed_of(job: Job) -> IngestRequest | None:
    """Returns a request for what has failed in a job that has come to its end; None when that is nothing."""
    request = job.request
    unread = any(each.error is not None and each.error.code == UNREADABLE for each in job.failures)
    failed = [each for each in job.failures if each.error is None or each.error.code != UNREADABLE]
    urls = {each.source for each in failed} & set(request.urls)
    named = {item.source: item for item in request.items}
    items = [
        named.get(each.source)
        or IngestItem(
            source=each.source,
            name=each.name,
            path=each.source,
            metadata=request.metadata,
            ext=request.ext,
        )
        for each in failed
        if each.source not in urls
    ]
    if not job.failures:
        return None
    return request.model_copy(
        update={
            "items": tuple(items),
            "folders": request.folders if unread else (),
            "urls": tuple(url for url in request.urls if url in urls),
        }
    )
