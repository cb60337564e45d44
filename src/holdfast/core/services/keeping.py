"""Keeps collections in step with folders without being asked: those that are watched, and those of agents."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError, from_info
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import Collection, Folder, IngestRequest
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.services.access import Access
from holdfast.core.services.differences import difference
from holdfast.core.services.library import Library, is_in_trash
from holdfast.core.services.naming import checked_collection_name, checked_embedding_model, title_of
from holdfast.core.services.sources import Walk
from holdfast.core.services.watching import Changes, Watches

logger = logging.getLogger(__name__)

START_AFTER_S = 3.0
"""Seconds after the engine's start until folders are watched: who waits for the engine comes first."""


class FolderKeeper:
    """Implements `KnowledgeKeeper`, and what a change in a watched folder starts."""

    def __init__(
        self,
        library: Library,
        walk: Callable[[], Walk],
        access: Callable[[str], Awaitable[Access]],
        settings: Callable[[Path | None], Settings],
        *,
        changes: Changes | None = None,
    ) -> None:
        """`walk` makes what finds files; `access` says what a user may name; `changes` tells what changes in
        folders."""
        self._library = library
        self._walk = walk
        self._access = access
        self._settings = settings
        self._watches = Watches(self.catch_up, changes)
        self._later: set[asyncio.Task[None]] = set()

    # --- watched folders

    def start(self) -> None:
        """Begins to watch the folders that are watched, soon: it starts the index's process."""
        if self._library.exists:
            self._soon(self._watch_all())

    async def _watch_all(self) -> None:
        await asyncio.sleep(START_AFTER_S)
        try:
            for collection in await self._library.index.collections():
                if not is_in_trash(collection):
                    self.follow(collection)
        except HoldfastError as error:
            logger.warning("the folders of collections are not watched: %s", error.message)

    def follow(self, collection: Collection) -> None:
        """Watches the folders that a collection says are watched, and no others of it."""
        watched = frozenset(folder.path for folder in collection.folders if folder.watched)
        self._watches.set(collection.id, watched)

    async def forget_user(self, user_id: str) -> None:
        """Watches nothing of a user's any more, cancels his jobs and deletes his collections."""
        if self._library.exists:
            for collection in await self._library.index.collections(user_id):
                self._watches.set(collection.id, frozenset())
        await self._library.forget_user(user_id)

    # --- in step

    async def keep_in_step(self, owner: str, collection: str, folder: Path, wait_s: float = 0) -> bool:
        """See `KnowledgeKeeper`. Raises `ForbiddenError` for a folder that is not the owner's to name,
        `NotFoundError` for one that is not there, and what has ended the job of the first time."""
        real = await asyncio.to_thread((await self._access(owner)).source, str(folder))
        if not real.is_dir():
            raise NotFoundError(f"{real} is not a folder.", code="no_such_folder")
        path = str(real)
        own = await self._collection(owner, checked_collection_name(collection))
        await self._library.folders.remember(own.id, [path])
        if _synced(own, path):
            self._soon(self._catch_up(own, path))
            return True
        job = self._library.jobs.working_on(own.id, path) or await self._start(own, path)
        await self._library.jobs.until_ended(job.id, wait_s)
        ended = await self._library.table.job(job.id)
        if ended is not None and ended.error is not None:
            raise from_info(ended.error)
        return _synced(await self._library.index.collection(own.id), path)

    async def catch_up(self, collection_id: str, folder: str) -> None:
        """Starts a job when a folder has something that its collection has not, or the other way round."""
        if self._library.jobs.waiting(collection_id, "sync", folder) is not None:
            return  # it has yet to look
        found = await difference(self._library.index, self._walk(), collection_id, folder)
        if self._library.looked_at.leaves(collection_id, found):
            await self._start(await self._library.index.collection(collection_id), folder)

    async def close(self) -> None:
        """Watches no more, and ends what was to be done soon."""
        await self._watches.close()
        tasks = list(self._later)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _catch_up(self, own: Collection, folder: str) -> None:
        try:
            await self.catch_up(own.id, folder)
        except HoldfastError as error:
            logger.warning("%s could not be brought in step with %r: %s", own.name, folder, error.message)

    async def _start(self, own: Collection, folder: str) -> Job:
        request = IngestRequest(collection_id=own.id, folders=(folder,))
        return await self._library.jobs.start(own.owner, "sync", title_of("sync", own, request), request)

    async def _collection(self, owner: str, name: str) -> Collection:
        """Returns the collection of a name; one is made where there is none."""
        found = await self._called(owner, name)
        if found is not None:
            return found
        settings = await asyncio.to_thread(self._settings, None)
        now = utc_now()
        wanted = Collection(
            id=new_id(),
            owner=owner,
            name=name,
            embedding_model=checked_embedding_model(settings.knowledge.embedding_model),
            created_at=now,
            updated_at=now,
        )
        try:
            return await self._library.create(wanted)
        except ConflictError:  # another run was quicker
            found = await self._called(owner, name)
            if found is None:
                raise
            return found

    async def _called(self, owner: str, name: str) -> Collection | None:
        own = await self._library.index.collections(owner) if self._library.exists else ()
        return next((each for each in own if each.name == name), None)


def _synced(collection: Collection, path: str) -> bool:
    known = next((each for each in collection.folders if each.path == path), Folder(path=path))
    return known.synced_at is not None
