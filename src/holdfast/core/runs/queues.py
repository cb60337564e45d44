"""The messages that wait in sessions: they are taken back, or start a run when their turn has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from holdfast.core.domain.errors import HoldfastError, NotFoundError
from holdfast.core.domain.events import MessageDequeued
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import QueuedMessage, RunOptions, Session
from holdfast.core.domain.values import new_id
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.failures import unpaid
from holdfast.core.runs.waiting import as_one, options_now, taken_back
from holdfast.core.store.log import EventLog

logger = logging.getLogger(__name__)


class StartQueued(Protocol):
    """Starts a run of a session, whose lock is held, with a message that has waited; returns the run's id.
    `queued` is what the message is made of."""

    async def __call__(
        self,
        session: Session,
        parts: tuple[UserPart, ...],
        options: RunOptions,
        message_id: str,
        key: str,
        *,
        queued: Sequence[QueuedMessage],
    ) -> str: ...


class Queues:
    """Knows whose turn it is. `runs_in` are the runs of a session that have not ended, `lock` is what keeps
    others from starting some."""

    def __init__(
        self,
        log: EventLog,
        runs_in: Callable[[str], list[ActiveRun]],
        lock: Callable[[str], asyncio.Lock],
        start: StartQueued,
    ) -> None:
        self._log = log
        self._runs_in = runs_in
        self._lock = lock
        self._start = start

    async def pull_back(self, session_id: str, message_id: str) -> QueuedMessage:
        """Takes a waiting message out of the queue."""
        async with self._lock(session_id):
            for queued in await self._log.reader.queue(session_id):
                if queued.id == message_id and taken_back(self._runs_in(session_id), message_id):
                    await self._log.append(
                        MessageDequeued(session_id=session_id, message_id=message_id, reason="pulled_back")
                    )
                    return queued
        raise NotFoundError("This message does not wait any more; it was sent or pulled back.")

    async def empty(self, session_id: str) -> tuple[QueuedMessage, ...]:
        """Takes all waiting messages out of the queue, but for those that are about to enter a run."""
        async with self._lock(session_id):
            queue = await self._log.reader.queue(session_id)
            gone = tuple(each for each in queue if taken_back(self._runs_in(session_id), each.id))
            if gone:
                ids = [{"session_id": session_id, "message_id": each.id} for each in gone]
                await self._log.append(*(MessageDequeued(**each, reason="pulled_back") for each in ids))
            return gone

    async def start_next(self, session: Session, *, follow_ups: bool = False) -> bool:
        """Starts the oldest message that waits, unless a run is under way; says whether one is then. The
        session's lock is held. One that cannot start stays in the queue, and the reason is raised; one that
        cannot be paid for is passed over. With `follow_ups` their turn has come, too.
        """
        if self._runs_in(session.id):
            return True
        queue = await self._log.reader.queue(session.id)
        for first in queue:
            if first.kind is None:
                begun = await self._start_queued(session, (first,))
            else:
                same = [each for each in queue if each.kind is not None and each.key == first.key]
                begun = follow_ups and await self._start_queued(session, same)
            if begun:
                return True
        return False

    async def _start_queued(self, session: Session, queued: Sequence[QueuedMessage]) -> bool:
        """Starts a run with waiting messages as one; says whether it could be paid for, and has begun."""
        first = queued[0]
        options = await options_now(self._log.reader, first)
        parts = first.parts if first.kind is None else as_one([(each.parts, each.kind) for each in queued])
        message_id = first.id if len(queued) == 1 else new_id()
        try:
            await self._start(session, parts, options, message_id, first.key, queued=queued)
        except HoldfastError as error:
            if not unpaid(error):
                raise
            logger.warning("a queued message of session %s waits: %s", session.id, error.message)
            return False
        return True

    async def send_waiting(self, ended: ActiveRun) -> None:
        """Starts what waited for a run that has ended."""
        session_id = ended.session_id
        async with self._lock(session_id):
            session = await self._log.reader.session(session_id)
            if session is None or self._runs_in(session_id):
                return
            if ended.state.direct and not await self._log.reader.queued_since(ended.run_id):
                return  # what waited before the tool was run waits for what it did wait for
            try:
                await self.start_next(session, follow_ups=ended.takes_messages)
            except HoldfastError as error:
                logger.warning("a queued message of session %s stays: %s", session_id, error.message)
