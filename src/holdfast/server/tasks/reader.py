"""Reads the logs of a run and of the runs that it has started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import cast

from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.services.workbench import Workbench
from holdfast.server.tasks.watched import Watched

_PAGE = 1_000


class Reader:
    """Fills `watched`. `heard` gets each event that was taken, with the line that tells of it to people, if
    there is one; `changed` is told while it follows that something happened."""

    def __init__(
        self,
        workbench: Workbench,
        watched: Watched,
        heard: Callable[[LoggedEvent, str], Awaitable[None]],
        changed: Callable[[], None],
        *,
        deltas: bool = False,
    ) -> None:
        """`deltas`: those of the run itself are followed too. What has happened is read without them: the
        deltas of a part that is open come when it is followed."""
        self._workbench = workbench
        self._watched = watched
        self._heard = heard
        self._changed = changed
        self._deltas = deltas
        self._root = next(iter(watched.cursors))
        self._following: dict[str, asyncio.Task[None]] = {}
        self._over: list[asyncio.Task[None]] = []

    async def catch_up(self) -> None:
        """Reads what has happened already. Raises `HoldfastError`."""
        read: set[str] = set()
        while left := self._watched.cursors.keys() - read:
            for session_id in left:
                await self._read(session_id)
            read |= left

    async def _read(self, session_id: str) -> None:
        only = EventFilter(session_id=session_id, deltas=False)
        while (after := self._watched.cursors.get(session_id)) is not None and not self._watched.ended:
            items = (await self._workbench.events.read(only, after, _PAGE)).items
            if not items:
                return
            for logged in items:
                await self._heard(logged, self._watched.take(logged))

    async def follow(self) -> None:
        """Reads what happens, to the end of the run or of the log. Raises `HoldfastError`."""
        (root, *_) = self._watched.cursors
        try:
            self._follow_children()
            await self._follow(root)
        finally:
            tasks = [*self._following.values(), *self._over]
            for task in tasks:
                task.cancel()
            # What broke the log of a child breaks that of the run as well, and is told there.
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, session_id: str) -> None:
        only = EventFilter(session_id=session_id, deltas=self._deltas and session_id == self._root)
        following = self._workbench.events.follow(only, self._watched.cursors[session_id])
        async with aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events:
            async for logged in events:
                line = self._watched.take(logged)
                self._follow_children()
                self._changed()
                await self._heard(logged, line)
                if self._watched.ended or session_id not in self._watched.cursors:
                    return

    def _follow_children(self) -> None:
        """Follows the runs that were started, and no longer those that have ended."""
        (_, *children) = self._watched.cursors
        for session_id in self._following.keys() - set(children):
            ended = self._following.pop(session_id)
            ended.cancel()
            self._over.append(ended)
        for session_id in children:
            if session_id not in self._following:
                self._following[session_id] = asyncio.create_task(self._follow(session_id))
