"""Documents, their chunks and their tags, as h2oGPTe's API has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from holdfast.server.dialects.h2ogpte.wire import Wire


class CollectionDocumentsQuery(Wire):
    offset: int = Field(0, ge=0)
    limit: int = Field(100, ge=0)
    metadata_filter: str | None = None
    """JSON: a filter over the metadata, such as `{"year": {"$gte": 2020}}`."""


class DocumentsQuery(CollectionDocumentsQuery):
    sort_column: Literal[
        "name",
        "username",
        "type",
        "size",
        "page_count",
        "connector",
        "uri",
        "original_type",
        "original_mtime",
        "status",
        "updated_at",
    ] = "updated_at"
    ascending: bool = False


class Document(Wire):
    id: str
    name: str
    username: str
    type: str
    size: int
    """In bytes."""
    page_count: int
    status: Literal["completed"] = "completed"
    """What is not taken in whole is not there."""
    connector: str | None = None
    original_type: str | None = None
    original_mtime: str | None = None
    created_at: datetime
    updated_at: datetime
    uri: str | None = None
    summary: str | None = None
    metadata_dict: dict[str, Any] | None = None
    is_encrypted: bool = False


class DocumentUpdate(Wire):
    name: str | None = None
    uri: str | None = Field(None, max_length=4_000)


class DocumentsDelete(Wire):
    document_ids: tuple[str, ...] = Field(min_length=1, max_length=1_000)


class DocumentChunksQuery(Wire):
    collection_id: str


class Chunk(Wire):
    text: str
    id: int
    """Unique in the home."""
    name: str
    """Of the document."""
    size: int
    """In characters."""
    pages: str
    """JSON: `{"selections": [{"page": 1, "polygons": []}]}`."""


class FoundChunk(Chunk):
    topic: str = ""
    score: float = 0.0


class ChunksSearch(Wire):
    query: str
    topics: tuple[str, ...] = ()
    """There are none here."""
    offset: int = Field(0, ge=0)
    limit: int = Field(100, ge=0)


class Tag(Wire):
    id: str
    name: str
    description: str | None = None
    format: str | None = None


class TagUpdate(Wire):
    description: str | None = Field(None, max_length=1_000)
    format: str | None = Field(None, max_length=1_000)
    """How clients show it."""


class TagCreate(Wire):
    name: str = Field(min_length=1, max_length=200)


class DeletedTag(Wire):
    tag_id: str


class TagsQuery(Wire):
    collection_id: str


# --- vectors


class ChunksMatch(Wire):
    vectors: tuple[tuple[float, ...], ...] = Field(min_length=1, max_length=100)
    """Of the collection's model."""
    topics: tuple[str, ...] = ()
    """There are none here."""
    offset: int = Field(0, ge=0)
    limit: int = Field(100, ge=0)
    cut_off: float = 0
    """The longest distance (1 less the cosine) of what is found; 0: any."""


class ChunksEncode(Wire):
    chunks: tuple[str, ...] = Field(min_length=1, max_length=200)


class EmbeddingModel(Wire):
    id: str
    display_name: str
    description: str
    languages: tuple[str, ...] = ()


# --- documents in other collections


class DocumentInsert(Wire):
    document_id: str


class InsertQuery(Wire):
    timeout: float | None = Field(None, ge=0)
    """Seconds to wait for the end; what is not done then goes on."""
