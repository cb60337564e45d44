"""Runs that are no turn of the conversation: a summary of it, and questions that could follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.events import RunStarted
from holdfast.core.domain.runs import RunOptions, Session, Submitted
from holdfast.core.domain.values import new_id
from holdfast.core.runs.active import ActiveRun, Begin, ModelsOf, Prepare
from holdfast.core.runs.compaction import droppable, kept_on_request
from holdfast.core.runs.failures import busy_session
from holdfast.core.runs.loop import nothing_to_compact
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import RunState
from holdfast.core.runs.recovery import read_context
from holdfast.core.store.log import EventLog


class Asides:
    """Starts them, in sessions that are idle."""

    def __init__(
        self,
        log: EventLog,
        prepare: Prepare,
        idle: Callable[[str], AbstractAsyncContextManager[None]],
        session: Callable[[str], Awaitable[Session]],
        models: ModelsOf,
        check_open: Callable[[], None],
        begin: Begin,
    ) -> None:
        self._log = log
        self._prepare = prepare
        self._idle = idle
        self._session = session
        self._models = models
        self._check_open = check_open
        self._begin = begin

    async def compact(self, session_id: str, focus: str, key: str = "") -> Submitted:
        """Starts a run that compacts what the model sees of the session, and asks it nothing else.

        Raises `ConflictError`: `busy` while a run is under way or calls wait for their caller's results,
        `nothing_to_compact`.
        """

        def check(context: ContextProjection) -> None:
            entries = context.entries
            if not droppable(entries, kept_on_request(entries)):
                raise nothing_to_compact()

        def compacting(run: ActiveRun) -> None:
            run.compacting = focus

        return await self._start(session_id, key, check, compacting)

    async def suggest(self, session_id: str, count: int, key: str = "") -> Submitted:
        """Starts a run that suggests questions which could follow. Raises `ConflictError`: `busy` as above,
        `nothing_said` where there is no reply yet."""

        def check(context: ContextProjection) -> None:
            if not any(entry.role == "assistant" for entry in context.entries):
                raise ConflictError("There is no reply yet that questions could follow.", code="nothing_said")

        def suggesting(run: ActiveRun) -> None:
            run.suggesting = count

        return await self._start(session_id, key, check, suggesting)

    async def _start(
        self,
        session_id: str,
        key: str,
        check: Callable[[ContextProjection], None],
        task: Callable[[ActiveRun], None],
    ) -> Submitted:
        async with self._idle(session_id):
            self._check_open()
            session = await self._session(session_id)
            context = await read_context(self._log, session_id)
            if context.unanswered:
                raise busy_session(
                    "The program that uses this session has yet to send the results of its tools."
                )
            check(context)
            options = RunOptions()
            models = await self._models(session, options, key)
            state = RunState(session.id, new_id())
            run = await self._prepare.run(session, options, state, context, models)
            task(run)
            started = RunStarted(
                **run.ids, agent=run.spec.name, model="", key=key, options=options, logged=run.logged
            )
            await self._begin(run, started)
            return Submitted(session_id=session_id, message_id="", run_id=run.run_id)
