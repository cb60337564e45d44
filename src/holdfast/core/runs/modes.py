"""The modes of sessions while they run: held by the engine, so that every client sees the same one.

A mode holds from the next tool call on. The log has each change, and who made it; what is kept here is the
latest of each session that has a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.events import SessionModeChanged
from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.domain.values import utc_now
from holdfast.core.runs.projections.state import RunState
from holdfast.core.store.log import EventLog
from holdfast.core.store.modes import read_mode


class Modes:
    """Knows and changes the modes of sessions. `default_limits` are those of `auto` where none are said."""

    def __init__(
        self,
        log: EventLog,
        default_limits: Callable[[], AutoLimits],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._log = log
        self._held: dict[str, SessionMode | None] = {}
        self._changing = asyncio.Lock()
        self.default_limits = default_limits
        self.now = now

    async def read(self, session_id: str) -> SessionMode | None:
        """Returns a session's mode as the log has it, with what was used since; None where none was set."""
        async with self._changing:
            self._held[session_id] = found = await read_mode(self._log.reader, session_id)
        return found

    def held(self, session_id: str) -> SessionMode | None:
        """Returns the mode of a session whose run was prepared, without what was used."""
        return self._held.get(session_id)

    async def change(
        self,
        session_id: str,
        mode: ApproveMode,
        limits: AutoLimits | None,
        *,
        by: str = "",
        client: str = "",
        reason: str = "",
        unless_after: datetime | None = None,
    ) -> SessionMode:
        """Sets a session's mode, and returns the one that holds then: with `unless_after`, one that somebody
        has set since that time stays. Only `auto` has limits. Raises `StoreError`."""
        kept = (limits or self.default_limits()) if mode is ApproveMode.AUTO else None
        changed = SessionModeChanged(
            session_id=session_id,
            at=self.now(),
            mode=mode,
            limits=kept,
            by=by,
            client=client,
            reason=reason,
        )
        async with self._changing:
            held = self._held.get(session_id)
            if held is not None and unless_after is not None and held.since > unless_after:
                return held
            await self._log.append(changed, durable=True)
            self._held[session_id] = now = SessionMode(mode=mode, limits=kept, since=changed.at)
        return now


class RunMode:
    """The mode that holds in one run: what its caller asked for, until somebody changes the session's."""

    def __init__(self, modes: Modes, state: RunState, asked: ApproveMode | None) -> None:
        self._modes = modes
        self._state = state
        self._asked = asked
        self._prepared = modes.now()
        self.used: Callable[[], tuple[int, float]] = lambda: (state.step, state.cost_usd)
        """Model calls and US dollars of the run and all below it: the limits of `auto` count them."""

    @property
    def asked(self) -> SessionMode | None:
        """The mode that the run's caller asked for, while no later word was said. Where a run before has
        handed the conversation over, it holds since that one began."""
        before = self._state.mode
        since = before.since if before is not None else self._state.started_at or self._prepared
        held = self._modes.held(self._state.session_id)
        if self._asked is None or (held is not None and held.since > since):
            return None
        steps, cost = self.used()
        if before is not None:
            steps, cost = steps + before.steps, cost + before.cost_usd
        limits = self._modes.default_limits() if self._asked is ApproveMode.AUTO else None
        return SessionMode(
            mode=self._asked,
            limits=limits,
            since=since,
            steps=steps,
            cost_usd=cost,
        )

    def now(self) -> ApproveMode:
        """Returns the mode that a call is judged by now."""
        mode = self.asked or self._modes.held(self._state.session_id)
        if mode is None:
            return ApproveMode.ASK
        return ApproveMode.ASK if mode.reached(self._modes.now()) else mode.mode

    async def keep_limits(self) -> None:
        """Goes back to asking when a limit of `auto` is reached; the log says which. To be called between
        two steps: no limit but the time can be reached inside of one. Raises `StoreError`."""
        session_id = self._state.session_id
        mode = self.asked or self._modes.held(session_id)
        if mode is None or mode.mode is not ApproveMode.AUTO:
            return
        mode = self.asked or await self._modes.read(session_id)
        reason = mode.reached(self._modes.now()) if mode is not None else ""
        if mode is not None and reason:
            await self._modes.change(
                session_id, ApproveMode.ASK, None, reason=reason, unless_after=mode.since
            )
