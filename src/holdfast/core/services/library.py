"""What all principals of one engine share of knowledge: the index, the jobs, the folders that are watched."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError, UnsupportedError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import Collection, IngestItem, IngestRequest
from holdfast.core.domain.status import CheckResult
from holdfast.core.domain.user_events import (
    JobForgotten,
    JobProgressed,
    KnowledgeChange,
    KnowledgeChanged,
)
from holdfast.core.domain.values import utc_now
from holdfast.core.jobs.report import Report
from holdfast.core.jobs.runner import JobRunner, Work
from holdfast.core.services.folders import Folders
from holdfast.core.services.ingestion import Ingestion
from holdfast.core.services.looking import LookedAt
from holdfast.core.services.memory_store import not_in_trash
from holdfast.core.services.naming import document_name
from holdfast.core.services.sources import is_below
from holdfast.core.store.jobs import Jobs as JobTable
from holdfast.core.store.log import EventLog
from holdfast.core.store.submission_table import SubmissionTable
from holdfast.core.store.trash import Discarded, TrashTable

logger = logging.getLogger(__name__)

MAX_COLLECTIONS = 500
"""Of one user: each search looks through the list of them."""
DATABASE = "knowledge.db"
"""The index's database, in its folder: where there is none, nothing was ever taken in."""


class Library:
    """The knowledge of one engine. `start` takes up its jobs, `close` ends it."""

    def __init__(
        self,
        log: EventLog,
        index: KnowledgeIndex | None,
        folder: Path,
        folders: Folders | None,
        ingestion: Ingestion | None,
    ) -> None:
        """`index` is None, and so are `folders` and `ingestion`, where there is no knowledge at all."""
        self._log = log
        self._index = index
        self._folder = folder
        self._folders = folders
        self.looked_at = ingestion.looked_at if ingestion else LookedAt()
        self.table = JobTable(log.reader)
        self.submissions = SubmissionTable(log.writer, log.reader)
        self._trash = TrashTable(log.writer, log.reader)
        self._ingestion: Work = ingestion or _no_work
        self._deletion: Work = _no_work
        self.jobs = JobRunner(log.append, self.table, self._work)

    def deletes(self, deletion: Work) -> None:
        """Says what does the jobs of kind `delete`; the trash is made after the library."""
        self._deletion = deletion

    async def _work(self, job: Job, report: Report) -> None:
        await (self._deletion if job.kind == "delete" else self._ingestion)(job, report)

    @property
    def index(self) -> KnowledgeIndex:
        """The index. Raises `UnsupportedError` where there is none."""
        if self._index is None:
            raise _no_knowledge()
        return self._index

    @property
    def folders(self) -> Folders:
        """What collections say of their folders. Raises `UnsupportedError` where there is no knowledge."""
        if self._folders is None:
            raise _no_knowledge()
        return self._folders

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept. The index's process need not start to say that there is nothing."""
        return self._index is not None and (self._folder / DATABASE).exists()

    async def start(self) -> None:
        """Takes up the jobs of the last engine. Raises `StoreError`."""
        await self.jobs.recover()

    async def close(self) -> None:
        """Interrupts the jobs and lets go of the index."""
        await self.jobs.close()
        if self._index is not None:
            await self._index.close()

    async def forget_user(self, user_id: str) -> None:
        """Cancels the jobs of a user and deletes his collections."""
        await self.jobs.cancel_all(owner=user_id)
        await self.submissions.forget(owner=user_id)
        if self.exists:
            await self.index.forget_owner(user_id)
            await self.index.forget_owner(in_trash(user_id))

    async def create(self, collection: Collection) -> Collection:
        """Keeps a new collection, and tells of it. Raises `ConflictError` (`collection_exists`,
        `too_many_collections`)."""
        await self._check_room(collection.owner)
        created = await self.index.create(collection)
        await self.tell(created, "created")
        return created

    async def _check_room(self, owner: str) -> None:
        if self.exists and len(await self.index.collections(owner)) >= MAX_COLLECTIONS:
            raise ConflictError(
                f"You have {MAX_COLLECTIONS} collections already; delete one first, or add to it.",
                code="too_many_collections",
            )

    async def tell(
        self, collection: Collection, change: KnowledgeChange, *, removed: tuple[str, ...] = ()
    ) -> None:
        """Tells its owner's clients that a collection has changed; `removed` are ids of documents."""
        await self._log.append(
            KnowledgeChanged(
                owner=collection.owner,
                collection_id=collection.id,
                name=collection.name,
                change=change,
                removed=removed,
            )
        )

    # --- the trash

    async def discard(self, collection: Collection) -> None:
        """Puts a collection into the trash, and cancels its jobs. There it belongs to nobody who could look,
        search or watch, under its id, so that its name is free."""
        await self.jobs.cancel_all(collection_id=collection.id)
        thing = Discarded("collection", collection.id, collection.owner, collection.name, utc_now())
        await self._trash.keep(thing, {"name": collection.name})
        await self.index.hand_over(collection.id, in_trash(collection.owner), collection.id)
        await self.tell(collection, "deleted")

    async def restore(self, thing: Discarded) -> Collection:
        """Brings a collection back out of the trash. Raises `ConflictError` (`collection_exists`,
        `too_many_collections`), `NotFoundError`."""
        body = await self._trash.body(thing.owner, "collection", thing.id)
        if body is None:
            raise not_in_trash(thing.id)
        await self._check_room(thing.owner)
        restored = await self.index.hand_over(thing.id, thing.owner, body["name"])
        await self._trash.drop(thing.owner, "collection", thing.id)
        await self.tell(restored, "created")
        return restored

    async def remove(self, thing: Discarded) -> None:
        """Deletes a collection of the trash for good; one that never got there is left alone."""
        try:
            kept = await self.index.collection(thing.id)
            if kept.owner == in_trash(thing.owner):
                await self.index.delete(thing.id)
                await self.submissions.forget(collection_id=thing.id)
        except NotFoundError:
            logger.info("the collection %s was deleted already", thing.id)
        await self._trash.drop(thing.owner, "collection", thing.id)

    async def forget_job(self, job: Job) -> None:
        """Takes the record of an ended job out of the list."""
        await self._log.append(JobForgotten(owner=job.owner, job_id=job.id), durable=True)

    async def settled(self, job: Job) -> frozenset[str]:
        """Returns the sources of what a job has taken in."""
        events = await self._log.read_all(EventFilter(job_id=job.id))
        results = (
            result
            for logged in events
            if isinstance(logged.event, JobProgressed)
            for result in logged.event.results
        )
        return frozenset(result.source for result in results if result.status != "failed")

    # --- folders

    async def sync_request(self, collection: Collection) -> IngestRequest:
        """Returns what brings a collection in step: its folders, its addresses, and files of their own.

        A file of its own that is gone keeps its document: nothing says that it was meant to go.
        """
        folders = tuple(folder.path for folder in collection.folders)
        urls = await self.index.sources(collection.id, "http")
        files = await self.index.sources(collection.id, "/")
        single = [path for path in files if not any(is_below(path, folder) for folder in folders)]
        there = await asyncio.to_thread(lambda: [path for path in single if _is_itself(path)])
        items = [IngestItem(source=path, name=document_name(path), path=path) for path in sorted(there)]
        return IngestRequest(
            collection_id=collection.id, items=tuple(items), folders=folders, urls=tuple(sorted(urls))
        )

    async def check(self, *, repair: bool) -> CheckResult:
        """Returns whether the index agrees with itself; makes it agree when told."""
        if not self.exists:
            return CheckResult(name="knowledge", state="ok", message="There is none yet.")
        return await check_index(self.index, repair=repair)


