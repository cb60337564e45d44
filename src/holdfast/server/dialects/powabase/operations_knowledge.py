"""Knowledge bases, and the documents in them."""

from __future__ import annotations

from functools import partial

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.jobs import JobStatus
from holdfast.core.domain.knowledge import Document
from holdfast.core.domain.transfer import Upload
from holdfast.core.domain.values import MAX_WAIT_S, all_items
from holdfast.server.dialects.powabase.mapping_bases import (
    chunking_of,
    found_of,
    knowledge_base,
    retrieval_of,
    source_of_document,
    use_of,
    waiting_source,
)
from holdfast.server.dialects.powabase.wire_knowledge import (
    Deleted,
    KnowledgeBaseCreate,
    KnowledgeBaseList,
    KnowledgeBaseOut,
    KnowledgeBasePatch,
    SearchIn,
    SearchOut,
    SourceIn,
    SourceList,
    SourceOut,
)
from holdfast.server.dialects.powabase.wire_runs import PageQuery
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.paging import window
from holdfast.server.kit.reading import parsed, read_anyhow
from holdfast.server.kit.transfer import is_form, received_file, upload_limit

MOST = 100


async def create_base(call: Call) -> KnowledgeBaseOut:
    """Makes an empty knowledge base."""
    asked: KnowledgeBaseCreate = call.body
    indexing = asked.indexing_config
    made = await call.workbench.knowledge.create(
        asked.name,
        asked.description or "",
        embedding_model=indexing.embedding_model if indexing else None,
        chunking=chunking_of(indexing),
        retrieval=retrieval_of(asked.retrieval_config),
    )
    return knowledge_base(made)


async def list_bases(call: Call) -> KnowledgeBaseList:
    """Lists the caller's knowledge bases, by name."""
    query: PageQuery = call.query
    part = window(await call.workbench.knowledge.list(), query.offset, min(query.limit, MOST))
    return KnowledgeBaseList(
        knowledge_bases=tuple(map(knowledge_base, part.items)),
        total=part.total,
        limit=part.limit,
        offset=part.offset,
    )


async def get_base(call: Call) -> KnowledgeBaseOut:
    """Returns a knowledge base."""
    return knowledge_base(await call.workbench.knowledge.get(str(call.path["id"])))


async def update_base(call: Call) -> KnowledgeBaseOut:
    """Changes what is given of a knowledge base."""
    asked: KnowledgeBasePatch = call.body
    now = await call.workbench.knowledge.get(str(call.path["id"]))
    changed = await call.workbench.knowledge.update(
        now.id,
        name=asked.name,
        description=asked.description,
        chunking=chunking_of(asked.indexing_config, now.chunking),
        retrieval=retrieval_of(asked.retrieval_config, now.retrieval),
    )
    return knowledge_base(changed)


async def delete_base(call: Call) -> Deleted:
    """Deletes a knowledge base with its documents."""
    await call.workbench.knowledge.delete(str(call.path["id"]))
    return Deleted()


async def search_base(call: Call) -> SearchOut:
    """Searches a knowledge base."""
    use = use_of(str(call.path["id"]), call.body)
    return found_of(await call.workbench.knowledge.search(call.body.query, (use,)))


async def add_source(call: Call) -> SourceOut:
    """Takes a document in, a form with a file or a text in JSON, and answers when it can be found."""
    base = str(call.path["id"])
    if is_form(call.request):
        async with received_file(call.request, await upload_limit(call.workbench)) as file:
            return await _taken_in(call, base, file.name or "document", file.file)
    asked: SourceIn = parsed(SourceIn, await read_anyhow(call.request, call.door.max_body))
    return await _taken_in(call, base, asked.name, asked.text.encode(), asked.metadata)


async def _taken_in(
    call: Call, base: str, name: str, data: Upload, metadata: dict[str, object] | None = None
) -> SourceOut:
    job = await call.workbench.knowledge.upload(base, name, data, metadata or None)
    job = await call.workbench.jobs.get(job.id, wait_s=MAX_WAIT_S)
    (item,) = job.request.items
    if job.status is JobStatus.COMPLETED and not job.failures:
        for document in await _documents(call, base, item.name):
            if document.source == item.source:
                return source_of_document(document)
    return waiting_source(job)


async def _documents(call: Call, base: str, named: str = "") -> tuple[Document, ...]:
    return await all_items(partial(call.workbench.knowledge.documents, base, named))


async def list_sources(call: Call) -> SourceList:
    """Lists the documents of a knowledge base, by name."""
    found = await _documents(call, str(call.path["id"]))
    part = window(tuple(map(source_of_document, found)), call.query.offset, min(call.query.limit, MOST))
    return SourceList(sources=part.items, total=part.total, limit=part.limit, offset=part.offset)


async def delete_source(call: Call) -> None:
    """Removes a document from a knowledge base."""
    document = await call.workbench.knowledge.document(str(call.path["source_id"]))
    if document.collection_id != str(call.path["id"]):
        raise NotFoundError("The knowledge base has no such source.", code="document_not_found")
    await call.workbench.knowledge.remove(document.id)


_ALL = "/api/knowledge-bases"
_ONE = _ALL + "/{id:uuid}"

OPERATIONS = (
    Operation(
        "create_knowledge_base",
        "POST",
        _ALL,
        create_base,
        201,
        result=KnowledgeBaseOut,
        body=KnowledgeBaseCreate,
    ),
    Operation("list_knowledge_bases", "GET", _ALL, list_bases, result=KnowledgeBaseList, query=PageQuery),
    Operation("get_knowledge_base", "GET", _ONE, get_base, result=KnowledgeBaseOut),
    Operation(
        "update_knowledge_base",
        "PATCH",
        _ONE,
        update_base,
        result=KnowledgeBaseOut,
        body=KnowledgeBasePatch,
    ),
    Operation("delete_knowledge_base", "DELETE", _ONE, delete_base, result=Deleted),
    Operation(
        "search_knowledge_base", "POST", _ONE + "/search", search_base, result=SearchOut, body=SearchIn
    ),
    Operation(
        "add_knowledge_base_source",
        "POST",
        _ONE + "/sources",
        add_source,
        201,
        result=SourceOut,
        takes="multipart/form-data",
    ),
    Operation(
        "list_knowledge_base_sources",
        "GET",
        _ONE + "/sources",
        list_sources,
        result=SourceList,
        query=PageQuery,
    ),
    Operation(
        "delete_knowledge_base_source", "DELETE", _ONE + "/sources/{source_id:uuid}", delete_source, 204
    ),
)
