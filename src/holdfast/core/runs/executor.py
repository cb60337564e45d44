"""Executes the tool calls of a step: policy first, then a person where it says so, then the tool.

All calls of a step are put to policy before the first is executed, so that a person sees everything that
waits at once; they are executed one after the other, in the order the model asked for. Only calls that hand
work to sub-agents, and that stand next to each other, are executed at the same time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Literal

from pydantic import BaseModel

from holdfast.core.approvals.suggest import suggest_rule
from holdfast.core.domain.approvals import Approval, ApprovalStatus, PolicyAnswer, Verdict
from holdfast.core.domain.delegating import CHILD_RUNS, DELEGATE
from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.events import (
    ApprovalRequested,
    FileChanged,
    QuestionAsked,
    ToolCallCompleted,
    ToolCallStarted,
    UsageRecorded,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import UsageReport
from holdfast.core.domain.tools import BlobStore, DoesMore, Question, Risk, Tool, ToolContext, ToolOutput
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.files.versions import WorkspaceWatch
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.bounds import check_cost, payer_of
from holdfast.core.runs.broker import Broker, Waiting
from holdfast.core.runs.desk import RunCallDesk
from holdfast.core.runs.projections.state import CallState
from holdfast.core.runs.sampling import Sampler
from holdfast.core.tools.builtin.ask_user import ASK_USER
from holdfast.core.tools.forced import called_with
from holdfast.core.tools.registry import validate_arguments
from holdfast.core.tools.shorten import shorten_output

NOBODY_APPROVES = "This call needs a person's approval. Nobody can give it in this run, so it was denied."
EDITED_NOTE = "(The person edited the arguments of this call before allowing it.)"
CHANGED_NOTE = "(A hook changed the arguments of this call.)"
NOBODY_ANSWERS = "Nobody can answer questions in this run, so it was denied. Go on without the answer."

Outcome = Literal["ok", "error", "denied", "cancelled", "timeout"]


class RunStopped(Exception):
    """An approval expired whose stated outcome is to cancel the run."""


class Executor:
    """Takes the calls of a step to their results."""

    def __init__(
        self,
        broker: Broker,
        blobs: BlobStore,
        environment: Mapping[str, str],
        watch: Callable[[ActiveRun], WorkspaceWatch],
        sampler: Sampler,
        *,
        command_timeout_s: float,
        allow_private_hosts: bool,
    ) -> None:
        self._broker = broker
        self._blobs = blobs
        self._environment = environment
        self._watch = watch
        self._sampler = sampler
        self._command_timeout_s = command_timeout_s
        self._allow_private_hosts = allow_private_hosts

    async def execute(self, run: ActiveRun, calls: list[CallState]) -> None:
        """Brings every call to `tool_call.completed`; takes up where a restart has left off."""
        announced: set[tuple[str, str]] = set()
        for call in calls:
            await self._announce(run, call, announced)
        for together, group in groupby(calls, key=lambda call: call.name == DELEGATE):
            if together:
                await self._settle_together(run, list(group))
                continue
            for call in group:
                await self._settle(run, call)

    async def _settle_together(self, run: ActiveRun, calls: list[CallState]) -> None:
        """Settles calls at the same time: each hands work to a sub-agent, which has a run of its own."""

        async def settle(call: CallState) -> None:
            with run.timer.working():
                await self._settle(run, call)

        with run.timer.waiting():
            await all_of([settle(call) for call in calls])

    # --- policy and approval

    async def _announce(self, run: ActiveRun, call: CallState, announced: set[tuple[str, str]]) -> None:
        """Puts a call before the hooks, and asks early where one of them or policy will ask.

        Not for a second call on the same subject: its preview depends on what the first one does.
        """
        if call.started or call.completed or call.invalid or call.decision is not None:
            return
        tool = run.tools[call.name]
        try:
            await run.hooks.before_call(call, tool, run)
            arguments = validate_arguments(tool, call.arguments)
        except InvalidError:
            return
        if call.refused is not None:
            return
        subjects = run.subjects(tool, arguments)
        key = (tool.risk, subjects[0])
        if key in announced:
            return
        announced.add(key)
        if call.waiting and call.approval is not None:
            self._broker.watch(Waiting(run, tool, self._context(run, call), call.approval))
        elif _judged(run, call, tool, arguments).verdict == Verdict.ASK:
            await self._request(run, call, tool, arguments)

    async def _request(self, run: ActiveRun, call: CallState, tool: Tool, arguments: BaseModel) -> None:
        """Records an approval; where the preview already fails, the call completes as an error, and where
        nobody is to be waited for, as denied."""
        if run.options.approvals == "deny":
            await self._complete(run, call, ToolOutput.text(NOBODY_APPROVES, is_error=True), "denied")
            return
        context = self._context(run, call)
        try:
            preview = await tool.preview(arguments, context)
        except (HoldfastError, OSError) as error:
            await self._complete(run, call, _failure(error), "error")
            return
        subjects = run.subjects(tool, arguments)
        now = utc_now()
        limits = run.spec.limits
        patience_s = run.hooks.approval_timeout_s(call.asked_by)
        approval = Approval(
            id=new_id(),
            **run.ids,
            call_id=call.call_id,
            agent=run.spec.name,
            parent_session_id=run.parent_session_id,
            tool=tool.name,
            risk=tool.risk,
            subject=subjects[0],
            arguments=called_with(tool, call.arguments),
            preview=preview.blocks,
            fingerprint=preview.fingerprint,
            hook_id=call.asked_by,
            rule=_rule(run, call, tool, arguments),
            reason=_judged(run, call, tool, arguments).reason,
            requested_at=now,
            expires_at=_after(now, patience_s or limits.approval_expires_s),
            on_expiry="deny" if patience_s else limits.on_expiry,
        )
        # Before it can be seen: a quick client may decide at once.
        self._broker.watch(Waiting(run, tool, context, approval))
        await run.emitter.emit(ApprovalRequested(**run.ids, approval=approval), durable=True)

    async def _settle(self, run: ActiveRun, call: CallState) -> None:
        while not call.completed:
            if call.invalid:
                await self._complete(run, call, ToolOutput.text(call.invalid, is_error=True), "error")
                return
            tool = run.tools[call.name]
            arguments = await self._allowed(run, call, tool)
            if arguments is not None:
                await self._run_tool(run, call, tool, arguments)

    async def _allowed(self, run: ActiveRun, call: CallState, tool: Tool) -> BaseModel | None:
        """Returns the arguments to execute with; None when the call was completed or has to be looked at
        again."""
        try:
            if not call.started:
                await run.hooks.before_call(call, tool, run)
            arguments = validate_arguments(tool, call.wanted)
        except InvalidError as error:
            await self._complete(run, call, ToolOutput.text(error.message, is_error=True), "error")
            return None
        if call.refused is not None:
            text = f"Denied by a hook: {call.refused}."
            await self._complete(run, call, ToolOutput.text(text, is_error=True), "denied")
            return None
        edited = call.decision.arguments if call.decision is not None else None
        answer = _judged(run, call, tool, arguments)
        # What a sub-agent has begun goes on: its own calls are judged one by one.
        if answer.verdict == Verdict.DENY and call.child is None:
            text = f"Denied by policy: {answer.reason}."
            await self._complete(run, call, ToolOutput.text(text, is_error=True), "denied")
            return None
        status = call.approval.status if call.approval is not None else None
        if status == ApprovalStatus.APPROVED and call.approval is not None:
            unedited = answer.verdict == Verdict.ASK and edited is None and not call.started
            if unedited and await self._changed(run, call, tool, arguments):
                await self._request(run, call, tool, arguments)
                return None
            return arguments
        if status in (ApprovalStatus.DENIED, ApprovalStatus.EXPIRED):
            await self._refuse(run, call)
            return None
        if status is None and (answer.verdict == Verdict.ALLOW or call.started):
            return arguments
        if status != ApprovalStatus.PENDING:
            await self._request(run, call, tool, arguments)
        if not call.completed:
            await self._wait(run, call, tool)
        return None

    async def _changed(self, run: ActiveRun, call: CallState, tool: Tool, arguments: BaseModel) -> bool:
        """Says whether an approved call would now do something else: an earlier call of the step, or a
        person while the engine was away, may have changed its file."""
        assert call.approval is not None
        try:
            preview = await tool.preview(arguments, self._context(run, call))
        except (HoldfastError, OSError):
            return True
        return preview.fingerprint != call.approval.fingerprint

    async def _wait(self, run: ActiveRun, call: CallState, tool: Tool) -> None:
        assert call.approval is not None
        waiting = self._broker.waiting(call.approval.id) or Waiting(
            run, tool, self._context(run, call), call.approval
        )
        await self._broker.wait(waiting)

    async def _refuse(self, run: ActiveRun, call: CallState) -> None:
        assert call.approval is not None
        if call.approval.status == ApprovalStatus.EXPIRED:
            if call.approval.on_expiry == "cancel":
                raise RunStopped("an approval expired")
            text = "Nobody approved this call in time, so it was denied."
        else:
            reason = call.decision.reason if call.decision is not None else ""
            text = (
                f"The person denied this call. Reason: {reason}" if reason else "The person denied this call."
            )
        await self._complete(run, call, ToolOutput.text(text, is_error=True), "denied")

    # --- execution

    def _context(self, run: ActiveRun, call: CallState) -> ToolContext:
        return ToolContext(
            session_id=run.session_id,
            run_id=run.run_id,
            call_id=call.call_id,
            workspace=run.workspace,
            blobs=self._blobs,
            progress=lambda text: None,
            environment=self._environment,
            max_output_chars=run.spec.limits.max_tool_output_chars,
            timeout_s=self._command_timeout_s,
            allow_private_hosts=self._allow_private_hosts,
            memory=run.memory,
            skills=run.skills,
            databases=run.spec.databases,
            connections=run.connections,
            sub_agents=run.delegation,
            knowledge=run.knowledge.desk if run.knowledge is not None else None,
            owner=run.owner,
            may_spend=partial(_may_spend, run),
            spend=partial(_spend, run),
        )

    async def _run_tool(self, run: ActiveRun, call: CallState, tool: Tool, arguments: BaseModel) -> None:
        if tool.name == ASK_USER and not run.options.asks_people:
            await self._complete(run, call, ToolOutput.text(NOBODY_ANSWERS, is_error=True), "denied")
            return
        if not call.started:
            await run.emitter.emit(
                ToolCallStarted(
                    **run.ids, call_id=call.call_id, arguments=arguments.model_dump(exclude_unset=True)
                ),
                durable=True,
            )
        if tool.name == ASK_USER:
            await self._ask(run, call, arguments)
            return
        began = time.perf_counter()
        async with self._watched(run, tool, arguments):
            output, outcome = await self._output(run, call, tool, arguments)
        duration_ms = (time.perf_counter() - began) * 1000
        output, outcome = await self._intercepted(run, call, tool, arguments, output, outcome)
        decision = call.decision
        edited = decision is not None and decision.arguments is not None
        if note := EDITED_NOTE if edited else CHANGED_NOTE if call.changed else "":
            output = output.model_copy(update={"content": (*output.content, TextPart(text=note))})
        await self._complete(run, call, output, outcome, duration_ms)

    async def _intercepted(
        self,
        run: ActiveRun,
        call: CallState,
        tool: Tool,
        arguments: BaseModel,
        output: ToolOutput,
        outcome: Outcome,
    ) -> tuple[ToolOutput, Outcome]:
        """Returns what a call gave as its hooks leave it."""
        seen = await run.hooks.after_call(call, tool, arguments, run, output)
        return seen, "error" if outcome == "ok" and seen.is_error else outcome

    @asynccontextmanager
    async def _watched(self, run: ActiveRun, tool: Tool, arguments: BaseModel) -> AsyncIterator[None]:
        """Tells which files a call has changed."""
        if not _changes_files(tool, arguments):
            yield
            return
        watch = self._watch(run)
        async with watch.call():
            try:
                yield
            finally:
                # Also when the call was stopped in the middle: what it did until then can be taken back.
                changes = await asyncio.to_thread(watch.changes)
                for each in (run, *run.above):
                    told = [FileChanged(**each.ids, **change.model_dump()) for change in changes]
                    await each.emitter.emit(*told)

    async def _output(
        self, run: ActiveRun, call: CallState, tool: Tool, arguments: BaseModel
    ) -> tuple[ToolOutput, Outcome]:
        progress = run.emitter.progress(call.call_id)
        # What waits for sub-agents is on their clocks, which stand still while they wait for a person.
        others = tool.name in (DELEGATE, CHILD_RUNS)
        limit = asyncio.timeout(None if others else run.timer.remaining_s)
        plain = self._context(run, call)
        desk = RunCallDesk(run, call, plain, limit, self._broker, self._sampler)
        context = replace(plain, progress=progress.add, desk=desk)
        try:
            async with limit:
                try:
                    with run.timer.waiting() if others else nullcontext():
                        output = await tool.run(arguments, context)
                finally:
                    await desk.close()
                output = await asyncio.to_thread(shorten_output, output, context)
        except TimeoutError as error:
            if limit.expired():
                raise run.timer.expired() from None
            return _failure(error), "timeout"
        except (HoldfastError, OSError) as error:
            outcome: Outcome = "timeout" if getattr(error, "code", "") == "tool_timeout" else "error"
            return _failure(error), outcome
        finally:
            progress.close()
        return output, "error" if output.is_error else "ok"

    async def _ask(self, run: ActiveRun, call: CallState, arguments: BaseModel) -> None:
        if call.question is None and call.answer is None:
            values = arguments.model_dump()
            question = Question(
                id=new_id(),
                **run.ids,
                call_id=call.call_id,
                **run.asker,
                text=values["question"],
                choices=tuple(values.get("choices") or ()),
                free_text=bool(values.get("free_text", True)),
            )
            asked = QuestionAsked(**run.ids, question=question)
            await self._broker.ask(run, question, run.emitter.emit(asked, durable=True))
        elif call.question is not None:
            await self._broker.ask(run, call.question)
        output = ToolOutput.text(call.answer or "")
        output, outcome = await self._intercepted(run, call, run.tools[call.name], arguments, output, "ok")
        await self._complete(run, call, output, outcome)

    async def _complete(
        self, run: ActiveRun, call: CallState, output: ToolOutput, outcome: Outcome, duration_ms: float = 0.0
    ) -> None:
        """Completes a call. What a person was asked for it meanwhile, before a rule or its tool changed, is
        taken back."""
        withdrawn = run.state.withdrawing(call)
        for asked in (call.approval, call.inner, call.question):
            if asked is not None:
                self._broker.take_back(asked.id)
        completed = ToolCallCompleted(
            **run.ids,
            call_id=call.call_id,
            name=call.name,
            outcome=outcome,
            content=output.content,
            display=output.display,
            duration_ms=round(duration_ms, 1),
        )
        await run.emitter.emit(*withdrawn, completed, durable=bool(withdrawn))


async def all_of(works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Does all at the same time. When one raises, the others are ended before that is raised here."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
            raise end


def _judged(run: ActiveRun, call: CallState, tool: Tool, arguments: BaseModel) -> PolicyAnswer:
    """Returns what policy says of a call; where a hook wants a person asked, it allows nothing by itself."""
    answer = run.judge(tool, arguments)
    if call.asked_by and answer.verdict == Verdict.ALLOW:
        return PolicyAnswer(verdict=Verdict.ASK, reason=call.asked_why)
    return answer


def _rule(run: ActiveRun, call: CallState, tool: Tool, arguments: BaseModel) -> str:
    """Returns the rule that spares the next such approval; empty where none does: a hook asks, or what the
    call does besides is asked for."""
    if call.asked_by or run.judge_besides(tool, arguments).verdict is not Verdict.ALLOW:
        return ""
    return str(suggest_rule(tool.name, tool.risk, run.subjects(tool, arguments)) or "")


def _changes_files(tool: Tool, arguments: BaseModel) -> bool:
    """Says whether a call may change the workspace: by what it is there for, or besides."""
    more = tool.besides(arguments) if isinstance(tool, DoesMore) else ()
    return not {Risk.WRITE, Risk.EXECUTE}.isdisjoint((tool.risk, *(each.risk for each in more)))


async def _may_spend(run: ActiveRun, model: str) -> None:
    check_cost(run)
    await run.spending.payable(payer_of(run), (model,))


async def _spend(run: ActiveRun, model: str, usage: UsageReport) -> None:
    await run.emitter.emit(UsageRecorded(**run.ids, model=model, **usage.model_dump(exclude={"type"})))


def _after(moment: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else moment + timedelta(seconds=seconds)


def _failure(error: HoldfastError | OSError) -> ToolOutput:
    text = error.message if isinstance(error, HoldfastError) else f"{error.strerror or error}"
    return ToolOutput.text(text, is_error=True)
