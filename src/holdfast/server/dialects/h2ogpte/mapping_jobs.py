"""Jobs between h2oGPTe's words and ours. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from holdfast.core.domain.errors import HoldfastError, UnavailableError, from_info
from holdfast.core.domain.jobs import Job
from holdfast.core.domain.jobs import JobStatus as Status
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT
from holdfast.server.dialects.h2ogpte.wire_ingest import JobDetails, JobKind, JobPart, JobStatus

PLAIN_TEXT = "plain_text"
"""The connector of texts that were sent as they are."""
_STATUS: dict[Status, JobStatus] = {
    Status.RUNNING: "in progress",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "canceled",
}


def kind_of(job: Job) -> JobKind:
    """Returns what the vendor calls a job that does this."""
    request = job.request
    if request.sessions:
        return "DeleteChatSessionsJob"
    if request.collections:
        return "DeleteCollectionsJob"
    if request.documents:
        return "DeleteDocumentsFromCollectionJob" if job.collection_id else "DeleteDocumentsJob"
    if job.kind == "reembed":
        return "IndexFilesJob"
    if any(item.ext.get(EXT, {}).get("connector") == PLAIN_TEXT for item in request.items):
        return "IngestPlainTextJob"
    if any(item.blob is not None for item in request.items):
        return "IngestUploadsJob"
    if request.urls and not (request.items or request.folders):
        return "IngestWebsiteJob"
    return "IngestFromFileSystemJob"


def status_of(job: Job) -> JobStatus:
    """Returns how a job stands; one of which nothing came has failed."""
    if job.status is Status.COMPLETED and job.progress.total and job.progress.failed >= job.progress.total:
        return "failed"
    return _STATUS[job.status]


def job_of(job: Job, now: datetime) -> JobDetails:
    """Returns a job; `now` is where one that goes on stands."""
    seconds = max(0.0, ((job.ended_at or now) - job.started_at).total_seconds())
    progress, status = job.progress, status_of(job)
    failed, done = float(status == "failed"), float(status in ("completed", "failed"))
    if progress.total:
        failed = min(1.0, progress.failed / progress.total)
        done = min(1.0, progress.done / progress.total)
    return JobDetails(
        id=job.id,
        name=job.title,
        overall_status=status,
        status=status,
        passed_percentage=max(0.0, done - failed),
        failed_percentage=failed,
        progress=done,
        created_at=job.started_at,
        updated_at=job.ended_at or now,
        kind=kind_of(job),
        statuses=_parts(job),
        errors=tuple(errors_of(job)),
        duration=str(timedelta(seconds=round(seconds))),
        duration_seconds=round(seconds, 3),
        start_time=job.started_at.timestamp(),
        files_total=progress.total,
        files_failed=progress.failed,
    )


def errors_of(job: Job) -> list[str]:
    """Returns what went wrong in a job, in words."""
    said = [f"{each.name}: {each.error.message}" for each in job.failures if each.error is not None]
    return [job.error.message, *said] if job.error is not None else said


def failure_of(job: Job) -> HoldfastError | None:
    """Returns why a job that has ended did not do all that was asked; None where it did."""
    if job.error is not None:
        return from_info(job.error)
    if job.status is Status.CANCELLED:
        return UnavailableError(
            "The job was cancelled before its end.", code="job_cancelled", retryable=False
        )
    first = next((each.error for each in job.failures if each.error is not None), None)
    if first is None:
        return None
    return from_info(first.model_copy(update={"message": "; ".join(errors_of(job)[:5])}))


def _parts(job: Job) -> tuple[JobPart, ...]:
    failed = tuple(JobPart(id=each.name, status="failed") for each in job.failures)
    return failed or (JobPart(id=job.id, status=status_of(job)),)
