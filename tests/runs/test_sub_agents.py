"""Agents that hand work to others: child runs, their bounds, and what is left when they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from grammar import check
from run_helpers import by_task as answering
from run_helpers import of, rewrite_log, whole_log

from holdfast.core.domain.approvals import ApproveMode, Decision
from holdfast.core.domain.errors import ConflictError, DeadlineError, HoldfastError, InvalidError
from holdfast.core.domain.events import RUN_ENDS, EventFilter
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.models import ModelRequest, UsageReport
from holdfast.core.domain.options import SubAgentUse
from holdfast.core.domain.runs import RunOptions, RunStatus
from holdfast.core.runs.children import Children
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.runs.taking_over import options_of_next
from holdfast.core.runs.timer import WorkTimer
from holdfast.core.tools.builtin.read_file import ReadFile

LEAD = "subagents: [{agent: helper, description: Helps with files.}, second]\n"
HELPER = """
version: 1
name: helper
description: Helps.
instructions: You are the helper.
tools: [read_file, write_file, ask_user]
workspace: project
approvals: { allow: ["write_file(free*)", "write_file(forbidden*)"] }
"""
SECOND = """
version: 1
name: second
instructions: You are the second.
tools: [read_file, write_file]
subagents: [second, helper]
approvals: { deny: ["write_file(mine*)"] }
"""


def delegate(agent: str, task: str, **more: Any) -> tuple[str, str]:
    return ("delegate", json.dumps({"agent": agent, "task": task, **more}))


def write(path: str) -> tuple[str, str]:
    return ("write_file", json.dumps({"path": path, "content": "x\n"}))


@pytest.fixture
def by_task(open_bench) -> Callable[..., Any]:
    """Opens a bench whose model answers each conversation by the first word of its first message: `answers`
    has the steps of each."""

    def opened(answers: dict[str, Sequence[Any]], agent: str = LEAD, **more: Any) -> Any:
        open_bench.put_agent("helper", HELPER)
        open_bench.put_agent("second", SECOND)
        return open_bench([answering(answers)] * 200, agent=agent, **more)

    return opened


async def children_of(bench: Any, run_id: str) -> list[Any]:
    return [
        await bench.workbench.runs.get(each) for each in (await bench.workbench.runs.get(run_id)).child_runs
    ]


async def test_a_task_is_done_by_another_agent_and_its_reply_comes_back(by_task, say, call) -> None:
    answers = {"Hello": [call(delegate("helper", "Read it.")), say("All done.")], "Read": [say("It says x.")]}
    async with by_task(answers) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        events = await bench.end(run_id)
        (started,), (completed,) = of(events, "child_run.started"), of(events, "child_run.completed")
        assert (started.agent, started.task, completed.status) == ("helper", "Read it.", "completed")
        (result,) = of(events, "tool_call.completed")
        assert (result.outcome, text_of(result.content)) == ("ok", "It says x.")
        assert (result.display[0].type, result.display[0].session_id) == (
            "child_run",
            started.child_session_id,
        )
        (child,) = await children_of(bench, run_id)
        assert (child.parent_run_id, child.agent, child.status) == (run_id, "helper", RunStatus.COMPLETED)
        own = await bench.workbench.sessions.get(child.session_id)
        assert own.child_of is not None and own.child_of.root_id == session.id
        assert own.workspace == session.workspace
        assert [each.id for each in (await bench.workbench.sessions.list()).items] == [session.id]
        assert (await bench.workbench.sessions.counts()).sessions == 1
        system = text_of(bench.model.requests[0].messages[0].parts)
        assert "- helper: Helps with files." in system and "- second" in system
        check(await whole_log(bench))


async def test_an_export_comes_back_without_what_sub_agents_did_but_with_what_they_answered(
    by_task, say, call
) -> None:
    answers = {"Hello": [call(delegate("helper", "Read it.")), say("All done.")], "Read": [say("It says x.")]}
    async with by_task(answers) as bench:
        sessions, session = bench.workbench.sessions, await bench.session()
        await bench.end(await bench.send(session))
        text = await sessions.export(session.id, "json")
        exported = json.loads(text)
        assert [each["session"]["agent"] for each in exported["children"]] == ["helper"]
        (copy,) = await sessions.take_in(text.encode(), project=str(bench.project))
        again = json.loads(await sessions.export(copy.id, "json"))
        assert "children" not in again

        def told(document: Any) -> list[tuple[str, Any]]:
            kept = [each for each in document["events"] if each.get("run_id")]
            return [(each["type"], each.get("text") or each.get("content")) for each in kept]

        below = {"child_run.started", "child_run.completed"}
        assert told(again) == [each for each in told(exported) if each[0] not in below]
        assert "It says x." in str(told(again))


async def test_several_tasks_of_one_step_are_worked_on_at_the_same_time(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One."), delegate("second", "Two.")), say("Both.")],
        "One.": [call(write("asked-1.md")), say("one")],
        "Two.": [call(write("asked-2.md")), say("two")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        # Both wait for a person: neither has to end before the other begins.
        waiting = await bench.approvals(2)
        assert {each.agent for each in waiting} == {"helper", "second"}
        for each in waiting:
            await bench.workbench.approvals.decide(each.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert [text_of(each.content) for each in of(events, "tool_call.completed")] != []
        told = [
            text_of(part.content)
            for m in bench.model.requests[-1].messages
            if m.role == "tool"
            for part in m.parts
        ]
        assert sorted(told) == ["one", "two"]
        check(await whole_log(bench))


async def test_what_a_sub_agent_does_is_told_live_and_a_line_each(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("second", "Two.")), say("ok")],
        "Two.": [call(delegate("helper", "One.")), say("two")],
        "One.": [call(write("free.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session(), approve=ApproveMode.ALL)
        events = await bench.end(run_id)
        said = "".join(each.text for each in of(events, "tool_call.progressed"))
        assert said == "  ✓ write_file free.md\n✓ delegate helper\n"
        (shown,) = of(events, "tool_call.completed")[0].display
        assert shown.calls == ("  ✓ write_file free.md", "✓ delegate helper")


async def test_undoing_the_run_takes_back_what_its_sub_agents_wrote(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.")), say("ok")],
        "One.": [call(write("free.md")), say("one")],
    }
    async with by_task(answers) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.end(run_id)
        (child,) = await children_of(bench, run_id)
        files = bench.workbench.files
        assert [each.path for each in await files.list(session.id)] == ["free.md"]
        with pytest.raises(ConflictError) as refused:
            await files.undo(child.session_id)
        assert refused.value.code == "child_session"
        assert await files.undo(session.id) == ()
        await files.redo(session.id)
        assert (await files.read(session.id, "free.md")).text == "x\n"


async def test_a_denial_of_either_holds_and_the_sub_agents_own_permission_is_not_enough(
    by_task, say, call
) -> None:
    # `tester` denies forbidden*, `second` mine*; `helper` allows forbidden* for itself.
    answers = {
        "Hello": [call(delegate("helper", "One."), delegate("second", "Two.")), say("ok")],
        "One.": [call(write("forbidden.md"), write("free.md")), say("one")],
        "Two.": [call(write("mine.md")), say("two")],
    }
    async with by_task(answers) as bench:
        await bench.end(await bench.send(await bench.session()))
        done = {
            (each.name, each.outcome)
            for each in of(await whole_log(bench), "tool_call.completed")
            if each.name == "write_file"
        }
        outcomes = [
            e.outcome for e in of(await whole_log(bench), "tool_call.completed") if e.name == "write_file"
        ]
        assert done == {("write_file", "denied"), ("write_file", "ok")}
        assert sorted(outcomes) == ["denied", "denied", "ok"]


async def test_the_mode_of_the_session_holds_for_its_sub_agents(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.")), say("ok")],
        "One.": [call(write("free.md")), say("one")],
    }
    async with by_task(answers) as bench:
        session = await bench.session()
        await bench.workbench.approvals.set_mode(session.id, ApproveMode.PLAN)
        run_id = await bench.send(session)
        await bench.end(run_id)
        (child,) = await children_of(bench, run_id)
        (written,) = of(await bench.end(child.id), "tool_call.completed")
        assert written.outcome == "denied"
        # The mode of a sub-agent's session is the mode of the one it belongs to, wherever it is asked for.
        mode = await bench.workbench.approvals.mode(child.session_id)
        assert mode is not None and mode.mode is ApproveMode.PLAN
        await bench.workbench.approvals.set_mode(child.session_id, ApproveMode.EDITS)
        mode = await bench.workbench.approvals.mode(session.id)
        assert mode is not None and mode.mode is ApproveMode.EDITS


async def test_what_is_granted_to_a_sub_agent_is_granted_in_the_session(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.")), call(delegate("second", "Two.")), say("ok")],
        "One.": [call(write("asked.md")), say("one")],
        "Two.": [call(write("asked.md")), say("two")],
    }
    async with by_task(answers) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        assert (await bench.workbench.sessions.get(session.id)).pending == 1
        assert (await bench.workbench.sessions.list("is:waiting")).items != ()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve", scope="session"))
        assert (await bench.end(run_id))[-1].event.type == "run.completed"
        # Also for the next engine: grants are read from the log.
        assert len(of(await whole_log(bench), "approval.requested")) == 1


async def test_cancelling_the_run_cancels_its_sub_agents(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("second", "Two.")), say("ok")],
        "Two.": [call(delegate("helper", "One.")), say("two")],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.workbench.runs.cancel(run_id)
        events = await whole_log(bench)
        ends = [logged.event for logged in events if logged.event.type in RUN_ENDS]
        assert [each.type for each in ends] == ["run.cancelled"] * 3
        assert ends[-1].run_id == run_id  # those below it have ended before it
        assert {each.status for each in of(events, "child_run.completed")} == {"cancelled"}
        assert (await bench.workbench.approvals.get(approval.id)).status == "cancelled"
        check(events)


async def test_a_sub_agent_that_is_cancelled_is_an_error_that_the_model_sees(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.")), say("I see.")],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.workbench.runs.cancel(approval.run_id)
        events = await bench.end(run_id)
        assert events[-1].event.type == "run.completed"
        (result,) = of(events, "tool_call.completed")
        assert result.outcome == "error" and "cancelled" in text_of(result.content)


@pytest.mark.parametrize(("limit", "deepest"), [(1, 1), (2, 2), (3, 3)])
async def test_no_run_is_deeper_than_the_limit_says(by_task, say, call, limit: int, deepest: int) -> None:
    # `second` hands everything to itself.
    answers = {
        "Hello": [call(delegate("second", "Two.")), say("ok")],
        "Two.": [call(delegate("second", "Two.")), say("two")],
    }
    async with by_task(answers, agent=LEAD) as bench:
        session = await bench.session()
        source = await bench.workbench.agents.source("tester")
        text = source.text.replace("max_steps: 20", f"max_steps: 20, max_depth: {limit}")
        await bench.workbench.agents.update("tester", text)
        await bench.end(await bench.send(session))
        depths = [
            each.child_of.depth for each in of(await whole_log(bench), "session.created") if each.child_of
        ]
        assert depths == list(range(1, deepest + 1))
        # At the lowest level the model is not even offered it, and a call of it is refused.
        assert "delegate" not in [tool.name for tool in bench.model.requests[deepest].tools]


async def test_a_run_starts_no_more_runs_than_it_may(by_task, say, call) -> None:
    answers = {
        "Hello": [call(*(delegate("helper", f"One. {number}") for number in range(3))), say("ok")],
        "One.": [say("one")],
    }
    async with by_task(answers) as bench:
        session = await bench.session()
        source = await bench.workbench.agents.source("tester")
        text = source.text.replace("max_steps: 20", "max_steps: 20, max_child_runs: 2")
        await bench.workbench.agents.update("tester", text)
        run_id = await bench.send(session)
        events = await bench.end(run_id)
        outcomes = sorted(each.outcome for each in of(events, "tool_call.completed"))
        assert outcomes == ["error", "ok", "ok"]
        assert len(await children_of(bench, run_id)) == 2


async def test_what_a_sub_agent_costs_counts_for_the_run_above(by_task, say, call) -> None:
    dear = UsageReport(input_tokens=10, output_tokens=10, cost_usd=2.0)
    answers = {
        "Hello": [call(delegate("helper", "One.")), say("ok")],
        "One.": [[dear, *call(write("free.md"))], [dear, *say("one")]],
    }
    async with by_task(answers) as bench:
        bench.catalog.prices.update({"scripted": 1.0, "second": 1.0})
        run_id = await bench.send(await bench.session(), max_cost_usd=1.5)
        events = await bench.end(run_id)
        (child,) = await children_of(bench, run_id)
        assert child.error is not None and child.error.code == "cost_limit"
        assert events[-1].event.type == "run.failed" and events[-1].event.error.code == "cost_limit"
        (told,) = of(events, "child_run.completed")
        assert (told.status, told.usage.cost_usd, told.steps) == ("failed", child.usage.cost_usd, 1)


async def test_a_sub_agents_own_cost_limit_holds_under_a_higher_one_of_the_request(
    by_task, say, call
) -> None:
    dear = UsageReport(input_tokens=10, output_tokens=10, cost_usd=2.0)
    answers = {
        "Hello": [call(delegate("helper", "One.")), say("ok")],
        "One.": [[dear, *call(write("free.md"))], [dear, *say("one")]],
    }
    async with by_task(answers) as bench:
        bench.catalog.prices.update({"scripted": 1.0, "second": 1.0})
        await bench.workbench.agents.update("helper", f"{HELPER}limits: {{ max_cost_usd: 1.5 }}\n")
        run_id = await bench.send(await bench.session(), max_cost_usd=50.0)
        assert (await bench.end(run_id))[-1].event.type == "run.completed"
        (child,) = await children_of(bench, run_id)
        assert child.error is not None and child.error.code == "cost_limit"
        assert "$1.50" in child.error.message


async def test_time_below_counts_for_the_run_above_but_not_while_a_person_is_waited_for() -> None:
    now = [0.0]
    above, below = WorkTimer(10, lambda: now[0]), WorkTimer(100, lambda: now[0])
    with above.waiting():
        below.under(above)
        now[0] += 4
        with below.waiting():
            now[0] += 50
        now[0] += 1
        assert (below.remaining_s, above.remaining_s) == (5, 5)
        now[0] += 6
        with pytest.raises(DeadlineError, match="limit of 10 s"):
            _ = below.remaining_s
        assert "limit of 10 s" in below.expired().message, "not its own, which is not over"
        below.stop()
        now[0] += 100
    with pytest.raises(DeadlineError):
        _ = above.remaining_s


async def test_a_run_in_the_background_goes_on_and_its_end_is_told(by_task, say, call) -> None:
    answers = {
        "Hello": [
            call(delegate("helper", "One.", background=True)),
            call(("child_runs", "{}")),
            say("Waiting."),
            say("I have it."),
        ],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.until("part.completed", run_id=run_id)
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        begun, listed = of(events, "tool_call.completed")
        assert begun.outcome == listed.outcome == "ok" and "in the background" in text_of(begun.content)
        (told,) = [each for each in of(events, "message.added") if each.origin == "child_run"]
        assert "completed" in text_of(told.parts) and text_of(told.parts).endswith("one")
        assert [each.text for each in of(events, "part.completed")] == ["Waiting.", "I have it."]
        check(await whole_log(bench))


async def test_a_long_reply_from_the_background_is_told_by_its_two_ends(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.", background=True)), say("Waiting."), say("I have it.")],
        "One.": [say("first\n" + "word\n" * 20_000 + "last")],
    }
    async with by_task(answers) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        (told,) = [each for each in of(events, "message.added") if each.origin == "child_run"]
        text = text_of(told.parts)
        assert len(text) < 31_000 and "\nfirst\n" in text and text.endswith("\nlast")
        assert "characters left out; child_runs" in text


async def test_a_run_in_the_background_can_be_waited_for_and_cancelled(by_task, say, call) -> None:
    def then(action: str, agent: str) -> Callable[[ModelRequest], Any]:
        def step(request: ModelRequest) -> Any:
            said = [text_of(p.content) for m in request.messages if m.role == "tool" for p in m.parts]
            begun = next(text for text in said if text.startswith(f"{agent} works"))
            run = begun.split("in run ")[1].split(".")[0]
            return call(("child_runs", json.dumps({"action": action, "run": run})))

        return step

    answers = {
        "Hello": [
            call(delegate("helper", "One.", background=True), delegate("second", "Two.", background=True)),
            then("wait", "helper"),
            then("cancel", "second"),
            say("ok"),
        ],
        "One.": [call(write("asked-1.md")), say("one")],
        "Two.": [call(write("asked-2.md")), say("two")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        waiting = {each.agent: each for each in await bench.approvals(2)}
        async with asyncio.timeout(20):
            async for logged in bench.workbench.events.follow(EventFilter(run_id=run_id), 0):
                started = logged.event.type == "tool_call.started"
                if started and logged.event.arguments.get("action") == "wait":
                    break
        await bench.workbench.approvals.decide(waiting["helper"].id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        *_, waited, cancelled = of(events, "tool_call.completed")
        assert text_of(waited.content) == "one"
        assert "cancelled" in text_of(cancelled.content)
        # What a call has shown is not told once more.
        assert [each.origin for each in of(events, "message.added")] == ["send"]
        assert {run.status for run in await children_of(bench, run_id)} == {"completed", "cancelled"}


async def test_finishing_the_run_ends_what_goes_on_in_the_background(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.", background=True)), call(write("asked-too.md")), say("ok")],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        waiting = {each.run_id: each for each in await bench.approvals(2)}
        await bench.workbench.runs.finish(run_id)
        await bench.workbench.approvals.decide(waiting[run_id].id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert events[-1].event.type == "run.completed"
        assert of(events, "child_run.completed")[0].status == "cancelled"
        check(await whole_log(bench))


async def test_the_conversation_is_handed_over_and_goes_on_with_the_other_agent(by_task, say, call) -> None:
    over = ("hand_over", json.dumps({"agent": "helper", "task": "Go on with it."}))
    answers = {"Hello": [call(over), say("I am the helper.")]}
    async with by_task(answers) as bench:
        session = await bench.session()
        first = await bench.end(await bench.send(session, approve=ApproveMode.ALL))
        assert (first[-1].event.type, first[-1].event.reason) == ("run.completed", "handed_over")
        last = await bench.until("run.completed", after=first[-1].id)
        (started,) = of(last, "run.started")
        assert (started.agent, started.hand_overs) == ("helper", 1)
        assert of(last, "message.added")[0].origin == "agent"
        assert (await bench.workbench.sessions.get(session.id)).agent == "helper"
        asked = bench.model.requests[-1]
        assert "You are the helper." in text_of(asked.messages[0].parts)
        assert [text_of(m.parts) for m in asked.messages if m.role == "user"] == ["Hello", "Go on with it."]
        check(await whole_log(bench))


def test_what_is_wanted_behind_a_reply_is_wanted_of_the_agent_that_gives_it() -> None:
    options = RunOptions(
        suggestions=True, analysis=False, force_summary=True, instructions_prefix="Be brief."
    )
    run: Any = SimpleNamespace(options=options, mode=SimpleNamespace(asked=None))
    taken = options_of_next(run)
    assert (taken.suggestions, taken.analysis, taken.force_summary) == (True, False, True)
    assert taken.instructions_prefix == ""


@pytest.mark.parametrize("options", [{"history": ()}, {"hand_over": False}])
async def test_a_conversation_that_its_caller_keeps_is_not_handed_over(by_task, say, options) -> None:
    async with by_task({"Hello": [say("ok")]}) as bench:
        await bench.end(await bench.send(await bench.session(), **options))
        offered = [tool.name for tool in bench.model.requests[0].tools]
        assert "delegate" in offered and "hand_over" not in offered


async def test_agents_do_not_hand_the_conversation_round_for_ever(by_task, say, call) -> None:
    def over(agent: str) -> Any:
        return call(("hand_over", json.dumps({"agent": agent, "task": "You."})))

    answers = {"Hello": [over("second"), over("second"), over("second"), over("second"), say("I end it.")]}
    async with by_task(answers) as bench:
        session = await bench.session()
        await bench.send(session, approve=ApproveMode.ALL)
        await bench.until("part.completed")
        runs = (await bench.workbench.runs.list(session.id)).items
        assert [run.agent for run in runs] == ["second", "second", "second", "tester"]
        refused = of(await whole_log(bench), "tool_call.completed")[-1]
        assert refused.outcome == "error" and "max_depth" in text_of(refused.content)


async def test_an_agent_is_described_in_the_request(by_task, say, call) -> None:
    use = SubAgentUse(name="poet", description="Writes verse.", instructions="Rhyme.", tools=("read_file",))
    answers = {"Hello": [call(delegate("poet", "Verse.")), say("ok")], "Verse.": [say("roses")]}
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session(), sub_agents=(use,))
        events = await bench.end(run_id)
        assert text_of(of(events, "tool_call.completed")[0].content) == "roses"
        first, verse, _ = bench.model.requests
        assert "- poet: Writes verse." in text_of(first.messages[0].parts)
        assert "helper" not in text_of(first.messages[0].parts)
        system = text_of(verse.messages[0].parts)
        assert "Rhyme." in system and "You are a test." not in system
        assert [tool.name for tool in verse.tools] == ["read_file"]
        assert of(events, "child_run.started")[0].agent == "poet"
        (child,) = await children_of(bench, run_id)
        assert child.agent == "tester", "it is on the account of the agent whose file it stands on"


@pytest.mark.parametrize(
    "uses",
    [
        (SubAgentUse(name="nobody"),),
        (SubAgentUse(name="poet", instructions="Rhyme.", tools=("fetch_url",)),),
        (SubAgentUse(name="helper"), SubAgentUse(name="helper")),
    ],
)
async def test_sub_agents_of_the_options_that_cannot_be_are_refused(by_task, uses) -> None:
    async with by_task({}) as bench:
        with pytest.raises(InvalidError):
            await bench.send(await bench.session(), sub_agents=uses)


async def test_no_sub_agents_in_the_options_means_none(by_task, say, call) -> None:
    async with by_task({"Hello": [say("ok")]}) as bench:
        await bench.end(await bench.send(await bench.session(), sub_agents=()))
        assert "delegate" not in [tool.name for tool in bench.model.requests[0].tools]


async def test_a_sub_agents_session_takes_nothing_and_shares_the_life_of_its_own(by_task, say, call) -> None:
    answers = {"Hello": [call(delegate("helper", "One.")), say("ok")], "One.": [say("one")]}
    async with by_task(answers) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        await bench.end(run_id)
        (child,) = await children_of(bench, run_id)
        sessions = bench.workbench.sessions
        for refused in (
            bench.workbench.runs.send(child.session_id, (TextPart(text="More."),)),
            bench.workbench.runs.go_on(child.session_id),
            sessions.fork(child.session_id),
            sessions.delete(child.session_id),
            sessions.configure(child.session_id, agent="second"),
            bench.workbench.files.write(child.session_id, "a.md", "x"),
        ):
            with pytest.raises(ConflictError) as error:
                await refused
            assert error.value.code == "child_session"
        exported = json.loads(await sessions.export(session.id, "json"))
        assert [each["session"]["id"] for each in exported["children"]] == [child.session_id]
        # Copies have no sub-agents' sessions of their own.
        for copy in (
            await sessions.fork(session.id),
            *(await sessions.take_in(json.dumps(exported).encode())),
        ):
            (run,) = (await bench.workbench.runs.list(copy.id)).items
            assert (copy.child_of, run.child_runs, run.status) == (None, (), RunStatus.COMPLETED)
            await sessions.delete(copy.id, permanent=True)
        await sessions.delete(session.id)
        with pytest.raises(HoldfastError):
            await sessions.get(child.session_id)
        assert len((await bench.workbench.trash.list()).items) == 1
        await bench.workbench.trash.restore("session", session.id)
        assert (await sessions.get(child.session_id)).child_of is not None
        await sessions.delete(session.id, permanent=True)
        left = [logged.event for logged in await whole_log(bench)]
        assert {each.type for each in left} == {"session.deleted"}


async def test_waiting_below_survives_a_restart(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("second", "Two.")), say("ok")],
        "Two.": [call(delegate("helper", "One.")), say("two")],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        session = await bench.session()
        run_id = await bench.send(session)
        approval = await bench.approval()
        assert (await bench.workbench.engine.status()).active_runs == 0  # nothing would be cut off
    async with by_task(answers) as bench:
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert events[-1].event.type == "run.completed"
        assert text_of(of(events, "tool_call.completed")[0].content) == "two"
        log = await whole_log(bench)
        assert len(of(log, "child_run.started")) == len(of(log, "child_run.completed")) == 2
        assert sum(logged.event.type in RUN_ENDS for logged in log) == 3
        check(log)


async def test_what_went_on_in_the_background_is_told_as_interrupted_after_a_restart(
    by_task, say, call
) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.", background=True), write("asked-too.md")), say("ok")],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        waiting = {each.run_id: each for each in await bench.approvals(2)}
    async with by_task(answers) as bench:
        await bench.workbench.approvals.decide(waiting[run_id].id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert events[-1].event.type == "run.completed"
        (told,) = [each for each in of(events, "message.added") if each.origin == "child_run"]
        assert "failed" in text_of(told.parts)
        (child,) = await children_of(bench, run_id)
        assert child.error is not None and child.error.code == "interrupted"
        check(await whole_log(bench))


async def test_a_run_whose_sub_agent_was_cut_off_is_interrupted_with_it(by_task, say, call) -> None:
    answers = {"Hello": [call(delegate("helper", "One.")), say("ok")], "One.": [say("never")]}
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        await bench.until("child_run.started", run_id=run_id)
    async with by_task(answers) as bench:
        events = await bench.end(run_id)
        log = await whole_log(bench)
        assert events[-1].event.type in RUN_ENDS
        assert sum(logged.event.type in RUN_ENDS for logged in log) == 2
        assert len(of(log, "child_run.completed")) == 1
        check(log)


async def test_a_run_that_waits_for_those_in_the_background_hears_what_a_person_says(
    by_task, say, call
) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.", background=True)), say("Waiting."), say("Heard.")],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        await bench.approval()
        said = await bench.until("part.completed", run_id=run_id)
        await bench.until("step.completed", run_id=run_id, after=said[-1].id)
        await bench.workbench.runs.steer(run_id, (TextPart(text="Are you there?"),))
        heard = await bench.until("part.completed", run_id=run_id, after=said[-1].id)
        assert heard[-1].event.text == "Heard."
        await bench.until("step.completed", run_id=run_id, after=heard[-1].id)
        await bench.workbench.runs.finish(run_id)
        events = await bench.end(run_id)
        assert events[-1].event.type == "run.completed"
        assert of(events, "child_run.completed")[0].status == "cancelled"
        check(await whole_log(bench))


async def test_a_run_that_waits_for_those_in_the_background_can_be_paused(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.", background=True)), say("Waiting."), say("I have it.")],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        said = await bench.until("part.completed", run_id=run_id)
        await bench.until("step.completed", run_id=run_id, after=said[-1].id)
        await bench.workbench.runs.pause(run_id)
        await bench.until("run.paused", run_id=run_id)
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.end(approval.run_id)
        await bench.workbench.runs.resume(run_id)
        events = await bench.end(run_id)
        assert of(events, "part.completed")[-1].text == "I have it."
        check(await whole_log(bench))


async def test_looking_after_the_background_or_asking_several_for_the_same_is_no_repetition(
    by_task, say, call
) -> None:
    look = call(("child_runs", "{}"))
    answers = {
        "Hello": [
            call(delegate("helper", "One.", background=True), *[delegate("helper", "Two.")] * 3),
            *[look] * 4,
            say("ok"),
            say("ok"),
        ],
        "One.": [say("one")],
        "Two.": [say("two")],
    }
    async with by_task(answers) as bench:
        events = await bench.end(await bench.send(await bench.session()))
        assert events[-1].event.type == "run.completed"


async def test_an_agent_that_is_described_has_no_tool_that_the_run_was_not_given(by_task, say, call) -> None:
    use = SubAgentUse(name="critic", description="Finds faults.", instructions="Name every fault.")
    answers = {"Hello": [call(delegate("critic", "Look.")), say("ok")], "Look.": [say("none")]}
    async with by_task(answers) as bench:
        tools = ("read_file", "delegate")
        await bench.end(await bench.send(await bench.session(), sub_agents=(use,), tools=tools))
        offered = [[tool.name for tool in request.tools] for request in bench.model.requests]
        assert offered == [["read_file", "delegate"], ["read_file"], ["read_file", "delegate"]]


async def test_what_is_said_to_a_sub_agent_that_ends_first_is_left_in_no_queue(by_task, say, call) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.")), say("end")],
        "One.": [call(write("asked.md")), say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        await bench.workbench.runs.steer(approval.run_id, (TextPart(text="More."),))
        await bench.workbench.runs.cancel(approval.run_id)
        await bench.end(run_id)
        assert await bench.workbench.sessions.queue(approval.session_id) == ()
        (dropped,) = of(await whole_log(bench), "message.dequeued")
        assert dropped.reason == "pulled_back"


async def test_an_end_in_the_background_that_was_not_told_is_told_as_it_was(
    by_task, say, call, open_bench
) -> None:
    answers = {
        "Hello": [call(delegate("helper", "One.", background=True), write("asked.md")), say("ok"), say("ok")],
        "One.": [[UsageReport(input_tokens=7, output_tokens=3), *say("one")]],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        await bench.approval()
        await bench.until("child_run.completed", run_id=run_id)
        log = await whole_log(bench)
    # The engine has died before it was told.
    kept = (each.event for each in log if each.event.type != "child_run.completed")
    await rewrite_log(open_bench.paths, kept)
    async with by_task(answers) as bench:
        await bench.workbench.approvals.decide((await bench.approval()).id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        (told,) = of(events, "child_run.completed")
        assert (told.status, told.reply, told.error, told.steps) == ("completed", "one", None, 1)
        assert told.usage.input_tokens == 7
        check(await whole_log(bench))


async def test_a_run_that_goes_on_while_the_engine_drains_may_still_hand_work_on(
    by_task, say, call, monkeypatch
) -> None:
    found: list[Supervisor] = []
    begin = Supervisor._begin

    async def seen(supervisor: Supervisor, *given: Any) -> None:
        found.append(supervisor)
        await begin(supervisor, *given)

    monkeypatch.setattr(Supervisor, "_begin", seen)
    answers = {
        "Hello": [call(write("asked.md")), call(delegate("helper", "One.")), say("ok")],
        "One.": [say("one")],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        approval = await bench.approval()
        found[0].refuse_new_runs()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert text_of(of(events, "tool_call.completed")[-1].content) == "one"


async def test_a_stop_waits_until_the_ends_of_sub_agents_are_told(by_task, say, call, monkeypatch) -> None:
    told: list[str] = []
    tell = Children._tell

    async def late(children: Children, run: Any, *given: Any) -> None:
        for _ in range(200):
            await asyncio.sleep(0)
        await tell(children, run, *given)
        told.append(run.run_id)

    monkeypatch.setattr(Children, "_tell", late)
    held = asyncio.Event()

    async def never(self: Any, arguments: Any, context: Any) -> Any:
        held.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ReadFile, "run", never)
    answers = {
        "Hello": [call(delegate("helper", "One.", background=True), write("asked.md"))],
        "One.": [call(("read_file", json.dumps({"path": "a.md"})))],
    }
    async with by_task(answers) as bench:
        run_id = await bench.send(await bench.session())
        await bench.approval()
        await held.wait()
        (child,) = await children_of(bench, run_id)
    assert told == [child.id]
