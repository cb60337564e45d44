"""A run that is followed from outside: until it has ended, or something of it waits for a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.runs import Run
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.answers import stopping
from holdfast.server.kit.run_state import RunState
from holdfast.server.tasks.reader import Reader
from holdfast.server.tasks.watched import Watched

_AHEAD = 256
"""Events that are read before somebody takes them."""
_START = 2
"""A run starts with two events: that it does, and its message."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event of the run, or of one that it has started, and where it leaves the run."""

    logged: LoggedEvent
    line: str
    """What goes on, for people; empty for most."""
    ended: bool
    waits: bool


class Following:
    """Follows a run. First `begin` or `catch_up`; then `events` once."""

    def __init__(self, workbench: Workbench, run: Run, *, patient: bool = False) -> None:
        """`patient`: it is followed on while something waits, which others may decide."""
        self.state = RunState()
        """The run as far as its events were taken."""
        self.known: list[LoggedEvent] = []
        """The events of the run itself before those that are yielded."""
        self.ended = False
        self.waits = False
        """Whether something waits for a person."""
        self._workbench = workbench
        self._run = run
        self._run_id = run.id
        self._patient = patient
        self._watched = Watched(run)
        self._ahead: asyncio.Queue[Heard | HoldfastError | None] = asyncio.Queue(_AHEAD)
        self._behind = True
        self._reader = Reader(workbench, self._watched, self._hear, lambda: None, deltas=True)

    async def begin(self) -> None:
        """Reads no more than what the run was started with: of one that was started just now, everything else
        is yielded. Raises `HoldfastError`."""
        only, before = EventFilter(run_id=self._run_id), self._run.first_event_id - 1
        for logged in (await self._workbench.events.read(only, before, _START)).items:
            self._watched.take(logged)
            await self._hear(logged, "")
        self._behind = False

    async def catch_up(self) -> None:
        """Reads what has happened. Who is about to change something does that afterwards, so that what comes
        of it is yielded. Raises `HoldfastError`."""
        await self._reader.catch_up()
        self._behind = False
        self.ended, self.waits = self._watched.ended, bool(self._watched.waiting)

    def settle(self, id: str) -> None:
        """Notes that what has this id was decided or answered just now, and does not wait any more."""
        self._watched.waiting.pop(id, None)
        self.waits = bool(self._watched.waiting)

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def over(self) -> bool:
        """Whether nothing more is to be yielded."""
        return self.ended or (self.waits and not self._patient)

    async def events(self) -> AsyncGenerator[Heard, None]:
        """Yields what happens; the last one ends the run, or begins to wait. The state has taken each. Raises
        `HoldfastError`."""
        if self.over:
            return
        reading = asyncio.create_task(self._read())
        try:
            while not self.over:
                heard = await self._ahead.get()
                if heard is None:  # the log has closed
                    raise stopping()
                if isinstance(heard, HoldfastError):
                    raise heard
                self._take(heard.logged)
                self.ended, self.waits = heard.ended, heard.waits
                yield heard
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            await self._reader.follow()
        except HoldfastError as error:
            await self._ahead.put(error)
        await self._ahead.put(None)

    async def _hear(self, logged: LoggedEvent, line: str) -> None:
        if self._behind:
            if logged.event.run_id == self._run_id:
                self.known.append(logged)
            self._take(logged)
            return
        waits = bool(self._watched.waiting)
        await self._ahead.put(Heard(logged, line, self._watched.ended, waits))

    def _take(self, logged: LoggedEvent) -> None:
        if logged.event.run_id == self._run_id:
            self.state.take(logged)
