"""The index: what the engine asks of it, in one place. Runs in the worker, and may be used by threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.ext import Ext
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
from holdfast.core.knowledge.embedding import Embeddings
from holdfast.core.knowledge.index.checking import Check
from holdfast.core.knowledge.index.collections import Collections, drop_words
from holdfast.core.knowledge.index.contexts import Contexts
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.delivery import Delivery
from holdfast.core.knowledge.index.documents import Documents
from holdfast.core.knowledge.index.embedded import Embedded
from holdfast.core.knowledge.index.folder_lock import FolderLock
from holdfast.core.knowledge.index.ingesting import Ingestion, Parser
from holdfast.core.knowledge.index.reembedding import Reembedding
from holdfast.core.knowledge.index.search import Search
from holdfast.core.knowledge.index.stopping import Stop
from holdfast.core.knowledge.index.vectors import VectorStore

DATABASE = "knowledge.db"
CHROMA = "chroma"


class Index:
    """The methods of `KnowledgeIndex`, which say what they do, for threads."""

    def __init__(
        self,
        folder: Path,
        embeddings: Embeddings,
        parser: Parser,
        *,
        chroma_url: str | None = None,
        vectors: VectorStore | None = None,
    ) -> None:
        """Opens the index in `folder`, makes it when there is none. Raises `KnowledgeUnavailable`."""
        self._lock = FolderLock(folder)
        try:
            self._database = Database(folder / DATABASE)
        except BaseException:
            self._lock.release()
            raise
        self._parser = parser
        self._embeddings = embeddings
        self._writing = threading.Lock()
        self._vectors = vectors or VectorStore(folder / CHROMA, chroma_url)
        database, writing = self._database, self._writing
        embedded = Embedded(database, embeddings, self._vectors)
        self._delivery = Delivery(database, self._vectors)
        self._collections = Collections(database)
        self._documents = Documents(database, self._collections)
        self._contexts = Contexts(database)
        self._ingestion = Ingestion(database, self._collections, embedded, self._delivery, parser, writing)
        self._reembedding = Reembedding(database, self._collections, embedded, self._delivery, writing)
        self._search = Search(database, self._collections, self._documents, embedded, self._vectors)
        self._check = Check(database, embedded, self._vectors, self._delivery, writing)

    @property
    def path(self) -> Path:
        return self._database.path

    def deliver(self) -> None:
        """Tells Chroma what it has yet to be told, and clears what a process that died had begun.

        Loads Chroma only when there is such a thing.
        """
        with self._writing:
            self._delivery.try_deliver()

    def close(self) -> None:
        self._parser.close()
        with self._writing:
            self._vectors.close()
            self._database.close()
            self._lock.release()

    # --- collections

    def collections(self, owner: str | None = None) -> tuple[Collection, ...]:
        return self._collections.list(owner)

    def collection(self, collection_id: str) -> Collection:
        return self._collections.get(collection_id)

    def create(self, collection: Collection) -> Collection:
        return self._collections.create(collection)

    def update(
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
        return self._collections.update(
            collection_id,
            name=name,
            description=description,
            retrieval=retrieval,
            chunking=chunking,
            folders=folders,
            metadata=metadata,
            ext=ext,
        )

    def hand_over(self, collection_id: str, owner: str, name: str) -> Collection:
        return self._collections.hand_over(collection_id, owner, name)

    def delete(self, collection_id: str) -> None:
        with self._writing:
            self._collections.remove(collection_id)

    # --- documents

    def ingest(
        self, collection_id: str, item: IngestItem, *, settings: KnowledgeSettings, stop: Stop
    ) -> IngestResult:
        return self._ingestion.ingest(collection_id, item, settings, stop)

    def documents(
        self, collection_id: str, query: str = "", limit: int = 200, cursor: str | None = None
    ) -> Page[Document]:
        return self._documents.list(collection_id, query, limit, cursor)

    def every_document(
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
        return self._documents.every(owner, collection_id, query, where, order, descending, limit, cursor)

    def document(self, document_id: str) -> Document:
        return self._documents.get(document_id)

    def sources(self, collection_id: str, below: str = "") -> Mapping[str, str]:
        return self._documents.sources(collection_id, below)

    def chunks(self, document_id: str, limit: int = 200, cursor: str | None = None) -> Page[Chunk]:
        return self._documents.chunks(document_id, limit, cursor)

    def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        return self._documents.text(document_id, start, characters)

    def describe(
        self,
        document_id: str,
        *,
        name: str | None = None,
        summary: str | None = None,
        questions: tuple[str, ...] | None = None,
        metadata: Mapping[str, Any] | None = None,
        ext: Ext | None = None,
    ) -> Document:
        return self._documents.describe(
            document_id, name=name, summary=summary, questions=questions, metadata=metadata, ext=ext
        )

    def remove(self, document_id: str) -> None:
        with self._writing:
            with self._database.writing() as connection:
                number = self._documents.number(document_id)
                drop_words(connection, [number])
                row = connection.execute(
                    "UPDATE documents SET status = 'removing' WHERE number = ? RETURNING collection",
                    (number,),
                ).fetchone()
            self._reembedding.settle(row["collection"])

    def reembed(self, collection_id: str, model: str, document_id: str | None = None, *, stop: Stop) -> int:
        if document_id is None:
            return self._reembedding.begin(collection_id, model)
        return self._reembedding.document(collection_id, model, document_id, stop)

    # --- searching

    def search(
        self, uses: Sequence[KnowledgeUse], query: str, *, method: SearchMethod = "hybrid", top_k: int = 8
    ) -> tuple[Passage, ...]:
        return self._search.search(uses, query, method=method, top_k=top_k)

    def nearest(self, collection_id: str, vector: Sequence[float], top_k: int = 8) -> tuple[Passage, ...]:
        return self._search.nearest(collection_id, vector, top_k)

    def embed(self, model: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        made: list[list[float]] = self._embeddings.embed(model, texts, query=True).tolist()
        return made

    def passages(self, chunk_ids: Sequence[int]) -> tuple[Passage, ...]:
        return self._documents.passages(chunk_ids)

    def around(self, chunk_id: int, neighbours: int = 1) -> tuple[Passage, ...]:
        return self._documents.around(chunk_id, neighbours)

    def all_passages(self, uses: Sequence[KnowledgeUse], max_chars: int) -> tuple[tuple[Passage, ...], int]:
        return self._search.all_passages(uses, max_chars)

    # --- kept retrievals

    def keep_context(self, record: ContextRecord) -> None:
        self._contexts.keep(record)

    def context(self, context_id: str) -> ContextRecord:
        return self._contexts.get(context_id)

    def contexts(self, owner: str, limit: int = 50, cursor: str | None = None) -> Page[ContextRecord]:
        return self._contexts.list(owner, limit, cursor)

    def drop_context(self, context_id: str) -> None:
        self._contexts.drop(context_id)

    # --- health

    def check(self, *, repair: bool = False) -> tuple[IndexProblem, ...]:
        return self._check.run(repair=repair)

    def forget_owner(self, owner: str) -> None:
        self._contexts.forget(owner)
        with self._writing:
            for collection in self._collections.list(owner):
                self._collections.remove(collection.id)
