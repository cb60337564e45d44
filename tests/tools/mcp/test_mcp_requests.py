"""What servers ask in the middle of a call: it reaches who can answer, within limits, and no further."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

import mcp_types
import pytest

from holdfast.core.domain.asking import FormRequest
from holdfast.core.domain.errors import HoldfastError, ToolError, UnavailableError
from holdfast.core.domain.forms import FormAnswer
from holdfast.core.domain.mcp import McpServerSpec, McpState
from holdfast.core.tools.mcp.asking import CallClock, CallRequests
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.limits import MAX_ASKED, MAX_ROUNDS
from holdfast.core.tools.mcp.port import RawElicitation, RawResult
from holdfast.core.tools.mcp.requests import ServerRequests, in_rounds

Connect = Callable[..., Connection]
Spec = Callable[..., McpServerSpec]
FORM = {"type": "object", "properties": {"city": {"type": "string"}}}


class Desk:
    """Answers what is asked, when it may."""

    def __init__(self, answer: FormAnswer) -> None:
        self.answer = answer
        self.asked: list[FormRequest] = []
        self.waiting = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.withdrawn = 0

    async def ask(self, request: FormRequest) -> FormAnswer:
        self.asked.append(request)
        self.waiting.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise
        return self.answer


def accepting(**fields: object) -> Desk:
    return Desk(FormAnswer(action="accept", fields=fields))


async def call(made: Connection, tool: str, desk: Desk | None) -> RawResult:
    async with asyncio.timeout(60):
        return await made.call(tool, {}, lambda text: None, desk)


def text(result: RawResult) -> str:
    return str(result.content[0]["text"])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (FormAnswer(action="accept", fields={"city": "Rome", "days": 3}), "3 days in Rome"),
        (FormAnswer(action="decline"), "nowhere: decline"),
        (FormAnswer(action="cancel"), "nowhere: cancel"),
    ],
)
async def test_a_server_of_the_present_protocol_gets_what_the_person_says(
    connect: Connect, good_spec: Spec, answer: FormAnswer, said: str
) -> None:
    desk = Desk(answer)
    assert text(await call(connect(good_spec()), "travel", desk)) == said
    (asked,) = desk.asked
    assert (asked.server, asked.text) == ("good", "Which[2J city?"), "without terminal escapes"
    assert asked.form is not None and list(asked.form["properties"]) == ["city", "days"]


async def test_a_server_of_the_protocol_before_gets_it_too(connect: Connect, hostile_spec: Spec) -> None:
    desk = accepting(city="Rome")
    told = json.loads(text(await call(connect(hostile_spec("asks")), "work", desk)))
    assert told == {"action": "accept", "content": {"city": "Rome"}}
    assert desk.asked[0].text == "Which[2J one?"


async def test_a_call_of_nobody_asks_nobody(connect: Connect, hostile_spec: Spec) -> None:
    told = json.loads(text(await call(connect(hostile_spec("asks")), "work", None)))
    assert "nobody can be asked here" in told["message"]


@pytest.mark.parametrize(("kind", "why"), [("asks-nested", "'a'"), ("asks-url", "http and https")])
async def test_what_no_form_can_ask_for_is_refused(
    connect: Connect, hostile_spec: Spec, kind: str, why: str
) -> None:
    desk = accepting()
    told = json.loads(text(await call(connect(hostile_spec(kind)), "work", desk)))
    assert why in told["message"] and not desk.asked


@pytest.mark.parametrize(
    ("kind", "why"), [("asks-forever", "more than 16 things at once"), ("asks-huge", "1 MiB")]
)
async def test_a_server_that_asks_for_too_much_is_ended(
    connect: Connect, hostile_spec: Spec, kind: str, why: str
) -> None:
    desk = accepting(city="Rome")
    desk.go.clear()
    made = connect(hostile_spec(kind))
    with pytest.raises(HoldfastError, match=why):
        await call(made, "work", desk)
    await made.stop()
    assert made.state is not McpState.READY
    assert desk.withdrawn == len(desk.asked), "nothing is asked any more"


async def test_pings_without_end_are_answered_or_end_the_server(connect: Connect, hostile_spec: Spec) -> None:
    with pytest.raises((UnavailableError, ToolError)):
        await call(connect(hostile_spec("asks-pings", timeout_s=20)), "work", None)


@pytest.mark.parametrize(("calls", "why"), [(0, "no call is under way"), (2, "several calls are under way")])
async def test_what_belongs_to_no_certain_call_is_not_asked(calls: int, why: str) -> None:
    server, desk = ServerRequests(), accepting(city="Rome")
    params = mcp_types.ElicitRequestFormParams(message="Which?", requested_schema=FORM)
    with ExitStack() as stack:
        for _ in range(calls):
            stack.enter_context(server.call(CallRequests("small", desk, CallClock(5))))
        answer = await server.elicit(cast("Any", None), params)
    assert isinstance(answer, mcp_types.ErrorData) and why in answer.message
    assert not desk.asked


async def test_a_server_that_asks_again_and_again_gets_no_more_answers() -> None:
    asking = mcp_types.ElicitRequest(
        params=mcp_types.ElicitRequestFormParams(message="Which?", requested_schema=FORM)
    )
    desk = accepting(city="Rome")

    async def send(answers: object, state: str | None) -> mcp_types.InputRequiredResult:
        return mcp_types.InputRequiredResult(input_requests={"a": asking}, request_state="more")

    with pytest.raises(ToolError, match="again and again"):
        await in_rounds(send, CallRequests("small", desk, CallClock(5)))
    assert len(desk.asked) == MAX_ROUNDS


async def test_the_time_of_a_call_stands_still_while_a_person_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, desk = CallClock(60), accepting()
    desk.go.clear()
    asked = CallRequests("small", desk, clock)

    async def work() -> FormAnswer:
        return await asked.elicit(RawElicitation("Which?", FORM))

    task = asyncio.create_task(work())
    waiting = asyncio.create_task(clock.wait(task))
    await desk.waiting.wait()
    loop = asyncio.get_running_loop()
    later = loop.time() + 100
    monkeypatch.setattr(loop, "time", lambda: later)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done(), "longer than the call may take, and not over"
    desk.go.set()
    assert (await task).action == "accept"
    await waiting


async def test_a_call_asks_only_so_often() -> None:
    asked = CallRequests("small", accepting(), CallClock(5))
    for _ in range(MAX_ASKED):
        await asked.elicit(RawElicitation("Which?", FORM))
    with pytest.raises(ToolError, match="at most 20 times"):
        await asked.elicit(RawElicitation("Which?", FORM))
