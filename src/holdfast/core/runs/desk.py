"""What a call may ask while it executes: the desk of one call, under the run's options and its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from holdfast.core.domain.approvals import Approval, ApprovalStatus, Verdict
from holdfast.core.domain.asking import FormRequest, SampleReply, SampleRequest
from holdfast.core.domain.errors import DeadlineError, ForbiddenError
from holdfast.core.domain.events import ApprovalRequested, ApprovalResolved, QuestionAnswered, QuestionAsked
from holdfast.core.domain.forms import FormAnswer
from holdfast.core.domain.tools import Question, ToolContext
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.broker import Broker, Waiting
from holdfast.core.runs.projections.state import CallState
from holdfast.core.runs.sampling import Sampler
from holdfast.core.tools.mcp.sampling_tool import SampleArguments, SamplingTool
from holdfast.core.tools.registry import validate_arguments

T = TypeVar("T")


class RunCallDesk:
    """Implements `CallDesk`. `limit` is the time that the run has left: it stands still while a person is
    waited for."""

    def __init__(
        self,
        run: ActiveRun,
        call: CallState,
        context: ToolContext,
        limit: asyncio.Timeout,
        broker: Broker,
        sampler: Sampler,
    ) -> None:
        self._run = run
        self._call = call
        self._context = context
        self._broker = broker
        self._sampler = sampler
        self._limit = limit
        self._one = asyncio.Lock()
        self._works: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def ask(self, request: FormRequest) -> FormAnswer:
        """See `CallDesk.ask`."""
        if not self._run.options.asks_people:
            return FormAnswer(action="decline")
        return await self._until_closed(partial(self._ask, request)) or FormAnswer(action="cancel")

    async def _until_closed(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """Returns what comes of a work, one after the other; None when the call ends before it is done.

        It has a task of its own: who asks is a task of the server's connection, which outlives the call.
        """
        if self._closed:
            return None
        task = asyncio.create_task(self._in_turn(work))
        self._works.add(task)
        task.add_done_callback(self._done)
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()  # where who asks was cancelled
        return None if task.cancelled() else task.result()

    async def _in_turn(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with self._one:
            return await work()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._works.discard(task)
        if not task.cancelled():
            task.exception()  # who asked may be gone, and nobody else is told

    async def _ask(self, request: FormRequest) -> FormAnswer | None:
        run = self._run
        question = Question(
            id=new_id(),
            **run.ids,
            call_id=self._call.call_id,
            **run.asker,
            text=request.text,
            free_text=False,
            server=request.server,
            form=request.form,
            url=request.url,
        )
        asked = QuestionAsked(**run.ids, question=question)
        try:
            with self._standing():
                return await self._broker.ask(run, question, run.emitter.emit(asked, durable=True))
        except asyncio.CancelledError:
            self._withdraw(question)
            raise

    # --- completions

    async def sample(self, request: SampleRequest) -> SampleReply:
        """See `CallDesk.sample`."""
        reply = await self._until_closed(partial(self._sample, request))
        if reply is None:
            raise ForbiddenError("The call has ended.", code="policy_denied")
        return reply

    async def _sample(self, request: SampleRequest) -> SampleReply | None:
        run = self._run
        if not run.models:
            raise ForbiddenError("A tool that is run directly has no model.", code="policy_denied")
        tool = SamplingTool(request.server, run.model)
        given = {
            "messages": [each.model_dump() for each in request.messages],
            "system": request.system,
            "max_tokens": request.max_tokens,
        }
        arguments = await self._permitted(request, tool, given)
        if self._closed:
            return None
        return await self._sampler(run, arguments, request.temperature)

    async def _permitted(
        self, request: SampleRequest, tool: SamplingTool, given: dict[str, Any]
    ) -> SampleArguments:
        """Returns what may be put before the model. Raises `ForbiddenError`."""
        run = self._run
        arguments = _validated(tool, given)
        answer = run.judge(tool, arguments)
        if answer.verdict == Verdict.DENY:
            raise ForbiddenError(f"Policy denies it: {answer.reason}.", code="policy_denied")
        if answer.verdict == Verdict.ALLOW or request.allowed:
            return arguments
        if run.options.approvals == "deny":
            raise ForbiddenError("Nobody can allow it in this run.", code="policy_denied")
        approval = await self._decided(tool, arguments, given, answer.reason)
        if approval.status != ApprovalStatus.APPROVED:
            raise ForbiddenError("The person denied it.", code="policy_denied")
        edited = approval.decision.arguments if approval.decision is not None else None
        return arguments if edited is None else _validated(tool, edited)

    async def _decided(
        self, tool: SamplingTool, arguments: SampleArguments, given: dict[str, Any], reason: str
    ) -> Approval:
        """Asks for approval and waits; returns it decided."""
        run, call, limits = self._run, self._call, self._run.spec.limits
        preview = await tool.preview(arguments, self._context)
        now, expires = utc_now(), limits.approval_expires_s
        approval = Approval(
            id=new_id(),
            **run.ids,
            call_id=call.call_id,
            agent=run.spec.name,
            parent_session_id=run.parent_session_id,
            tool=tool.name,
            risk=tool.risk,
            subject=run.subjects(tool, arguments)[0],
            arguments=given,
            preview=preview.blocks,
            inner=True,
            rule=tool.name,
            reason=reason,
            requested_at=now,
            expires_at=None if expires is None else now + timedelta(seconds=expires),
        )
        waiting = Waiting(run, tool, self._context, approval)
        self._broker.watch(waiting)
        try:
            with self._standing():
                await run.emitter.emit(ApprovalRequested(**run.ids, approval=approval), durable=True)
                await self._broker.wait(waiting)
        except asyncio.CancelledError:
            self._withdraw_approval()
            raise
        assert call.inner is not None  # it was just asked for
        return call.inner

    def _withdraw_approval(self) -> None:
        approval = self._call.inner
        if approval is None or approval.status != ApprovalStatus.PENDING or self._run.emitter.state.ended:
            return  # it was decided, or has been taken back with its run
        self._broker.take_back(approval.id)
        self._run.emitter.post(
            ApprovalResolved(
                **self._run.ids,
                approval_id=approval.id,
                call_id=self._call.call_id,
                status="cancelled",
                decision=None,
            )
        )

    async def close(self) -> None:
        """Takes back what is still asked, and ends what is still completed: the call has ended."""
        self._closed = True
        works = tuple(self._works)
        for work in works:
            work.cancel()
        self._withdraw_approval()
        if self._call.question is not None:
            self._withdraw(self._call.question)
        if works:
            await asyncio.wait(works)

    def _withdraw(self, question: Question) -> None:
        state = self._run.emitter.state
        if self._call.question != question or state.ended:
            return  # it was answered, or has been taken back with its run
        self._broker.take_back(question.id)
        # Without waiting: who asks may be cancelled again and again.
        self._run.emitter.post(
            QuestionAnswered(
                **self._run.ids, question_id=question.id, call_id=self._call.call_id, answer=None
            )
        )

    @contextmanager
    def _standing(self) -> Iterator[None]:
        """Stops the clock of the execution inside the block."""
        self._reschedule(None)
        try:
            yield
        finally:
            try:
                left = self._run.timer.remaining_s
            except DeadlineError:
                left = 0.0
            self._reschedule(left)

    def _reschedule(self, seconds: float | None) -> None:
        if self._closed or self._limit.expired():
            return
        now = asyncio.get_running_loop().time()
        self._limit.reschedule(None if seconds is None else now + seconds)


def _validated(tool: SamplingTool, given: dict[str, Any]) -> SampleArguments:
    arguments = validate_arguments(tool, given)
    assert isinstance(arguments, SampleArguments)  # the tool's own
    return arguments