def in_trash(owner: str) -> str:
    """Returns to whom the collections belong that a user has put into the trash: to no user."""
    return f"trash:{owner}"


def is_in_trash(collection: Collection) -> bool:
    """Says whether a collection was put into the trash."""
    return collection.owner.startswith(in_trash(""))


def _is_itself(path: str) -> bool:
    """Says whether a file is there, and no link: what was named is a real path, and a link that took its
    place may lead to what its owner cannot name."""
    try:
        return os.path.realpath(path) == path and Path(path).is_file()
    except OSError:  # it may not be reached any more
        return False


async def check_index(index: KnowledgeIndex, *, repair: bool) -> CheckResult:
    """Returns what an index says of itself, as a check."""
    try:
        problems = await index.check(repair=repair)
    except HoldfastError as error:
        return CheckResult(name="knowledge", state="error", message=error.message)
    if not problems:
        return CheckResult(
            name="knowledge", state="ok", message="Documents, words and vectors agree in every collection."
        )
    shown = "; ".join(f"{each.collection}: {each.problem}" for each in problems[:10])
    more = f"; and {len(problems) - 10} more" if len(problems) > 10 else ""
    repaired = all(each.repaired for each in problems)
    return CheckResult(
        name="knowledge",
        state="repaired" if repaired else "error",
        message=f"{shown}{more}.",
        hint="" if repair else "`holdfast doctor --repair` makes them agree.",
    )


async def _no_work(*_: object) -> None:
    raise _no_knowledge()


def _no_knowledge() -> UnsupportedError:
    return UnsupportedError("This engine keeps no knowledge.", code="no_knowledge")
