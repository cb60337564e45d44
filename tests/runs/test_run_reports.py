"""The log of runs over a real bench: what reports and maps say is what happened, and nothing more."""

from __future__ import annotations

import json

import pytest

from holdfast.core.domain.approvals import ApproveMode, Decision
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.messages import Message, TextPart

HELPER = "version: 1\nname: helper\ndisplay_name: Berta\ninstructions: Help.\ntools: [read_file]\n"
QUIET = (
    "version: 1\nname: quiet\ndisplay_name: Quiet\nlogging: false\ntools: [read_file]\nsubagents: [helper]\n"
)
LEAD = "subagents: [helper]\n"


def delegating(task: str) -> tuple[str, str]:
    return ("delegate", json.dumps({"agent": "helper", "task": task}))


async def test_a_report_says_what_was_asked_answered_and_done_in_order(open_bench, say, call, usage) -> None:
    asked = ("run_command", json.dumps({"command": "true"}))
    steps = [[usage, *call(asked)], [usage, *say("All is well.")]]
    async with open_bench(steps) as bench:
        session = await bench.session()
        history = (Message(role="user", parts=(TextPart(text="Before"),)),)
        run_id = await bench.send(session, "Is it?\nReally?", history=history)
        approval = await bench.approval()
        waiting = (await bench.workbench.runs.search()).runs
        assert [(each.status, each.response_ms) for each in waiting] == [("waiting", None)]
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        await bench.end(run_id)
        report = await bench.workbench.runs.report(run_id)
        assert (report.prompt, report.response) == ("Is it?\nReally?", "All is well.")
        assert [(said.role, said.text) for said in report.history] == [("user", "Before")]
        kinds = [each.kind for each in report.way]
        assert kinds == ["message", "step", "tool", "approval", "step"]
        _, first, tool, approved, last = report.way
        assert (first.usage.input_tokens, first.purpose, first.reason) == (7, "reply", "tool_calls")
        assert first.total_ms is not None and last.text == "All is well."
        assert (tool.name, tool.outcome, tool.arguments) == ("run_command", "ok", {"command": "true"})
        assert approved.outcome == "approved" and approved.waited_ms == pytest.approx(report.waited_ms)
        entry = report.run
        assert (await bench.workbench.runs.search()).runs == (entry,)
        assert (entry.steps, entry.tools, entry.usage.input_tokens) == (2, 1, 14)
        assert entry.model_ms == pytest.approx(first.total_ms + last.total_ms)
        assert entry.tool_ms == pytest.approx(tool.duration_ms)
        assert [step.event_id for step in report.way] == sorted(step.event_id for step in report.way)


async def test_a_map_has_the_runs_of_a_session_with_those_of_sub_agents_behind_theirs(
    open_bench, say, call
) -> None:
    open_bench.put_agent("helper", HELPER)
    steps = [call(delegating("Read it.")), say("It says x."), say("Done."), say("Again.")]
    async with open_bench(steps, agent=LEAD) as bench:
        session = await bench.session()
        first = await bench.send(session)
        await bench.end(first)
        second = await bench.send(session, "And now?")
        await bench.end(second)
        runs = bench.workbench.runs
        found = await runs.map(session.id)
        assert [each.run.agent for each in found.runs] == ["tester", "helper", "tester"]
        (child,) = [each for each in found.runs[0].way if each.kind == "child"]
        assert (child.run_id, child.status) == (found.runs[1].run.id, "completed")
        assert found.runs[1].run.parent_run_id == first and found.runs[1].run.agent_name == "Berta"
        assert (found.runs[1].prompt, found.runs[1].response) == ("Read it.", "It says x.")
        latest = await runs.map(session.id, limit=1)
        assert [each.run.id for each in latest.runs] == [second] and latest.older is not None
        earlier = await runs.map(session.id, limit=1, before=latest.older)
        assert (next(each.run.id for each in earlier.runs), earlier.older) == (first, None)
        listed = await runs.search()
        assert [each.id for each in listed.runs] == [second, first] and listed.total == 2
        assert listed.runs[1].below == 1 and listed.agents == {"tester": 2}
        assert [each.agent for each in (await runs.search(parent=first)).runs] == ["helper"]
        helper = await bench.workbench.agents.get("helper")
        assert (await runs.search(agent=helper.id)).total == 0
        with pytest.raises(InvalidError):
            await runs.map(session.id, before="x")
        for unknown in (
            runs.report("no"),
            runs.map("no"),
            runs.search(parent="no"),
            runs.search(session="no"),
        ):
            with pytest.raises(NotFoundError):
                await unknown


async def test_the_log_keeps_no_word_of_agents_without_logging_nor_of_their_sub_agents(
    open_bench, say, call
) -> None:
    open_bench.put_agent("helper", HELPER)
    open_bench.put_agent("quiet", QUIET)
    steps = [call(delegating("Secret task")), call(("read_file", '{"path": "secret.txt"}')), say("Secret!")]
    async with open_bench([*steps, say("Secret reply")]) as bench:
        session = await bench.workbench.sessions.create("quiet", str(bench.project), model="scripted")
        run_id = await bench.send(session, "A secret")
        await bench.end(run_id)
        runs = bench.workbench.runs
        (entry,) = (await runs.search(text="quiet")).runs
        assert (entry.logged, entry.agent_name, entry.prompt, entry.steps) == (False, "Quiet", "", 2)
        assert entry.response_ms is not None
        assert (await runs.search(text="secret")).total == 0
        found = await runs.map(session.id)
        assert (
            len(found.runs) == 2 and "ecret" not in found.model_copy(update={"title": ""}).model_dump_json()
        )
        await bench.workbench.sessions.delete(session.id)
        await bench.workbench.trash.empty()
        assert [(each.id, each.session) for each in (await runs.search()).runs] == [(run_id, False)]
        assert (await runs.report(run_id)).way == ()


async def test_the_log_keeps_no_word_of_what_an_agent_without_logging_has_handed_over(
    open_bench, say, call
) -> None:
    open_bench.put_agent("helper", HELPER)
    open_bench.put_agent("quiet", QUIET)
    over = ("hand_over", json.dumps({"agent": "helper", "task": "Secret task"}))
    async with open_bench([call(over), say("Secret reply")]) as bench:
        session = await bench.workbench.sessions.create("quiet", str(bench.project), model="scripted")
        first = await bench.end(await bench.send(session, "A secret", approve=ApproveMode.ALL))
        await bench.until("run.completed", run_id=None, after=first[-1].id)
        (entry,) = (await bench.workbench.runs.search(agent="helper")).runs
        assert (entry.logged, entry.prompt) == (False, "")
        assert "ecret" not in (await bench.workbench.runs.report(entry.id)).model_dump_json()
