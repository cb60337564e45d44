"""Knowledge, jobs and memory of the fake workbench: real domain values, kept in lists."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.events import RetrievalCompleted
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.jobs import Job, JobProgress, JobStatus
from holdfast.core.domain.knowledge import (
    Chunk,
    Citation,
    Collection,
    Document,
    Folder,
    IngestRequest,
    Method,
    Passage,
    Place,
    Retrieval,
    Retrieved,
)
from holdfast.core.domain.memory import MemoryBlock, MemoryDefaults, MemoryEntry, MemoryHit
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.user_events import KnowledgeChanged, MemoryChanged
from holdfast.core.domain.values import Page

THEN = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
GUIDE = "\n".join(
    f"## Part {n}\n\nThis is what part {n} of the guide says.\nIt goes on for a second line.\n"
    for n in range(1, 41)
)
"""The text of the document that the fake has."""


def place_of(number: int, text: str = GUIDE) -> Place:
    """Returns where part `number` of the guide stands."""
    start = text.index(f"## Part {number}\n")
    end = text.find(f"## Part {number + 1}\n")
    line = text.count("\n", 0, start) + 1
    return Place(
        start=start,
        end=end if end >= 0 else len(text),
        line=line,
        last_line=line + 3,
        headings=("Guide", f"Part {number}"),
    )


def chunk(number: int) -> Chunk:
    place = place_of(number)
    text = GUIDE[place.start : place.end]
    return Chunk(id=100 + number, document_id="guide", number=number - 1, text=text, place=place)


def passage(number: int, score: float = 0.9, **more: Any) -> Passage:
    """Returns part `number` of the guide as a search finds it."""
    known: dict[str, Any] = {
        "chunk_id": 100 + number,
        "number": number - 1,
        "collection_id": "docs-id",
        "collection": "docs",
        "document_id": "guide",
        "document": "guide/setup.md",
        "source": "/work/guide/setup.md",
        "text": chunk(number).text,
        "place": place_of(number),
        "score": score,
        "vector_rank": number,
        "lexical_rank": number + 1,
    }
    return Passage(**(known | more))


def retrieved(number: int, cited_by: int | None, **more: Any) -> Retrieved:
    """Returns a passage as a retrieval brings it; without a number it was dropped."""
    found = passage(number, **more)
    return Retrieved(number=cited_by, used=cited_by is not None, passage=found)


def citation(number: int, part: int) -> Citation:
    """Returns what `[number]` stands for: a part of the guide."""
    found = passage(part)
    return Citation(
        number=number,
        document=found.document,
        document_id=found.document_id,
        collection_id=found.collection_id,
        chunk_id=found.chunk_id,
        source=found.source,
        place=found.place,
        excerpt=found.text[:40],
        score=found.score,
    )


CITED = (citation(1, 3), citation(2, 20))


def look_up(run: Any, query: str) -> None:
    """Emits what a search before the first step of a run has found: three passages, two of them `CITED`."""
    run.emit(
        RetrievalCompleted,
        query=query,
        method="hybrid",
        collections=("docs",),
        items=(retrieved(3, 1), retrieved(20, 2), retrieved(5, None)),
        tokens=900,
        max_tokens=1000,
        duration_ms=12.0,
    )


def collection(name: str, **more: Any) -> Collection:
    known: dict[str, Any] = {"id": f"{name}-id", "created_at": THEN, "updated_at": THEN}
    return Collection(**(known | {"name": name} | more))


def document(name: str, **more: Any) -> Document:
    known: dict[str, Any] = {
        "id": name,
        "collection_id": "docs-id",
        "source": f"/work/{name}",
        "media_type": "text/markdown",
        "size": 1200,
        "digest": "0" * 64,
        "chunks": 3,
        "added_at": THEN,
    }
    return Document(**(known | {"name": name} | more))


def job(id: str, **more: Any) -> Job:
    known: dict[str, Any] = {
        "kind": "ingest",
        "title": "docs: take in 12 files",
        "collection_id": "docs-id",
        "status": JobStatus.RUNNING,
        "progress": JobProgress(done=4, total=12, chunks=40, bytes_done=34, bytes_total=100, eta_s=12.0),
        "request": IngestRequest(collection_id="docs-id"),
        "started_at": THEN,
    }
    return Job(**(known | {"id": id} | more))


def block(name: str, **more: Any) -> MemoryBlock:
    known: dict[str, Any] = {"id": f"{name}-id", "created_at": THEN, "updated_at": THEN}
    return MemoryBlock(**(known | {"name": name} | more))


def entry(id: str, content: str, **more: Any) -> MemoryEntry:
    return MemoryEntry(id=id, content=content, created_at=THEN, updated_at=THEN, **more)


class FakeKnowledge:
    """One collection `docs` with the guide; what is asked of it is noted in `calls`."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.calls: list[tuple[Any, ...]] = []
        guide = document(
            "guide/setup.md", id="guide", source="/work/guide/setup.md", chunks=40, characters=len(GUIDE)
        )
        self.by_id = {"guide": guide, "notes.md": document("notes.md", title="Notes on everything")}
        folder = Folder(path="/work/guide")
        counts = {"documents": 2, "chunks": 43, "size": 5_000}
        self.collections = [collection("docs", folders=(folder,), **counts), collection("empty")]
        self.error: Exception | None = None

    def _reach(self) -> None:
        self.bench.reach()
        if self.error is not None:
            raise self.error

    async def list(self) -> tuple[Collection, ...]:
        self._reach()
        self.calls.append(("list",))
        return tuple(self.collections)

    async def create(self, name: str, description: str = "", **more: Any) -> Collection:
        self.calls.append(("create", name, description))
        made = collection(name, description=description)
        self.collections.append(made)
        return made

    async def delete(self, wanted: str) -> None:
        self.calls.append(("delete", wanted))
        self.bench.trashed[("collection", wanted)] = next(one for one in self.collections if one.id == wanted)
        self.collections = [one for one in self.collections if one.id != wanted]
        self.bench.emit(KnowledgeChanged(collection_id=wanted, name=wanted, change="deleted"))

    async def add(
        self, wanted: str, paths: tuple[str, ...] = (), urls: tuple[str, ...] = (), **more: Any
    ) -> Job:
        self.calls.append(("add", wanted, paths, urls))
        return job("added", collection_id=wanted)

    async def upload(self, wanted: str, name: str, data: Any, **more: Any) -> Job:
        self.calls.append(("upload", wanted, name, data.read()))
        return job("uploaded", collection_id=wanted)

    async def sync(self, wanted: str) -> Job:
        self.calls.append(("sync", wanted))
        return job("synced", collection_id=wanted)

    async def watch(self, wanted: str, path: str, on: bool = True) -> Collection:
        self.calls.append(("watch", wanted, path, on))
        return self.collections[0]

    async def documents(
        self, wanted: str, query: str = "", limit: int = 200, cursor: str | None = None
    ) -> Page[Document]:
        self._reach()
        found = [d for d in self.by_id.values() if query in d.name and wanted == "docs-id"]
        return Page(items=tuple(found))

    async def document(self, document_id: str) -> Document:
        if document_id not in self.by_id:
            raise NotFoundError("There is no such document.")
        return self.by_id[document_id]

    async def chunks(self, document_id: str, limit: int = 200, cursor: str | None = None) -> Page[Chunk]:
        await self.bench.answering.wait()
        first = int(cursor or 1)
        some = tuple(chunk(n) for n in range(first, min(first + 15, 41)))
        return Page(items=some, next_cursor=str(first + 15) if first + 15 < 41 else None)

    async def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        return GUIDE[start : start + characters]

    async def remove(self, document_id: str) -> None:
        self.calls.append(("remove", document_id))
        del self.by_id[document_id]

    async def search(
        self,
        query: str,
        collections: tuple[KnowledgeUse, ...],
        method: Method | None = None,
        top_k: int | None = None,
        model: str | None = None,
    ) -> Retrieval:
        self._reach()
        self.calls.append(("search", query, collections[0].collection, method))
        found = (passage(7, 0.91), passage(2, 0.4, vector_rank=None))
        return Retrieval(query=query, method=method or "hybrid", passages=found, duration_ms=12)


