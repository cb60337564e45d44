"""Documents and their chunks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.knowledge import Collection as Held
from holdfast.core.domain.knowledge import Document as Kept
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.values import all_items, utc_now
from holdfast.server.dialects.h2ogpte.completing import collection_named
from holdfast.server.dialects.h2ogpte.mapping_documents import (
    changes_of,
    chunk_ids_of,
    chunk_of,
    chunks_of,
    document_of,
    found_chunk,
    listing_of,
)
from holdfast.server.dialects.h2ogpte.mapping_jobs import job_of
from holdfast.server.dialects.h2ogpte.operations_collections import ONE as COLLECTION
from holdfast.server.dialects.h2ogpte.operations_collections import found, shown_collection
from holdfast.server.dialects.h2ogpte.wire import Count, PageQuery
from holdfast.server.dialects.h2ogpte.wire_collections import Collection, DeleteQuery
from holdfast.server.dialects.h2ogpte.wire_documents import (
    Chunk,
    ChunksSearch,
    CollectionDocumentsQuery,
    Document,
    DocumentChunksQuery,
    DocumentsDelete,
    DocumentsQuery,
    DocumentUpdate,
    FoundChunk,
)
from holdfast.server.dialects.h2ogpte.wire_ingest import JobDetails
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.paging import first_items

PATH = "/api/v1/documents"
ONE = f"{PATH}/{{document_id:uuid}}"
MOST_FOUND = 200
"""Passages of one search."""


async def list_documents(call: Call) -> tuple[Document, ...]:
    """Lists the documents of all the caller's collections."""
    return await _listed(call, None)


async def list_documents_for_collection(call: Call) -> tuple[Document, ...]:
    """Lists the documents of a collection, latest first."""
    return await _listed(call, (await found(call)).id)


async def _listed(call: Call, collection: str | None) -> tuple[Document, ...]:
    asked: CollectionDocumentsQuery = call.query
    said = listing_of(asked)

    def fetch(limit: int, cursor: str | None) -> Any:
        return call.workbench.knowledge.every_document(collection, limit=limit, cursor=cursor, **said)

    return shown(call, await first_items(fetch, asked.offset, asked.limit))


async def get_document_count(call: Call) -> Count:
    """Counts the documents of all the caller's collections."""
    return Count(count=sum(each.documents for each in await call.workbench.knowledge.list()))


async def get_document_count_for_collection(call: Call) -> Count:
    """Counts the documents of a collection."""
    return Count(count=(await found(call)).documents)


async def get_document(call: Call) -> Document:
    """Returns a document."""
    return shown(call, (await _document(call),))[0]


async def update_document(call: Call) -> Document:
    """Changes a document's name, or where it is said to be from."""
    asked: DocumentUpdate = call.body
    own = await _document(call)
    changed = await call.workbench.knowledge.describe(own.id, **changes_of(asked, own))
    return shown(call, (changed,))[0]


async def delete_document(call: Call) -> None:
    """Deletes a document."""
    await call.workbench.knowledge.remove(_id(call))


async def delete_document_from_collection(call: Call) -> None:
    """Deletes a document of a collection."""
    await call.workbench.knowledge.remove((await _document_in(call, await found(call))).id)


async def create_delete_document_job(call: Call) -> JobDetails:
    """Deletes documents, as a job."""
    body: DocumentsDelete = call.body
    job = await call.workbench.jobs.delete_knowledge((), body.document_ids)
    return job_of(job, utc_now())


async def create_delete_document_from_collection_job(call: Call) -> JobDetails:
    """Deletes documents of a collection, as a job."""
    body: DocumentsDelete = call.body
    own = await found(call)
    return job_of(await call.workbench.jobs.delete_knowledge((), body.document_ids, own.id), utc_now())


async def get_document_metadata(call: Call) -> dict[str, Any]:
    """Returns the metadata of a document."""
    return (await _document(call)).metadata


async def update_document_metadata(call: Call) -> None:
    """Replaces the metadata of a document, by which it can be found."""
    await call.workbench.knowledge.describe(_id(call), metadata=call.body)


async def list_collections_for_document(call: Call) -> tuple[Collection, ...]:
    """Lists the collections that a document is in: one."""
    document, asked = await _document(call), call.query
    own = await call.workbench.knowledge.get(document.collection_id)
    return (await shown_collection(call, own),)[asked.offset : asked.offset + asked.limit]


async def get_document_internal_metadata(call: Call) -> None:
    """Returns what the vendor's server keeps of a document beside its metadata: nothing."""
    await _document(call)


async def get_document_user_source_file(call: Call) -> None:
    """Returns what the vendor's server keeps of the file that a document was made of: nothing."""
    await _document(call)


async def get_document_page_ocr_model(call: Call) -> None:
    """Returns which models have read the pages of a document as pictures: none."""
    await _document(call)


async def get_document_guardrails_settings(call: Call) -> None:
    """Returns the vendor's guardrails of a document: there are none."""
    await _document(call)


# --- chunks


