"""What models were shown, read from the log: the request of a step, and what a compaction took out."""

from __future__ import annotations

import asyncio

from holdfast.core.domain.context import Compaction, ContextPart, RunContext
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import (
    ContextCompacted,
    EventFilter,
    LoggedEvent,
    StepCompleted,
    StepStarted,
    UsageRecorded,
)
from holdfast.core.domain.messages import FilePart
from holdfast.core.domain.models import ModelRequest
from holdfast.core.domain.runs import Run
from holdfast.core.domain.tools import BlobStore
from holdfast.core.models.prompts import text_of_file
from holdfast.core.runs.outline import outline, outline_of
from holdfast.core.runs.projections.context import ContextProjection, Entry
from holdfast.core.store.log import EventLog


class ContextReader:
    """Takes apart what was sent."""

    def __init__(self, log: EventLog, blobs: BlobStore) -> None:
        self._log = log
        self._blobs = blobs

    async def of_run(self, run: Run, step: int | None) -> RunContext:
        """Returns the request of a step, of the last one for None. Raises `NotFoundError`."""
        events = await self._log.read_all(EventFilter(run_id=run.id, deltas=False))
        started, reported = _step(events, step)
        if started is None:
            which = "has not asked its model yet" if step is None else f"has no step {step}"
            raise NotFoundError(f"This run {which}.", code="step_not_found")
        if not started.prompt:
            raise NotFoundError(
                "This run was imported: what its model was shown did not come with it.", code="step_not_found"
            )
        parts = await asyncio.to_thread(self._parts, started.prompt)
        return RunContext(
            session_id=run.session_id,
            run_id=run.id,
            step=started.step,
            model=started.model,
            window=started.window,
            tokens=started.tokens or sum(part.tokens for part in parts),
            reported=reported,
            parts=parts,
        )

    def _parts(self, prompt: str) -> tuple[ContextPart, ...]:
        request = ModelRequest.model_validate_json(self._blobs.get(prompt))
        return outline(request, self._read_file)

    def _read_file(self, part: FilePart) -> str | None:
        try:
            return text_of_file(part, self._blobs.get)
        except NotFoundError:
            return None

    async def compaction(self, run: Run, event_id: int) -> Compaction:
        """Returns what a compaction took out and what stayed. Raises `NotFoundError`."""
        events = await self._log.read_all(EventFilter(session_id=run.session_id, deltas=False))
        found = next((each for each in events if each.id == event_id), None)
        if found is None or not isinstance(found.event, ContextCompacted) or found.event.run_id != run.id:
            raise NotFoundError(f"The run has no compaction {event_id}.", code="compaction_not_found")
        entries = _entries_before(events, event_id)
        cut = found.event.messages_dropped
        dropped, kept = await asyncio.to_thread(
            lambda: (outline_of(entries[:cut], self._read_file), outline_of(entries[cut:], self._read_file))
        )
        return Compaction(
            session_id=run.session_id,
            run_id=run.id,
            event_id=event_id,
            at=found.event.at,
            summary=found.event.summary,
            tokens_before=found.event.tokens_before,
            tokens_after=found.event.tokens_after,
            dropped=dropped,
            kept=kept,
        )


def _step(events: list[LoggedEvent], step: int | None) -> tuple[StepStarted | None, int | None]:
    """Returns how a step began, and how many tokens its provider counted for the request."""
    started: StepStarted | None = None
    reported: int | None = None
    inside = False
    for logged in events:
        match logged.event:
            case StepStarted() as event if step in (None, event.step):
                started, reported, inside = event, None, True
            case StepStarted() | StepCompleted():
                inside = False
            case UsageRecorded(estimated=False, input_tokens=count) if inside:
                reported = count
            case _:
                pass
    return started, reported


def _entries_before(events: list[LoggedEvent], event_id: int) -> list[Entry]:
    """Returns the messages that the model saw until an event."""
    context = ContextProjection()
    for logged in events:
        if logged.id >= event_id:
            break
        context.apply(logged)
    return context.entries
