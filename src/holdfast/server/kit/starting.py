"""Starts a run for a caller who waits for this very run: nothing of his is left in a queue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import cast
from weakref import WeakValueDictionary

from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.events import RUN_ENDS, EventFilter, LoggedEvent, MessageAdded
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.answers import stopping, while_there
from holdfast.server.kit.named_sessions import cancelled
from holdfast.server.kit.operations import Call

_TURNS: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
"""Held, by ids of sessions, by who is the next one there."""
_RETRY_S = 1.0
_ATTEMPTS = 10
_LOG = logging.getLogger(__name__)
_MAKES_ROOM = (*RUN_ENDS, "session.trashed", "session.deleted", "session.cleared")


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


async def start_anew(
    workbench: Workbench,
    session: Session,
    parts: tuple[UserPart, ...],
    options: RunOptions | None = None,
    message_id: str | None = None,
) -> str:
    """Starts a run with a message in the place of the one that is under way, which is cancelled, and returns
    its id. Raises `ConflictError` (`busy`) where others start theirs again and again."""
    for attempt in range(_ATTEMPTS):
        session = await workbench.sessions.get(session.id)
        await cancelled(workbench, session)
        try:
            return await start_now(workbench, session, parts, options, message_id)
        except ConflictError as error:
            if error.code != "busy" or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


async def drop_unused(workbench: Workbench, session: Session) -> None:
    """Deletes a session, as it was read, in which nothing was said, unless somebody says something just
    now."""
    if session.run_id is not None or session.status is not None:
        return
    try:
        if (await workbench.sessions.get(session.id)).run_id is None:
            await workbench.sessions.delete(session.id, permanent=True)
    except HoldfastError as error:
        _LOG.info("the session %s stays: %s", session.id, error.message)


async def start_in_turn(
    call: Call,
    session: Session,
    parts: tuple[UserPart, ...],
    options: RunOptions | None = None,
) -> str:
    """Starts a run with a message as soon as no other one is under way, and returns its id; who has come
    first is served first. Nothing is started for a caller who goes away before. Raises `NotFoundError` when
    the session is deleted meanwhile."""
    turn = _TURNS.setdefault(session.id, asyncio.Lock())
    await while_there(call, turn.acquire())
    try:
        while True:
            session = await call.workbench.sessions.get(session.id)
            free = session.status is None or session.status.ended
            # Not only tried: each time counts as one more request, where those are limited.
            if free:
                try:
                    return await start_now(call.workbench, session, parts, options)
                except ConflictError as error:
                    if error.code != "busy":
                        raise
            # An end that was read already is not told again.
            await while_there(call, _room(call.workbench, session, _RETRY_S if free else None))
    finally:
        turn.release()


async def _room(workbench: Workbench, session: Session, wait_s: float | None) -> None:
    """Returns when a run of the session has ended since it was read, or the session is gone, or so many
    seconds have passed."""
    since = EventFilter(session_id=session.id, deltas=False)
    following = workbench.events.follow(since, session.last_event_id)
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(wait_s),
            aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events,
        ):
            async for logged in events:
                if logged.event.type in _MAKES_ROOM:
                    return
            raise stopping()


@asynccontextmanager
async def new_session(
    workbench: Workbench, agent: str, project: str = "", id: str | None = None, ext: Ext | None = None
) -> AsyncIterator[Session]:
    """Makes a session for the run that the block starts; when that fails, it is not left behind."""
    session = await workbench.sessions.create(agent, project, id=id, ext=ext)
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
