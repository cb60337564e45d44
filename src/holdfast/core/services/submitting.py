"""What was given to collections: listed with what became of it, done again, cleared away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.domain.jobs import Job, JobKind
from holdfast.core.domain.knowledge import (
    Collection,
    IngestItem,
    IngestRequest,
    Submission,
    SubmissionsFound,
)
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import MAX_LIMIT, all_items, new_id
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.services.library import Library
from holdfast.core.services.originals import gone
from holdfast.core.services.owned import OwnedKnowledge
from holdfast.core.store.submission_table import Wanted

_TABLES = (".csv", ".xls", ".xlsx")
_OPEN = ("waiting", "working")

Start = Callable[[Collection, JobKind, IngestRequest], Awaitable[Job]]


class Submissions:
    """What one user has given to his collections."""

    def __init__(
        self,
        library: Library,
        own: OwnedKnowledge,
        owner: str,
        blobs: FileBlobs,
        source: Callable[[str], Path],
        start: Start,
    ) -> None:
        """`source` returns the real path of a file that the user may name, or raises `ForbiddenError` or
        `NotFoundError`; `start` starts a job."""
        self._library = library
        self._own = own
        self._owner = owner
        self._blobs = blobs
        self._source = source
        self._start = start

    async def page(self, collection: Collection, wanted: Wanted, offset: int, limit: int) -> SubmissionsFound:
        """Returns a part of what a collection was given. Raises `InvalidError` for a negative offset."""
        if offset < 0:
            raise InvalidError("offset: is not negative.", code="invalid_range")
        await self._bring_in_step(collection)
        return await self._library.submissions.page(wanted, offset, limit)

    async def find(self, document_id: str) -> Submission:
        """Returns what was given under the id of a document. Raises `NotFoundError`."""
        found = await self._library.submissions.find(document_id, self._owner)
        if found is None:
            document = await self._own.document(document_id)
            await self._bring_in_step(await self._own.collection(document.collection_id))
            found = await self._library.submissions.find(document_id, self._owner)
        if found is None or found.collection_id not in {each.id for each in await self._own.collections()}:
            raise _missing(document_id)
        return found

    async def redo(self, collection: Collection, documents: Sequence[str], job_id: str | None) -> Job:
        """Starts a job that takes documents in again. Raises `NotFoundError` for one that the collection was
        never given or whose bytes are gone, `InvalidError` (`nothing_to_redo`)."""
        await self._bring_in_step(collection)
        items = await self._library.submissions.items(Wanted(collection.id, job_id=job_id), documents)
        strange = set(documents) - {item.document_id for item in items}
        if strange:
            raise _missing(min(strange))
        urls = [item.source for item in items if item.source.startswith(("http://", "https://"))]
        there = [await self._readable(item) for item in items if item.source not in urls]
        lost = next((item for item in there if item.blob is None and item.path is None), None)
        if lost is not None and documents:
            raise gone(await self._own.document(lost.document_id or ""))
        request = IngestRequest(
            collection_id=collection.id,
            items=tuple(item for item in there if item.blob is not None or item.path is not None),
            urls=tuple(urls),
            again=True,
        )
        if not request.items and not request.urls:
            raise InvalidError(
                f"{sanitize_line(collection.name)} has nothing of it to take in again.",
                code="nothing_to_redo",
            )
        return await self._start(collection, "ingest", request)

    async def _readable(self, item: IngestItem) -> IngestItem:
        """Returns an item with where its bytes are; without, where they are gone."""
        if item.blob is not None and await asyncio.to_thread(self._blobs.path(item.blob).is_file):
            return item
        if Path(item.source).is_absolute():
            with suppress(NotFoundError):
                path = await asyncio.to_thread(self._source, item.source)
                return item.model_copy(update={"path": str(path), "blob": None})
        elif item.blob is None:
            with suppress(NotFoundError):
                digest = (await self._own.document(item.document_id or "")).digest
                if await asyncio.to_thread(self._blobs.path(digest).is_file):
                    return item.model_copy(update={"blob": digest})
        return item.model_copy(update={"path": None, "blob": None})

    async def clear(self, collection: Collection) -> None:
        """Removes all that a collection was given, and ends the jobs that bring more."""
        await self._library.jobs.cancel_all(collection_id=collection.id)
        if collection.folders:
            await self._library.index.update(collection.id, folders=())
        while found := (await self._library.index.documents(collection.id, limit=MAX_LIMIT)).items:
            for document in found:
                with suppress(NotFoundError):  # somebody was quicker
                    await self._library.index.remove(document.id)
        await self._library.tell(collection, "cleared")

    async def remove(self, document_id: str) -> None:
        """Removes a document; one that was not taken in is forgotten. Raises `NotFoundError`, `ConflictError`
        (`document_waiting`) for one that is on its way."""
        given = await self.find(document_id)
        if given.kept:
            with suppress(NotFoundError):  # somebody was quicker
                await self._library.index.remove(document_id)
        elif given.status in _OPEN:
            raise ConflictError(
                f"{sanitize_line(given.name)} is being taken in: wait for its job, or cancel it "
                f"(`holdfast jobs cancel {given.job_id}`).",
                code="document_waiting",
            )
        collection = await self._own.collection(given.collection_id)
        await self._library.tell(collection, "documents", removed=(document_id,))

    async def identified(self, collection: Collection, request: IngestRequest) -> IngestRequest:
        """Returns a request whose items have the ids that their documents will have. Raises `InvalidError`
        (`not_a_table`) for what a collection of questions cannot take."""
        if collection.chunking.unit == "questions":
            for item in request.items:
                check_table(item.name)
        new = [item.source for item in request.items if item.document_id is None]
        if not new:
            return request
        known = await self._library.submissions.ids(collection.id, new)
        if unknown := [source for source in new if source not in known]:
            there = await self._library.index.sources(collection.id, _beginning(unknown))
            known |= {source: there.get(source) or new_id() for source in unknown}
        items = (
            item if item.document_id else item.model_copy(update={"document_id": known[item.source]})
            for item in request.items
        )
        return request.model_copy(update={"items": tuple(items)})

    async def _bring_in_step(self, collection: Collection) -> None:
        """Makes what is known of a collection agree with its documents, while nothing works on it: some are
        older than this list, and an index may have been brought back or lost."""
        kept, working = await self._library.submissions.kept(collection.id)
        if working or kept == collection.documents:
            return
        documents = await all_items(partial(self._library.index.documents, collection.id, ""))
        await self._library.submissions.adopt(self._owner, collection.id, documents)


def check_table(name: str) -> None:
    """Raises `InvalidError` (`not_a_table`) for the name of a file that is no table."""
    if PurePosixPath(name.lower()).suffix not in _TABLES:
        shown = shorten(sanitize_line(name), 200)
        raise InvalidError(
            f"{shown} is no table: a collection of questions takes CSV and XLSX with two columns, questions "
            "and their answers.",
            code="not_a_table",
            details={"name": shown},
        )


def _beginning(sources: Sequence[str]) -> str:
    """Returns what sources have in common at their beginning."""
    first, last = min(sources), max(sources)
    same = (i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(same, min(len(first), len(last)))]


def _missing(document_id: str) -> NotFoundError:
    shown = shorten(sanitize_line(document_id), 200)
    return NotFoundError(f"There is no document {shown}.", code="document_not_found")
