"""Owns every run: starts, queues, steers and stops it.

A run belongs to the supervisor, never to a request or a screen. This is one of the two places that catch
any exception: a bug in a run ends that run as failed, with a reference id, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.events import (
    AnyEvent,
    MessageQueued,
    RunCancelled,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunStarted,
    ToolCallRequested,
)
from holdfast.core.domain.limits import Spending
from holdfast.core.domain.messages import TextPart, UserPart, results_in
from holdfast.core.domain.runs import (
    FollowUpKind,
    QueuedMessage,
    RunOptions,
    RunStatus,
    Session,
    Submitted,
)
from holdfast.core.domain.values import new_call_id, new_id
from holdfast.core.runs.active import ActiveRun, Prepare, Steer
from holdfast.core.runs.asides import Asides
from holdfast.core.runs.beginning import first_events
from holdfast.core.runs.bounds import payer_in, payer_of
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.children import Children
from holdfast.core.runs.delegation import RunDelegation
from holdfast.core.runs.ending import RETRY_S, write_end
from holdfast.core.runs.executor import RunStopped
from holdfast.core.runs.failures import bug, busy_session, engine_stopping, refuse_child
from holdfast.core.runs.loop import Loop
from holdfast.core.runs.options import check_direct, check_results
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import HandOver, RunState
from holdfast.core.runs.queues import Queues
from holdfast.core.runs.recovery import INTERRUPTED, Recovery, context_of_tool, read_context
from holdfast.core.runs.taking_over import NextRun, begin_next, handed_to
from holdfast.core.runs.waiting import check_unsaid, drop_waiting, follow_ups, steering
from holdfast.core.store.log import EventLog
from holdfast.core.tools.registry import validate_arguments

logger = logging.getLogger(__name__)

CONTINUE_TEXT = "Continue where you stopped."


class Supervisor:
    """The owner of all runs of one engine."""

    def __init__(
        self, log: EventLog, loop: Loop, broker: Broker, prepare: Prepare, spending: Spending
    ) -> None:
        self._log = log
        self._spending = spending
        self._loop = loop
        self._broker = broker
        self._prepare = prepare
        self._active: dict[str, ActiveRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: dict[str, str] = {}
        self._ending: set[str] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._children = Children(
            log,
            prepare,
            self._tasks,
            begin=self._begin,
            cancel=self.cancel,
            models=self._models_of_child,
        )
        self.asides = Asides(
            log, prepare, self.idle, self._session, self._models, self._check_open, self._begin
        )
        self.queues = Queues(log, self._runs_in, self._lock, self._start)
        self._stopped: set[str] = set()
        self._closing = False
        self._refusing = False

    # --- what services ask

    @property
    def active_runs(self) -> int:
        """How many runs have not ended, those that wait for a person included."""
        return len(self._tasks)

    @property
    def executing_runs(self) -> int:
        """How many runs would be interrupted by a stop now."""
        return sum(run.executing for run in self._active.values())

    def refuse_new_runs(self) -> None:
        """Starts no run from now on; those under way go on, and what waits in queues stays there."""
        self._refusing = True

    def busy(self, session_id: str) -> bool:
        """Says whether a run of the session has not ended."""
        return bool(self._runs_in(session_id))

    def _runs_in(self, session_id: str) -> list[ActiveRun]:
        return [run for run in self._active.values() if run.session_id == session_id]

    def _runs_tool(self, session_id: str) -> bool:
        return any(run.state.direct for run in self._runs_in(session_id))

    async def send(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        options: RunOptions,
        message_id: str,
        key: str = "",
    ) -> Submitted:
        """Starts a run with the message, on the account of `key` (the id of one, or empty), or queues it
        behind a busy one or behind others that wait.

        Results for calls that were left to the caller go before what waits. Raises `ConflictError`
        (`message_exists`) for an id that the session has, also (`busy`) for results while a tool is run
        directly, `InvalidError` (`unknown_call`) for the result of a call that does not wait for one, and
        what the options cannot be kept to, or what keeps the one before it from starting.
        """
        async with self._lock(session_id):
            session = await self._session(session_id)
            if await self._log.reader.message_exists(session_id, message_id):
                raise ConflictError(f"The session has a message {message_id} already.", code="message_exists")
            waiting = [each for each in await self._log.reader.queue(session_id) if each.kind is None]
            answers = bool(results_in(parts)) and options.history is None
            if not self.busy(session_id) and (answers or not waiting):
                run_id = await self._start(session, parts, options, message_id, key)
                return Submitted(session_id=session_id, message_id=message_id, run_id=run_id)
            if answers and self._runs_tool(session_id):
                raise busy_session(
                    "The session is busy with a tool. Wait for its run, and send the results then."
                )
            # What could not start later is refused now.
            await self._models(session, options, key)
            check_results(parts, ContextProjection.of_history(options.history or ()).unanswered)
            if not await self.queues.start_next(session):  # nobody pays for what waits
                run_id = await self._start(session, parts, options, message_id, key)
                return Submitted(session_id=session_id, message_id=message_id, run_id=run_id)
            ids = {"session_id": session_id, "message_id": message_id}
            await self._log.append(MessageQueued(**ids, parts=parts, options=options, key=key))
            return Submitted(session_id=session_id, message_id=message_id)

    async def follow_up(
        self,
        session_id: str,
        parts: tuple[UserPart, ...],
        kind: FollowUpKind,
        options: RunOptions,
        message_id: str,
        key: str = "",
    ) -> QueuedMessage:
        """Puts a follow-up into the queue; see `QueuedMessage.kind`. Where a run of another key is under way
        it waits for one of its own, with `options`. Raises what the options cannot be kept to."""
        check_results(parts, ())
        async with self._lock(session_id):
            await check_unsaid(self._log.reader, session_id, message_id)
            await self._models(await self._session(session_id), options, key)
            message = {"session_id": session_id, "message_id": message_id, "parts": parts}
            queued = MessageQueued(**message, options=options, key=key, kind=kind)
            await self._log.append(queued)
            for run in self._runs_in(session_id):
                if run.takes_messages and run.state.key == key:
                    run.levers.steers.append(Steer(queued.message_id, parts, kind))
                    run.levers.touched.set()
            return next(
                each for each in await self._log.reader.queue(session_id) if each.id == queued.message_id
            )

    async def go_on(self, session_id: str, options: RunOptions, key: str = "") -> Submitted:
        """Starts a run that continues the session's last one."""
        async with self._lock(session_id):
            session = await self._session(session_id)
            if self.busy(session_id):
                raise busy_session("The session is busy; there is nothing to continue.")
            last = await self._log.reader.last_agent_run(session_id)
            if last is None or last.status == RunStatus.COMPLETED:
                raise ConflictError(
                    "The session has no run that stopped before its end.", code="nothing_to_continue"
                )
            parts = (TextPart(text=CONTINUE_TEXT),)
            message_id = new_id()
            run_id = await self._start(session, parts, options, message_id, key, continues=last.id)
            return Submitted(session_id=session_id, message_id=message_id, run_id=run_id)

    async def call(
        self, session_id: str, tool: str, arguments: dict[str, Any], options: RunOptions, key: str = ""
    ) -> tuple[str, str]:
        """Starts a run that is one call of a tool and asks no model; returns the ids of run and call.

        Raises `ConflictError` while a run of the session is under way, `NotFoundError` for a tool that there
        is not, `InvalidError` for arguments that do not fit it, and what the options cannot be kept to.
        """
        check_direct(options, arguments)
        async with self.idle(session_id):
            self._check_open()
            session = await self._session(session_id)
            await self._spending.check(payer_in(session, key))  # tools may ask models, too
            state = RunState(session.id, new_id())
            context = await context_of_tool(self._log, session_id, tool)
            run = await self._prepare.run(session, options, state, context, (), tool=tool)
            validate_arguments(run.tools[tool], arguments)
            requested = ToolCallRequested(
                **run.ids, call_id=new_call_id(), step=0, name=tool, arguments=arguments
            )
            started = RunStarted(
                **run.ids, agent=run.spec.name, model="", key=key, options=options, logged=run.logged
            )
            await self._begin(run, started, requested)
            return run.run_id, requested.call_id

    async def cancel_all(self, session_id: str, reason: str = "") -> None:
        """Ends all runs of a session as `cancel` does."""
        for run in self._runs_in(session_id):
            await self.cancel(run.run_id, reason)

    async def cancel(self, run_id: str, reason: str = "") -> None:
        """Ends a run as cancelled and waits until it has; one that ends or has ended is left as it is."""
        task = self._tasks.get(run_id)
        if task is None:
            return
        if run_id in self._ending:
            self._cancelled.setdefault(run_id, reason)  # nor does another agent go on for it
            await asyncio.wait([task], timeout=RETRY_S)
            return
        if run_id not in self._cancelled and run_id not in self._stopped:
            self._cancelled[run_id] = reason
            # Not at once: a task that has not begun would be cancelled without a word.
            asyncio.get_running_loop().call_soon(self._cut_off, run_id, task)
        await asyncio.wait([task])

    def _cut_off(self, run_id: str, task: asyncio.Task[None]) -> None:
        """Cancels the task of a run, unless it has come to its end meanwhile, which must not be cut off."""
        if run_id not in self._ending and run_id not in self._stopped:
            task.cancel()

    def active(self, run_id: str) -> ActiveRun:
        """Returns a run that has not ended. Raises `ConflictError` for one that has."""
        run = self._active.get(run_id)
        if run is None or run.state.ended:
            raise ConflictError("This run is not under way.", code="run_ended")
        return run

    def pause(self, run_id: str) -> None:
        """Holds the run before its next step."""
        levers = self.active(run_id).levers
        levers.go.clear()
        levers.touched.set()

    def resume(self, run_id: str) -> None:
        self.active(run_id).levers.go.set()

    def finish(self, run_id: str) -> None:
        """Makes the run's next step its last."""
        levers = self.active(run_id).levers
        levers.finish = True
        levers.go.set()
        levers.touched.set()

    async def steer(self, run_id: str, parts: tuple[UserPart, ...], key: str = "") -> None:
        """Gives the run a message that enters before its next step. It is in the queue until then, so that
        neither the run's end nor the engine's loses it.

        What another key says is not on the run's account: it waits for a run of its own. Raises `BudgetSpent`
        and, where a sub-agent's run would be steered so, `ConflictError`.
        """
        check_results(parts, ())
        async with self._lock(self.active(run_id).session_id):
            run = self.active(run_id)
            own = key == run.state.key
            if own:
                await self._spending.check(payer_of(run))
            else:
                await self._models(await self._session(run.session_id), RunOptions(), key)
            queued = steering(run, parts, key, enters=own)
            await self._log.append(queued)
            if own:
                run.levers.steers.append(Steer(queued.message_id, parts))
            run.levers.touched.set()

    @asynccontextmanager
    async def idle(self, session_id: str) -> AsyncIterator[None]:
        """Keeps runs of the session from starting inside the block. Raises `ConflictError` when one is
        under way."""
        ends = [
            self._tasks[run.run_id]
            for run in self._active.values()
            if run.session_id == session_id and (run.state.ended or run.run_id in self._ending)
        ]
        if ends:
            await asyncio.wait(ends, timeout=RETRY_S)
        async with self._lock(session_id):
            if self.busy(session_id):
                raise busy_session("The session is busy. Wait for its run, or interrupt it.")
            yield

    @asynccontextmanager
    async def held(self, session_id: str) -> AsyncIterator[None]:
        """Keeps the session from being deleted and its runs from starting inside the block; one that is under
        way goes on."""
        async with self._lock(session_id):
            yield

    def forget(self, session_id: str) -> None:
        """Drops what is known of a deleted session."""
        self._broker.forget(session_id)

    # --- starting

    def _lock(self, session_id: str) -> asyncio.Lock:
        """Returns the session's lock, the same for all who hold it or wait for it."""
        return self._locks.setdefault(session_id, asyncio.Lock())

    async def _session(self, session_id: str) -> Session:
        session = await self._log.reader.session(session_id)
        if session is None:
            raise NotFoundError(f"There is no session {session_id}.", code="session_not_found")
        refuse_child(session)
        return session

    async def _start(
        self,
        session: Session,
        parts: tuple[UserPart, ...],
        options: RunOptions,
        message_id: str,
        key: str,
        *,
        continues: str | None = None,
        queued: Sequence[QueuedMessage] = (),
        after: NextRun | None = None,
    ) -> str:
        self._check_open()
        models = await self._models(session, options, key)
        state = RunState(session.id, new_id())
        context = await read_context(self._log, session.id)
        if options.history is not None:
            context.restart(0, options.history)  # as the start will make it anyway
        check_results(parts, context.unanswered)
        run = await self._prepare.run(session, options, state, context, models)
        run.levers.steers = await follow_ups(self._log.reader, session.id, key, without=queued)
        events = first_events(
            run, session, message_id, parts, key=key, continues=continues, queued=queued, after=after
        )
        await self._begin(run, *events)
        return run.run_id

    async def _models(self, session: Session, options: RunOptions, key: str) -> tuple[str, ...]:
        """Returns the models of a run, as far as its use of them can be paid for."""
        models = await self._prepare.models(session, options)
        payer = payer_in(session, key, await self._prepare.plan(session))
        return await self._spending.payable(payer, models)

    async def _models_of_child(self, session: Session, options: RunOptions, key: str) -> tuple[str, ...]:
        if self._closing:  # else a run that goes on to its end needs those that it starts
            raise engine_stopping()
        return await self._models(session, options, key)

    def _check_open(self) -> None:
        if self._closing or self._refusing:
            raise engine_stopping()

    async def _begin(self, run: ActiveRun, *events: AnyEvent) -> None:
        """Appends a run's first events, and owns it from then on."""
        try:
            await run.emitter.emit(*events, durable=True)
        except asyncio.CancelledError:
            # The client went away, but the run may be in the log already, and then it needs its owner.
            if not await asyncio.shield(run.emitter.failed()):
                self._launch(run)
            else:
                run.give_back()
            raise
        except HoldfastError:
            run.give_back()
            raise
        self._launch(run)

    def _launch(self, run: ActiveRun) -> None:
        run.levers.go.set()
        if run.sub_agents:
            run.delegation = RunDelegation(run, self._children)
        if run.parent is None:
            run.mode.used = lambda: run.used
        self._active[run.run_id] = run
        task = asyncio.create_task(self._own(run), name=f"run {run.run_id}")
        self._tasks[run.run_id] = task
        self._children.watch(run)

    # --- owning

    async def _own(self, run: ActiveRun) -> None:
        """Executes a run to its end, whatever happens; then sends what waits."""
        try:
            end = await self._execute(run)
            await self._end(run, end)
            if run.parent is not None:
                if run.end is not None:
                    async with self._lock(run.session_id):
                        await drop_waiting(self._log, run.session_id)
                return
            if (over := handed_to(run)) is not None and not await self._take_over(run, over):
                return
            if not (self._closing or self._refusing or isinstance(run.end, RunFailed) or run.state.handed):
                await self.queues.send_waiting(run)
        finally:
            self._active.pop(run.run_id, None)
            run.timer.stop()
            run.give_back()
            self._tasks.pop(run.run_id, None)
            self._cancelled.pop(run.run_id, None)
            self._ending.discard(run.run_id)

    async def _execute(self, run: ActiveRun) -> RunEvent | None:
        """Runs the loop; returns the event that has to end the run, or None when it ended by itself."""
        try:
            await self._loop.run(run)
        except asyncio.CancelledError:
            return self._why_cancelled(run)
        except RunStopped as stop:
            return RunCancelled(**run.ids, reason=str(stop))
        except HoldfastError as error:
            return RunFailed(**run.ids, error=error.info)
        except Exception:
            reference = new_id()[:8]
            logger.exception("run %s failed by a bug, reference %s", run.run_id, reference)
            return RunFailed(**run.ids, error=bug(reference))
        return None

    def _why_cancelled(self, run: ActiveRun) -> RunEvent | None:
        if run.run_id in self._cancelled or not self._closing:
            return RunCancelled(**run.ids, reason=self._cancelled.get(run.run_id, ""))
        return None if run.resumable else RunFailed(**run.ids, error=INTERRUPTED)

    async def _end(self, run: ActiveRun, end: RunEvent | None) -> None:
        self._ending.add(run.run_id)
        self._broker.drop(run.run_id)
        try:
            if end is not None and run.state.ended and not await run.emitter.failed():
                end = None  # it had come to its end by itself when it was stopped
            if end is not None:
                await self._children.cancel_all(run, "the run above it has ended")
                run.emitter.drop_part()
                await write_end(self._log, run, end, lambda: self._closing)
            run.end = RunCompleted(**run.ids) if end is None and run.state.ended else end
        finally:
            if handed_to(run) is None:  # else the session is busy until the next one has begun
                self._active.pop(run.run_id, None)

    async def _take_over(self, ended: ActiveRun, over: HandOver) -> bool:
        """Lets the agent begin that a conversation was handed over to, unless somebody has cancelled it; says
        whether it is the turn of what waits instead."""
        run_id = ended.run_id
        async with self._lock(ended.session_id):
            cancelled = self._cancelled.get(run_id)
            begun = await begin_next(self._log, ended, over, self._start, cancelled=cancelled)
            self._active.pop(run_id, None)
        if begun and run_id in self._cancelled:
            await self.cancel(begun, self._cancelled[run_id])
        return begun == ""

    # --- restart and stop

    async def recover(self) -> None:
        """Takes up the runs that wait for a person, and closes as interrupted those that executed."""
        await Recovery(self._log, self._prepare, self._launch).recover()

    async def close(self) -> None:
        """Stops all runs: those that wait stay as they are, the others end as interrupted. One whose end is
        being written ends as it was going to."""
        self._closing = True
        while self._tasks:  # the end of one may have started what waited for it
            await asyncio.sleep(0)  # tasks that have not begun would be cancelled without a word
            tasks = dict(self._tasks)
            for run_id in tasks.keys() - self._ending:
                self._stopped.add(run_id)
                tasks[run_id].cancel()
            if tasks:
                await asyncio.wait(tasks.values())
        await self._children.settled()