class FakeJobs:
    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.jobs: list[Job] = []
        self.calls: list[tuple[str, str]] = []

    async def list(self, collection_id: str | None = None, limit: int = 50, **more: Any) -> Page[Job]:
        return Page(items=tuple(self.jobs))

    async def get(self, job_id: str, wait_s: float = 0) -> Job:
        found = next((one for one in self.jobs if one.id == job_id), None)
        if found is None:
            raise NotFoundError("There is no such job.")
        return found

    async def cancel(self, job_id: str) -> Job:
        self.calls.append(("cancel", job_id))
        return self._put(job(job_id, status=JobStatus.CANCELLED))

    async def retry(self, job_id: str) -> Job:
        self.calls.append(("retry", job_id))
        return self._put(job("again"))

    def _put(self, changed: Job) -> Job:
        self.jobs = [changed, *(one for one in self.jobs if one.id != changed.id)]
        return changed


class FakeMemory:
    """A block and an entry; others may be added."""

    def __init__(self, bench: Any) -> None:
        self.bench = bench
        self.calls: list[tuple[Any, ...]] = []
        self.blocks_by_id = {b.id: b for b in (block("project", content="We use tabs."),)}
        self.entries_by_id = {"e1": entry("e1", "The build takes two minutes.", tags=("build",))}
        self.known = MemoryDefaults(agent="project-id")

    async def blocks(self, query: str = "", limit: int = 200, **more: Any) -> Page[MemoryBlock]:
        self.bench.reach()
        return Page(items=tuple(self.blocks_by_id.values()))

    async def block(self, wanted: str) -> MemoryBlock:
        return self.blocks_by_id[wanted]

    async def create_block(self, name: str, **more: Any) -> MemoryBlock:
        made = block(name)
        self.blocks_by_id[made.id] = made
        return made

    async def update_block(self, wanted: str, expected: str | None = None, **more: Any) -> MemoryBlock:
        now = hashlib.sha256(self.blocks_by_id[wanted].content.encode()).hexdigest()
        if expected is not None and expected != now:
            raise ConflictError("It was changed.", code="block_changed")
        self.calls.append(("update_block", wanted, more))
        self.blocks_by_id[wanted] = self.blocks_by_id[wanted].model_copy(update=more)
        self.bench.emit(MemoryChanged(kind="block", object_id=wanted, change="updated"))
        return self.blocks_by_id[wanted]

    async def delete_block(self, wanted: str) -> None:
        self.bench.trashed[("memory_block", wanted)] = self.blocks_by_id.pop(wanted)

    def bring_back(self, kind: str, thing: Any) -> None:
        """Takes a thing out of the trash."""
        known = self.blocks_by_id if kind == "memory_block" else self.entries_by_id
        known[thing.id] = thing

    async def publish(self, wanted: str, public: bool = True, can_edit: bool = False) -> MemoryBlock:
        return await self.update_block(wanted, public=public, public_edit=can_edit)

    async def defaults(self) -> MemoryDefaults:
        return self.known

    async def set_default(self, scope: str, wanted: str | None = None) -> MemoryDefaults:
        self.known = self.known.model_copy(update={scope: wanted})
        return self.known

    async def entries(self, limit: int = 200, **more: Any) -> Page[MemoryEntry]:
        return Page(items=tuple(self.entries_by_id.values()))

    async def entry(self, entry_id: str) -> MemoryEntry:
        return self.entries_by_id[entry_id]

    async def search(self, query: str, limit: int = 20) -> tuple[MemoryHit, ...]:
        found = (e for e in self.entries_by_id.values() if query in e.content)
        return tuple(MemoryHit(entry=one, score=1.0) for one in found)

    async def remember(self, content: str, **more: Any) -> MemoryEntry:
        made = entry(self.bench.new_id("entry"), content, owner=LOCAL)
        self.entries_by_id[made.id] = made
        return made

    async def update_entry(self, entry_id: str, **more: Any) -> MemoryEntry:
        self.calls.append(("update_entry", entry_id, more))
        self.entries_by_id[entry_id] = self.entries_by_id[entry_id].model_copy(update=more)
        return self.entries_by_id[entry_id]

    async def forget(self, entry_id: str) -> None:
        self.bench.trashed[("memory_entry", entry_id)] = self.entries_by_id.pop(entry_id)
