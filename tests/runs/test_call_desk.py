"""What a server may ask ends with the call that it asks in: its questions, its completions, and its clock."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.core.domain.approvals import PolicyAnswer, Verdict
from holdfast.core.domain.asking import FormRequest, SampleMessage, SampleReply, SampleRequest
from holdfast.core.domain.errors import ConflictError, ForbiddenError
from holdfast.core.domain.forms import FormAnswer
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.tools import Question
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.desk import RunCallDesk
from holdfast.core.runs.timer import WorkTimer

FORM = FormRequest(server="asking", text="Where to?", form={"type": "object", "properties": {}})
COMPLETION = SampleRequest("thinking", (SampleMessage(role="user", text="Hi"),), "", 10)


class Emitter:
    """Keeps what is emitted, and the question that a call has open."""

    def __init__(self, call: SimpleNamespace) -> None:
        self.state = SimpleNamespace(ended=False)
        self.types: list[str] = []
        self.asked = asyncio.Event()
        self._call = call

    async def emit(self, *events: Any, durable: bool = False) -> None:
        for event in events:
            self.post(event)

    def post(self, event: Any) -> None:
        self.types.append(event.type)
        self._call.question = event.question if event.type == "question.asked" else None
        if self._call.question is not None:
            self.asked.set()


class Completing:
    """A completion that never comes to its end."""

    def __init__(self) -> None:
        self.begun, self.ended = asyncio.Event(), False

    async def __call__(self, *given: object) -> SampleReply:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # what it took is recorded
            self.ended = True
        raise AssertionError


class Call:
    """A call that executes, with the desk at which it asks."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self.time = 0.0
        self.timer = WorkTimer(100, lambda: self.time)
        self.call: Any = SimpleNamespace(call_id="c", question=None, inner=None)
        self.emitter, self.broker, self.completing = Emitter(self.call), Broker(), Completing()
        run: Any = SimpleNamespace(
            options=RunOptions(),
            ids={"session_id": "s", "run_id": "r"},
            asker={"agent": "tester"},
            timer=self.timer,
            emitter=self.emitter,
            models=("scripted",),
            model="scripted",
            judge=lambda tool, arguments: PolicyAnswer(verdict=Verdict.ALLOW, reason="a rule"),
        )
        context: Any = None
        sampler: Any = self.completing
        self.desk = RunCallDesk(run, self.call, context, limit, self.broker, sampler)


@pytest.fixture
async def calling() -> Any:
    async with asyncio.timeout(20) as limit:
        yield Call(limit)


async def test_the_clock_of_the_run_goes_on_when_a_call_ends_that_still_asks(calling: Call) -> None:
    asking = asyncio.create_task(calling.desk.ask(FORM))
    await calling.emitter.asked.wait()
    asked: Question = calling.call.question
    calling.time += 60
    assert calling.timer.remaining_s == 100
    await calling.desk.close()
    calling.time += 60
    assert calling.timer.remaining_s == 40
    assert await asking == FormAnswer(action="cancel")
    assert calling.emitter.types == ["question.asked", "question.answered"]
    with pytest.raises(ConflictError):
        await calling.broker.answer(asked.id, "", FormAnswer(action="decline"))


async def test_who_waits_for_what_is_taken_back_is_let_go(calling: Call) -> None:
    asking = asyncio.create_task(calling.desk.ask(FORM))
    await calling.emitter.asked.wait()
    calling.broker.take_back(calling.call.question.id)
    assert await asking == FormAnswer(action="cancel")


async def test_a_completion_ends_with_its_call_and_is_accounted_for_by_then(calling: Call) -> None:
    thinking = asyncio.create_task(calling.desk.sample(COMPLETION))
    await calling.completing.begun.wait()
    waiting = asyncio.create_task(calling.desk.ask(FORM))
    await asyncio.sleep(0)
    await calling.desk.close()
    assert calling.completing.ended
    with pytest.raises(ForbiddenError, match="has ended"):
        await thinking
    assert await waiting == FormAnswer(action="cancel") and not calling.emitter.types


async def test_nothing_begins_when_the_call_has_ended(calling: Call) -> None:
    await calling.desk.close()
    assert await calling.desk.ask(FORM) == FormAnswer(action="cancel")
    with pytest.raises(ForbiddenError, match="has ended"):
        await calling.desk.sample(COMPLETION)
    assert not calling.completing.begun.is_set()


async def test_a_server_that_withdraws_its_question_stops_what_it_asked_for(calling: Call) -> None:
    thinking = asyncio.create_task(calling.desk.sample(COMPLETION))
    await calling.completing.begun.wait()
    thinking.cancel()
    await asyncio.gather(thinking, return_exceptions=True)
    await calling.desk.close()
    assert thinking.cancelled() and calling.completing.ended
