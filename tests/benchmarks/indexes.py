"""Indexes of documents for benchmarks: an empty one, and one that is filled."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.knowledge import Collection, IngestItem
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.knowledge.client import WorkerIndex

AT_ONCE = 64
"""Documents that are given to the index before the first is done."""


class _NoEmbedder:
    """No model of a provider is asked."""

    async def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        raise AssertionError(model)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[WorkerIndex]:
    """Yields the index in a folder, with its worker."""
    folder.mkdir(parents=True, exist_ok=True)
    index = WorkerIndex(
        folder, folder / "worker.log", os.environ, _NoEmbedder(), Path, lambda: KnowledgeSettings()
    )
    try:
        yield index
    finally:
        await index.close()


def write_pages(folder: Path, pages: Iterable[str]) -> list[Path]:
    """Writes each text to a Markdown file of its own."""
    folder.mkdir(parents=True)
    files = []
    for number, page in enumerate(pages):
        files.append(folder / f"{number:06}.md")
        files[-1].write_text(page, encoding="utf-8")
    return files


async def new_collection(index: KnowledgeIndex) -> str:
    """Makes a collection and returns its id."""
    now = utc_now()
    made = await index.create(Collection(id=new_id(), name=new_id(), created_at=now, updated_at=now))
    return made.id


async def fill(index: KnowledgeIndex, files: Sequence[Path]) -> tuple[str, list[str]]:
    """Takes files in; returns the collection's id and those of the documents, in the order of the files."""
    collection = await new_collection(index)
    room = asyncio.Semaphore(AT_ONCE)

    async def take_in(file: Path) -> str:
        async with room:
            result = await index.ingest(
                collection, IngestItem(source=str(file), name=file.name, path=str(file))
            )
        assert result.document_id is not None, result
        return result.document_id

    return collection, list(await asyncio.gather(*(take_in(file) for file in files)))
