"""The index of jobs: a projection of their events."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from holdfast.core.domain.events import AnyEvent
from holdfast.core.domain.jobs import Job, JobProgress, JobStatus
from holdfast.core.domain.knowledge import IngestResult
from holdfast.core.domain.user_events import (
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobForgotten,
    JobProgressed,
    JobStarted,
)
from holdfast.core.domain.values import Page
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.reader import Reader

MAX_FAILURES = 1_000
_END = {JobCompleted: JobStatus.COMPLETED, JobFailed: JobStatus.FAILED, JobCancelled: JobStatus.CANCELLED}


def index_job(db: sqlite3.Connection, event_id: int, event: AnyEvent) -> None:
    """Brings the table of jobs up to date with one event."""
    match event:
        case JobStarted():
            db.execute(
                "INSERT INTO jobs (id, owner, kind, title, collection_id, status, request, progress,"
                " failures, retry_of, started_at, first_event_id, last_event_id)"
                " VALUES (?, ?, ?, ?, ?, 'running', ?, ?, '[]', ?, ?, ?, ?)",
                (
                    event.job_id,
                    event.owner,
                    event.kind,
                    event.title,
                    event.collection_id,
                    event.request.model_dump_json(),
                    JobProgress().model_dump_json(),
                    event.retry_of,
                    event.at.isoformat(),
                    event_id,
                    event_id,
                ),
            )
        case JobProgressed():
            _add_failures(db, event.job_id, [r for r in event.results if r.status == "failed"])
            db.execute(
                "UPDATE jobs SET progress = ?, last_event_id = ? WHERE id = ?",
                (event.progress.model_dump_json(), event_id, event.job_id),
            )
        case JobCompleted() | JobFailed() | JobCancelled():
            error = event.error.model_dump_json() if isinstance(event, JobFailed) else None
            db.execute(
                "UPDATE jobs SET status = ?, progress = ?, error = ?, ended_at = ?, last_event_id = ?"
                " WHERE id = ?",
                (
                    _END[type(event)],
                    event.progress.model_dump_json(),
                    error,
                    event.at.isoformat(),
                    event_id,
                    event.job_id,
                ),
            )
        case JobForgotten():
            db.execute("DELETE FROM jobs WHERE id = ? AND owner = ?", (event.job_id, event.owner))


def _add_failures(db: sqlite3.Connection, job_id: str, failed: list[IngestResult]) -> None:
    if not failed:
        return
    row = db.execute("SELECT failures FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:  # its start is lost
        return
    known = json.loads(row[0]) + [result.model_dump(mode="json") for result in failed]
    db.execute("UPDATE jobs SET failures = ? WHERE id = ?", (json.dumps(known[:MAX_FAILURES]), job_id))


class Jobs:
    """Reads the index of jobs."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def job(self, job_id: str, owner: str | None = None) -> Job | None:
        """Returns a job, None where there is none or it is not `owner`'s."""
        rows = await self._reader.rows(
            "SELECT * FROM jobs WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)", (job_id, owner)
        )
        return _job(rows[0]) if rows else None

    async def list(
        self, owner: str | None, collection_id: str | None, limit: int, cursor: str | None = None
    ) -> Page[Job]:
        """Returns jobs, latest first: `owner`'s, and of a collection if one is given."""
        place = Keyset("jobs", owner, collection_id)
        (before,) = place.read(cursor, int) or [None]
        rows = await self._reader.rows(
            "SELECT * FROM jobs WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR collection_id = ?2)"
            " AND (?3 IS NULL OR first_event_id < ?3) ORDER BY first_event_id DESC LIMIT ?4",
            (owner, collection_id, before, limit + 1),
        )
        kept, next_cursor = place.cut(rows, limit, "first_event_id")
        return Page[Job](items=tuple(_job(row) for row in kept), next_cursor=next_cursor)

    async def count_running(self, owner: str) -> int:
        """Returns how many of `owner`'s jobs have not ended."""
        rows = await self._reader.rows(
            "SELECT COUNT(*) AS jobs FROM jobs WHERE status = 'running' AND owner = ?", (owner,)
        )
        return int(rows[0]["jobs"])

    async def running(self) -> tuple[Job, ...]:
        """Returns the jobs that have not ended, oldest first."""
        rows = await self._reader.rows("SELECT * FROM jobs WHERE status = 'running' ORDER BY first_event_id")
        return tuple(_job(row) for row in rows)


def _job(row: sqlite3.Row) -> Job:
    fields: dict[str, Any] = dict(row)
    for name in ("request", "progress", "failures", "error"):
        if fields[name] is not None:
            fields[name] = json.loads(fields[name])
    return Job.model_validate(fields)
