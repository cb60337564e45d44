"""The mode of a run: what the engine changes when a limit is reached never undoes a person's word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.events import SessionCreated
from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.runs.modes import Modes, RunMode
from holdfast.core.runs.projections.state import RunState
from holdfast.core.store.log import EventLog

START = datetime(2026, 11, 22, tzinfo=UTC)


class Interrupted(Modes):
    """Somebody chooses a mode just when the engine has looked at the limits."""

    async def read(self, session_id: str) -> SessionMode | None:
        found = await super().read(session_id)
        await self.change(session_id, ApproveMode.PLAN, None, by="ann")
        return found


async def test_a_limit_that_is_reached_does_not_undo_what_a_person_has_just_chosen(tmp_path: Path) -> None:
    log = await EventLog.open(tmp_path / "holdfast.db", FileBlobs(tmp_path / "blobs"))
    try:
        created = SessionCreated(session_id="s", title="", agent="a", project="/", workspace="/")
        await log.append(created)
        times = iter(START + timedelta(minutes=minute) for minute in range(99))
        for kind, expected in ((Modes, ApproveMode.ASK), (Interrupted, ApproveMode.PLAN)):
            modes = kind(log, AutoLimits, lambda: next(times))
            await modes.change("s", ApproveMode.AUTO, AutoLimits(minutes=1), by="ann")
            await RunMode(modes, RunState("s", "r"), None).keep_limits()
            held = modes.held("s")
            assert held is not None
            assert held.mode is expected
    finally:
        await log.close()
