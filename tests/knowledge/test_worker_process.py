"""The index in its own process, as the engine has it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.knowledge.conftest import FakeEmbedder

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import (
    ConflictError,
    InvalidError,
    KnowledgeUnavailable,
    ModelError,
    ModelNotFound,
    NotFoundError,
)
from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.knowledge import Collection, IngestItem
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.knowledge.client import WorkerIndex
from holdfast.core.workers.process import worker_environment

pytestmark = pytest.mark.thorough


def new(name: str = "docs", **more: object) -> Collection:
    now = utc_now()
    return Collection.model_validate(
        {"id": new_id(), "name": name, "created_at": now, "updated_at": now, **more}
    )


def item(path: Path, text: str) -> IngestItem:
    path.write_text(text)
    return IngestItem(source=str(path), name=path.name, path=str(path))


def modules(pid: int) -> str:
    """Returns the paths of what a process has mapped: compiled modules are among it."""
    return Path(f"/proc/{pid}/maps").read_text()


async def test_a_document_goes_in_and_is_found(index: WorkerIndex, tmp_path: Path) -> None:
    port: KnowledgeIndex = index
    assert index.pid is None, "making it starts nothing"
    collection = await port.create(new())
    assert (await port.collections("local"))[0].id == collection.id
    assert "chromadb" not in modules(index.pid or 0), "listing loads no Chroma"

    result = await port.ingest(collection.id, item(tmp_path / "a.md", "# Owls\n\nOwls fly at night.\n"))
    assert (result.status, result.chunks) == ("added", 1)
    assert "chromadb" in modules(index.pid or 0)
    use = KnowledgeUse(collection=collection.id, where={"$name": "a.md"})
    found = await port.search([use], "who flies at night?")
    assert found[0].document_id == result.document_id
    assert found[0].place.headings == ("Owls",)
    assert (await port.passages([found[0].chunk_id]))[0].text == found[0].text
    assert (await port.all_passages([use], 1_000))[1] == 1
    assert await port.text(result.document_id or "") == "# Owls\n\nOwls fly at night.\n"
    assert await port.sources(collection.id) == {str(tmp_path / "a.md"): result.document_id}
    assert await port.check() == ()

    missing = await port.ingest(collection.id, IngestItem(source="x", name="x", path=str(tmp_path / "x")))
    assert missing.status == "failed"
    with pytest.raises(ConflictError) as conflict:
        await port.create(new())
    assert conflict.value.code == "collection_exists"
    with pytest.raises(NotFoundError):
        await port.document("nobody")
    with pytest.raises(InvalidError) as invalid:
        await port.search([KnowledgeUse(collection=collection.id, where={"a": {"$no": 1}})], "x")
    assert invalid.value.details == {"at": "where.a.$no"}


async def test_a_dead_worker_is_replaced_and_its_calls_end(index: WorkerIndex, tmp_path: Path) -> None:
    collection = await index.create(new(embedding_model="fake/letters"))
    pid = index.pid or 0
    waiting = asyncio.Event()

    async def never(model: str, texts: object, *, query: bool = False) -> list[list[float]]:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    index._connection._embedder.embed = never  # type: ignore[method-assign]
    call = asyncio.create_task(index.ingest(collection.id, item(tmp_path / "a.md", "an owl")))
    await asyncio.wait_for(waiting.wait(), 20)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(KnowledgeUnavailable) as caught:
        await asyncio.wait_for(call, 20)
    assert caught.value.code == "knowledge_worker_ended"
    assert caught.value.retryable
    assert (await index.collection(collection.id)).documents == 0
    assert index.pid not in (None, pid)
    assert await index.check() == ()

    call = asyncio.create_task(index.ingest(collection.id, item(tmp_path / "b.md", "a bat")))
    waiting.clear()
    await asyncio.wait_for(waiting.wait(), 20)
    os.kill(index.pid or 0, signal.SIGKILL)
    with pytest.raises(KnowledgeUnavailable):
        await asyncio.wait_for(call, 20)
    await index.close()
    assert index._connection._embedding == set(), "nobody waits for the provider any more"


async def test_models_of_providers_are_asked_through_the_engine(
    index: WorkerIndex, embedder: FakeEmbedder, tmp_path: Path
) -> None:
    collection = await index.create(new(embedding_model="fake/letters"))
    for name in ("abba", "cafe"):
        await index.ingest(collection.id, item(tmp_path / f"{name}.md", name))
    assert embedder.asked == [("abba", False), ("cafe", False)]
    found = await index.search([KnowledgeUse(collection=collection.id)], "ab", method="vector")
    assert [p.document for p in found] == ["abba.md", "cafe.md"]
    assert embedder.asked[-1] == ("ab", True)
    assert (await index.collection(collection.id)).dimensions == 8
    unknown = await index.create(new("unknown", embedding_model="fake/nothing"))
    with pytest.raises(ModelNotFound) as caught:
        await index.ingest(unknown.id, item(tmp_path / "x.md", "x"))
    assert caught.value.details == {"model": "fake/nothing"}

    waiting = asyncio.Semaphore(0)

    async def never(model: str, texts: object, *, query: bool = False) -> list[list[float]]:
        waiting.release()
        await asyncio.Event().wait()
        raise AssertionError

    index._connection._embedder.embed = never  # type: ignore[method-assign]
    uses = [KnowledgeUse(collection=collection.id)]
    searches = [asyncio.create_task(index.search(uses, "ab", method="vector")) for _ in range(5)]
    async with asyncio.timeout(20):
        for _ in range(4):
            await waiting.acquire()
        assert (await index.collection(collection.id)).documents == 2, "what is only read waits for none"
        for search in searches:
            search.cancel()
        await asyncio.gather(*searches, return_exceptions=True)


async def test_a_cancelled_call_is_undone_in_the_worker(
    index: WorkerIndex, embedder: FakeEmbedder, tmp_path: Path
) -> None:
    collection = await index.create(new(embedding_model="fake/letters"))
    started, go_on, embed = asyncio.Event(), asyncio.Event(), embedder.embed

    async def slow(model: str, texts: list[str], *, query: bool = False) -> list[list[float]]:
        started.set()
        await go_on.wait()
        return await embed(model, texts, query=query)

    embedder.embed = slow  # type: ignore[method-assign,assignment]
    long = "\n\n".join(f"Paragraph {i}. " + "abc " * 250 for i in range(300))
    call = asyncio.create_task(index.ingest(collection.id, item(tmp_path / "long.md", long)))
    await asyncio.wait_for(started.wait(), 20)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.wait_for(index.check(), 20) == (), "nothing waits for the provider any more"
    go_on.set()
    assert (await index.documents(collection.id)).items == ()


async def test_a_broken_embedder_is_not_waited_for(
    index: WorkerIndex, embedder: FakeEmbedder, tmp_path: Path
) -> None:
    async def broken(model: str, texts: list[str], *, query: bool = False) -> list[list[float]]:
        raise ZeroDivisionError

    embedder.embed = broken  # type: ignore[method-assign,assignment]
    collection = await index.create(new(embedding_model="fake/letters"))
    with pytest.raises(ModelError, match="ZeroDivisionError"):
        await asyncio.wait_for(index.ingest(collection.id, item(tmp_path / "a.md", "an owl")), 20)


async def test_items_come_from_files_of_any_name_and_from_uploads(index: WorkerIndex, tmp_path: Path) -> None:
    collection = await index.create(new())
    result = await index.ingest(collection.id, item(tmp_path / "bad\udcff.md", "an owl"))
    assert (result.status, result.name) == ("added", "bad\ufffd.md")
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "d1").write_text("an owl")
    upload = IngestItem(source="upload:a.txt", name="a.txt", blob="d1")
    assert (await index.ingest(collection.id, upload)).status == "added"


async def test_a_closed_index_refuses_calls(tmp_path: Path, embedder: FakeEmbedder) -> None:
    index = WorkerIndex(
        tmp_path / "k", tmp_path / "log", os.environ, embedder, Path, lambda: KnowledgeSettings()
    )
    await index.close()
    with pytest.raises(KnowledgeUnavailable):
        await index.collections()
    assert not (tmp_path / "k").exists()


async def test_the_worker_ends_with_the_engine_and_keeps_no_key(index: WorkerIndex, tmp_path: Path) -> None:
    await index.collections()
    pid = index.pid or 0
    assert b"canary" not in Path(f"/proc/{pid}/environ").read_bytes()
    process = index._connection._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0


def test_no_key_and_no_proxy_for_this_machine_reach_the_worker() -> None:
    kept = worker_environment(
        {"PATH": "/bin", "OPENAI_API_KEY": "k", "https_proxy": "http://p", "NO_PROXY": "a", "LC_ALL": "C"}
    )
    assert kept["PATH"] == "/bin"
    assert "OPENAI_API_KEY" not in kept
    assert kept["no_proxy"] == "a,127.0.0.1,localhost,::1"
