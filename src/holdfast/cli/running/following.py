"""Follows a run to its end, asks when somebody can be asked, and says with which status to exit."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from holdfast.cli.running.asking import Asker, show_approval
from holdfast.cli.running.console import Console
from holdfast.cli.running.progress import Progress
from holdfast.cli.running.reporter import Reporter
from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.errors import HoldfastError, NotFoundError, UnavailableError
from holdfast.core.domain.events import (
    EventFilter,
    LoggedEvent,
    MessageDequeued,
    RunCancelled,
    RunCompleted,
    RunFailed,
    SessionDeleted,
)
from holdfast.core.domain.tools import Question
from holdfast.core.services.workbench import Workbench

COMPLETED = 0
FAILED = 1
WAITING = 3
INTERRUPTED = 130

QUIET_S = 0.25
"""How long nothing must happen before a blocked run that nobody can decide is left alone."""
CANCEL_S = 5.0
"""How long a cancelled run may take to end before this process leaves it to the engine."""


class Signal(Enum):
    INTERRUPT = "interrupt"
    NOBODY = "nobody"
    """The person has ended the input: nobody can be asked any more."""
    ASKED = "asked"
    """A prompt has ended, one way or another."""
    QUIET = "quiet"


class Follower:
    """One run, from its message to its exit status. `asker` is None when nobody can be asked."""

    def __init__(
        self,
        workbench: Workbench,
        session_id: str,
        console: Console,
        reporter: Reporter,
        progress: Progress,
        asker: Asker | None,
    ) -> None:
        self._workbench = workbench
        self._session_id = session_id
        self._console = console
        self._reporter = reporter
        self._progress = progress
        self._asker = asker
        self._inbox: asyncio.Queue[LoggedEvent | Signal | HoldfastError] = asyncio.Queue()
        self._asking: asyncio.Task[None] | None = None
        self._below: dict[str, asyncio.Task[None]] = {}
        """What reads the sessions of sub-agents."""
        self._asked_id = ""
        self._interrupted = False
        self._cancelled = False

    async def follow(self, after: int) -> int:
        """Shows the run's events after the id `after` and returns the exit status. Raises `HoldfastError`."""
        reading = asyncio.create_task(self._read(self._session_id, after))
        try:
            return await self._until_end()
        finally:
            tasks = [reading, *self._below.values(), *([self._asking] if self._asking else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._console.withdraw()
            self._console.end_reply()

    async def _until_end(self) -> int:
        while True:
            match await self._next():
                case Signal.INTERRUPT:
                    if await self._pulled_back():
                        return INTERRUPTED
                    self._interrupted = True
                case Signal.NOBODY:
                    self._asker = None
                case Signal.QUIET:
                    return INTERRUPTED if self._interrupted else self._leave_waiting()
                case LoggedEvent() as logged:
                    self._take(logged)
                case HoldfastError() as lost:
                    raise lost
            if self._progress.end is not None:
                return self._status()
            if self._interrupted:
                await self._cancel()
            self._keep_asking()

    def _take(self, logged: LoggedEvent) -> None:
        """Shows an event, and follows the sessions of sub-agents that begin."""
        for ours in self._progress.take(logged):
            self._reporter.show(ours)
        if self._progress.of_child(logged):
            self._reporter.show_child(logged)
        for session_id in self._progress.children.values():
            if session_id not in self._below:
                self._below[session_id] = asyncio.create_task(self._read(session_id, 0))

    async def _next(self) -> LoggedEvent | Signal | HoldfastError:
        limit = CANCEL_S if self._interrupted else None
        if not self._interrupted and self._asker is None and self._progress.blocked:
            limit = QUIET_S
        try:
            async with asyncio.timeout(limit):
                return await self._inbox.get()
        except TimeoutError:
            return Signal.QUIET

    async def _read(self, session_id: str, after: int) -> None:
        only = EventFilter(session_id=session_id)
        try:
            async for logged in self._workbench.events.follow(only, after):
                self._inbox.put_nowait(logged)
        except HoldfastError as lost:
            self._inbox.put_nowait(lost)
            return
        self._inbox.put_nowait(UnavailableError("the engine has ended; what the run did until then is kept"))

    def _keep_asking(self) -> None:
        """Asks the next thing that waits; takes back a prompt that was settled elsewhere."""
        waiting = self._progress.waiting
        if self._asker is None:
            return
        if self._asking is not None:
            # The next prompt comes when this one has let go of the terminal.
            if (self._interrupted or self._asked_id not in waiting) and not self._asker.deciding:
                self._asking.cancel()
            return
        if waiting and not self._interrupted:
            item = next(iter(waiting.values()))
            self._asked_id = item.id
            self._asking = asyncio.create_task(self._ask(self._asker, item))

    async def _ask(self, asker: Asker, item: Approval | Question) -> None:
        try:
            if not await asker.ask(item):
                self._inbox.put_nowait(Signal.NOBODY)
        except HoldfastError as lost:
            self._inbox.put_nowait(lost)
        finally:
            self._asking = None
            self._inbox.put_nowait(Signal.ASKED)

    async def _pulled_back(self) -> bool:
        """Takes the message out of the queue, when it is still there."""
        if self._progress.run_id is not None:
            return False
        try:
            await self._workbench.sessions.pull_back(self._session_id, self._progress.message_id)
        except NotFoundError:
            return False  # it was sent meanwhile: the run is cancelled when its first event is here
        self._console.line("The message was pulled back.")
        return True

    async def _cancel(self) -> None:
        if self._cancelled or self._progress.run_id is None:
            return
        self._cancelled = True
        self._console.line("cancelling …")
        await self._workbench.runs.cancel(self._progress.run_id)

    @contextmanager
    def interrupts(self) -> Iterator[None]:
        """Makes the first ^C cancel the run, and the second end this process's part in it."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        before = signal.getsignal(signal.SIGINT)
        pressed = 0

        def on_interrupt() -> None:
            nonlocal pressed
            if self._asker is not None and self._asker.editing:
                return
            pressed += 1
            if pressed == 1:
                self._inbox.put_nowait(Signal.INTERRUPT)
            elif task is not None:
                task.cancel()

        loop.add_signal_handler(signal.SIGINT, on_interrupt)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)

    def _leave_waiting(self) -> int:
        self._console.withdraw()
        self._console.end_reply()
        for item in self._progress.waiting.values():
            if isinstance(item, Approval):
                show_approval(self._console, item)
                self._console.line(f"  holdfast approvals approve {item.id}   (or: deny)")
            else:
                self._console.line(f"? {item.text}", "ask")
                how = "--field NAME=VALUE …" if item.form is not None else '"TEXT"'
                how = "--accept" if item.url is not None else how
                self._console.line(f"  holdfast approvals answer {item.id} {how}")
        self._console.line(
            "The run waits in the engine and goes on when this is decided (holdfast approvals list)."
        )
        return WAITING

    def _status(self) -> int:
        match self._progress.end:
            case RunCompleted():
                return COMPLETED
            case RunFailed() | SessionDeleted():
                return FAILED
            case RunCancelled() | MessageDequeued():
                return INTERRUPTED
            case never:
                raise AssertionError(never)
