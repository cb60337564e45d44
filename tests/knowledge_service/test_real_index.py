"""Knowledge on the real index, through both implementations of a workbench."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import HoldfastError, NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.user_events import JOB_ENDS
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.knowledge.client import WorkerIndex
from holdfast.core.services.local import LocalWorkbench
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.auth import LocalDoor
from holdfast.server.listener import listen
from holdfast.server.lock import bind_socket
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.native.routes import native_app

pytestmark = pytest.mark.asyncio(loop_scope="module")
DOCS = (KnowledgeUse(collection="docs"),)


class Embedder:
    """Vectors of a provider: the counts of a few letters, or an error."""

    def __init__(self) -> None:
        self.error: HoldfastError | None = None

    async def embed(self, model: str, texts: Any, *, query: bool = False) -> list[list[float]]:
        if self.error is not None:
            raise self.error
        return [[1.0 + text.count(letter) for letter in "aeio"] for text in texts]


class RealShelf:
    """A workbench with the real index, on files of its own."""

    def __init__(self, workbench: Workbench, index: WorkerIndex, folder: Path) -> None:
        self.workbench = workbench
        self.index = index
        self.folder = folder

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def ended(self, job: Any) -> Any:
        return await self.workbench.jobs.get(job.id, wait_s=60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shelf(
    tmp_path_factory: pytest.TempPathFactory, parts_on: Callable[..., Any]
) -> AsyncIterator[RealShelf]:
    """A workbench behind HTTP; one worker for all tests of this file, for it takes a second to start."""
    home = tmp_path_factory.mktemp("real")
    parts = parts_on(home, lambda paths: _index(paths, Embedder()))
    local = await LocalWorkbench.open(parts)
    stop = asyncio.Event()

    async def ready() -> LocalWorkbench:
        return local

    app = native_app(ready, log=logging.getLogger("holdfast.tests"), closing=stop)
    server = asyncio.create_task(listen(LocalDoor(app), bind_socket(parts.paths.socket), stop))
    remote = RemoteWorkbench(parts.paths.socket)
    yield RealShelf(remote, parts.knowledge, home / "files")
    await remote.close()
    stop.set()
    async with asyncio.timeout(20):
        await server
        await local.close()


def _index(paths: Any, embedder: Embedder) -> WorkerIndex:
    return WorkerIndex(
        paths.knowledge,
        paths.logs / "knowledge-worker.log",
        dict(os.environ),
        embedder,
        FileBlobs(paths.blobs).path,
        KnowledgeSettings,
    )


async def test_documents_go_in_and_are_found(shelf: RealShelf) -> None:
    knowledge = shelf.workbench.knowledge
    await knowledge.create("docs", description="On doors")
    shelf.file("book/hinges.md", "# Hinges\n\nA door hangs on three hinges.\n")
    shelf.file("book/paint.txt", "Paint dries within a day when it is warm.\n")
    shelf.file("book/broken.pdf", "%PDF-1.7\nand then nothing")
    job = await knowledge.add("docs", (str(shelf.folder / "book"),), metadata={"year": 2020})
    kinds, results = [], []
    async with asyncio.timeout(60):
        async for logged in shelf.workbench.events.follow(EventFilter(job_id=job.id), job.first_event_id):
            kinds.append(logged.event.type)
            results += getattr(logged.event, "results", ())
            if kinds[-1] in JOB_ENDS:
                break
    assert kinds[-1] == "job.completed"
    assert {(r.name, r.status) for r in results} == {
        ("hinges.md", "added"),
        ("paint.txt", "added"),
        ("broken.pdf", "failed"),
    }
    found = await knowledge.search("How many hinges does a door have?", DOCS)
    best = found.passages[0]
    assert (best.document, best.place.headings, best.metadata) == ("hinges.md", ("Hinges",), {"year": 2020})
    text = await knowledge.text(best.document_id, best.place.start, best.place.end - best.place.start)
    assert text == best.text
    assert [d.name for d in (await knowledge.documents("docs")).items] == ["hinges.md", "paint.txt"]


async def test_a_sync_reads_only_what_changed(shelf: RealShelf) -> None:
    knowledge = shelf.workbench.knowledge
    shelf.file("book/hinges.md", "# Hinges\n\nA gate hangs on two hinges.\n")
    (shelf.folder / "book/paint.txt").unlink()
    job = await shelf.ended(await knowledge.sync("docs"))
    told = {
        (result.name, result.status)
        for logged in (await shelf.workbench.events.read(EventFilter(job_id=job.id))).items
        for result in getattr(logged.event, "results", ())
    }
    assert told == {("hinges.md", "changed"), ("paint.txt", "removed"), ("broken.pdf", "failed")}
    again = await shelf.ended(await knowledge.sync("docs"))
    assert (again.progress.unchanged, again.progress.chunks) == (1, 0)


async def test_an_upload_in_a_form_is_taken_in(shelf: RealShelf) -> None:
    job = await shelf.workbench.knowledge.upload("docs", "notes.md", b"# Locks\n\nA lock has five pins.")
    assert (await shelf.ended(job)).progress.chunks == 1
    found = await shelf.workbench.knowledge.search("pins of a lock", DOCS, method="lexical")
    assert found.passages[0].source == "upload:notes.md"


async def test_vectors_can_be_made_anew_by_another_model(shelf: RealShelf) -> None:
    knowledge = shelf.workbench.knowledge
    job = await shelf.ended(await knowledge.reembed("docs", "fake/letters"))
    assert (job.status, job.error) == ("completed", None)
    collection = await knowledge.get("docs")
    assert (collection.embedding_model, collection.dimensions) == ("fake/letters", 4)
    assert (await knowledge.search("hinges", DOCS, method="vector")).passages


async def test_a_worker_that_is_killed_in_a_job_is_started_again(shelf: RealShelf) -> None:
    for number in range(150):
        shelf.file(f"many/{number}.md", f"# Part {number}\n\n" + "word " * 200)
    job = await shelf.workbench.knowledge.add("docs", (str(shelf.folder / "many"),))
    async with asyncio.timeout(60):
        async for logged in shelf.workbench.events.follow(EventFilter(job_id=job.id), job.first_event_id):
            if logged.event.type == "job.progressed":
                break
    assert shelf.index.pid is not None
    os.kill(shelf.index.pid, signal.SIGKILL)
    ended = await shelf.ended(job)
    assert (ended.status, ended.failures, ended.progress.done) == ("completed", (), 150), ended.error
    checks = {each.name: each for each in await shelf.workbench.engine.check()}
    assert checks["knowledge"].state == "ok", checks["knowledge"].message


async def test_a_collection_comes_back_out_of_the_trash_whole_and_emptied_leaves_nothing(
    shelf: RealShelf,
) -> None:
    workbench = shelf.workbench
    before = await workbench.knowledge.get("docs")
    (document, *_) = (await workbench.knowledge.documents("docs")).items
    await workbench.knowledge.delete("docs")
    assert await workbench.knowledge.list() == ()
    for look in (
        workbench.knowledge.search("hinges", DOCS),
        workbench.knowledge.documents(before.id),
        workbench.knowledge.document(document.id),
    ):
        with pytest.raises(NotFoundError):
            await look
    await workbench.trash.restore("collection", before.id)
    assert await workbench.knowledge.get("docs") == before
    assert await workbench.knowledge.document(document.id) == document
    await workbench.knowledge.delete("docs")
    assert await workbench.trash.empty("collection", before.id) == 1
    assert (await workbench.trash.list("collection")).items == ()
    assert await shelf.index.collections() == ()
    checks = {each.name: each for each in await shelf.workbench.engine.check()}
    assert checks["knowledge"].state == "ok", checks["knowledge"].message
