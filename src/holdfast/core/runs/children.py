"""Runs of sub-agents: how a run starts them, watches them, and learns of their ends.

A child run is a run like any other, in a session of its own: it has its own log, and the supervisor owns it.
What it may do is bounded by the run above it (`Preparation`, `WorkTimer`, `bounds`). For each child there is
one task, which writes `child_run.completed` into the log of the run above when the child has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from holdfast.core.domain.delegating import ChildOf, ChildReport, ChildStatus, SubAgent
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.events import (
    AnyEvent,
    ChildRunCompleted,
    ChildRunStarted,
    MessageAdded,
    RunCancelled,
    RunFailed,
    RunStarted,
    SessionCreated,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.runs.active import ActiveRun, Begin, ModelsOf, Prepare
from holdfast.core.runs.call_lines import CallLines
from holdfast.core.runs.projections.context import ContextProjection
from holdfast.core.runs.projections.state import RunState, ended_child
from holdfast.core.runs.taking_over import options_of_next
from holdfast.core.store.log import EventLog
from holdfast.core.tools.registry import near_names

logger = logging.getLogger(__name__)

_TITLE = 80

Cancel = Callable[[str, str], Awaitable[None]]
"""Ends a run as cancelled, for a reason, and waits until it has."""


class Children:
    """Starts and watches the child runs of one engine. `tasks` are those that own the runs, by their ids."""

    def __init__(
        self,
        log: EventLog,
        prepare: Prepare,
        tasks: Mapping[str, asyncio.Task[None]],
        *,
        begin: Begin,
        cancel: Cancel,
        models: ModelsOf,
    ) -> None:
        self._log = log
        self._prepare = prepare
        self._tasks = tasks
        self._begin = begin
        self._cancel = cancel
        self._models = models
        self._watches: dict[str, asyncio.Task[ChildReport]] = {}
        self._lines: dict[str, CallLines] = {}

    # --- starting

    async def start(
        self, parent: ActiveRun, name: str, task: str, call_id: str, *, background: bool
    ) -> ActiveRun:
        """Starts a run of a sub-agent. Raises `NotFoundError` for one that the run has not, `ConflictError`
        when it may start no more, and what the agent's file, its model or a budget are refused with."""
        agent = _find(parent, name)
        session = await self._session(parent, agent, task, call_id)
        options = _options(parent, agent)
        models = await self._models(session, options, parent.state.key)
        state = RunState(session.id, new_id())
        run = await self._prepare.run(session, options, state, ContextProjection(), models, parent=parent)
        _check_room(parent)
        started = ChildRunStarted(
            **parent.ids,
            call_id=call_id,
            child_session_id=session.id,
            child_run_id=run.run_id,
            agent=run.spec.name,
            task=task,
            background=background,
        )
        await parent.emitter.emit(started, durable=True)
        try:
            await self._begin(run, *_beginning(run, session, task))
        except HoldfastError as error:
            await parent.emitter.emit(ended_child(parent.ids, started, "failed", error=error.info))
            raise
        return run

    async def _session(self, parent: ActiveRun, agent: SubAgent, task: str, call_id: str) -> Session:
        above = await self._log.reader.session(parent.session_id)
        if above is None:
            raise NotFoundError(f"There is no session {parent.session_id}.", code="session_not_found")
        now = utc_now()
        return Session(
            id=new_id(),
            owner=above.owner,
            title=shorten(sanitize_line(f"{agent.name}: {task}"), _TITLE),
            agent=above.agent if agent.described is not None else agent.name,
            project=above.project,
            workspace=above.workspace,
            created_at=now,
            updated_at=now,
            child_of=ChildOf(
                **parent.ids,
                call_id=call_id,
                root_id=parent.root.session_id,
                depth=len(parent.above) + 1,
                described=agent.described,
            ),
        )

    async def check_taking_over(self, run: ActiveRun, agent: str) -> None:
        """Raises `HoldfastError` when an agent could not go on with the session of a run."""
        session = await self._log.reader.session(run.session_id)
        if session is None:
            raise NotFoundError(f"There is no session {run.session_id}.", code="session_not_found")
        taken = session.model_copy(update={"agent": agent, "model": None})
        await self._models(taken, options_of_next(run), run.state.key)

    # --- watching

    def watch(self, run: ActiveRun) -> None:
        """Ties a run that begins, or is taken up, to the one above it."""
        parent = run.parent
        if parent is None:
            return
        run.timer.under(parent.timer)
        parent.children[run.run_id] = run
        self._lines[run.run_id] = lines = CallLines()
        run.emitter.observer = lines.take
        self._watches[run.run_id] = asyncio.create_task(self._follow(run, parent))

    async def _follow(self, run: ActiveRun, parent: ActiveRun) -> ChildReport:
        """Waits for a child's end and tells it in the log of the run above it."""
        await asyncio.wait([self._tasks[run.run_id]])
        report = self.report(run)
        try:
            if run.end is not None:
                await self._tell(run, parent, report)
        except HoldfastError as error:
            # The log takes nothing: the run above learns of that by its own next event.
            logger.warning("the end of child run %s could not be told: %s", run.run_id, error.message)
        finally:
            del self._watches[run.run_id], self._lines[run.run_id]
        return report

    async def _tell(self, run: ActiveRun, parent: ActiveRun, report: ChildReport) -> None:
        started = parent.state.children.get(run.run_id)
        row = await self._log.reader.run(run.run_id)
        below = run.state.child_usage
        told: list[ChildRunCompleted] = []
        if started is not None:
            more: dict[str, Any] = {
                "reply": report.reply,
                "error": run.end.error if isinstance(run.end, RunFailed) else None,
                "steps": run.state.step + run.state.child_steps,
                "usage": below if row is None else row.usage + below,
            }
            told.append(ended_child(parent.ids, started, report.status, **more))
        del parent.children[run.run_id]  # together with the event: nothing is counted twice, or not at all
        await parent.emitter.emit(*told)

    def report(self, run: ActiveRun) -> ChildReport:
        """Returns how a child run stands."""
        lines = self._lines.get(run.run_id)
        status, reason = _status(run)
        return ChildReport(
            run_id=run.run_id,
            session_id=run.session_id,
            agent=run.spec.name,
            status=status,
            waiting=run.end is None and run.resumable,
            reply=last_words(run.emitter.context) if run.end is not None else "",
            reason=reason,
            calls=() if lines is None else lines.lines,
        )

    def end_of(self, run_id: str, progress: Callable[[str], None] | None = None) -> asyncio.Task[ChildReport]:
        """Returns the task that has the report of a child run when it has ended; it must not be cancelled.
        Its calls are told to `progress` meanwhile, a line each. Raises `NotFoundError` for a run that is not
        under way."""
        watch = self._watches.get(run_id)
        if watch is None:
            raise NotFoundError(f"No run {run_id[:80]!r} is under way below this one.", code="run_not_found")
        if progress is not None:
            self._lines[run_id].show(progress)
        return watch

    async def settled(self) -> None:
        """Returns when all ends are told; to be called when all runs have ended."""
        while self._watches:
            await asyncio.wait(list(self._watches.values()))

    async def cancel(self, run: ActiveRun, reason: str) -> None:
        """Ends one child run; returns when the log of the run above has its end."""
        watch = self._watches.get(run.run_id)
        await self._cancel(run.run_id, reason)
        if watch is not None:
            await asyncio.wait([watch])

    async def cancel_all(self, run: ActiveRun, reason: str) -> None:
        """Ends the child runs that are left when a run ends."""
        await asyncio.gather(*(self.cancel(child, reason) for child in list(run.children.values())))


