"""An index of passages in memory: what a test put there is found by the words it shares with the query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from holdfast.core.domain.errors import HoldfastError, NotFoundError
from holdfast.core.domain.knowledge import (
    Collection,
    ContextRecord,
    Document,
    Passage,
    Place,
    RetrievalSettings,
)
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.values import Page, utc_now


class FakeIndex:
    """The searching half of a `KnowledgeIndex`. `broken` is what all calls raise from then on, or those of
    one collection; `searches` holds what was asked."""

    def __init__(self) -> None:
        self.kept: dict[str, Collection] = {}
        self.held: dict[str, Document] = {}
        self.chunks: dict[int, Passage] = {}
        self.stored: dict[str, ContextRecord] = {}
        self.broken: dict[str, HoldfastError] = {}
        self.searches: list[dict[str, Any]] = []

    # --- what a test does

    def add(
        self, name: str, documents: dict[str, Sequence[str]], *, owner: str = "local", **retrieval: Any
    ) -> Collection:
        """Makes a collection of documents, each a list of chunks."""
        collection = Collection(
            id=f"id-{name}-{owner}",
            owner=owner,
            name=name,
            description=f"All about {name}.",
            retrieval=RetrievalSettings(**retrieval),
            created_at=utc_now(),
            updated_at=utc_now(),
        )
        self.kept[collection.id] = collection
        for document, texts in documents.items():
            self._add_document(collection, document, texts)
        return collection

    def _add_document(self, collection: Collection, name: str, texts: Sequence[str]) -> None:
        document_id = f"{collection.id}/{name}"
        self.held[document_id] = Document(
            id=document_id,
            collection_id=collection.id,
            name=name,
            source=f"/files/{name}",
            media_type="text/markdown",
            size=1,
            digest="0" * 64,
            chunks=len(texts),
            characters=len("\n".join(texts)),
            added_at=utc_now(),
        )
        for number, text in enumerate(texts):
            chunk_id = len(self.chunks) + 1
            self.chunks[chunk_id] = Passage(
                chunk_id=chunk_id,
                number=number,
                collection_id=collection.id,
                collection=collection.name,
                document_id=document_id,
                document=name,
                source=f"/files/{name}",
                text=text,
                place=Place(start=0, end=len(text), line=number + 1, headings=("Top",)),
                score=0,
            )

    def _check(self, *collections: str) -> None:
        for name in ("", *collections):
            if name in self.broken:
                raise self.broken[name]

    # --- collections and documents

    async def collections(self, owner: str | None = None) -> tuple[Collection, ...]:
        self._check()
        return tuple(each for each in self.kept.values() if owner in (None, each.owner))

    async def collection(self, collection_id: str) -> Collection:
        self._check(collection_id)
        if collection_id not in self.kept:
            raise NotFoundError("The collection is gone.", code="collection_not_found")
        return self.kept[collection_id]

    async def delete(self, collection_id: str) -> None:
        del self.kept[collection_id]

    async def documents(
        self, collection_id: str, query: str = "", limit: int = 200, cursor: str | None = None
    ) -> Page[Document]:
        self._check(collection_id)
        words = set(_words(query))
        own = (each for each in self.held.values() if each.collection_id == collection_id)
        return Page(items=tuple(each for each in own if not words or words & set(_words(each.name)))[:limit])

    async def document(self, document_id: str) -> Document:
        self._check()
        if document_id not in self.held:
            raise NotFoundError("There is no such document.", code="document_not_found")
        return self.held[document_id]

    async def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        texts = [each.text for each in self.chunks.values() if each.document_id == document_id]
        return "\n".join(texts)[start : start + characters]

    # --- searching

    async def search(
        self, uses: Sequence[KnowledgeUse], query: str, *, method: str = "hybrid", top_k: int = 8
    ) -> tuple[Passage, ...]:
        self.searches.append({"uses": tuple(uses), "query": query, "method": method, "top_k": top_k})
        found: list[Passage] = []
        for use in uses:
            self._check(use.collection)
            if use.collection not in self.kept:
                raise NotFoundError("The collection is gone.", code="collection_not_found")
            few = [each for each in self._scored(use, query) if each.score >= (use.min_score or 0)]
            found += few[: use.top_k]
        return tuple(sorted(found, key=lambda each: -each.score)[:top_k])

    def _scored(self, use: KnowledgeUse, query: str) -> list[Passage]:
        words = set(_words(query))
        scored = [
            each.model_copy(update={"score": len(words & set(_words(each.text))) / max(1, len(words))})
            for each in self.chunks.values()
            if each.collection_id == use.collection
            and (use.documents is None or each.document_id in use.documents)
        ]
        return sorted((each for each in scored if each.score), key=lambda each: -each.score)

    async def passages(self, chunk_ids: Sequence[int]) -> tuple[Passage, ...]:
        self._check()
        return tuple(self.chunks[each] for each in chunk_ids if each in self.chunks)

    async def around(self, chunk_id: int, neighbours: int = 1) -> tuple[Passage, ...]:
        middle = self.chunks[chunk_id]
        return tuple(
            each
            for each in self.chunks.values()
            if each.document_id == middle.document_id and abs(each.number - middle.number) <= neighbours
        )

    async def all_passages(
        self, uses: Sequence[KnowledgeUse], max_chars: int
    ) -> tuple[tuple[Passage, ...], int]:
        for use in uses:
            await self.collection(use.collection)
        wanted = {use.collection for use in uses}
        every = [each for each in self.chunks.values() if each.collection_id in wanted]
        kept: list[Passage] = []
        for each in every:
            max_chars -= len(each.text)
            if max_chars < 0:
                break
            kept.append(each)
        return tuple(kept), len(every)

    async def keep_context(self, record: ContextRecord) -> None:
        self.stored[record.id] = record

    async def contexts(self, owner: str, limit: int = 50, cursor: str | None = None) -> Page[ContextRecord]:
        return Page(items=tuple(each for each in self.stored.values() if each.owner == owner)[:limit])

    async def context(self, context_id: str) -> ContextRecord:
        self._check()
        if context_id not in self.stored:
            raise NotFoundError("There is no such context.", code="context_not_found")
        return self.stored[context_id]

    async def close(self) -> None:
        """Nothing is open."""


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())
