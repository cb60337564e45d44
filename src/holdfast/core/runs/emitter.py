"""Writes one run's events: keeps its state, coalesces deltas, removes secrets that are split over them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import (
    AnyEvent,
    LoggedEvent,
    PartCompleted,
    PartDelta,
    PartKind,
    PartStarted,
    RunEvent,
    ToolCallProgressed,
    UsageRecorded,
)
from holdfast.core.domain.knowledge import Citation
from holdfast.core.identity.redaction import StreamRedactor
from holdfast.core.runs.knowledge.citing import cited, with_citations
from holdfast.core.runs.progress import WHOLE_CHARS, Send, Tail
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import RunState
from holdfast.core.store.log import EventLog

INTERVAL_S = 0.04
"""The first delta goes out at once; later ones are joined for this long, in seconds."""
_MOST_UNCOMMITTED = 256
"""Deltas that may wait for the disk before the run waits for them."""


class Coalescer:
    """Joins texts that come fast: the first goes out at once, then one text each interval."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._texts: list[str] = []
        self._sent_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def add(self, text: str) -> None:
        """Takes a text; sends it now or with those that follow."""
        self._texts.append(text)
        if self._loop.time() - self._sent_at >= INTERVAL_S:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_at(self._sent_at + INTERVAL_S, self.flush)

    def flush(self) -> None:
        """Sends what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._texts:
            text = "".join(self._texts)
            self._texts.clear()
            self._sent_at = self._loop.time()
            self._send(text)


class Emitter:
    """The only writer of a run's events while it executes."""

    def __init__(
        self,
        log: EventLog,
        state: RunState,
        context: ContextProjection,
        redactor: Callable[[], StreamRedactor],
        credits: Callable[[UsageRecorded], float] = lambda _: 0.0,
        plan: str = "",
    ) -> None:
        """`credits` says what a model call is charged for, on the agent's `plan` if it has one."""
        self.state = state
        self.context = context
        self._log = log
        self._redactor = redactor
        self._credits = credits
        self._plan = plan
        self.asked = ""
        """What a script calls the model by that it asks; prices of plans go by that."""
        self._uncommitted: set[asyncio.Future[list[LoggedEvent]]] = set()
        self._failure: StoreError | None = None
        self._part: _PartWriter | None = None
        self._silent = False
        self.observer: Callable[[AnyEvent], None] | None = None
        """Is told of every event, before it is committed."""

    async def emit(self, *events: AnyEvent, durable: bool = False) -> list[LoggedEvent]:
        """Appends events and waits until they are committed. Raises `StoreError`."""
        self._raise_failure()
        if not events:
            return []
        events = tuple(map(self._charged, events))
        for event in events:
            self._take(event)
        # Shielded: who is cancelled meanwhile must still be able to learn whether they were committed.
        logged = await asyncio.shield(self._append(*events, durable=durable))
        self._raise_failure()
        for each in logged:
            self.context.apply(each)
        return logged

    def _charged(self, event: AnyEvent) -> AnyEvent:
        if not isinstance(event, UsageRecorded):
            return event
        priced = event.model_copy(update={"model": self.asked}) if self._plan and self.asked else event
        return event.model_copy(update={"credits": self._credits(priced), "plan": self._plan})

    def post(self, event: RunEvent) -> None:
        """Appends an event without waiting: deltas and progress. A failure is raised by the next `emit`;
        nothing is appended behind it, so that the log has no hole."""
        if self._failure is not None or self._silent:
            return
        self._take(event)
        self._append(event)

    def silence(self) -> None:
        """Lets nothing more be posted: the end of the run is about to be written."""
        self._silent = True

    def _take(self, event: AnyEvent) -> None:
        self.state.apply(event)
        if self.observer is not None:
            self.observer(event)

    def _append(self, *events: AnyEvent, durable: bool = False) -> asyncio.Future[list[LoggedEvent]]:
        future = self._log.append(*events, durable=durable)
        self._uncommitted.add(future)
        future.add_done_callback(self._committed)
        return future

    def _committed(self, future: asyncio.Future[list[LoggedEvent]]) -> None:
        self._uncommitted.discard(future)
        if future.cancelled():
            return
        error = future.exception()
        if isinstance(error, StoreError):
            self._failure = error

    async def failed(self) -> bool:
        """Says whether something was not appended, once all that is under way is settled: `state` is
        ahead of the log then."""
        if self._uncommitted:
            await asyncio.wait(self._uncommitted)
        return self._failure is not None

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def redacted(self, text: str) -> str:
        """Returns a whole text without the secrets in it."""
        redactor = self._redactor()
        return redactor.feed(text) + redactor.flush()

    async def text(self, kind: PartKind, text: str) -> None:
        """Appends to the reply's open part of that kind; closes another kind and opens this one first.

        Raises `StoreError` when what came before could not be appended.
        """
        self._raise_failure()
        if self._part is not None and self._part.kind != kind:
            await self.close_part()
        if self._part is None:
            state = self.state
            part_id = f"{state.step}.{state.parts + 1}"
            await self.emit(
                PartStarted(session_id=state.session_id, run_id=state.run_id, part_id=part_id, kind=kind)
            )
            self._part = _PartWriter(self, part_id, kind, self._redactor())
        self._part.add(text)
        if len(self._uncommitted) > _MOST_UNCOMMITTED:
            await asyncio.wait(self._uncommitted, return_when=asyncio.FIRST_COMPLETED)

    async def close_part(self, *behind: AnyEvent) -> None:
        """Completes the open part, if there is one, and appends what comes `behind` it: both at once, so that
        who is cancelled meanwhile leaves neither out."""
        part, self._part = self._part, None
        if part is not None:
            part.finish()
        open_part = self.state.part
        if open_part is None:
            await self.emit(*behind)
            return
        text, citations = self._cited(open_part.kind, "".join(open_part.texts))
        await self.emit(
            PartCompleted(
                session_id=self.state.session_id,
                run_id=self.state.run_id,
                part_id=open_part.part_id,
                kind=open_part.kind,
                text=text,
                citations=citations,
            ),
            *behind,
        )

    def _cited(self, kind: PartKind, text: str) -> tuple[str, tuple[Citation, ...]]:
        if kind != "text" or not self.state.cites:
            return text, ()
        return cited(text, self.context.sources, searched=self.state.searched)

    def closing(
        self, state: RunState, reason: Literal["error", "cancelled"], *, interrupted: bool = False
    ) -> list[RunEvent]:
        """Returns the events that close what is open in `state`, a part's text with its citations."""
        events = state.closing(reason, interrupted=interrupted)
        if not state.cites:
            return events
        return with_citations(events, self.context.sources, searched=state.searched)

    def drop_part(self) -> None:
        """Flushes the open part's text without completing it: the run's closing does that."""
        if self._part is not None:
            self._part.finish()
            self._part = None

    async def drop_step(self) -> None:
        """Ends the step that is open as failed; the run goes on."""
        self.drop_part()
        events = self.state.closing_step("error")
        if self.state.cites:
            events = with_citations(events, self.context.sources, searched=self.state.searched)
        await self.emit(*events)

    def progress(self, call_id: str) -> LiveOutput:
        """Returns what takes the output of a call that executes."""
        state = self.state

        def send(text: str, skipped: int = 0) -> None:
            if state.ended:
                return
            self.post(
                ToolCallProgressed(
                    session_id=state.session_id,
                    run_id=state.run_id,
                    call_id=call_id,
                    text=text,
                    skipped=skipped,
                )
            )

        return LiveOutput(send, self._redactor())


