"""The states that a task goes through, from those of runs."""

from __future__ import annotations

from enum import StrEnum

from holdfast.core.domain.runs import RunStatus


class TaskState(StrEnum):
    """How a task stands, in the words of A2A. `rejected`, `auth-required` and `unknown` are never said."""

    SUBMITTED = "submitted"
    """Nothing has begun yet."""
    WORKING = "working"
    INPUT_REQUIRED = "input-required"
    """The next message has to decide or answer what waits."""
    COMPLETED = "completed"
    CANCELED = "canceled"
    FAILED = "failed"
    REJECTED = "rejected"
    AUTH_REQUIRED = "auth-required"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self in _BY_STATUS.values()


_BY_STATUS = {
    RunStatus.COMPLETED: TaskState.COMPLETED,
    RunStatus.FAILED: TaskState.FAILED,
    RunStatus.CANCELLED: TaskState.CANCELED,
}


def state_of(status: RunStatus | None, *, waits: bool) -> TaskState:
    """Returns the state of a task whose run has a status, None before its first; `waits`: something of it, or
    of its sub-agents, waits for a person."""
    if status is None:
        return TaskState.SUBMITTED
    return _BY_STATUS.get(status) or (TaskState.INPUT_REQUIRED if waits else TaskState.WORKING)


def statuses_of(state: TaskState) -> tuple[RunStatus, ...]:
    """Returns the statuses of runs whose tasks may be in a state; none for one that no run brings about."""
    if state in (TaskState.WORKING, TaskState.INPUT_REQUIRED):
        return (RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.WAITING)
    return tuple(status for status, found in _BY_STATUS.items() if found is state)
