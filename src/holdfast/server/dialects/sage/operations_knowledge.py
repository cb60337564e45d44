"""Knowledge bases of Sage's API, and the documents in them. An upload is a task, which is a job of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import SubmissionsFound
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.values import MAX_LIMIT
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import failure, refuse
from holdfast.server.dialects.sage.mapping_knowledge import (
    changes_of,
    document_info,
    document_line,
    info_of,
    line_of,
    made_of,
    process_of,
    results_of,
    statuses_of,
    wanted_bases,
)
from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.wire_knowledge import (
    BaseAdd,
    BaseAdded,
    BaseId,
    BaseInfo,
    BaseList,
    BaseQuery,
    BasesQuery,
    BaseUpdate,
    DocumentInfo,
    DocumentList,
    DocumentsQuery,
    Done,
    Results,
    Retrieve,
    TaskId,
    TaskMade,
    TaskProcess,
    TaskQuery,
    UploadForm,
)
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.paging import window
from holdfast.server.kit.reading import parsed
from holdfast.server.kit.transfer import received_files, upload_limit

MOST_FOUND = 200
"""Passages of one search."""


# --- knowledge bases


async def add(call: Call) -> Envelope[BaseAdded]:
    """Makes an empty knowledge base."""
    asked: BaseAdd = call.body
    taken = {each.name for each in await call.workbench.knowledge.list()}
    made = await call.workbench.knowledge.create(**made_of(asked, taken))
    return ok(call, BaseAdded(kdb_id=made.id, user_id=_user(call)))


async def update(call: Call) -> Envelope[Done]:
    """Changes what is given of a knowledge base."""
    asked: BaseUpdate = call.body
    now = await call.workbench.knowledge.get(asked.kdb_id)
    taken = {each.name for each in await call.workbench.knowledge.list()}
    await call.workbench.knowledge.update(now.id, **changes_of(asked, now, taken))
    return _done(call)


async def info(call: Call) -> Envelope[BaseInfo]:
    """Returns a knowledge base."""
    asked: BaseQuery = call.query
    return ok(call, info_of(await call.workbench.knowledge.get(asked.kdb_id), _user(call)))


async def list_bases(call: Call) -> Envelope[BaseList]:
    """Lists the caller's knowledge bases, newest first."""
    asked: BasesQuery = call.query
    found = wanted_bases(await call.workbench.knowledge.list(), asked)
    part = window(found, (asked.page - 1) * asked.page_size, asked.page_size)
    lines = tuple(line_of(each, _user(call)) for each in part.items)
    return ok(call, BaseList(list=lines, total=part.total, user_id=_user(call)))


async def retrieve(call: Call) -> Envelope[Results]:
    """Searches a knowledge base."""
    asked: Retrieve = call.body
    own = await call.workbench.knowledge.get(asked.kdb_id)
    if asked.top_k < 1 or not asked.query.strip():
        return ok(call, Results(results=(), user_id=_user(call)))
    use, most = KnowledgeUse(collection=own.id), min(asked.top_k, MOST_FOUND)
    found = await call.workbench.knowledge.search(asked.query, (use,), top_k=most)
    return ok(call, Results(results=results_of(found), user_id=_user(call)))


async def delete(call: Call) -> Envelope[Done]:
    """Puts a knowledge base with its documents into the trash."""
    await call.workbench.knowledge.delete(str(call.path["kdb_id"]))
    return _done(call)


async def clear(call: Call) -> Envelope[Done]:
    """Removes all documents of a knowledge base."""
    asked: BaseId = call.body
    await call.workbench.knowledge.clear(asked.kdb_id)
    return _done(call)


async def redo_all(call: Call) -> Envelope[Done]:
    """Takes all documents of a knowledge base in again."""
    asked: BaseId = call.body
    with _nothing_is_fine():
        await call.workbench.knowledge.redo(asked.kdb_id)
    return _done(call)


# --- documents


async def list_documents(call: Call) -> Envelope[DocumentList]:
    """Lists the documents of a knowledge base, latest first, those that are not taken in yet too."""
    asked: DocumentsQuery = call.query
    wanted = statuses_of(parsed(tuple[int, ...], call.request.query_params.getlist("query_status"), refuse))
    found = await call.workbench.knowledge.submissions(
        asked.kdb_id,
        asked.query_name,
        wanted or (),
        asked.task_id,
        (asked.page_no - 1) * asked.page_size,
        min(asked.page_size, MAX_LIMIT),
    )
    lines = tuple(map(document_line, found.items)) if wanted is not None else ()
    total = found.total if wanted is not None else 0
    return ok(call, DocumentList(list=lines, total=total, user_id=_user(call)))


async def document(call: Call) -> Envelope[DocumentInfo]:
    """Returns a document, taken in yet or not; nothing for an unknown one."""
    try:
        given = await call.workbench.knowledge.submission(str(call.path["doc_id"]))
    except NotFoundError:
        return ok(call, None)
    own = await call.workbench.knowledge.get(given.collection_id)
    return ok(call, document_info(given, own, _user(call)))


