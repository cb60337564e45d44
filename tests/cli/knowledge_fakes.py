"""A workbench with collections and jobs in memory: a job's events are in the log when it is asked for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from cli_fakes import FakeWorkbench

from holdfast.core.domain import user_events as ev
from holdfast.core.domain.errors import ErrorInfo, NotFoundError
from holdfast.core.domain.jobs import Job, JobProgress, JobStatus
from holdfast.core.domain.knowledge import (
    Chunk,
    Collection,
    Document,
    Folder,
    IngestRequest,
    IngestResult,
    Passage,
    Place,
    Retrieval,
    Submission,
    SubmissionsFound,
)
from holdfast.core.domain.values import Page

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
BROKEN = IngestResult(
    source="/docs/b.pdf",
    name="b.pdf",
    status="failed",
    error=ErrorInfo(kind="invalid", code="encrypted_document", message="It is \x1b[31mencrypted."),
)


SUBMITTED = Submission(
    **{
        "id": "bbbbbbbb-7",
        "collection_id": "c",
        "name": "b.pdf",
        "source": "/docs/b.pdf",
        "status": "failed",
    },
    error=BROKEN.error,
    added_at=NOW,
)


def result_of(name: str, status: str = "added") -> IngestResult:
    return IngestResult(source=f"/docs/{name}", name=name, status=status, chunks=2, size=100)


def collection_of(name: str, **more: Any) -> Collection:
    fields: dict[str, Any] = {"documents": 2, "chunks": 31, "size": 4_096, **more}
    return Collection(id=f"id-of-{name}", name=name, created_at=NOW, updated_at=NOW, **fields)


def document_of(id: str, name: str, **more: Any) -> Document:
    fields = {"media_type": "text/markdown", "size": 2_048, "digest": "0" * 64, "chunks": 1, **more}
    return Document(id=id, collection_id="c", name=name, source=f"/docs/{name}", added_at=NOW, **fields)


def passage_of(text: str, **more: Any) -> Passage:
    place = Place(start=0, end=len(text), line=12, last_line=20, headings=("Serve", "Keys"))
    fields: dict[str, Any] = {
        **{"chunk_id": 1, "number": 0, "collection_id": "c", "collection": "docs", "document_id": "d"},
        **{"document": "serve.md", "source": "/docs/serve.md", "place": place, "score": 0.9312},
        **more,
    }
    return Passage(text=text, **fields)


class KnowledgeBench(FakeWorkbench):
    """Keeps the calls; `results` is what the next job settles, `ended` how it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.knowledge = FakeKnowledge(self)
        self.jobs = FakeJobs(self)
        self.results: list[IngestResult] = [result_of("a.md"), BROKEN]
        self.unchanged = 0
        self.ended: type = ev.JobCompleted

    def in_this_loop(self) -> KnowledgeBench:
        """Returns itself with what belongs to an event loop made anew."""
        self.tasks, self.grown = [], asyncio.Condition()
        return self

    def start(self, title: str, **more: Any) -> Job:
        """Logs a whole job, and returns it as it was at its start."""
        id = f"{len(self.jobs.rows) + 1:08d}-job"
        first = len(self.logged) + 1
        owned: dict[str, Any] = {"job_id": id}
        fields: dict[str, Any] = {
            **{"id": id, "kind": "ingest", "title": title, "collection_id": "c", "started_at": NOW},
            **{"request": IngestRequest(collection_id="c"), "first_event_id": first, **more},
        }
        job = Job(status=JobStatus.RUNNING, **fields)
        total = len(self.results) + self.unchanged
        self.log(ev.JobStarted(kind="ingest", title=title, collection_id="c", request=job.request, **owned))
        progress = JobProgress(total=total, bytes_total=100 * total)
        for done, result in enumerate(self.results, 1):
            failed = progress.failed + (result.status == "failed")
            progress = JobProgress(
                done=done, total=total, failed=failed, chunks=progress.chunks + result.chunks,
                bytes_done=100 * done, bytes_total=100 * total, current=result.name, eta_s=75.0,
            )  # fmt: skip
            self.log(ev.JobProgressed(progress=progress, results=(result,), **owned))
        progress = progress.model_copy(update={"done": total, "unchanged": self.unchanged, "eta_s": None})
        error = ErrorInfo(kind="unavailable", code="knowledge_unavailable", message="The index has gone.")
        more_fields = {"error": error} if self.ended is ev.JobFailed else {}
        self.log(self.ended(progress=progress, **more_fields, **owned))
        status = JobStatus(self.ended.model_fields["type"].default.removeprefix("job."))
        failures = tuple(result for result in self.results if result.status == "failed")
        self.jobs.rows.insert(
            0,
            job.model_copy(
                update={"status": status, "progress": progress, "failures": failures, **more_fields}
            ),
        )
        return job


