"""Collections between h2oGPTe's words and ours. Pure."""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import Chunking
from holdfast.core.domain.knowledge import Collection as Kept
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT, ext_with, said_of
from holdfast.server.dialects.h2ogpte.wire_chats import CompletionRequest
from holdfast.server.dialects.h2ogpte.wire_collections import (
    ChatSettings,
    Collection,
    CollectionCreate,
    CollectionSettings,
    CollectionsQuery,
    CollectionUpdate,
    RagType,
)
from holdfast.server.kit.free_names import free_name, names_of
from holdfast.server.kit.reading import json_object, parsed

CHARS = 4
"""Of a token."""
_RAG_TYPES = get_args(RagType)


def made_of(asked: CollectionCreate, taken: Some[str]) -> dict[str, Any]:
    """Returns a new collection as `knowledge.create` takes it. Raises `InvalidError`."""
    here = free_name(asked.name, taken)
    said = {
        **names_of(asked.name, here),
        "settings": settings_values(asked.collection_settings),
        "chat_settings": chat_values(asked.chat_settings),
    }
    return {
        "name": here,
        "description": asked.description,
        "embedding_model": asked.embedding_model,
        "chunking": chunking_of(asked.collection_settings),
        "ext": {EXT: {name: value for name, value in said.items() if value}},
    }


def changes_of(asked: CollectionUpdate, collection: Kept, taken: Some[str]) -> dict[str, Any]:
    """Returns changes as `knowledge.update` takes them."""
    said, here = dict[str, Any](), None
    if asked.name is not None and asked.name != shown_name(collection):
        here = free_name(asked.name, set(taken) - {collection.name})
        said |= names_of(asked.name, here)
    if asked.rag_type is not None:
        settings = dict(said_of(collection).get("chat_settings") or {})
        settings["rag_config"] = {**(settings.get("rag_config") or {}), "rag_type": asked.rag_type}
        said["chat_settings"] = settings
    return {
        "name": here,
        "description": asked.description,
        "ext": ext_with(collection, **said) if said else None,
    }


def chunking_of(settings: CollectionSettings | None) -> Chunking | None:
    """Returns how documents are cut; None: as always."""
    if settings is None or (settings.max_tokens_per_chunk, settings.chunk_overlap_tokens) == (None, None):
        return None
    usual = Chunking()
    size = settings.max_tokens_per_chunk
    chars = usual.max_chars if size is None else min(max(size * CHARS, 100), 20_000)
    overlap = min((settings.chunk_overlap_tokens or 0) * CHARS, chars // 2, 5_000)
    return Chunking(max_chars=chars, overlap_chars=overlap)


def chunking_after(asked: CollectionSettings, collection: Kept) -> Chunking | None:
    """Returns how documents are cut from now on: what was said of it before holds no longer. None: as now."""
    said = said_of(collection).get("settings", {})
    cut = {name: said.get(name) for name in ("max_tokens_per_chunk", "chunk_overlap_tokens")}
    return chunking_of(asked) or (Chunking() if any(cut.values()) else None)


def settings_values(settings: CollectionSettings | None) -> dict[str, Any]:
    """Returns settings as they are kept."""
    return settings.model_dump(mode="json", exclude_none=True) if settings is not None else {}


def chat_values(settings: ChatSettings | None) -> dict[str, Any]:
    """Returns settings of chats as they are kept. Raises `InvalidError` for what no completion could have."""
    values = settings.model_dump(mode="json", exclude_none=True) if settings is not None else {}
    parsed(CompletionRequest, {**values, "message": ""})
    return values


def shown_name(collection: Kept) -> str:
    """Returns what this API's clients have called a collection, unless somebody has renamed it here."""
    said = said_of(collection)
    return str(said["name"]) if said.get("name_here") == collection.name else collection.name


def collection_of(collection: Kept, username: str, chats: Mapping[str, int]) -> Collection:
    """Returns a collection; `chats` has how many chats there are of each."""
    rag = ((said_of(collection).get("chat_settings") or {}).get("rag_config") or {}).get("rag_type")
    return Collection(
        id=collection.id,
        name=shown_name(collection),
        description=collection.description,
        embedding_model=collection.embedding_model,
        document_count=collection.documents,
        document_size=collection.size,
        created_at=collection.created_at,
        updated_at=collection.updated_at,
        username=username,
        sessions_count=chats.get(collection.id, 0),
        rag_type=rag if rag in _RAG_TYPES else None,
        metadata_dict=collection.metadata or None,
    )


def listed(found: Iterable[Kept], asked: CollectionsQuery, chats: Mapping[str, int]) -> list[Kept]:
    """Returns the collections that are wanted, in the order that is. Raises `InvalidError`."""
    part = (asked.name_filter or "").lower()
    wanted = json_object(asked.metadata_filter, "metadata_filter")
    if any(isinstance(value, dict | list) or name.startswith("$") for name, value in wanted.items()):
        raise InvalidError("Collections are filtered by values alone: {name: value}.", code="invalid_filter")
    kept = [
        each
        for each in found
        if part in shown_name(each).lower()
        and all(name in each.metadata and each.metadata[name] == value for name, value in wanted.items())
    ]
    orders = {
        "name": lambda each: shown_name(each).lower(),
        "document_count": lambda each: each.documents,
        "document_size": lambda each: each.size,
        "sessions_count": lambda each: chats.get(each.id, 0),
        "updated_at": lambda each: each.updated_at,
    }
    return sorted(kept, key=orders[asked.sort_column], reverse=not asked.ascending)
