"""What jobs of kind `delete` do: collections, documents and sessions go as they would one by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from holdfast.core.domain.errors import HoldfastError, NotFoundError
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import Collection, IngestResult
from holdfast.core.jobs.report import Report
from holdfast.core.services.library import Library
from holdfast.core.services.trash import TrashCan


class Deletion:
    """The `Work` of jobs that delete. What is gone already is no mistake: the engine may have died in the
    middle of the job."""

    def __init__(self, library: Library, trash: TrashCan, follow: Callable[[Collection], None]) -> None:
        """`follow` watches the folders that a collection says are watched."""
        self._library = library
        self._trash = trash
        self._follow = follow

    async def __call__(self, job: Job, report: Report) -> None:
        """Does a job. One thing that cannot be deleted is among its failures; the others go on."""
        request = job.request
        report.expect(len(request.collections) + len(request.documents) + len(request.sessions))
        touched: dict[str, Collection] = {}

        async def collection(id: str) -> str:
            own = await self._collection(id, job.owner)
            self._follow(own.model_copy(update={"folders": ()}))
            await self._library.discard(own)
            return own.name

        async def document(id: str) -> str:
            found = await self._library.index.document(id)
            own = await self._collection(found.collection_id, job.owner)
            await self._library.index.remove(id)
            touched[own.id] = own
            return found.name

        async def session(id: str) -> str:
            await self._trash.put_session(id, job.owner)  # ids of sessions may be taken again by others
            return id

        await _each(request.documents, document, report)
        for own in touched.values():
            await self._library.tell(own, "documents")
        await _each(request.collections, collection, report)
        await _each(request.sessions, session, report)

    async def _collection(self, id: str, owner: str) -> Collection:
        found = await self._library.index.collection(id)
        if found.owner != owner:  # it is in the trash, or somebody else's
            raise NotFoundError("It is gone.", code="collection_not_found")
        return found


async def _each(ids: Sequence[str], delete: Callable[[str], Awaitable[str]], report: Report) -> None:
    for id in ids:
        report.begin(id)
        try:
            name = await delete(id)
        except NotFoundError:
            name = id
        except HoldfastError as error:
            report.settle(IngestResult(source=id, name=id, status="failed", error=error.info))
            continue
        report.settle(IngestResult(source=id, name=name, status="removed"))
