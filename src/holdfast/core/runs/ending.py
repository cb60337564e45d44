"""How the end of a run gets into the log, whatever the database says at first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import EventFilter, RunCancelled, RunEvent
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.projections.state import RunState
from holdfast.core.store.log import EventLog

logger = logging.getLogger(__name__)

RETRY_S = 1.0
"""Pause before the end of a run is written again."""


async def write_end(log: EventLog, run: ActiveRun, end: RunEvent, closing: Callable[[], bool]) -> None:
    """Closes what is open and appends the end. A database that does not take it is tried again until the
    engine stops (`closing`); then the next start closes the run as interrupted."""
    kind: Literal["cancelled", "error"] = "cancelled" if isinstance(end, RunCancelled) else "error"
    run.emitter.silence()  # a timer or a run below must not speak behind the end
    while True:
        try:
            state = await _logged_state(log, run) if await run.emitter.failed() else run.state
            if not state.ended:
                events = run.emitter.closing(state, kind, interrupted=closing())
                await log.append(*events, end, durable=True)
            return
        except StoreError as error:
            logger.error("the end of run %s could not be written: %s", run.run_id, error.message)
        if closing():
            return
        await asyncio.sleep(RETRY_S)


async def _logged_state(log: EventLog, run: ActiveRun) -> RunState:
    """Returns where the log has the run, when the run itself is ahead of it."""
    state = RunState(run.session_id, run.run_id)
    for logged in await log.read_all(EventFilter(run_id=run.run_id)):
        state.apply(logged.event)
    return state
