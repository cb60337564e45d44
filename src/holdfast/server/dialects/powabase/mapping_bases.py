"""Between knowledge bases and our collections, sources and documents. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.jobs import Job, JobStatus
from holdfast.core.domain.knowledge import (
    Chunking,
    Collection,
    Document,
    Method,
    Passage,
    Retrieval,
    RetrievalSettings,
)
from holdfast.core.domain.options import KnowledgeUse
from holdfast.server.dialects.powabase.mapping import METHOD_NAMES, METHODS
from holdfast.server.dialects.powabase.wire_knowledge import (
    FoundOut,
    IndexingConfig,
    KnowledgeBaseOut,
    RetrievalConfig,
    SearchOut,
    SourceOut,
    SourceStatus,
)
from holdfast.server.dialects.powabase.wire_runs import RetrievalIn
from holdfast.server.kit.reading import parsed

V = TypeVar("V", Chunking, RetrievalSettings)
_STATUS: dict[JobStatus, SourceStatus] = {
    JobStatus.COMPLETED: "failed",  # the job has ended, and the item did not come through
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}


def knowledge_base(collection: Collection) -> KnowledgeBaseOut:
    """Returns a collection as a knowledge base."""
    retrieval = collection.retrieval
    return KnowledgeBaseOut(
        id=collection.id,
        name=collection.name,
        description=collection.description,
        indexing_config=IndexingConfig(
            chunk_size=collection.chunking.max_chars,
            chunk_overlap=collection.chunking.overlap_chars,
            embedding_model=collection.embedding_model,
        ),
        retrieval_config=RetrievalConfig(
            top_k=retrieval.top_k,
            retrieval_method=METHOD_NAMES.get(retrieval.method, retrieval.method),
            similarity_threshold=retrieval.min_score,
        ),
        created_at=collection.created_at,
        updated_at=collection.updated_at,
        source_counts={"total": collection.documents, "indexed": collection.documents},
    )


def chunking_of(config: IndexingConfig | None, now: Chunking | None = None) -> Chunking | None:
    """Returns how documents are cut; None where nothing is said. Raises `InvalidError`."""
    if config is None:
        return None
    said = {"max_chars": config.chunk_size, "overlap_chars": config.chunk_overlap}
    return _laid_over(now or Chunking(), said)


def retrieval_of(
    config: RetrievalConfig | None, now: RetrievalSettings | None = None
) -> RetrievalSettings | None:
    """Returns how a knowledge base is searched; None where nothing is said. Raises `InvalidError`."""
    if config is None:
        return None
    method = METHODS.get(config.retrieval_method or "", config.retrieval_method)
    if method not in (None, *get_args(Method)):
        raise InvalidError(
            f"retrieval_config.retrieval_method: must be one of {', '.join(METHODS)}.", code="invalid_request"
        )
    said = {"top_k": config.top_k, "method": method, "min_score": config.similarity_threshold}
    return _laid_over(now or RetrievalSettings(), said)


def _laid_over(now: V, said: Mapping[str, Any]) -> V | None:
    given = {name: value for name, value in said.items() if value is not None}
    if not given:
        return None
    changed: V = parsed(type(now), {**now.model_dump(), **given})
    return changed


def source_of_document(document: Document) -> SourceOut:
    """Returns a document that was taken in as an indexed source."""
    return SourceOut(
        id=document.id,
        name=document.name,
        status="indexed",
        chunks=document.chunks,
        size=document.size,
        meta=document.metadata,
        created_at=document.added_at,
    )


def waiting_source(job: Job) -> SourceOut:
    """Returns a source that no document is made of: not yet, or not at all."""
    reasons = [each.error.message for each in job.failures if each.error]
    reason = job.error.message if job.error else next(iter(reasons), None)
    status = _STATUS.get(job.status, "indexing")
    return SourceOut(id=job.id, name=job.request.items[0].name, status=status, error=reason)


def use_of(collection_id: str, asked: RetrievalIn) -> KnowledgeUse:
    """Returns what a search looks in."""
    return KnowledgeUse(
        collection=collection_id,
        top_k=asked.top_k,
        min_score=asked.similarity_threshold,
        method=METHODS[asked.retrieval_method] if asked.retrieval_method else None,
        where=asked.filter_metadata or None,
        documents=asked.source_ids,
    )


def found_of(found: Retrieval) -> SearchOut:
    """Returns what a search has found."""
    return SearchOut(
        results=tuple(map(_found, found.passages)),
        query=found.query,
        retrieval_method=METHOD_NAMES.get(found.method, found.method),
        total_results=len(found.passages),
    )


def _found(passage: Passage) -> FoundOut:
    return FoundOut(
        chunk_id=str(passage.chunk_id),
        text=passage.text,
        score=passage.score,
        source_id=passage.document_id,
        meta={**passage.metadata, "source_name": passage.document},
    )