class LiveOutput:
    """Takes the output of a call while it comes: secrets leave it, and it goes out as `progress` says."""

    def __init__(self, send: Send, redactor: StreamRedactor) -> None:
        self._redactor = redactor
        self._left = WHOLE_CHARS
        self._closed = False
        self._whole = Coalescer(lambda text: send(text, 0))
        self._tail = Tail(send)

    def add(self, text: str) -> None:
        """Takes the next text. What comes when the call is over is dropped."""
        if self._closed:
            return
        clean = self._redactor.feed(text)  # all of it, so that no secret is cut in two
        whole, rest = clean[: self._left], clean[self._left :]
        self._left -= len(whole)
        if whole:
            self._whole.add(whole)
        if rest:
            self._whole.flush()
            self._tail.add(rest)

    def flush(self) -> None:
        """Sends what waits."""
        self._whole.flush()
        self._tail.flush()

    def close(self) -> None:
        """Sends what waits, and takes nothing more."""
        self.flush()
        self._closed = True


class _PartWriter:
    def __init__(self, emitter: Emitter, part_id: str, kind: PartKind, redactor: StreamRedactor) -> None:
        self.kind = kind
        self._emitter = emitter
        self._part_id = part_id
        self._redactor = redactor
        self._coalescer = Coalescer(self._send)

    def add(self, text: str) -> None:
        clean = self._redactor.feed(text)
        if clean:
            self._coalescer.add(clean)

    def finish(self) -> None:
        rest = self._redactor.flush()
        if rest:
            self._coalescer.add(rest)
        self._coalescer.flush()

    def _send(self, text: str) -> None:
        state = self._emitter.state
        self._emitter.post(
            PartDelta(session_id=state.session_id, run_id=state.run_id, part_id=self._part_id, text=text)
        )
