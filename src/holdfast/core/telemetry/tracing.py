"""Follows the log and sends the spans that it folds into."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from holdfast.core.domain.errors import HoldfastError, StoreError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.traces import EventSource, SpanExporter
from holdfast.core.telemetry.fold import Fold

logger = logging.getLogger(__name__)

CLOSE_S = 5.0
"""Longest time in seconds for the last spans at the end."""
RETRY_S = 5.0
"""Pause before the log is followed again after it could not be read."""
_PAGE = 1_000
_WANTED = EventFilter(deltas=False)


class LogTracing:
    """Implements `Tracing`. `make_exporter` is called in a thread: it may load what takes its time.

    A log that cannot be read, or an exporter that cannot be made, is logged; runs do not notice.
    """

    def __init__(
        self, source: EventSource, make_exporter: Callable[[], SpanExporter], *, contents: bool = False
    ) -> None:
        self._source = source
        self._make_exporter = make_exporter
        self._contents = contents
        self._fold = Fold(contents=contents)
        self._exporter: SpanExporter | None = None
        self._cursor = 0
        self._caught_up = asyncio.Event()
        """Set when the open runs of before are known; spans are sent from then on."""
        self._task: asyncio.Task[None] | None = None

    def start(self, after: int, open_runs: Sequence[str]) -> None:
        """See `Tracing.start`."""
        self._cursor = after
        self._task = asyncio.create_task(self._work(tuple(open_runs)), name="tracing")

    async def close(self) -> None:
        """See `Tracing.close`."""
        task, self._task = self._task, None
        if task is None:
            return
        try:
            async with asyncio.timeout(CLOSE_S / 2):
                await self._finish(task)
        except (TimeoutError, StoreError) as error:
            logger.warning("the last events are not in the traces: %s", error or "there was no time")
        task.cancel()
        if self._exporter is not None:
            await self._exporter.close(CLOSE_S / 2)

    async def _work(self, open_runs: Sequence[str]) -> None:
        try:
            self._exporter = await asyncio.to_thread(self._make_exporter)
        except HoldfastError as error:
            logger.error("there will be no traces: %s", error.message)
            return
        await self._patiently(lambda: self._catch_up(open_runs))
        self._caught_up.set()
        await self._patiently(self._follow)

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does what reads the log; one that cannot be read now may be later."""
        while True:
            try:
                return await work()
            except StoreError as error:
                logger.error("the log could not be read for traces: %s", error.message)
            await asyncio.sleep(RETRY_S)

    async def _catch_up(self, open_runs: Sequence[str]) -> None:
        """Brings the fold to where the open runs stood. Their spans that ended before were sent then."""
        fold = Fold(contents=self._contents)
        for run_id in open_runs:
            wanted, cursor = EventFilter(run_id=run_id, deltas=False), 0
            while page := await self._source.read(wanted, cursor, _PAGE):
                cursor = page[-1].id
                for logged in page:
                    if logged.id <= self._cursor:
                        fold.apply(logged.event)
        self._fold = fold

    async def _follow(self) -> None:
        async for logged in self._source.follow(_WANTED, self._cursor):
            self._take(logged)

    def _take(self, logged: LoggedEvent) -> None:
        self._cursor = logged.id
        assert self._exporter is not None
        for span in self._fold.apply(logged.event):
            self._exporter.export(span)

    async def _finish(self, task: asyncio.Task[None]) -> None:
        """Stops to follow, and takes what was logged to the end."""
        caught_up = asyncio.ensure_future(self._caught_up.wait())
        await asyncio.wait({task, caught_up}, return_when=asyncio.FIRST_COMPLETED)
        caught_up.cancel()
        if not self._caught_up.is_set():
            return
        task.cancel()
        await asyncio.wait({task})
        while page := await self._source.read(_WANTED, self._cursor, _PAGE):
            for logged in page:
                self._take(logged)
