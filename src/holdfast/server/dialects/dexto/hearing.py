"""What happens in a session, together with what its sub-agents ask a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.events import (
    RUN_ENDS,
    ApprovalRequested,
    ApprovalResolved,
    ChildRunStarted,
    EventFilter,
    LoggedEvent,
    QuestionAnswered,
    QuestionAsked,
)
from holdfast.core.services.workbench import Workbench

_ASKED = (ApprovalRequested, ApprovalResolved, QuestionAsked, QuestionAnswered, ChildRunStarted)
_AHEAD = 256
"""Events of the session that are read before somebody takes them."""
_REST_S = 5.0
"""Longest time that is waited for what sub-agents have asked, when all of them have ended."""


class Hearing:
    """Hears a session from an event on. `close` it."""

    def __init__(self, workbench: Workbench, session_id: str, after: int) -> None:
        self._workbench = workbench
        self._session_id = session_id
        self._heard: asyncio.Queue[LoggedEvent | HoldfastError | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_AHEAD)
        self._own = asyncio.create_task(self._read(session_id, after))
        self._below: list[asyncio.Task[None]] = []

    async def next(self) -> LoggedEvent | None:
        """Returns the next event; None where the log has closed. Raises `HoldfastError`."""
        heard = await self._heard.get()
        if isinstance(heard, HoldfastError):
            raise heard
        if heard is not None:
            self._take(heard)
        return heard

    def _take(self, logged: LoggedEvent) -> None:
        event = logged.event
        if event.session_id == self._session_id:
            self._room.release()
        if isinstance(event, ChildRunStarted):
            self._below.append(asyncio.create_task(self._read(event.child_session_id, logged.id)))

    async def rest(self) -> list[LoggedEvent]:
        """Returns what sub-agents have asked and was not told yet. All of them have ended by now."""
        if self._below:
            await asyncio.wait(self._below, timeout=_REST_S)
        found: list[LoggedEvent] = []
        while not self._heard.empty():
            heard = self._heard.get_nowait()
            if isinstance(heard, LoggedEvent) and heard.event.session_id != self._session_id:
                found.append(heard)
        return found

    async def close(self) -> None:
        """Hears no more."""
        tasks = (self._own, *self._below)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, session_id: str, after: int) -> None:
        own = session_id == self._session_id
        wanted = EventFilter(session_id=session_id, deltas=own)
        following = self._workbench.events.follow(wanted, after)
        try:
            async with aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events:
                async for logged in events:
                    if own:
                        await self._room.acquire()
                    if own or isinstance(logged.event, _ASKED):
                        self._heard.put_nowait(logged)
                    if not own and logged.event.type in RUN_ENDS:
                        return
        except HoldfastError as error:
            self._heard.put_nowait(error)
        self._heard.put_nowait(None)
