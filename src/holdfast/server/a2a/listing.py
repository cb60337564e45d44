"""The tasks of an agent, latest first."""

from __future__ import annotations

from datetime import UTC, datetime

from a2a.types.a2a_pb2 import ListTasksRequest, ListTasksResponse, Task, TaskState
from a2a.utils.constants import DEFAULT_LIST_TASKS_PAGE_SIZE
from a2a.utils.errors import InvalidParamsError
from a2a.utils.task import apply_history_length, validate_history_length, validate_page_size

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.run_log import RunEntry
from holdfast.core.domain.runs import RunStatus
from holdfast.core.domain.values import MAX_LIMIT
from holdfast.server.a2a.asked import Asked
from holdfast.server.a2a.mapping import state_in, task_of
from holdfast.server.kit.answers import events_of
from holdfast.server.tasks.desk import waiting_in
from holdfast.server.tasks.states import TaskState as State
from holdfast.server.tasks.states import state_of, statuses_of
from holdfast.server.tasks.views import view_of


async def listed(asked: Asked, params: ListTasksRequest) -> ListTasksResponse:
    """Returns a page of tasks. Raises what the services raise, and `InvalidParamsError`."""
    validate_history_length(params)
    size = params.page_size if params.HasField("page_size") else DEFAULT_LIST_TASKS_PAGE_SIZE
    validate_page_size(size)
    start = _start(params.page_token)
    found, total = await _found(asked, params, start, size)
    tasks = [task for entry in found if (task := await _task(asked, entry, params)) is not None]
    after = start + size
    return ListTasksResponse(
        tasks=tasks,
        next_page_token=str(after) if after < total else "",
        page_size=size,
        total_size=total,
    )


def _start(token: str) -> int:
    """Returns where a page begins; tokens are what a page before it has given."""
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= 9):
        raise InvalidParamsError("The page token is not one of this listing.")
    return int(token)


async def _found(
    asked: Asked, params: ListTasksRequest, start: int, size: int
) -> tuple[tuple[RunEntry, ...], int]:
    """Returns the runs of a page, and how many there are in all."""
    state = state_in(params.status)
    if params.status == TaskState.TASK_STATE_UNSPECIFIED:
        return await _search(asked, params, None, start, size)
    statuses = () if state is None else statuses_of(state)
    if state is None or not statuses:
        return (), 0
    if len(statuses) == 1:
        return await _search(asked, params, statuses[0], start, size)
    # Of those that go on there are few, and what of them waits is known by looking.
    every = [(await _search(asked, params, each, 0, MAX_LIMIT))[0] for each in statuses]
    found = [entry for page in every for entry in page if await _state(asked, entry) is state]
    found.sort(key=lambda entry: entry.started_at, reverse=True)
    return tuple(found[start : start + size]), len(found)


async def _search(
    asked: Asked, params: ListTasksRequest, status: RunStatus | None, start: int, size: int
) -> tuple[tuple[RunEntry, ...], int]:
    since = None
    if params.HasField("status_timestamp_after"):
        since = _at(params.status_timestamp_after.ToMicroseconds())
    try:
        found = await asked.workbench.runs.search(
            agent=asked.agent.name,
            session=params.context_id or None,
            status=status,
            since=since,
            offset=start,
            limit=size,
        )
    except NotFoundError:  # a context that is not the caller's has no tasks
        return (), 0
    return found.runs, found.total


def _at(microseconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidParamsError("statusTimestampAfter is out of bounds.") from None


async def _state(asked: Asked, entry: RunEntry) -> State:
    waiting = await waiting_in(asked.workbench, entry.session_id)
    return state_of(entry.status, waits=bool(waiting))


async def _task(asked: Asked, entry: RunEntry, params: ListTasksRequest) -> Task | None:
    """Returns a task; None where it was deleted, or has been since."""
    try:
        run = await asked.workbench.runs.get(entry.id)
        wants_words = (
            params.include_artifacts or not params.HasField("history_length") or params.history_length
        )
        events = await events_of(asked.workbench, run) if wants_words else []
        waiting = () if run.status.ended else await waiting_in(asked.workbench, run.session_id)
    except NotFoundError:
        return None
    task = apply_history_length(task_of(view_of(run, events, waiting)), params)
    if not params.include_artifacts:
        task.ClearField("artifacts")
    return task
