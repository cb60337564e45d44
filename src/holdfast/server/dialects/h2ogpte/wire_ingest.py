"""Uploads, what is taken in, and jobs, as h2oGPTe's API has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from holdfast.server.dialects.h2ogpte.wire import Wire

JobStatus = Literal["in progress", "completed", "failed", "canceled"]

JobKind = Literal[
    "IngestUploadsJob",
    "IngestPlainTextJob",
    "IngestWebsiteJob",
    "IngestFromFileSystemJob",
    "IndexFilesJob",
    "DeleteChatSessionsJob",
    "DeleteCollectionsJob",
    "DeleteDocumentsJob",
    "DeleteDocumentsFromCollectionJob",
]
"""Those of the vendor's that there are here; clients raise for words that they do not know."""


class IngestQuery(Wire):
    collection_id: str
    """An id, or `default`."""
    gen_doc_summaries: bool | None = None
    gen_doc_questions: bool | None = None
    """One model call writes both: summaries, and questions that the document answers."""
    ingest_mode: Literal["standard", "lite", "agent_only"] | None = None
    encrypt_document: bool = False
    timeout: float | None = Field(None, ge=0)
    """Seconds to wait for the end; what is not done then goes on."""


class WebsiteQuery(IngestQuery):
    follow_links: bool = False
    max_depth: int | None = None
    max_documents: int | None = None


class PlainTextQuery(IngestQuery):
    file_name: str
    metadata: str | None = None
    """JSON: an object."""


class IngestBody(Wire):
    metadata: dict[str, dict[str, Any]] | None = None
    """By the id of an upload, that of its document."""


class WebsiteBody(Wire):
    url: str


class FileSystemBody(Wire):
    root_dir: str
    glob: str


class JobPart(Wire):
    id: str
    status: str


class JobDetails(Wire):
    id: str
    name: str
    overall_status: JobStatus
    status: str
    passed_percentage: float
    """From 0 to 1, as the other two."""
    failed_percentage: float
    progress: float
    created_at: datetime
    updated_at: datetime
    kind: JobKind
    statuses: tuple[JobPart, ...]
    errors: tuple[str, ...]
    duration: str
    duration_seconds: float
    start_time: float
    """Seconds since 1970."""
    files_total: int
    files_failed: int


class QueueDetails(Wire):
    name: str
    count: int


class PendingJobs(Wire):
    count: int
    queue_infos: tuple[QueueDetails, ...] = ()