async def list_document_chunks(call: Call) -> tuple[FoundChunk, ...]:
    """Lists the chunks of a document, in order."""
    asked: DocumentChunksQuery = call.query
    document = await _document_in(call, await collection_named(call.workbench, asked.collection_id))
    chunks = await all_items(partial(call.workbench.knowledge.chunks, document.id))
    return tuple(chunk_of(each, document) for each in chunks)


async def get_collection_chunks(call: Call) -> tuple[Chunk, ...]:
    """Returns chunks by their ids."""
    wanted, own = chunk_ids_of(call.path["chunk_ids"]), await found(call)
    return chunks_of(await call.workbench.knowledge.passages(wanted, own.id), wanted)


async def search_collection_chunks(call: Call) -> tuple[FoundChunk, ...]:
    """Finds chunks by their words, best first."""
    asked: ChunksSearch = call.body
    use = KnowledgeUse(collection=(await found(call)).id)
    end = min(asked.offset + asked.limit, MOST_FOUND)
    if end <= asked.offset or not asked.query.strip():
        return ()
    result = await call.workbench.knowledge.search(asked.query, (use,), method="lexical", top_k=end)
    return tuple(found_chunk(each) for each in result.passages[asked.offset :])


async def _document(call: Call) -> Kept:
    return await call.workbench.knowledge.document(_id(call))


async def _document_in(call: Call, collection: Held) -> Kept:
    document = await _document(call)
    if document.collection_id != collection.id:
        raise NotFoundError("This document is not in this collection.", code="document_not_found")
    return document


def shown(call: Call, documents: Iterable[Kept]) -> tuple[Document, ...]:
    """Returns documents as the caller sees them."""
    name = principal_of(call.request).name
    return tuple(document_of(each, name) for each in documents)


def _id(call: Call) -> str:
    return str(call.path["document_id"])


OPERATIONS = (
    Operation(
        "list_documents", "GET", PATH, list_documents, result=tuple[Document, ...], query=DocumentsQuery
    ),
    Operation("get_document_count", "GET", f"{PATH}/count", get_document_count, result=Count),
    Operation(
        "create_delete_document_job",
        "POST",
        f"{PATH}/delete_job",
        create_delete_document_job,
        201,
        JobDetails,
        body=DocumentsDelete,
    ),
    Operation("get_document", "GET", ONE, get_document, result=Document),
    Operation("update_document", "PATCH", ONE, update_document, result=Document, body=DocumentUpdate),
    Operation("delete_document", "DELETE", ONE, delete_document, 204, query=DeleteQuery),
    Operation(
        "get_document_metadata", "GET", f"{ONE}/metadata", get_document_metadata, result=dict[str, Any]
    ),
    Operation(
        "update_document_metadata",
        "PUT",
        f"{ONE}/metadata",
        update_document_metadata,
        204,
        body=dict[str, Any],
        required=False,
    ),
    Operation(
        "list_collections_for_document",
        "GET",
        f"{ONE}/collections",
        list_collections_for_document,
        result=tuple[Collection, ...],
        query=PageQuery,
    ),
    Operation(
        "get_document_internal_metadata",
        "GET",
        f"{ONE}/internal_metadata",
        get_document_internal_metadata,
        204,
    ),
    Operation(
        "get_document_user_source_file", "GET", f"{ONE}/user_source_file", get_document_user_source_file, 204
    ),
    Operation(
        "get_document_page_ocr_model", "GET", f"{ONE}/page_ocr_model", get_document_page_ocr_model, 204
    ),
    Operation(
        "get_document_guardrails_settings",
        "GET",
        f"{ONE}/guardrails_settings",
        get_document_guardrails_settings,
        204,
    ),
    Operation(
        "list_document_chunks",
        "GET",
        f"{ONE}/chunks",
        list_document_chunks,
        result=tuple[FoundChunk, ...],
        query=DocumentChunksQuery,
    ),
    Operation(
        "list_documents_for_collection",
        "GET",
        f"{COLLECTION}/documents",
        list_documents_for_collection,
        result=tuple[Document, ...],
        query=CollectionDocumentsQuery,
    ),
    Operation(
        "get_document_count_for_collection",
        "GET",
        f"{COLLECTION}/documents/count",
        get_document_count_for_collection,
        result=Count,
    ),
    Operation(
        "create_delete_document_from_collection_job",
        "POST",
        f"{COLLECTION}/documents/delete_job",
        create_delete_document_from_collection_job,
        201,
        JobDetails,
        body=DocumentsDelete,
    ),
    Operation(
        "delete_document_from_collection",
        "DELETE",
        f"{COLLECTION}/documents/{{document_id:uuid}}",
        delete_document_from_collection,
        204,
        query=DeleteQuery,
    ),
    Operation(
        "search_collection_chunks",
        "POST",
        f"{COLLECTION}/chunks/search",
        search_collection_chunks,
        result=tuple[FoundChunk, ...],
        body=ChunksSearch,
    ),
    Operation(
        "get_collection_chunks",
        "GET",
        f"{COLLECTION}/chunks/{{chunk_ids}}",
        get_collection_chunks,
        result=tuple[Chunk, ...],
    ),
)
