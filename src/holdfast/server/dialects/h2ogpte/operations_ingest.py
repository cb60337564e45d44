"""Uploads, what is taken in, and jobs. Each way in is there twice: one answers at the end, one with a job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from holdfast.core.domain.errors import DeadlineError, UnsupportedError
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.knowledge import Collection
from holdfast.core.domain.values import MAX_LIMIT, MAX_WAIT_S, utc_now
from holdfast.server.dialects.h2ogpte.completing import collection_named
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT, said_of
from holdfast.server.dialects.h2ogpte.mapping_jobs import PLAIN_TEXT, failure_of, job_of
from holdfast.server.dialects.h2ogpte.operations_collections import ONE as COLLECTION
from holdfast.server.dialects.h2ogpte.uploading import upload_file
from holdfast.server.dialects.h2ogpte.wire import UploadedFile
from holdfast.server.dialects.h2ogpte.wire_documents import DocumentInsert, InsertQuery
from holdfast.server.dialects.h2ogpte.wire_ingest import (
    FileSystemBody,
    IngestBody,
    IngestQuery,
    JobDetails,
    PendingJobs,
    PlainTextQuery,
    WebsiteBody,
    WebsiteQuery,
)
from holdfast.server.kit.body import spooled
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.reading import ids_of, json_object
from holdfast.server.kit.transfer import upload_limit

UPLOADS = "/api/v1/uploads"
INGEST = "/api/v1/ingest"
JOBS = "/api/v1/jobs"
JOB = f"{JOBS}/{{job_id:uuid}}"
DAY_S = 86_400.0

Start = Callable[[Call], Awaitable[Job]]


async def _uploads(call: Call) -> Job:
    body: IngestBody = call.body
    collection, summaries = await _target(call)
    return await call.workbench.knowledge.take_in(
        collection.id,
        ids_of(call.path["upload_ids"]),
        metadata=body.metadata,
        summaries=summaries,
        replace=False,
    )


async def _plain_text(call: Call) -> Job:
    asked: PlainTextQuery = call.query
    metadata = json_object(asked.metadata, "metadata")
    collection, summaries = await _target(call)
    said = {EXT: {"connector": PLAIN_TEXT}}
    limit = await upload_limit(call.workbench)
    async with spooled(call.request, limit, "send large texts as files") as file:
        staged = await call.workbench.knowledge.stage(asked.file_name, file, said)
    return await call.workbench.knowledge.take_in(
        collection.id, (staged.id,), metadata={staged.id: metadata}, summaries=summaries, replace=False
    )


async def _website(call: Call) -> Job:
    asked: WebsiteQuery = call.query
    if asked.follow_links:
        raise UnsupportedError("Links are not followed: name each page.", code="no_crawling")
    collection, summaries = await _target(call)
    return await call.workbench.knowledge.add(collection.id, urls=(call.body.url,), summaries=summaries)


async def _file_system(call: Call) -> Job:
    body: FileSystemBody = call.body
    collection, summaries = await _target(call)
    return await call.workbench.knowledge.add(
        collection.id, (body.root_dir,), summaries=summaries, pattern=body.glob
    )


async def _insert(call: Call, document_id: str) -> Job:
    into = await collection_named(call.workbench, call.path["collection_id"])
    return await call.workbench.knowledge.copy(document_id, into.id)


async def insert_document_into_collection(call: Call) -> None:
    """Takes a copy of a document into another collection, and answers when it is done."""
    await _until_ended(call, await _insert(call, str(call.path["document_id"])))


async def create_insert_document_to_collection_job(call: Call) -> JobDetails:
    """Takes a copy of a document into another collection, as a job."""
    return job_of(await _insert(call, call.body.document_id), utc_now())


async def _target(call: Call) -> tuple[Collection, bool]:
    """Returns the collection that documents are taken into, and whether a model writes summaries of them.
    Raises `NotFoundError`, `UnsupportedError`."""
    asked: IngestQuery = call.query
    collection = await collection_named(call.workbench, asked.collection_id)
    settings = said_of(collection).get("settings", {})
    if (asked.ingest_mode or settings.get("ingest_mode")) == "agent_only":
        raise UnsupportedError(
            "Documents are always searchable here: `agent_only` is not there. Leave `ingest_mode` out.",
            code="no_agent_only_documents",
        )
    if asked.encrypt_document:
        raise UnsupportedError("Documents are not encrypted one by one.", code="no_encrypted_documents")
    wanted = (asked.gen_doc_summaries, asked.gen_doc_questions)
    usual = settings.get("gen_doc_summaries") or settings.get("gen_doc_questions")
    return collection, bool(usual) if wanted == (None, None) else any(wanted)


def _ended(start: Start, does: str) -> Callable[[Call], Awaitable[None]]:
    async def answer(call: Call) -> None:
        await _until_ended(call, await start(call))

    answer.__doc__ = f"{does}, and answers when it is done."
    return answer


def _as_job(start: Start, does: str) -> Callable[[Call], Awaitable[JobDetails]]:
    async def answer(call: Call) -> JobDetails:
        return job_of(await start(call), utc_now())

    answer.__doc__ = f"{does}, as a job."
    return answer


async def _until_ended(call: Call, job: Job) -> None:
    """Raises what went wrong, or `DeadlineError` when the caller's time is over."""
    until = asyncio.get_running_loop().time() + (call.query.timeout or DAY_S)
    while not job.status.ended:
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            raise DeadlineError(f"It goes on, as the job {job.id}; ask for that.", code="job_goes_on")
        job = await call.workbench.jobs.get(job.id, wait_s=min(left, MAX_WAIT_S))
    if error := failure_of(job):
        raise error


