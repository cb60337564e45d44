"""Embedding models, and what vectors have found. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.core.domain.knowledge import DEFAULT_EMBEDDING, Passage
from holdfast.server.dialects.h2ogpte.mapping_documents import found_chunk
from holdfast.server.dialects.h2ogpte.wire_documents import ChunksMatch, EmbeddingModel, FoundChunk

_BUNDLED = "Comes with Holdfast; works offline."


def embedding_model(name: str) -> EmbeddingModel:
    """Returns what is told of an embedding model."""
    said = _BUNDLED if name == DEFAULT_EMBEDDING else f"A model of {name.partition('/')[0]}."
    return EmbeddingModel(id=name, display_name=name, description=said)


def embedding_models(default: str) -> tuple[EmbeddingModel, ...]:
    """Returns the models that are known: that of the settings, and the one that is always there."""
    return tuple(map(embedding_model, dict.fromkeys((default, DEFAULT_EMBEDDING))))


def matched(found: Iterable[Passage], asked: ChunksMatch) -> tuple[FoundChunk, ...]:
    """Returns the part that is wanted of what several vectors have found, each chunk once, best first."""
    best: dict[int, Passage] = {}
    for each in found:
        if asked.cut_off > 0 and 1 - each.score > asked.cut_off:
            continue
        if each.chunk_id not in best or best[each.chunk_id].score < each.score:
            best[each.chunk_id] = each
    ordered = sorted(best.values(), key=lambda each: (-each.score, each.chunk_id))
    return tuple(map(found_chunk, ordered[asked.offset : asked.offset + asked.limit]))
