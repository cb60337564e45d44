"""A conversation that one agent hands over to another: who is asked, what goes along, what comes between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from grammar import check
from run_helpers import of, rewrite_log, whole_log

from holdfast.core.domain.approvals import ApproveMode, Decision
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.models import ToolSchema, UsageReport
from holdfast.core.domain.options import SubAgentUse
from holdfast.core.domain.runs import RunOptions
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.store.log import EventLog

AGENTS = "subagents: [helper, second]\n"
HELPER = """
version: 1
name: helper
instructions: You are the helper.
tools: [write_file, ask_user]
workspace: project
"""
SECOND = """
version: 1
name: second
instructions: You are the second.
subagents: [second, helper]
tools: [write_file]
"""


def over(agent: str = "helper") -> tuple[str, str]:
    return ("hand_over", json.dumps({"agent": agent, "task": "Go on."}))


def write(path: str) -> tuple[str, str]:
    return ("write_file", json.dumps({"path": path, "content": "x\n"}))


ASK = ("ask_user", json.dumps({"question": "Shall I?"}))


@pytest.fixture
def team(open_bench: Any) -> Callable[..., Any]:
    """Opens a bench with two agents that the conversation can be handed over to."""

    def opened(steps: list[Any], **more: Any) -> Any:
        open_bench.put_agent("helper", HELPER)
        open_bench.put_agent("second", SECOND)
        return open_bench(steps, agent=AGENTS, **more)

    return opened


class Gate:
    """Holds the start of the run that takes over."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        start = Supervisor._start

        async def held(supervisor: Any, *given: Any, **named: Any) -> str:
            if named.get("after") is not None:
                self.reached.set()
                await self.open.wait()
            return await start(supervisor, *given, **named)

        monkeypatch.setattr(Supervisor, "_start", held)

    async def until_reached(self) -> None:
        async with asyncio.timeout(20):
            await self.reached.wait()


async def next_end(bench: Any, run_id: str) -> list[Any]:
    """Returns the events of the run that took over, when it has ended."""
    ended = await bench.end(run_id)
    return await bench.until(
        ("run.completed", "run.failed", "run.cancelled"), run_id=None, after=ended[-1].id
    )


async def test_a_person_is_asked_before_another_agent_takes_over(team, say, call) -> None:
    async with team([call(over()), say("I am the helper.")]) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        assert (approval.tool, approval.subject) == ("hand_over", "helper")
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        assert of(await next_end(bench, run_id), "run.started")[0].agent == "helper"


async def test_where_nobody_is_there_to_be_asked_the_conversation_stays(team, say, call) -> None:
    async with team([call(over()), say("Then I go on.")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), approvals="deny"))
        assert of(events, "tool_call.completed")[0].outcome == "denied"
        assert of(events, "run.completed")[0].reason == "stop"


async def test_a_mode_that_is_chosen_later_is_the_word_that_holds_when_another_takes_over(
    team, say, call
) -> None:
    steps = [call(over(), ASK), call(write("a.md")), say("done")]
    async with team(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve=ApproveMode.ALL)
        await bench.until("question.asked", run_id=run_id)
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.ASK)
        (asked,) = (await bench.workbench.runs.questions()).items
        await bench.workbench.runs.answer(asked.id, "yes")
        approval = await bench.approval()
        assert (approval.tool, approval.agent) == ("write_file", "helper")
        started = of(await whole_log(bench), "run.started")[-1]
        assert (started.options.approve, started.mode) == (None, None)


async def test_a_mode_that_was_asked_for_goes_on_with_what_was_used_of_its_limits(team, say, call) -> None:
    paid = UsageReport(input_tokens=1, output_tokens=1, cost_usd=0.4)
    steps = [
        [paid, *call(over("second"))],
        [paid, *call(write("a.md"))],
        [paid, *call(write("b.md"))],
        say("done"),
    ]
    async with team(steps) as bench:
        session = await bench.session()
        await bench.send(session, approve=ApproveMode.AUTO)  # up to $1
        approval = await bench.approval()
        log = await whole_log(bench)
        assert [each.path for each in of(log, "file.changed")] == ["a.md"]
        assert approval.subject == "b.md"
        first, second = of(log, "run.started")
        assert second.mode is not None
        assert (second.mode.since, second.mode.steps, second.mode.cost_usd) == (first.at, 1, 0.4)


async def test_the_next_run_has_what_is_left_of_the_limits_of_the_request(team, say, call) -> None:
    paid = UsageReport(input_tokens=1, output_tokens=1, cost_usd=0.4)
    async with team([[paid, *call(over())], say("done")]) as bench:
        bench.catalog.prices.update({"scripted": 1.0, "second": 1.0})
        limits = {"max_cost_usd": 1.0, "max_steps": 3, "timeout_s": 60.0}
        run_id = await bench.send(await bench.session(), approve=ApproveMode.ALL, **limits)
        options = of(await next_end(bench, run_id), "run.started")[0].options
        assert (options.max_cost_usd, options.max_steps) == (pytest.approx(0.6), 2)
        assert options.timeout_s is not None and 0 < options.timeout_s < 60


async def test_nobody_takes_over_where_a_limit_leaves_nothing(team, say, call) -> None:
    async with team([call(over())]) as bench:
        run_id = await bench.send(await bench.session(), approve=ApproveMode.ALL, max_steps=1)
        events = await bench.end(run_id)
        assert of(events, "tool_call.completed")[0].outcome == "error"
        assert events[-1].event.error.code == "step_limit"


