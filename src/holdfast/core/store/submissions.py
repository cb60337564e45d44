"""What was given to collections, and what became of it: a projection of jobs, held against the index.

A row is of one source in one collection. It has the id of the document, which stays when it is given again.
"""

from __future__ import annotations

import sqlite3
import uuid

from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.events import AnyEvent
from holdfast.core.domain.knowledge import IngestItem, IngestResult
from holdfast.core.domain.user_events import (
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobProgressed,
    JobStarted,
    KnowledgeChanged,
)

_NAMESPACE = uuid.UUID("4f0d1a0e-6c0b-4d58-9d2f-6f2b3a3f7c11")
_STOPPED = ErrorInfo(
    kind=ErrorKind.CONFLICT, code="job_cancelled", message="Its job was cancelled before it was taken in."
)


def index_work(db: sqlite3.Connection, event_id: int, event: AnyEvent) -> None:
    """Brings the table up to date with an event of a job, which the index of jobs has already."""
    match event:
        case JobStarted(kind="ingest"):
            for item in event.request.items:
                if item.document_id is not None:
                    _give(db, event_id, event, item)
        case JobProgressed():
            _progress(db, event_id, event)
        case JobCompleted():
            _settle(db, event.job_id, "status = 'taken_in', kept = 1, error = NULL")
        case JobFailed():
            _settle(db, event.job_id, "status = 'failed', error = ?", event.error.model_dump_json())
        case JobCancelled():
            _settle(db, event.job_id, "status = 'failed', error = ?", _STOPPED.model_dump_json())


def index_removal(db: sqlite3.Connection, event: AnyEvent) -> None:
    """Forgets what was removed from a collection outside of a job."""
    if not isinstance(event, KnowledgeChanged):
        return
    if event.change == "cleared":
        db.execute("DELETE FROM submissions WHERE collection_id = ?", (event.collection_id,))
    for id in event.removed:
        db.execute("DELETE FROM submissions WHERE id = ? AND owner = ?", (id, event.owner))


def _give(db: sqlite3.Connection, event_id: int, started: JobStarted, item: IngestItem) -> None:
    came_with = "job_id" if started.request.again else "excluded.job_id"
    db.execute(
        "INSERT INTO submissions (id, owner, collection_id, source, name, job_id, worked_by, status, kept,"
        " item, added_at, event_id) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?, ?, ?)"
        " ON CONFLICT (collection_id, source) DO UPDATE SET name = excluded.name, status = 'waiting',"
        f" worked_by = excluded.worked_by, item = excluded.item, error = NULL, job_id = {came_with}",
        (
            item.document_id,
            started.owner,
            started.collection_id,
            item.source,
            item.name,
            started.job_id,
            started.job_id,
            item.model_dump_json(),
            started.at.isoformat(),
            event_id,
        ),
    )


def _progress(db: sqlite3.Connection, event_id: int, event: JobProgressed) -> None:
    job = db.execute("SELECT kind, collection_id FROM jobs WHERE id = ?", (event.job_id,)).fetchone()
    if job is None:  # its start is lost
        return
    kind, collection = job
    for result in event.results:
        if kind == "delete":
            db.execute("DELETE FROM submissions WHERE id = ? AND owner = ?", (result.source, event.owner))
        elif result.status == "removed":
            db.execute(
                "DELETE FROM submissions WHERE collection_id = ? AND source = ?", (collection, result.source)
            )
        elif kind in ("ingest", "sync"):
            _result(db, event_id, event, collection, result)
    if event.progress.current:
        db.execute(
            "UPDATE submissions SET status = 'working' WHERE worked_by = ? AND status = 'waiting'"
            " AND name = ?",
            (event.job_id, event.progress.current),
        )


def _result(
    db: sqlite3.Connection, event_id: int, event: JobProgressed, collection: str, result: IngestResult
) -> None:
    """Keeps what became of an item; one that was in no request is new here: a file of a folder, a page."""
    failed = result.error is not None
    status = "failed" if failed else "taken_in"
    new = str(uuid.uuid5(_NAMESPACE, f"{collection}/{result.source}"))
    db.execute(
        "INSERT INTO submissions (id, owner, collection_id, source, name, job_id, worked_by, status, kept,"
        " error, added_at, event_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT (collection_id, source) DO UPDATE SET id = coalesce(?12, id), status = ?7,"
        " kept = max(kept, ?8), error = ?9",
        (
            result.document_id or new,
            event.owner,
            collection,
            result.source,
            result.name,
            event.job_id,
            status,
            not failed,
            result.error.model_dump_json() if result.error is not None else None,
            event.at.isoformat(),
            event_id,
            result.document_id,
        ),
    )


def _settle(db: sqlite3.Connection, job_id: str, change: str, *values: str) -> None:
    """Ends what a job has left open; what it found unchanged it does not tell one by one."""
    db.execute(
        f"UPDATE submissions SET {change} WHERE worked_by = ? AND status IN ('waiting', 'working')",
        (*values, job_id),
    )