class FakeKnowledge:
    def __init__(self, bench: KnowledgeBench) -> None:
        self.bench = bench
        self.calls: list[tuple[Any, ...]] = []
        self.rows = [
            collection_of("docs", folders=(Folder(path="/docs", watched=True),), description="Our\x1b docs"),
            collection_of("laws"),
        ]
        self.inside = [
            document_of("aaaaaaaa-1", "guide.md", title="The guide"),
            document_of("aaaaaaaa-2", "serve.md", pages=3, questions=("How?",)),
        ]
        self.found = Retrieval(query="", method="hybrid")

    async def list(self) -> tuple[Collection, ...]:
        return tuple(self.rows)

    async def get(self, name: str) -> Collection:
        for row in self.rows:
            if name in (row.id, row.name):
                return row
        raise NotFoundError(f"there is no collection {name!r}")

    async def create(self, name: str, *more: Any) -> Collection:
        self.calls.append(("create", name, *more))
        return collection_of(name)

    async def delete(self, id: str) -> None:
        self.calls.append(("delete", id))

    async def add(self, *asked: Any) -> Job:
        self.calls.append(("add", *asked))
        return self.bench.start("Take in")

    async def upload(self, collection: str, name: str, data: Any, *more: Any) -> Job:
        self.calls.append(("upload", collection, name, data.read(), *more))
        return self.bench.start(f"Take in {name}")

    async def sync(self, name: str) -> Job:
        self.calls.append(("sync", name))
        return self.bench.start("Bring in step", kind="sync")

    async def reembed(self, name: str, model: str) -> Job:
        self.calls.append(("reembed", name, model))
        return self.bench.start("Embed anew", kind="reembed")

    async def watch(self, *asked: Any) -> Collection:
        self.calls.append(("watch", *asked))
        return self.rows[0]

    async def documents(self, name: str, query: str = "", limit: int = 200, cursor: Any = None) -> Any:
        await self.get(name)
        return Page[Document](items=tuple(self.inside))

    async def chunks(self, document_id: str, limit: int = 200, cursor: Any = None) -> Page[Chunk]:
        place = Place(start=0, end=5, line=3, last_line=4, headings=("Top",))
        chunk = Chunk(id=1, document_id=document_id, number=0, text="Some \x1b[31mtext", place=place)
        return Page[Chunk](items=(chunk,))

    async def remove(self, document_id: str) -> None:
        self.calls.append(("remove", document_id))

    async def submissions(self, name: str, **wanted: Any) -> SubmissionsFound:
        self.calls.append(("submissions", name, wanted))
        return SubmissionsFound(items=(SUBMITTED,), total=3, counts={"failed": 3})

    async def submission(self, document_id: str) -> Submission:
        if document_id != SUBMITTED.id:
            raise NotFoundError("there is no such document")
        return SUBMITTED

    async def redo(self, name: str, documents: tuple[str, ...] = (), job_id: Any = None) -> Job:
        self.calls.append(("redo", name, documents, job_id))
        return self.bench.start("Take in again")

    async def clear(self, id: str) -> Collection:
        self.calls.append(("clear", id))
        return self.rows[0]

    async def search(self, query: str, *more: Any) -> Retrieval:
        self.calls.append(("search", query, *more))
        return self.found.model_copy(update={"query": query})


class FakeJobs:
    def __init__(self, bench: KnowledgeBench) -> None:
        self.bench = bench
        self.calls: list[tuple[Any, ...]] = []
        self.rows: list[Job] = []

    async def list(self, collection_id: Any = None, limit: int = 50, cursor: Any = None) -> Page[Job]:
        self.calls.append(("list", collection_id, limit))
        return Page[Job](items=tuple(self.rows))

    async def get(self, job_id: str, wait_s: float = 0) -> Job:
        for row in self.rows:
            if row.id == job_id:
                return row
        raise NotFoundError(f"there is no job {job_id!r}")

    async def cancel(self, job_id: str) -> Job:
        self.calls.append(("cancel", job_id))
        return await self.get(job_id)

    async def retry(self, job_id: str) -> Job:
        self.calls.append(("retry", job_id))
        self.bench.results = [result_of("b.pdf")]
        return self.bench.start("Try again", retry_of=job_id)