# --- jobs


async def list_jobs(call: Call) -> tuple[JobDetails, ...]:
    """Lists the caller's latest jobs."""
    now = utc_now()
    return tuple(job_of(each, now) for each in (await call.workbench.jobs.list(limit=MAX_LIMIT)).items)


async def count_pending_jobs(call: Call) -> PendingJobs:
    """Counts the caller's jobs that go on."""
    return PendingJobs(count=await call.workbench.jobs.pending())


async def get_job(call: Call) -> JobDetails:
    """Returns a job."""
    return job_of(await call.workbench.jobs.get(_id(call)), utc_now())


async def cancel_job(call: Call) -> JobDetails:
    """Ends a job; what it has taken in stays."""
    return job_of(await call.workbench.jobs.cancel(_id(call)), utc_now())


async def delete_job(call: Call) -> None:
    """Ends a job, and takes it out of the list."""
    job = await call.workbench.jobs.cancel(_id(call))
    await call.workbench.jobs.forget(job.id)


def _id(call: Call) -> str:
    return str(call.path["job_id"])


def _ways(
    name: str, path: str, start: Start, does: str, query: type, body: type | None, takes: str = ""
) -> tuple[Operation, ...]:
    """Returns the two operations of a way in."""
    required = body is not None and body is not IngestBody
    more: dict[str, Any] = {"query": query, "body": body, "required": required, "takes": takes}
    return (
        Operation(name, "POST", path, _ended(start, does), 204, **more),
        Operation(f"create_{name}_job", "POST", f"{path}/job", _as_job(start, does), 201, JobDetails, **more),
    )


OPERATIONS = (
    Operation("upload_file", "PUT", UPLOADS, upload_file, result=UploadedFile, takes="multipart/form-data"),
    *_ways(
        "ingest_upload",
        f"{UPLOADS}/{{upload_ids}}/ingest",
        _uploads,
        "Takes uploads in",
        IngestQuery,
        IngestBody,
    ),
    *_ways(
        "ingest_from_plain_text",
        f"{INGEST}/plain_text",
        _plain_text,
        "Takes a text in",
        PlainTextQuery,
        None,
        "text/plain",
    ),
    *_ways(
        "ingest_from_website",
        f"{INGEST}/website",
        _website,
        "Takes a page of the web in",
        WebsiteQuery,
        WebsiteBody,
    ),
    *_ways(
        "ingest_from_file_system",
        f"{INGEST}/file_system",
        _file_system,
        "Takes files of the engine's machine in, for administrators",
        IngestQuery,
        FileSystemBody,
    ),
    Operation(
        "insert_document_into_collection",
        "PUT",
        f"{COLLECTION}/documents/{{document_id:uuid}}",
        insert_document_into_collection,
        204,
        query=InsertQuery,
    ),
    Operation(
        "create_insert_document_to_collection_job",
        "POST",
        f"{COLLECTION}/documents/insert_job",
        create_insert_document_to_collection_job,
        201,
        JobDetails,
        query=InsertQuery,
        body=DocumentInsert,
    ),
    Operation("list_jobs", "GET", JOBS, list_jobs, result=tuple[JobDetails, ...]),
    Operation("count_pending_jobs", "GET", f"{JOBS}/pending/count", count_pending_jobs, result=PendingJobs),
    Operation("get_job", "GET", JOB, get_job, result=JobDetails),
    Operation("cancel_job", "POST", f"{JOB}/cancel", cancel_job, result=JobDetails),
    Operation("delete_job", "DELETE", JOB, delete_job, 204),
)
