"""The operations of h2oGPTe's API: those of its guide, and what its own Python client needs."""

from __future__ import annotations

from holdfast.server.dialects.h2ogpte import (
    operations_agents,
    operations_chats,
    operations_client,
    operations_collections,
    operations_completions,
    operations_documents,
    operations_files,
    operations_ingest,
    operations_memory,
    operations_messages,
    operations_models,
    operations_tags,
    operations_vectors,
)
from holdfast.server.dialects.h2ogpte.errors import ErrorBody, error_response
from holdfast.server.kit.operations import Dialect, Document
from holdfast.server.openai import errors as openai_errors

DIALECT = Dialect(
    name="h2ogpte",
    prefix="/h2ogpte",
    title="h2oGPTe REST API",
    render=error_response,
    shapes=((operations_models.OPENAI, openai_errors.error_response),),
    error=ErrorBody,
    document=Document("/api-spec.yaml", "3.0.3", below="/api/v1", flat=True, page="/swagger-ui/"),
    omit_null=True,
    sockets=operations_client.SOCKETS,
    operations=(
        *operations_client.OPERATIONS,
        *operations_chats.OPERATIONS,
        *operations_completions.OPERATIONS,
        *operations_messages.OPERATIONS,
        *operations_collections.OPERATIONS,
        *operations_ingest.OPERATIONS,
        *operations_documents.OPERATIONS,
        *operations_tags.OPERATIONS,
        *operations_vectors.OPERATIONS,
        *operations_files.OPERATIONS,
        *operations_agents.OPERATIONS,
        *operations_memory.OPERATIONS,
        *operations_models.OPERATIONS,
    ),
)
