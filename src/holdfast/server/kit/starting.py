"""Starts a run for a caller who waits for this very run: nothing of his is left in a queue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.events import EventFilter, MessageAdded
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.services.workbench import Workbench


async def start_now(
    workbench: Workbench,
    session: Session,
    parts: tuple[UserPart, ...],
    options: RunOptions | None = None,
    message_id: str | None = None,
) -> str:
    """Sends a message to `session`, as it was just read, and returns the id of the run that it has begun.
    The id of the message may be chosen by the caller.

    Raises `ConflictError` (`busy`) when another run is under way; the message is not queued then.
    """
    submitted = await workbench.runs.send(session.id, parts, options, message_id)
    run_id = submitted.run_id or await _begun(workbench, session, submitted.message_id)
    if run_id is None:
        raise ConflictError("The conversation is busy; try again.", code="busy", retryable=True)
    return run_id


@asynccontextmanager
async def new_session(
    workbench: Workbench, agent: str, project: str = "", id: str | None = None
) -> AsyncIterator[Session]:
    """Makes a session for the run that the block starts; when that fails, it is not left behind."""
    session = await workbench.sessions.create(agent, project, id=id)
    try:
        yield session
    except HoldfastError:
        await workbench.sessions.delete(session.id, permanent=True)
        raise


async def _begun(workbench: Workbench, session: Session, message_id: str) -> str | None:
    """Takes a message out of the queue; returns the run that it has begun meanwhile, if it has."""
    try:
        await workbench.sessions.pull_back(session.id, message_id)
    except NotFoundError:
        since = EventFilter(session_id=session.id, deltas=False)
        for logged in (await workbench.events.read(since, session.last_event_id)).items:
            if isinstance(logged.event, MessageAdded) and logged.event.message_id == message_id:
                return logged.event.run_id
    return None
