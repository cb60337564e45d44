"""Knowledge bases, their sources and searches on Powabase's wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from holdfast.server.dialects.powabase.wire import Wire
from holdfast.server.dialects.powabase.wire_runs import RetrievalIn

SourceStatus = Literal["pending", "indexing", "indexed", "failed", "cancelled"]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class IndexingConfig(Wire):
    """How documents are cut and embedded."""

    chunk_size: int | None = None
    chunk_overlap: int | None = None
    embedding_model: str | None = None


class RetrievalConfig(Wire):
    """How a knowledge base is searched where a search does not say."""

    top_k: int | None = None
    retrieval_method: str | None = None
    """There are more than requests can name."""
    similarity_threshold: float | None = None


class KnowledgeBaseCreate(Wire):
    name: Name
    description: str | None = ""
    indexing_config: IndexingConfig | None = None
    retrieval_config: RetrievalConfig | None = None


class KnowledgeBasePatch(Wire):
    name: Name | None = None
    description: str | None = None
    indexing_config: IndexingConfig | None = None
    retrieval_config: RetrievalConfig | None = None


class KnowledgeBaseOut(Wire):
    id: str
    name: str
    description: str
    indexing_config: IndexingConfig
    retrieval_config: RetrievalConfig
    created_at: datetime
    updated_at: datetime
    source_counts: dict[str, int]


class KnowledgeBaseList(Wire):
    knowledge_bases: tuple[KnowledgeBaseOut, ...]
    total: int
    limit: int
    offset: int


class SourceIn(Wire):
    """A document by value; a file comes as a form instead."""

    name: Name
    text: str = Field(min_length=1)
    metadata: dict[str, Any] = Field(default_factory=dict)


class SourceOut(Wire):
    id: str
    name: str
    status: SourceStatus
    error: str | None = None
    chunks: int = 0
    size: int = 0
    meta: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime | None = None


class SourceList(Wire):
    sources: tuple[SourceOut, ...]
    total: int
    limit: int
    offset: int


class SearchIn(RetrievalIn):
    query: str = Field(min_length=1)
    top_k: int | None = Field(default=5, gt=0, le=200)


class FoundOut(Wire):
    chunk_id: str
    text: str
    score: float
    source_id: str
    meta: dict[str, Any]


class SearchOut(Wire):
    results: tuple[FoundOut, ...]
    query: str
    retrieval_method: str
    total_results: int


class Deleted(Wire):
    deleted: bool = True
