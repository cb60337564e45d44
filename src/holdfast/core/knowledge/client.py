"""The index as the engine has it: every method of the port is a call of the knowledge worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.indexing import Embedder
from holdfast.core.domain.knowledge import (
    Chunk,
    Chunking,
    Collection,
    ContextRecord,
    Document,
    DocumentOrder,
    Folder,
    IndexProblem,
    IngestItem,
    IngestResult,
    Passage,
    RetrievalSettings,
    SearchMethod,
)
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.values import Page
from holdfast.core.knowledge.connection import Connection
from holdfast.core.knowledge.protocol import operation


class WorkerIndex:
    """A `KnowledgeIndex`, which says what the methods do; they run in the knowledge worker.

    Making one starts nothing: the worker starts at the first call, and anew at the next one when it died.
    A call under way when it dies, or when the index is closed, ends with `KnowledgeUnavailable`. One whose
    task is cancelled is ended in the worker too, and what it had begun is undone.
    """

    def __init__(
        self,
        folder: Path,
        log_file: Path,
        environment: Mapping[str, str],
        embedder: Embedder,
        blob_path: Callable[[str], Path],
        settings: Callable[[], KnowledgeSettings],
    ) -> None:
        """`folder` holds the index; `blob_path` finds uploaded bytes by their digest. The address of Chroma
        is read from `settings` when a worker starts, limits of documents at each."""
        self._connection = Connection(folder, log_file, environment, embedder, settings)
        self._blob_path = blob_path
        self._settings = settings

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        return self._connection.pid

    async def close(self) -> None:
        await self._connection.close()

    # --- collections

    async def collections(self, owner: str | None = None) -> tuple[Collection, ...]:
        found: tuple[Collection, ...] = await self._call("collections", owner=owner)
        return found

    async def collection(self, collection_id: str) -> Collection:
        found: Collection = await self._call("collection", collection_id=collection_id)
        return found

    async def create(self, collection: Collection) -> Collection:
        created: Collection = await self._call("create", collection=collection)
        return created

    async def update(
        self,
        collection_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        retrieval: RetrievalSettings | None = None,
        chunking: Chunking | None = None,
        folders: tuple[Folder, ...] | None = None,
        metadata: Mapping[str, Any] | None = None,
        ext: Ext | None = None,
    ) -> Collection:
        updated: Collection = await self._call(
            "update",
            collection_id=collection_id,
            name=name,
            description=description,
            retrieval=retrieval,
            chunking=chunking,
            folders=folders,
            metadata=metadata,
            ext=ext,
        )
        return updated

    async def hand_over(self, collection_id: str, owner: str, name: str) -> Collection:
        given: Collection = await self._call("hand_over", collection_id=collection_id, owner=owner, name=name)
        return given

    async def delete(self, collection_id: str) -> None:
        await self._call("delete", collection_id=collection_id)

    # --- documents

    async def ingest(self, collection_id: str, item: IngestItem) -> IngestResult:
        if item.path is None and item.blob is not None:
            # The folder of the contents may be a link; the reader follows none.
            item = item.model_copy(update={"path": str(self._blob_path(item.blob).resolve())})
        result: IngestResult = await self._call("ingest", collection_id=collection_id, item=item)
        return result

    async def documents(
        self, collection_id: str, query: str = "", limit: int = 200, cursor: str | None = None
    ) -> Page[Document]:
        page: Page[Document] = await self._call(
            "documents", collection_id=collection_id, query=query, limit=limit, cursor=cursor
        )
        return page

    async def every_document(
        self,
        owner: str,
        collection_id: str | None = None,
        query: str = "",
        where: Mapping[str, Any] | None = None,
        order: DocumentOrder = "added_at",
        descending: bool = True,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Document]:
        page: Page[Document] = await self._call(
            "every_document",
            owner=owner,
            collection_id=collection_id,
            query=query,
            where=where,
            order=order,
            descending=descending,
            limit=limit,
            cursor=cursor,
        )
        return page

    async def document(self, document_id: str) -> Document:
        found: Document = await self._call("document", document_id=document_id)
        return found

    async def sources(self, collection_id: str, below: str = "") -> Mapping[str, str]:
        found: Mapping[str, str] = await self._call("sources", collection_id=collection_id, below=below)
        return found

    async def chunks(self, document_id: str, limit: int = 200, cursor: str | None = None) -> Page[Chunk]:
        page: Page[Chunk] = await self._call("chunks", document_id=document_id, limit=limit, cursor=cursor)
        return page

    async def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        text: str = await self._call("text", document_id=document_id, start=start, characters=characters)
        return text

    async def describe(
        self,
        document_id: str,
        *,
        name: str | None = None,
        summary: str | None = None,
        questions: tuple[str, ...] | None = None,
        metadata: Mapping[str, Any] | None = None,
        ext: Ext | None = None,
    ) -> Document:
        described: Document = await self._call(
            "describe",
            document_id=document_id,
            name=name,
            summary=summary,
            questions=questions,
            metadata=metadata,
            ext=ext,
        )
        return described

    async def remove(self, document_id: str) -> None:
        await self._call("remove", document_id=document_id)

    async def reembed(self, collection_id: str, model: str, document_id: str | None = None) -> int:
        left: int = await self._call(
            "reembed", collection_id=collection_id, model=model, document_id=document_id
        )
        return left

    # --- searching

    async def search(
        self,
        uses: Sequence[KnowledgeUse],
        query: str,
        *,
        method: SearchMethod = "hybrid",
        top_k: int = 8,
    ) -> tuple[Passage, ...]:
        found: tuple[Passage, ...] = await self._call(
            "search", uses=uses, query=query, method=method, top_k=top_k
        )
        return found

    async def nearest(
        self, collection_id: str, vector: Sequence[float], top_k: int = 8
    ) -> tuple[Passage, ...]:
        found: tuple[Passage, ...] = await self._call(
            "nearest", collection_id=collection_id, vector=vector, top_k=top_k
        )
        return found

    async def embed(self, model: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        made: Sequence[Sequence[float]] = await self._call("embed", model=model, texts=texts)
        return made

    async def passages(self, chunk_ids: Sequence[int]) -> tuple[Passage, ...]:
        found: tuple[Passage, ...] = await self._call("passages", chunk_ids=chunk_ids)
        return found

    async def around(self, chunk_id: int, neighbours: int = 1) -> tuple[Passage, ...]:
        found: tuple[Passage, ...] = await self._call("around", chunk_id=chunk_id, neighbours=neighbours)
        return found

    async def all_passages(
        self, uses: Sequence[KnowledgeUse], max_chars: int
    ) -> tuple[tuple[Passage, ...], int]:
        found: tuple[tuple[Passage, ...], int] = await self._call(
            "all_passages", uses=uses, max_chars=max_chars
        )
        return found

    # --- kept retrievals

    async def keep_context(self, record: ContextRecord) -> None:
        await self._call("keep_context", record=record)

    async def context(self, context_id: str) -> ContextRecord:
        found: ContextRecord = await self._call("context", context_id=context_id)
        return found

    async def contexts(self, owner: str, limit: int = 50, cursor: str | None = None) -> Page[ContextRecord]:
        page: Page[ContextRecord] = await self._call("contexts", owner=owner, limit=limit, cursor=cursor)
        return page

    async def drop_context(self, context_id: str) -> None:
        await self._call("drop_context", context_id=context_id)

    # --- health

    async def check(self, *, repair: bool = False) -> tuple[IndexProblem, ...]:
        problems: tuple[IndexProblem, ...] = await self._call("check", repair=repair)
        return problems

    async def forget_owner(self, owner: str) -> None:
        await self._call("forget_owner", owner=owner)

    async def _call(self, method: str, /, **arguments: Any) -> Any:
        op = operation(method)
        settings = self._settings().model_dump(mode="json") if method == "ingest" else None
        answer = await self._connection.call(method, op.dump_arguments(arguments), settings)
        return op.load_result(answer)
