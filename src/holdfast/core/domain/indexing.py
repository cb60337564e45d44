"""The ports around knowledge: the index of documents, and the models that searching asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

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
    Method,
    Passage,
    Retrieval,
    RetrievalSettings,
    SearchMethod,
)
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.values import Page


class Embedder(Protocol):
    """Embedding models of providers. The bundled one belongs to the index."""

    async def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        """Returns a vector for each text. Raises `ModelError`."""
        ...


class KnowledgeIndex(Protocol):
    """Collections, documents and chunks, their vectors and their words: all that is kept of knowledge.

    It knows no principals: who asks has checked the owner. Every method raises `NotFoundError` for an id that
    there is not, and `KnowledgeUnavailable` when the index cannot be reached (its process, Chroma's folder or
    server).
    """

    # --- collections

    async def collections(self, owner: str | None = None) -> tuple[Collection, ...]:
        """Returns an owner's collections, or all, by name."""
        ...

    async def collection(self, collection_id: str) -> Collection: ...

    async def create(self, collection: Collection) -> Collection:
        """Keeps a new collection. Raises `ConflictError` (`collection_exists`)."""
        ...

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
        """Changes what is given. Raises `ConflictError` for a name that is taken."""
        ...

    async def hand_over(self, collection_id: str, owner: str, name: str) -> Collection:
        """Gives a collection another owner and name. Raises `ConflictError` (`collection_exists`)."""
        ...

    async def delete(self, collection_id: str) -> None:
        """Deletes a collection with all that is in it."""
        ...

    # --- documents

    async def ingest(self, collection_id: str, item: IngestItem) -> IngestResult:
        """Takes one item in: reads, cuts, embeds and indexes it; all of it or nothing.

        A document of the same source and the same bytes is `unchanged`; one of other bytes takes the place of
        the old one at once, when it is complete. What is wrong with the item is in the result (`failed`);
        raises only for what concerns all of them.
        """
        ...

    async def documents(
        self, collection_id: str, query: str = "", limit: int = 200, cursor: str | None = None
    ) -> Page[Document]:
        """Returns documents by name; `query`: words in name or title."""
        ...

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
        """Returns an owner's documents, of all his collections or of one; `where` as in `KnowledgeUse`."""
        ...

    async def document(self, document_id: str) -> Document: ...

    async def sources(self, collection_id: str, below: str = "") -> Mapping[str, str]:
        """Returns the ids of the documents by source; `below`: only of those whose source starts so."""
        ...

    async def chunks(self, document_id: str, limit: int = 200, cursor: str | None = None) -> Page[Chunk]:
        """Returns the chunks of a document, in order."""
        ...

    async def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        """Returns a part of a document's text, to which the offsets of chunks refer."""
        ...

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
        """Changes what is said of a document."""
        ...

    async def remove(self, document_id: str) -> None:
        """Removes a document with its chunks."""
        ...

    async def reembed(self, collection_id: str, model: str, document_id: str | None = None) -> int:
        """Makes vectors anew with `model`. Without a document: begins, and returns how many documents there
        are; then each is given once; the collection has the new model when the last is done. Searches use
        the old vectors until then."""
        ...

    # --- searching

    async def search(
        self,
        uses: Sequence[KnowledgeUse],
        query: str,
        *,
        method: SearchMethod = "hybrid",
        top_k: int = 8,
    ) -> tuple[Passage, ...]:
        """Returns the best passages of the collections (by id), best first. A use's own `top_k`, `min_score`,
        `where` and `documents` hold for its collection; its `method`, when it asks no model, too."""
        ...

    async def nearest(
        self, collection_id: str, vector: Sequence[float], top_k: int = 8
    ) -> tuple[Passage, ...]:
        """Returns the passages nearest to a vector, best first, with the cosine as their score. Raises
        `InvalidError` (`wrong_dimensions`)."""
        ...

    async def embed(self, model: str, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """Returns the vector of each text, as of a query. Raises `ModelError`."""
        ...

    async def passages(self, chunk_ids: Sequence[int]) -> tuple[Passage, ...]:
        """Returns chunks by their ids, in the order given, without scores (0); those that are gone are left
        out."""
        ...

    async def around(self, chunk_id: int, neighbours: int = 1) -> tuple[Passage, ...]:
        """Returns a chunk with its neighbours on each side, in the document's order."""
        ...

    async def all_passages(
        self, uses: Sequence[KnowledgeUse], max_chars: int
    ) -> tuple[tuple[Passage, ...], int]:
        """Returns all passages in the order of documents until `max_chars` is full, and how many there are
        in all."""
        ...

    # --- kept retrievals

    async def keep_context(self, record: ContextRecord) -> None: ...

    async def context(self, context_id: str) -> ContextRecord: ...

    async def contexts(
        self, owner: str, limit: int = 50, cursor: str | None = None
    ) -> Page[ContextRecord]: ...

    async def drop_context(self, context_id: str) -> None: ...

    # --- health

    async def check(self, *, repair: bool = False) -> tuple[IndexProblem, ...]:
        """Compares documents, chunks, words and vectors; repairs what does not agree when told."""
        ...

    async def forget_owner(self, owner: str) -> None:
        """Deletes all that a user has."""
        ...

    async def close(self) -> None: ...


class Asker(Protocol):
    """A model that is asked one thing, outside of any conversation."""

    async def __call__(self, prompt: str, *, system: str = "", max_tokens: int = 1_000) -> str:
        """Returns the answer. Raises `ModelError`; `UnsupportedError` when the model is `offline`, which
        cannot answer such questions."""
        ...


class Reranker(Protocol):
    """Puts passages into a better order."""

    async def rerank(self, query: str, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Returns the passages with `rerank_score`, best first."""
        ...


class KnowledgeKeeper(Protocol):
    """Keeps collections in step with the folders that agents name."""

    async def keep_in_step(self, owner: str, collection: str, folder: Path, wait_s: float = 0) -> bool:
        """Makes the owner's collection `collection` (a name) when there is none, and brings it in step with
        `folder` (a whole path) in the background.

        Says whether it can be searched now as it should be: its first time is over. Waits for that at most
        `wait_s` seconds; later times are not waited for. Raises `HoldfastError`.
        """
        ...


class Retriever(Protocol):
    """Finds passages by any method."""

    async def retrieve(
        self,
        query: str,
        uses: Sequence[KnowledgeUse],
        *,
        method: Method | None = None,
        top_k: int | None = None,
        max_tokens: int | None = None,
        ask: Asker | None = None,
    ) -> Retrieval:
        """Searches the collections (by id) with `query`. What is not given is as the uses say, else as the
        collections do. Raises `UnsupportedError` for a method that needs a model when there is no `ask`."""
        ...
