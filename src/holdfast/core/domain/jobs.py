"""Jobs: long work that belongs to the engine and is logged like a run."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.identity import LOCAL
from holdfast.core.domain.knowledge import IngestRequest, IngestResult
from holdfast.core.domain.values import Value

JobKind = Literal["ingest", "sync", "reembed", "delete"]


class JobStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    """Also when some of its items failed: `failures` names them."""
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self is not JobStatus.RUNNING


class JobProgress(Value):
    """How far a job is."""

    done: int = 0
    """Items (files) that are settled, failed ones included."""
    total: int = 0
    """Items that are known so far."""
    failed: int = 0
    unchanged: int = 0
    """Items that needed no work: they are in the collection already, as they are."""
    chunks: int = 0
    """Chunks that were added."""
    bytes_done: int = 0
    bytes_total: int = 0
    current: str = ""
    """The name of what is worked on now."""
    eta_s: float | None = None
    """Seconds that are left, by the pace until now; None: not known yet."""


class Job(Value):
    id: str
    owner: str = LOCAL
    kind: JobKind
    title: str
    """What it does, for people."""
    collection_id: str
    """Empty for one that is of no one collection."""
    status: JobStatus
    progress: JobProgress = JobProgress()
    failures: tuple[IngestResult, ...] = ()
    """Items that failed, with the reason; at most a thousand of them."""
    request: IngestRequest
    retry_of: str | None = None
    """The job whose failed items it tries again."""
    error: ErrorInfo | None = None
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    first_event_id: int = 0
    last_event_id: int = 0
