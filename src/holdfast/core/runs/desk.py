"""What a call may ask while it executes: the desk of one call, under the run's options and its clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.core.domain.asking import FormRequest
from holdfast.core.domain.errors import DeadlineError
from holdfast.core.domain.events import QuestionAnswered, QuestionAsked
from holdfast.core.domain.forms import FormAnswer
from holdfast.core.domain.tools import Question
from holdfast.core.domain.values import new_id
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.projections.state import CallState


class RunCallDesk:
    """Implements `CallDesk`. `limit` is the time that the run has left: it stands still while a person is
    waited for."""

    def __init__(self, run: ActiveRun, call: CallState, broker: Broker, limit: asyncio.Timeout) -> None:
        self._run = run
        self._call = call
        self._broker = broker
        self._limit = limit
        self._one = asyncio.Lock()
        self._closed = False

    async def ask(self, request: FormRequest) -> FormAnswer:
        """See `CallDesk.ask`."""
        if self._run.options.approvals == "deny":
            return FormAnswer(action="decline")
        async with self._one:
            return await self._ask(request)

    async def _ask(self, request: FormRequest) -> FormAnswer:
        if self._closed:
            return FormAnswer(action="cancel")
        run = self._run
        question = Question(
            id=new_id(),
            **run.ids,
            call_id=self._call.call_id,
            text=request.text,
            free_text=False,
            server=request.server,
            form=request.form,
            url=request.url,
        )
        asked = QuestionAsked(**run.ids, question=question)
        try:
            with self._standing():
                given = await self._broker.ask(run, question, run.emitter.emit(asked, durable=True))
        except asyncio.CancelledError:
            self._withdraw(question)
            raise
        assert given is not None  # the broker takes nothing else for a form
        return given

    def close(self) -> None:
        """Takes back what is still asked: the call has ended."""
        self._closed = True
        if self._call.question is not None:
            self._withdraw(self._call.question)

    def _withdraw(self, question: Question) -> None:
        state = self._run.emitter.state
        if self._call.question != question or state.ended:
            return  # it was answered, or has been taken back with its run
        self._broker.withdraw_question(question.id)
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
