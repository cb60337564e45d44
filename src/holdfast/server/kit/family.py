"""The events of a run together with those of the runs that its sub-agents make, in the order of the log.

That order is the same for who hears them live and for who reads them later.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from holdfast.core.domain.events import ChildRunCompleted, ChildRunStarted, EventFilter, LoggedEvent
from holdfast.core.services.workbench import Workbench


class _Family:
    """Knows which runs belong together, as far as their events were looked at."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._members = {run_id}
        self._open: set[str] = set()

    @property
    def filter(self) -> EventFilter:
        """What has to be read now: while sub-agents work, what their runs are is known event by event."""
        return EventFilter() if self._open else EventFilter(run_id=self._run_id)

    def has(self, logged: LoggedEvent) -> bool:
        """Says whether an event is one of the family's."""
        return logged.event.run_id in self._members

    def turns(self, logged: LoggedEvent) -> bool:
        """Takes in an event of the family; says whether another filter is needed behind it."""
        before = bool(self._open)
        match logged.event:
            case ChildRunStarted(child_run_id=child):
                self._members.add(child)
                self._open.add(child)
            case ChildRunCompleted(child_run_id=child):
                self._open.discard(child)
        return bool(self._open) != before


async def family_events(workbench: Workbench, run_id: str) -> AsyncGenerator[LoggedEvent, None]:
    """Yields the events of a run and of all runs below it, as they come; ends when the log closes."""
    family, cursor, turned = _Family(run_id), 0, True
    while turned:
        turned = False
        # An iterator that is no generator has nothing to close.
        following = workbench.events.follow(family.filter, cursor)
        async with aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events:
            async for logged in events:
                cursor = logged.id
                if not family.has(logged):
                    continue
                yield logged
                if turned := family.turns(logged):
                    break


async def family_so_far(
    workbench: Workbench, run_id: str, until: int | None = None
) -> AsyncGenerator[LoggedEvent, None]:
    """Yields the same events as far as there are any, those up to the id `until` at most."""
    family, cursor, more = _Family(run_id), 0, True
    while more:
        page = await workbench.events.read(family.filter, cursor)
        more = page.next_cursor is not None
        for logged in page.items:
            cursor = logged.id
            if until is not None and logged.id > until:
                return
            if family.has(logged):
                yield logged
                if family.turns(logged):
                    more = True
                    break
