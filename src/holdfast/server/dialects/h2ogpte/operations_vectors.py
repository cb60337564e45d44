"""Vectors of texts, and what is near them."""

from __future__ import annotations

from holdfast.server.dialects.h2ogpte.mapping_vectors import embedding_model, embedding_models, matched
from holdfast.server.dialects.h2ogpte.operations_collections import ONE as COLLECTION
from holdfast.server.dialects.h2ogpte.operations_collections import found
from holdfast.server.dialects.h2ogpte.wire_documents import (
    ChunksEncode,
    ChunksMatch,
    EmbeddingModel,
    FoundChunk,
)
from holdfast.server.kit.operations import Call, Operation

PATH = "/api/v1/embedding_models"
MOST_FOUND = 200
"""Passages near one vector."""


async def list_embedding_models(call: Call) -> tuple[EmbeddingModel, ...]:
    """Lists the embedding models that are known. Any of a provider's can be named."""
    return embedding_models(await _default(call))


async def get_default_embedding_model(call: Call) -> EmbeddingModel:
    """Returns the embedding model that new collections have."""
    return embedding_model(await _default(call))


async def encode_chunks_for_retrieval(call: Call) -> tuple[tuple[float, ...], ...]:
    """Returns the vectors of texts, to find what is near them."""
    body: ChunksEncode = call.body
    return await call.workbench.knowledge.embed(body.chunks, call.path["model_id"])


async def match_collection_chunks(call: Call) -> tuple[FoundChunk, ...]:
    """Finds chunks near vectors, best first."""
    asked: ChunksMatch = call.body
    own = await found(call)
    most = min(asked.offset + asked.limit, MOST_FOUND)
    passages = [
        each
        for vector in asked.vectors
        for each in await call.workbench.knowledge.nearest(own.id, vector, max(1, most))
    ]
    return matched(passages, asked)


async def _default(call: Call) -> str:
    return (await call.workbench.engine.settings()).knowledge.embedding_model


OPERATIONS = (
    Operation("list_embedding_models", "GET", PATH, list_embedding_models, result=tuple[EmbeddingModel, ...]),
    Operation(
        "get_default_embedding_model",
        "GET",
        f"{PATH}/default",
        get_default_embedding_model,
        result=EmbeddingModel,
    ),
    # A model's name may have slashes.
    Operation(
        "encode_chunks_for_retrieval",
        "POST",
        f"{PATH}/{{model_id:path}}/encode_chunks_for_retrieval",
        encode_chunks_for_retrieval,
        result=tuple[tuple[float, ...], ...],
        body=ChunksEncode,
    ),
    Operation(
        "match_collection_chunks",
        "POST",
        f"{COLLECTION}/chunks/match",
        match_collection_chunks,
        result=tuple[FoundChunk, ...],
        body=ChunksMatch,
    ),
)
