"""What jobs of knowledge do: take documents in, bring a collection in step, make its vectors anew.

Doing it again does no harm: a document is known by its source and its bytes. What is wrong with one item is
told as its result; what concerns all of them ends the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

from holdfast.core.domain.errors import (
    HoldfastError,
    KnowledgeUnavailable,
    ModelError,
    NotFoundError,
)
from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import Document, IngestItem, IngestResult
from holdfast.core.domain.values import all_items
from holdfast.core.jobs.report import Report
from holdfast.core.services.differences import difference
from holdfast.core.services.folders import Folders
from holdfast.core.services.looking import LookedAt
from holdfast.core.services.sources import FoundFile, Walk
from holdfast.core.services.summaries import Summaries

T = TypeVar("T")

RETRIES = 2
"""How often an item is tried again when the index or a model cannot be reached."""
_FIRST_DELAY_S = 1.0
AT_ONCE = 16
"""Items that are on their way at once: one is read while others are written, small ones together. One by one
where a model writes summaries: it is asked one thing at a time."""


@dataclass(frozen=True, slots=True)
class _Task:
    """An item to take in; one that has yet to be fetched has an address."""

    source: str
    name: str
    size: int = 0
    item: IngestItem | None = None
    file: FoundFile | None = None
    """What a walk has found."""


class Ingestion:
    """The `Work` of jobs of knowledge."""

    def __init__(
        self,
        index: KnowledgeIndex,
        walk: Callable[[], Walk],
        fetch: Callable[[str], Awaitable[IngestItem]],
        summaries: Callable[[str, str], Summaries],
        folders: Folders,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`walk` makes what finds files; `fetch` gets what an address answers; `summaries` takes a
        model's name, and who asks it."""
        self._index = index
        self._walk = walk
        self._fetch = fetch
        self._summaries = summaries
        self._folders = folders
        self.looked_at = LookedAt()
        self._sleep = sleep

    async def __call__(self, job: Job, report: Report) -> None:
        """Does a job. Raises `KnowledgeUnavailable`, `ModelError`, `NotFoundError` for what ends it."""
        if job.kind == "reembed":
            await self._reembed(job, report)
        else:
            await self._take_in(job, report)

    # --- taking in

    async def _take_in(self, job: Job, report: Report) -> None:
        request = job.request
        tasks: list[Iterable[_Task]] = [[await _named(item) for item in request.items]]
        report.expect(len(request.items), sum(task.size for task in tasks[0]))
        seen = {item.source for item in request.items}
        for folder in request.folders:
            tasks.append(await self._below(folder, job, report, seen))
        tasks.append(_Task(url, url) for url in request.urls)
        report.expect(len(request.urls))
        summaries = self._summaries(request.model, job.owner) if request.summaries and request.model else None

        async def take_in(task: _Task) -> None:
            report.begin(task.name)
            result = await self._settle(task, job)
            if task.file is not None:
                self.looked_at.note(job.collection_id, task.file, result)
            if summaries is not None and result.status in ("added", "changed", "unchanged"):
                result = await self._patiently(partial(summaries.add, self._index, result))
            report.settle(result, task.size)

        await _each(chain.from_iterable(tasks), take_in, at_once=AT_ONCE if summaries is None else 1)
        if request.folders:
            await self._patiently(
                partial(self._folders.synced, job.collection_id, request.folders, job.started_at)
            )

    async def _settle(self, task: _Task, job: Job) -> IngestResult:
        item = task.item
        if item is None:
            try:
                item = await self._fetch(task.source)
            except HoldfastError as error:
                return _failed(task, error)
            item = item.model_copy(update={"metadata": job.request.metadata, "ext": job.request.ext})
        return await self._patiently(partial(self._index.ingest, job.collection_id, item))

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Tries something again when the index or the embedding model cannot be reached; what stays so ends
        the job."""
        for delays in range(RETRIES):
            try:
                return await attempt()
            except (KnowledgeUnavailable, ModelError) as error:
                if not error.retryable:
                    raise
            await self._sleep(_FIRST_DELAY_S * 4**delays)
        return await attempt()

    # --- folders

    async def _below(self, folder: str, job: Job, report: Report, seen: set[str]) -> Iterable[_Task]:
        """Yields what is new or changed below a folder, and not in `seen`, to which it adds; removes what is
        gone from it before. Where something is said of the documents, that is for those that have not changed
        too."""
        found = await self._patiently(
            partial(difference, self._index, self._walk(), job.collection_id, folder)
        )
        for failure in found.failures:
            report.note(failure)
        same = [file for file in found.same if file.path not in seen]
        other = [file for file in found.other if file.path not in seen]
        seen.update(file.path for file in (*same, *other))
        report.expect(len(same) + len(other), _sum(same) + _sum(other))
        if job.request.summaries or job.request.metadata or job.request.ext:
            other += same
        else:
            report.skip(len(same), _sum(same))
        if job.kind == "sync":
            await self._remove(found.gone, report)
        return (_task(file, job) for file in other)  # not all at once: that would block everybody

    async def _remove(self, documents: Iterable[Document], report: Report) -> None:
        for document in documents:
            try:
                await self._patiently(partial(self._index.remove, document.id))
            except NotFoundError:  # somebody was quicker
                continue
            report.note(
                IngestResult(
                    source=document.source, name=document.name, status="removed", document_id=document.id
                )
            )

    # --- vectors

    async def _reembed(self, job: Job, report: Report) -> None:
        model = job.request.embedding_model or ""
        await self._patiently(partial(self._index.reembed, job.collection_id, model))
        documents = await self._patiently(
            lambda: all_items(lambda limit, at: self._index.documents(job.collection_id, "", limit, at))
        )
        report.expect(len(documents), sum(document.size for document in documents))
        for document in documents:
            report.begin(document.name)
            result = await self._patiently(partial(self._embed, job, model, document))
            report.settle(result, document.size)

    async def _embed(self, job: Job, model: str, document: Document) -> IngestResult:
        chunks = await self._index.reembed(job.collection_id, model, document.id)
        return IngestResult(
            source=document.source,
            name=document.name,
            status="changed",
            document_id=document.id,
            chunks=chunks,
            size=document.size,
        )


async def _each(tasks: Iterable[_Task], do: Callable[[_Task], Awaitable[None]], *, at_once: int) -> None:
    """Begins tasks in their order, some at once. The first that fails ends those under way, and is raised."""
    waiting = iter(tasks)

    async def lane() -> None:
        for task in waiting:
            await do(task)

    try:
        async with asyncio.TaskGroup() as lanes:
            for _ in range(at_once):
                lanes.create_task(lane())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _named(item: IngestItem) -> _Task:
    return _Task(item.source, item.name, await asyncio.to_thread(_size, item.path), item)


def _size(path: str | None) -> int:
    try:
        return Path(path).stat().st_size if path else 0
    except OSError:  # taking it in will say what is wrong
        return 0


def _task(file: FoundFile, job: Job) -> _Task:
    path = file.real or file.path
    said = job.request
    item = IngestItem(source=file.path, name=file.name, path=path, metadata=said.metadata, ext=said.ext)
    return _Task(file.path, file.name, file.size, item, file)


def _sum(files: Sequence[FoundFile]) -> int:
    return sum(file.size for file in files)


def _failed(task: _Task, error: HoldfastError) -> IngestResult:
    return IngestResult(source=task.source, name=task.name, status="failed", error=error.info)