async def test_an_agent_that_the_request_narrows_does_not_take_over(team, say, call) -> None:
    use = SubAgentUse(name="helper", tools=("write_file",))
    async with team([call(over()), say("Then I go on.")]) as bench:
        events = await bench.end(
            await bench.send(await bench.session(), approve=ApproveMode.ALL, sub_agents=(use,))
        )
        assert "hand_over" not in [tool.name for tool in bench.model.requests[0].tools]
        assert of(events, "run.completed")[0].reason == "stop"


async def test_a_call_that_is_left_to_the_caller_keeps_the_conversation_where_it_is(team, say, call) -> None:
    tool = ToolSchema(name="lookup", description="x", parameters={"type": "object", "properties": {}})
    async with team([call(over(), ("lookup", "{}"))]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve=ApproveMode.ALL, client_tools=(tool,))
        events = await bench.end(run_id)
        outcomes = {each.name: each.outcome for each in of(events, "tool_call.completed")}
        assert outcomes == {"hand_over": "error", "lookup": "client"}
        assert events[-1].event.reason == "client_tools"
        assert (await bench.workbench.sessions.get(session.id)).agent == "tester"


async def test_a_message_between_the_two_runs_waits_for_the_second(team, say, call, monkeypatch) -> None:
    gate = Gate(monkeypatch)
    # The second run waits for an answer: it must not have ended before the message comes to its turn.
    steps = [call(over()), call(ASK), say("I am the helper."), say("And now?")]
    async with team(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve=ApproveMode.ALL)
        await gate.until_reached()
        send, more = bench.workbench._core.supervisor.send, (TextPart(text="More"),)
        sending = asyncio.create_task(send(session.id, more, RunOptions(), "more"))
        await asyncio.sleep(0)  # until it waits for its turn
        gate.open.set()
        submitted = await sending
        assert submitted.run_id is None
        ended = await bench.end(run_id)
        await bench.until("question.asked")
        (asked,) = (await bench.workbench.runs.questions(session.id)).items
        await bench.workbench.runs.answer(asked.id, "yes")
        second = await bench.until("run.completed", after=ended[-1].id)
        third = await bench.until("run.completed", after=second[-1].id)
        said = [text_of(each.parts) for each in of([*second, *third], "message.added")]
        assert said == ["Go on.", "More"]
        check(await whole_log(bench))


async def test_who_cancels_between_the_two_runs_cancels_the_second(team, say, call, monkeypatch) -> None:
    gate = Gate(monkeypatch)
    async with team([call(over()), call(ASK)]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve=ApproveMode.ALL)
        await gate.until_reached()
        cancelling = asyncio.create_task(bench.workbench._core.supervisor.cancel(run_id))
        await asyncio.sleep(0)  # until it waits for the run's end
        gate.open.set()
        await cancelling
        ended = await bench.end(run_id)
        (over_to,) = of(await bench.until("run.cancelled", after=ended[-1].id), "run.started")
        assert over_to.agent == "helper"
        check(await whole_log(bench))


@pytest.mark.parametrize("at", ["run.completed", "tool_call.completed"])
async def test_a_cancel_at_the_moment_of_the_hand_over_leaves_nothing_going_on(
    team, call, at, monkeypatch
) -> None:
    cancelling: list[asyncio.Task[None]] = []
    append = EventLog.append

    def noticed(log: EventLog, *events: Any, durable: bool = False) -> Any:
        if not cancelling and any(event.type == at for event in events):
            cancelling.append(asyncio.create_task(bench.workbench._core.supervisor.cancel(events[0].run_id)))
        return append(log, *events, durable=durable)

    async with team([call(over()), call(ASK)]) as bench:
        monkeypatch.setattr(EventLog, "append", noticed)
        session = await bench.session()
        await bench.end(await bench.send(session, approve=ApproveMode.ALL))
        await cancelling[0]
        for run in (await bench.workbench.runs.list(session.id)).items:
            await bench.end(run.id)
        check(await whole_log(bench))


async def test_a_hand_over_outlives_the_engine(team, say, call) -> None:
    steps = [call(over(), write("a.md")), say("I am the helper.")]
    async with team(steps) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        for each in await bench.approvals(2):
            if each.tool == "hand_over":
                await bench.workbench.approvals.decide(each.id, Decision(outcome="approve"))
        await bench.until("tool_call.completed", run_id=run_id)
    async with team(steps[1:]) as bench:
        (left,) = (await bench.workbench.approvals.list()).items
        await bench.workbench.approvals.decide(left.id, Decision(outcome="approve"))
        events = await next_end(bench, run_id)
        assert of(events, "run.started")[0].agent == "helper"
        assert (await bench.workbench.sessions.get(session.id)).agent == "helper"


async def test_an_engine_that_died_between_the_two_runs_leaves_word_of_it(
    team, say, call, open_bench
) -> None:
    async with team([call(over()), say("I am the helper.")]) as bench:
        session = await bench.session()
        run_id = await bench.send(session, approve=ApproveMode.ALL)
        await next_end(bench, run_id)
        log = await whole_log(bench)
    kept = next(at for at, each in enumerate(log) if each.event.type == "session.configured") + 1
    await rewrite_log(open_bench.paths, (each.event for each in log[:kept]))
    for _ in range(2):  # it is said once
        async with team([say("I go on.")]) as bench:
            last, first = (await bench.workbench.runs.list(session.id)).items
            assert (first.id, last.agent) == (run_id, "helper")
            assert last.error is not None and last.error.code == "interrupted"
            check(await whole_log(bench))
    async with team([say("I go on.")]) as bench:
        submitted = await bench.workbench.runs.go_on(session.id)
        assert (await bench.end(submitted.run_id))[-1].event.type == "run.completed"
