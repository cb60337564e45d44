"""Runs that call tools in phases, where something comes between: a restart, a person, a limit."""

from __future__ import annotations

import json

from grammar import check, check_accepted

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.models import ToolSchema
from holdfast.core.domain.tools import MISSING_TOOL

WRITE = ("write_file", '{"path": "a.md", "content": "b"}')
ORDER = ToolSchema(name="get_order", description="Looks an order up.", parameters={"type": "object"})


async def decided(bench, run_id: str, outcome: str = "approve") -> list:
    approval = await bench.approval()
    await bench.workbench.approvals.decide(approval.id, Decision(outcome=outcome))
    events = await bench.end(run_id)
    runs = check((await bench.workbench.events.read(EventFilter(), 0, 1000)).items)
    assert all(run.ended for run in runs.values())
    for request in bench.model.requests:
        check_accepted(request.messages)
    return [each.event for each in events]


async def test_a_call_that_waits_is_made_once_after_a_restart_and_the_choice_goes_on(
    open_bench, call, say
) -> None:
    async with open_bench([call(("write_file", ""), ("get_order", "")), call(WRITE)]) as bench:
        run_id = await bench.send(await bench.session(), tool_phases=True, client_tools=(ORDER,))
        await bench.approval()
    rest = [call(("write_file", ""), ("get_order", "")), call(WRITE), call(("get_order", "{}"))]
    async with open_bench(rest) as bench:
        events = await decided(bench, run_id)
        requested = [each.name for each in events if each.type == "tool_call.requested"]
        assert requested == ["write_file", "get_order"]
        assert events[-1].reason == "client_tools"


async def test_what_was_asked_beside_a_call_that_waits_is_asked_after_a_restart_too(open_bench, call) -> None:
    asks = (MISSING_TOOL, json.dumps({"tool": "list_files", "question": "Which folder?"}))
    steps = [call(("write_file", ""), ("list_files", "")), call(WRITE, asks)]
    async with open_bench(steps) as bench:
        run_id = await bench.send(await bench.session(), tool_phases=True)
        await bench.approval()
    async with open_bench([]) as bench:
        events = await decided(bench, run_id)
        assert events[-1].type == "run.completed"
        assert [each.question for each in events if each.type == "tool_call.missing"] == ["Which folder?"]
        assert bench.model.requests == []


async def test_a_call_that_is_denied_is_not_made_and_not_asked_for_again(open_bench, call, say) -> None:
    again = [call(("write_file", "")), call(WRITE)]
    async with open_bench([*again, *again, say("Then not")]) as bench:
        run_id = await bench.send(await bench.session(), tool_phases=True)
        events = await decided(bench, run_id, "deny")
        done = [each.outcome for each in events if each.type == "tool_call.completed"]
        assert done == ["denied"]
        assert events[-1].reason == "stop"


async def test_a_run_that_is_to_finish_replies_with_its_next_step(open_bench, call, say) -> None:
    steps = [call(("write_file", ""), ("get_order", "")), call(WRITE), say("So far")]
    async with open_bench(steps) as bench:
        run_id = await bench.send(await bench.session(), tool_phases=True, client_tools=(ORDER,))
        await bench.approval()
        await bench.workbench.runs.finish(run_id)
        events = await decided(bench, run_id)
        assert [each.purpose for each in events if each.type == "step.started"][-1] == "reply"
        assert events[-1].reason == "stop" and bench.model.requests[-1].tools == ()
