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


class TagCreate(Wire):
    name: str = Field(min_length=1, max_length=200)


class TagsQuery(Wire):
    collection_id: str
