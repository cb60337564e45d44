"""What an engine that starts does with the runs that its predecessor left open."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from holdfast.core.domain.delegating import ChildStatus
from holdfast.core.domain.errors import ErrorInfo, ErrorKind, HoldfastError, NotFoundError, StoreError
from holdfast.core.domain.events import (
    ApprovalResolved,
    ChildRunCompleted,
    ChildRunStarted,
    EventFilter,
    QuestionAnswered,
    RunFailed,
    ToolCallCompleted,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import Run, RunStatus
from holdfast.core.domain.values import all_items
from holdfast.core.runs.active import ActiveRun, Prepare
from holdfast.core.runs.children import last_words
from holdfast.core.runs.knowledge.assigned import KNOWLEDGE_TOOLS
from holdfast.core.runs.knowledge.citing import with_citations
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import INTERRUPTED_TEXT, CallState, RunState, ended_child
from holdfast.core.runs.taking_over import not_begun
from holdfast.core.store.hand_overs import left_handed_over
from holdfast.core.store.log import EventLog

logger = logging.getLogger(__name__)

INTERRUPTED = ErrorInfo(
    kind=ErrorKind.UNAVAILABLE,
    code="interrupted",
    message="The engine stopped while this run was executing. What it had done is kept; continue to go on.",
    retryable=True,
)


_ENDED: Mapping[RunStatus, ChildStatus] = {
    RunStatus.COMPLETED: "completed",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
}


class Recovery:
    """Takes up the runs that wait for a person, and closes as interrupted those that executed.

    A run that waits for its sub-agents waits if each of them does. What went on in the background is not
    taken up: the model above is told that it was interrupted.
    """

    def __init__(self, log: EventLog, prepare: Prepare, launch: Callable[[ActiveRun], None]) -> None:
        self._log = log
        self._prepare = prepare
        self._launch = launch
        self._states: dict[str, RunState] = {}
        self._waiting: set[str] = set()
        self._ready: dict[str, ActiveRun] = {}

    async def recover(self) -> None:
        """Leaves no run open that nobody owns, and no conversation between two agents."""
        for run_id in await left_handed_over(self._log.reader):
            await self._tell_not_begun(run_id)
        rows = await self._log.reader.open_runs()
        for row in reversed(rows):  # a run is older than those that it has started
            await self._guarded(row, self._settle)
        for row in rows:
            if row.id in self._states:
                await self._guarded(row, self._recover)
        # All at once: a run looks for those that it waits for as soon as it goes on.
        for run in self._ready.values():
            self._launch(run)
            if run.state.paused:
                run.levers.go.clear()

    async def _tell_not_begun(self, run_id: str) -> None:
        try:
            state: RunState | None = None
            for logged in await self._log.read_all(EventFilter(run_id=run_id)):
                state = state or RunState(logged.event.session_id, run_id)
                state.apply(logged.event)
        except (NotFoundError, StoreError) as error:
            logger.error("run %s cannot be read: %s", run_id, error.message)
            return
        if state is not None and state.handing_over is not None:
            await self._log.append(*not_begun(state, state.handing_over, INTERRUPTED), durable=True)

    async def _guarded(self, row: Run, act: Callable[[Run], Awaitable[None]]) -> None:
        try:
            await act(row)
        except (NotFoundError, StoreError) as error:
            # A body or the session is gone: nothing of the run can be closed properly, but the others
            # must not wait for it.
            logger.error("run %s cannot be read: %s", row.id, error.message)
            self._states.pop(row.id, None)
            await self._give_up(row, error.info)

    async def _give_up(self, row: Run, error: ErrorInfo) -> None:
        """Ends a run whose log cannot be read; the index still knows what of it waits for a person."""
        ids = {"session_id": row.session_id, "run_id": row.id}
        reader, of = self._log.reader, row.session_id
        approvals = [
            ApprovalResolved(**ids, approval_id=each.id, call_id=each.call_id, status="cancelled")
            for each in await all_items(lambda limit, at: reader.approvals(of, True, limit, at))
            if each.run_id == row.id
        ]
        questions = [
            QuestionAnswered(**ids, question_id=each.id, call_id=each.call_id, answer=None)
            for each in await all_items(lambda limit, at: reader.questions(of, limit, at))
            if each.run_id == row.id
        ]
        await self._log.append(*approvals, *questions, RunFailed(**ids, error=error), durable=True)

    async def _settle(self, row: Run) -> None:
        """Closes what was cut off, and finds out whether the run waits."""
        state = RunState(session_id=row.session_id, run_id=row.id)
        for logged in await self._log.read_all(EventFilter(run_id=row.id)):
            state.apply(logged.event)
        self._states[row.id] = state
        for started in list(state.children.values()):
            if started.background or started.child_run_id not in self._waiting:
                await self._close_child(state, started)
        for call in state.open_calls:
            if call.started and not call.asking and call.child is None:
                await self._close_call(state, call)
        if state.resumable_if(lambda run_id: run_id in self._waiting):
            self._waiting.add(row.id)

    async def _recover(self, row: Run) -> None:
        state = self._states[row.id]
        above = self._ready.get(row.parent_run_id or "")
        orphan = row.parent_run_id is not None and (above is None or row.id not in above.state.children)
        if orphan or row.id not in self._waiting:
            await self._interrupt(state)
            return
        try:
            self._ready[row.id] = await self._prepared(row, state, above)
        except HoldfastError as error:
            logger.warning("run %s cannot be taken up: %s", row.id, error.message)
            await self._interrupt(state)
            if above is not None:
                started = above.state.children[row.id]
                call = above.state.calls[started.call_id]
                await above.emitter.emit(
                    _interrupted_child(above.state, started), _cut_off(above.state, call)
                )

    async def _close_child(self, state: RunState, started: ChildRunStarted) -> None:
        event = await self._end_of(state, started)
        await self._log.append(event)
        state.apply(event)

    async def _end_of(self, state: RunState, started: ChildRunStarted) -> ChildRunCompleted:
        """Returns what is told of a child run: how it has ended, if that was not told any more."""
        row = await self._log.reader.run(started.child_run_id)
        if row is None or row.status not in _ENDED:
            return _interrupted_child(state, started)
        child = RunState(row.session_id, row.id)
        for logged in await self._log.read_all(EventFilter(run_id=row.id)):
            child.apply(logged.event)
        ids = {"session_id": state.session_id, "run_id": state.run_id}
        return ended_child(
            ids,
            started,
            _ENDED[row.status],
            reply=last_words(await read_context(self._log, row.session_id)),
            error=row.error,
            steps=child.step + child.child_steps,
            usage=row.usage + child.child_usage,
        )

    async def _close_call(self, state: RunState, call: CallState) -> None:
        events = state.withdrawing(call)
        end = _cut_off(state, call)
        await self._log.append(*events, end)
        for event in (*events, end):
            state.apply(event)

    async def _interrupt(self, state: RunState) -> None:
        closing = state.closing("error", interrupted=True)
        if state.part is not None and state.cites:
            sources = (await read_context(self._log, state.session_id)).sources
            closing = with_citations(closing, sources, searched=state.searched)
        end = RunFailed(session_id=state.session_id, run_id=state.run_id, error=INTERRUPTED)
        await self._log.append(*closing, end, durable=True)

    async def _prepared(self, row: Run, state: RunState, above: ActiveRun | None) -> ActiveRun:
        session = await self._log.reader.session(row.session_id)
        if session is None:
            raise NotFoundError(f"There is no session {row.session_id}.", code="session_not_found")
        if state.direct:
            context = await read_context(self._log, session.id)
            return await self._prepare.run(session, state.options, state, context, (), tool=state.direct)
        context = await read_context(self._log, session.id)
        models = await self._prepare.models(session, state.options.model_copy(update={"model": row.model}))
        run = await self._prepare.run(session, state.options, state, context, models, parent=above)
        for call in state.open_calls:
            if not (call.invalid or call.name in run.tools or run.is_clients(call)):
                run.give_back()
                raise NotFoundError(f"The agent has no tool {call.name} any more.", code="tool_not_found")
        return run


def _interrupted_child(state: RunState, started: ChildRunStarted) -> ChildRunCompleted:
    ids = {"session_id": state.session_id, "run_id": state.run_id}
    return ended_child(ids, started, "failed", error=INTERRUPTED)


def _cut_off(state: RunState, call: CallState) -> ToolCallCompleted:
    return ToolCallCompleted(
        session_id=state.session_id,
        run_id=state.run_id,
        call_id=call.call_id,
        name=call.name,
        outcome="error",
        content=(TextPart(text=INTERRUPTED_TEXT),),
    )


async def read_context(log: EventLog, session_id: str) -> ContextProjection:
    """Returns what a model sees of the session now."""
    context = ContextProjection()
    for logged in await log.read_all(EventFilter(session_id=session_id, deltas=False)):
        context.apply(logged)
    return context


async def context_of_tool(log: EventLog, session_id: str, tool: str) -> ContextProjection:
    """Returns what a tool that is run directly must know of the session: what it finds is numbered as all
    that was found there."""
    return await read_context(log, session_id) if tool in KNOWLEDGE_TOOLS else ContextProjection()
