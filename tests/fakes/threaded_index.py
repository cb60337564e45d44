"""The index in the test's own process, as the engine has it: in threads, on a parser of paragraphs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.fakes.plain_index import Letters, Paragraphs

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.knowledge import IngestItem, IngestResult
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.knowledge.index.index import Index
from holdfast.core.knowledge.index.stopping import Stop


class ThreadedIndex:
    """A `KnowledgeIndex` without a worker. `gate`: items wait for it."""

    def __init__(self, folder: Path, blobs: FileBlobs) -> None:
        self._index = Index(folder, Letters(), Paragraphs())
        self._blobs = blobs
        self.gate: asyncio.Event | None = None

    async def ingest(self, collection_id: str, item: IngestItem) -> IngestResult:
        if self.gate is not None:
            await self.gate.wait()
        if item.path is None and item.blob is not None:
            item = item.model_copy(update={"path": str(self._blobs.path(item.blob).resolve())})
        settings = KnowledgeSettings(max_file_mb=1)
        return await asyncio.to_thread(
            partial(self._index.ingest, collection_id, item, settings=settings, stop=Stop())
        )

    async def close(self) -> None:
        await asyncio.to_thread(self._index.close)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return partial(asyncio.to_thread, getattr(self._index, name))
