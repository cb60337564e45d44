"""Collections, as h2oGPTe's API has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from holdfast.server.dialects.h2ogpte.wire import Wire

RagType = Literal["auto", "llm_only", "rag", "hyde1", "hyde2", "rag+", "all_data"]
"""Those that clients know of a collection; of a completion there are more."""


class CollectionsQuery(Wire):
    offset: int = Field(0, ge=0)
    limit: int = Field(100, ge=0)
    sort_column: Literal["name", "document_count", "document_size", "updated_at", "sessions_count"] = (
        "updated_at"
    )
    ascending: bool = False
    metadata_filter: str | None = None
    """JSON: an object of values that the metadata must have."""
    name_filter: str | None = None
    """A part of the name, whatever its case."""
    current_user_only: bool = False
    """Collections are their owner's alone, anyway."""


class CollectionSettings(Wire):
    """How documents are taken in. What is not known is kept as it came."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    max_tokens_per_chunk: int | None = Field(None, ge=1)
    chunk_overlap_tokens: int | None = Field(None, ge=0)
    gen_doc_summaries: bool | None = None
    gen_doc_questions: bool | None = None
    ingest_mode: str | None = None


class ChatSettings(Wire):
    """What holds for completions in chats of the collection, where they say nothing themselves."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    llm: str | int | None = None
    llm_args: dict[str, Any] | None = None
    self_reflection_config: dict[str, Any] | None = None
    rag_config: dict[str, Any] | None = None
    include_chat_history: bool | str | None = None
    tags: tuple[str, ...] | dict[str, Any] | None = None


class CollectionCreate(Wire):
    name: str = Field(min_length=1, max_length=1_000)
    description: str
    embedding_model: str | None = None
    collection_settings: CollectionSettings | None = None
    chat_settings: ChatSettings | None = None


class CollectionUpdate(Wire):
    name: str | None = Field(None, min_length=1, max_length=1_000)
    description: str | None = None
    rag_type: RagType | None = None


class CollectionsDelete(Wire):
    collection_ids: tuple[str, ...] = Field(min_length=1, max_length=1_000)


class Collection(Wire):
    id: str
    name: str
    description: str
    embedding_model: str
    document_count: int
    document_size: int
    """In bytes."""
    created_at: datetime
    updated_at: datetime
    user_count: int = 1
    is_public: bool = False
    username: str
    sessions_count: int
    status: str = "active"
    rag_type: RagType | None = None
    metadata_dict: dict[str, Any] | None = None


class QuestionsOfCollectionQuery(Wire):
    limit: int = Field(100, ge=0)


class DeleteQuery(Wire):
    """How long is waited for the end: deleting takes no time here."""

    timeout: float = 300
