"""The connection to the engine: made after the first paint, made again when it is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import (
    ForbiddenError,
    HoldfastError,
    InvalidError,
    StoreError,
    UnauthenticatedError,
    UnsupportedError,
)
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.tui.control.base import Context
from holdfast.tui.presenters.status import EngineState

if TYPE_CHECKING:
    from holdfast.core.domain.status import EngineStatus
    from holdfast.core.services.workbench import Workbench

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0
SLICE_S = 0.02
HOPELESS = ("store_too_new", "store_read_only", "store_damaged")
"""Codes of a database that no engine of this version can use as it is."""
REFUSALS = (UnauthenticatedError, ForbiddenError, UnsupportedError, InvalidError)
"""What an engine says again when it is asked again: of a key, an address, a version."""


class Connection:
    """Keeps a workbench, and follows the events of all sessions with it."""

    def __init__(self, context: Context, connect: Callable[[], Awaitable[Workbench]]) -> None:
        self._context = context
        self._connect = connect
        self._broken = asyncio.Event()
        self._again = asyncio.Event()
        self._renewed = False
        self._cursor = 0
        self.on_met: Callable[[EngineStatus], Awaitable[None]] | None = None
        """Takes what the engine says of itself, each time that it is reached."""
        self.on_ready: Callable[[], Awaitable[None]] | None = None
        """Reads the lists, each time that the engine is reached."""
        self.on_event: Callable[[LoggedEvent], None] | None = None
        """Takes an event of any session, deltas left out."""
        self.on_shut_out: Callable[[], None] | None = None
        """Is told that the engine does not know any more who this is, where signing in may help."""

    async def run(self) -> None:
        """Connects and follows, until the app ends."""
        delay = FIRST_DELAY_S
        while not self._context.over:
            workbench = await self._reach()
            if workbench is not None:
                started = time.monotonic()
                await self._work(workbench)
                delay = FIRST_DELAY_S if time.monotonic() - started > LONGEST_DELAY_S else delay
            if not self._context.over:
                await self._pause(delay)
            delay = min(LONGEST_DELAY_S, delay * 2)

    def broken(self) -> None:
        """Says that a call or a stream found the engine gone."""
        self._broken.set()

    def renew(self) -> None:
        """Lets go of the connection, if there is one, and makes another: with who has just signed in."""
        self._renewed = True
        self._broken.set()
        self._again.set()

    def try_again(self) -> None:
        """Ends the pause between two attempts."""
        self._again.set()

    async def close(self) -> None:
        """Lets go of the workbench; the engine goes on."""
        if self._context.connected:
            workbench = self._context.workbench
            self._context.attach(None)
            await workbench.close()

    async def _reach(self) -> Workbench | None:
        try:
            return await self._connect()
        except (HoldfastError, OSError) as error:
            self._context.panes.say_engine(str(error))
            await self._gone(error)
            return None

    async def _work(self, workbench: Workbench) -> None:
        self._broken.clear()
        self._renewed = False
        self._context.attach(workbench)
        self._context.model.shut_out = False
        try:
            status = await workbench.engine.status()
            self._cursor = status.last_event_id
            if self.on_met is not None:
                await self.on_met(status)
            if self._context.over:  # nothing that the former user left is read or sent for the next one
                await self._leave(workbench)
                return
            self._state("ready")
            self._context.panes.say_engine("")
            if self.on_ready is not None:
                await self.on_ready()
            while True:
                await self._follow_until_broken(workbench)
                if self._renewed:
                    self._renewed = False
                    await self._leave(workbench)
                    return
                await workbench.engine.status()  # raises when it is gone; else it was a false alarm
                self._broken.clear()
        except HoldfastError as error:
            why = error
        self._context.panes.say_engine(why.message)
        await self._leave(workbench)
        await self._gone(why)

    async def _leave(self, workbench: Workbench) -> None:
        self._context.attach(None)
        try:
            await workbench.close()
        except (HoldfastError, OSError) as error:
            self._context.app.log(f"closing a lost connection: {error}")

    async def _gone(self, why: Exception) -> None:
        """Shows that there is no engine; waits to be told when another attempt would end the same way."""
        hopeless = isinstance(why, REFUSALS) or (isinstance(why, StoreError) and why.code in HOPELESS)
        remote = self._context.remote
        signs_in = remote is not None and remote.sign_in is not None
        self._context.model.shut_out = signs_in and isinstance(why, UnauthenticatedError)
        self._state("failed" if hopeless else "lost")
        if self._context.model.shut_out and self.on_shut_out is not None:
            self.on_shut_out()
        if hopeless:
            await self._pause(None)

    async def _follow_until_broken(self, workbench: Workbench) -> None:
        follow = asyncio.create_task(self._follow(workbench))
        broken = asyncio.create_task(self._broken.wait())
        try:
            await asyncio.wait({follow, broken}, return_when=asyncio.FIRST_COMPLETED)
            if follow.done():
                follow.result()
        finally:
            follow.cancel()
            broken.cancel()
            await asyncio.gather(follow, broken, return_exceptions=True)

    async def _follow(self, workbench: Workbench) -> None:
        async for logged in fairly(workbench.events.follow(EventFilter(deltas=False), after=self._cursor)):
            self._cursor = logged.id
            if self.on_event is not None:
                self.on_event(logged)

    async def _pause(self, seconds: float | None) -> None:
        self._again.clear()
        try:
            await asyncio.wait_for(self._again.wait(), seconds)
        except TimeoutError:
            return

    def _state(self, state: EngineState) -> None:
        model = self._context.model
        if state == "lost" and model.header.engine == "starting":
            state = "starting"
        model.header = replace(model.header, engine=state)
        self._context.view.mark("header")


async def fairly(events: AsyncIterator[LoggedEvent]) -> AsyncIterator[LoggedEvent]:
    """Yields `events`, but lets keys and the screen have their turn when many come at once."""
    last = time.monotonic()
    async for event in events:
        yield event
        if time.monotonic() - last > SLICE_S:
            await asyncio.sleep(0)
            last = time.monotonic()
