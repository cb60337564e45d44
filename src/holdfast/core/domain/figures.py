"""Numbers about a whole engine, for who watches over it."""

from __future__ import annotations

from pydantic import AwareDatetime

from holdfast.core.domain.usage import ModelUsage
from holdfast.core.domain.values import Value


class EngineFigures(Value):
    """The present of an engine, and what it has counted; over all users."""

    version: str
    started_at: AwareDatetime
    sessions: int
    executing_runs: int
    """Runs that a stop would interrupt now."""
    open_runs: dict[str, int]
    """Runs that have not ended, by status: `running`, `waiting`, `paused`."""
    runs_ended: dict[str, int]
    """Runs that ended since the engine started, by status: `completed`, `failed`, `cancelled`."""
    active_jobs: int = 0
    """Jobs that have not ended."""
    waiting_approvals: int
    waiting_questions: int
    listeners: int
    """Open doors on TCP."""
    events_appended: int
    """Since the engine started."""
    last_event_id: int
    usage: tuple[ModelUsage, ...]
    """Of all time, deleted sessions included. After the first hundred models the others are one, `other`."""