async def add_by_files(call: Call) -> Envelope[TaskMade]:
    """Takes the files of a form into a knowledge base, by one task."""
    async with received_files(call.request, await upload_limit(call.workbench)) as form:
        given = {**form.fields, "files": [each.name for each in form.files]}
        asked: UploadForm = parsed(UploadForm, given, refuse)
        own = await call.workbench.knowledge.get(asked.kdb_id)
        staged = [await call.workbench.knowledge.stage(each.name, each.file) for each in form.files]
        job = await _taken_in(call, own.id, tuple(each.id for each in staged), replace=asked.override)
    return ok(call, TaskMade(taskId=job.id, user_id=_user(call)))


async def _taken_in(call: Call, base: str, uploads: tuple[str, ...], *, replace: bool) -> Job:
    try:
        return await call.workbench.knowledge.take_in(base, uploads, replace=replace)
    except InvalidError as error:
        for upload in uploads:
            await call.workbench.knowledge.unstage(upload)
        if error.code != "not_a_table":
            raise
        raise failure("not_a_table", name=error.info.details["name"]) from None


async def delete_document(call: Call) -> Envelope[Done]:
    """Removes a document."""
    await call.workbench.knowledge.remove(str(call.path["doc_id"]))
    return _done(call)


async def redo_document(call: Call) -> Envelope[Done]:
    """Takes a document in again; an unknown one is no mistake."""
    try:
        given = await call.workbench.knowledge.submission(str(call.path["doc_id"]))
    except NotFoundError:
        return ok(call, Done(user_id=""))
    await call.workbench.knowledge.redo(given.collection_id, (given.id,))
    return _done(call)


# --- tasks


async def task_process(call: Call) -> Envelope[TaskProcess]:
    """Says how far an upload is."""
    asked: TaskQuery = call.query
    found: SubmissionsFound = await call.workbench.knowledge.submissions(
        asked.kdb_id, job_id=asked.task_id, limit=1
    )
    return ok(call, process_of(found, _user(call)))


async def redo_task(call: Call) -> Envelope[Done]:
    """Takes the documents of an upload in again."""
    asked: TaskId = call.body
    with _nothing_is_fine():
        await call.workbench.knowledge.redo(asked.kdb_id, job_id=asked.task_id)
    return _done(call)


def _user(call: Call) -> str:
    return principal_of(call.request).user_id


def _done(call: Call) -> Envelope[Done]:
    return ok(call, Done(user_id=_user(call)))


@contextmanager
def _nothing_is_fine() -> Iterator[None]:
    """Lets it be that there is nothing to take in again."""
    try:
        yield
    except InvalidError as error:
        if error.code != "nothing_to_redo":
            raise


_ROOT = "/api/knowledge-base"
_DOC = f"{_ROOT}/doc"


def _post(id: str, path: str, answer: Any, body: type, result: Any) -> Operation:
    return Operation(id, "POST", path, answer, result=Envelope[result], body=body)


def _get(id: str, path: str, answer: Any, query: type, result: Any) -> Operation:
    return Operation(id, "GET", path, answer, result=Envelope[result], query=query)


OPERATIONS: tuple[Operation, ...] = (
    _post("kdb_add", f"{_ROOT}/add", add, BaseAdd, BaseAdded),
    _post("kdb_update", f"{_ROOT}/update", update, BaseUpdate, Done),
    _get("kdb_info", f"{_ROOT}/info", info, BaseQuery, BaseInfo),
    _post("kdb_retrieve", f"{_ROOT}/retrieve", retrieve, Retrieve, Results),
    _get("kdb_list", f"{_ROOT}/list", list_bases, BasesQuery, BaseList),
    Operation("kdb_delete", "DELETE", f"{_ROOT}/delete/{{kdb_id}}", delete, result=Envelope[Done]),
    _post("kdb_clear", f"{_ROOT}/clear", clear, BaseId, Done),
    _post("kdb_redo_all", f"{_ROOT}/redo_all", redo_all, BaseId, Done),
    _get("kdb_doc_list", f"{_DOC}/list", list_documents, DocumentsQuery, DocumentList),
    Operation("kdb_doc_info", "GET", f"{_DOC}/info/{{doc_id}}", document, result=Envelope[DocumentInfo]),
    Operation(
        "kdb_doc_add_by_files",
        "POST",
        f"{_DOC}/add_by_files",
        add_by_files,
        result=Envelope[TaskMade],
        takes="multipart/form-data",
    ),
    Operation(
        "kdb_doc_delete", "DELETE", f"{_DOC}/delete/{{doc_id}}", delete_document, result=Envelope[Done]
    ),
    Operation("kdb_doc_redo", "PUT", f"{_DOC}/redo/{{doc_id}}", redo_document, result=Envelope[Done]),
    _get("kdb_doc_task_process", f"{_DOC}/task_process", task_process, TaskQuery, TaskProcess),
    _post("kdb_doc_task_redo", f"{_DOC}/task_redo", redo_task, TaskId, Done),
)