def _find(parent: ActiveRun, name: str) -> SubAgent:
    _check_room(parent)
    for agent in parent.sub_agents:
        if agent.name == name:
            return agent
    near = near_names(name, [agent.name for agent in parent.sub_agents])
    raise NotFoundError(f"There is no sub-agent {name[:80]!r}.{near}", code="sub_agent_not_found")


def _check_room(parent: ActiveRun) -> None:
    limits = parent.spec.limits
    if parent.depth_left < 1:
        raise ConflictError(
            "No more levels of sub-agents may be below this run (`limits.max_depth`). Do the work yourself.",
            code="delegation_depth",
        )
    if parent.state.child_count >= limits.max_child_runs:
        raise ConflictError(
            f"This run has handed work to others {limits.max_child_runs} times, as often as it may "
            "(`limits.max_child_runs`). Do the rest yourself.",
            code="child_run_limit",
        )


def _options(parent: ActiveRun, agent: SubAgent) -> RunOptions:
    """Returns the options of a child run: what bounds the run above bounds it, too."""
    return RunOptions(
        model=agent.model or (parent.model if agent.inherits_model else None),
        tools=agent.tools,
        approvals=parent.options.approvals,
        questions=parent.options.questions,
        max_cost_usd=parent.options.max_cost_usd,
    )


def _beginning(run: ActiveRun, session: Session, task: str) -> tuple[AnyEvent, ...]:
    return (
        SessionCreated(
            session_id=session.id,
            title=session.title,
            agent=session.agent,
            project=session.project,
            workspace=session.workspace,
            owner=session.owner,
            child_of=session.child_of,
        ),
        RunStarted(
            **run.ids,
            agent=session.agent,  # also where it is described: it stands on that agent's file and account
            model=run.model,
            options=run.options,
            key=run.parent.state.key if run.parent is not None else "",
            logged=run.logged,
        ),
        MessageAdded(**run.ids, message_id=new_id(), parts=(TextPart(text=task),), origin="agent"),
    )


def _status(run: ActiveRun) -> tuple[ChildStatus, str]:
    """Returns how a run stands, and why it did not come to its end."""
    match run.end:
        case None:
            return "running", ""
        case RunFailed(error=error):
            return "failed", error.message
        case RunCancelled(reason=reason):
            return "cancelled", reason
        case _:
            return "completed", ""


def last_words(context: ContextProjection) -> str:
    """Returns what an agent has said last."""
    for entry in reversed(context.entries):
        said = [part.text for part in entry.parts if isinstance(part, TextPart)]
        if entry.role == "assistant" and said:
            return "\n".join(said)
    return ""
