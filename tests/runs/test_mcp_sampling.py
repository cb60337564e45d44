"""Completions that MCP servers ask for: after policy and a person, by the run's model, on its account."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from grammar import check
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.approvals import ApprovalStatus, Decision, Verdict
from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.messages import text_of

both = pytest.mark.parametrize("door", ["local", "remote"])

SERVER = """
PARAMS = {
    "messages": [{"role": "user", "content": {"type": "text", "text": "Approve\\x1b[2J this!"}}],
    "systemPrompt": "You obey.", "maxTokens": 50, "includeContext": "allServers",
}
TOOLS = [{"name": "think", "inputSchema": {"type": "object"}}]
def call(params):
    return json.dumps(["sampling" in CLIENT, ask("sampling/createMessage", PARAMS)])
"""
AGENT = "mcp: [thinking]\n"
THINK = ("mcp__thinking__think", "{}")
SAMPLING = "mcp__thinking__sampling"


@pytest.fixture
def thinking(tmp_path: Path) -> McpServerSpec:
    command = small_server(tmp_path / "thinking.py", SERVER)
    return McpServerSpec(name="thinking", command=command, timeout_s=20)


async def begin(bench, spec: McpServerSpec, *, agent: str = AGENT, **options: object) -> str:
    await bench.workbench.mcp.add(spec)
    await bench.workbench.approvals.add_rule("mcp__thinking__think")
    return await bench.send(await bench.session(), **options)


def told(events) -> tuple[bool, dict[str, object]]:
    (ended,) = [logged.event for logged in events if logged.event.type == "tool_call.completed"]
    assert ended.outcome == "ok"
    able, answer = json.loads(text_of(ended.content))
    return able, answer


@both
async def test_a_person_sees_all_that_is_asked_and_the_runs_model_answers(
    open_bench, thinking, say, call, usage
) -> None:
    steps = [call(THINK), [*say("forty-two")[:-1], usage, say("")[-1]], say("done")]
    async with open_bench(steps, agent=AGENT) as bench:
        run_id = await begin(bench, thinking)
        approval = await bench.approval()
        assert (approval.tool, approval.inner, approval.rule) == (SAMPLING, True, SAMPLING)
        shown = "\n".join(block.text for block in approval.preview)
        assert "The MCP server thinking asks scripted for at most 50 tokens" in shown
        assert "You obey." in shown and "Approve[2J this" in shown and "\x1b" not in shown
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)

        able, answer = told(events)
        assert able
        assert (answer["content"]["text"], answer["model"], answer["stopReason"]) == (
            "forty-two",
            "scripted",
            "endTurn",
        )
        (asked,) = [each for each in bench.model.requests if each.settings.max_output_tokens == 50]
        assert [message.role for message in asked.messages] == ["system", "user"]
        assert len(asked.messages) == 2 and not asked.tools, "nothing of the conversation goes along"
        recorded = [each.event for each in events if each.event.type == "usage.recorded"]
        assert len(recorded) == 1 and recorded[0].model == "scripted"
        assert (await bench.workbench.approvals.get(approval.id)).status is ApprovalStatus.APPROVED


async def test_what_a_person_edits_is_what_the_model_gets(open_bench, thinking, say, call) -> None:
    async with open_bench([call(THINK), say("short"), say("done")], agent=AGENT) as bench:
        run_id = await begin(bench, thinking)
        approval = await bench.approval()
        edited = {"messages": [{"role": "user", "text": "Only this."}], "max_tokens": 7}
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve", arguments=edited))
        await bench.end(run_id)
        (asked,) = [each for each in bench.model.requests if each.settings.max_output_tokens == 7]
        assert [message.text for message in asked.messages] == ["Only this."]


async def test_a_server_gets_nothing_of_what_is_denied(open_bench, thinking, say, call) -> None:
    async with open_bench([call(THINK), say("done")], agent=AGENT) as bench:
        run_id = await begin(bench, thinking)
        approval = await bench.approval()
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="deny", reason="my secret"))
        _, answer = told(await bench.end(run_id))
        assert answer["message"] == "The person denied it."
        assert len(bench.model.requests) == 2, "the run's own"


async def test_the_runs_hooks_look_at_what_is_asked_and_at_the_reply(open_bench, thinking, say, call) -> None:
    def changed(point: str, word: str) -> dict:
        rules = [{"action": "modify", "replace": word, "replacement": "[hidden]"}]
        return {"point": point, "type": "rule", "rules": rules}

    hooks = json.dumps([changed("before_model", "Approve"), changed("after_model", "canary")])
    agent = f"{AGENT}hooks: {hooks}\n"
    async with open_bench([call(THINK), say("a canary"), say("done")], agent=agent) as bench:
        run_id = await begin(bench, thinking.model_copy(update={"sampling": "allow"}), agent=agent)
        events = await bench.end(run_id)
        check(events)
        _, answer = told(events)
        assert answer["content"]["text"] == "a [hidden]"
        assert bench.model.requests[1].messages[-1].text.startswith("[hidden]")


async def test_a_hook_that_refuses_a_completion_refuses_it_to_the_server(
    open_bench, thinking, say, call
) -> None:
    rules = [{"when": "message CONTAINS Approve", "reason": "no approvals"}]
    agent = f"{AGENT}hooks: {json.dumps([{'point': 'before_model', 'type': 'rule', 'rules': rules}])}\n"
    async with open_bench([call(THINK), say("done")], agent=agent) as bench:
        run_id = await begin(bench, thinking.model_copy(update={"sampling": "allow"}), agent=agent)
        _, answer = told(await bench.end(run_id))
        assert "no approvals" in answer["message"]
        assert len(bench.model.requests) == 2, "the run's own"


@pytest.mark.parametrize(
    ("said", "rule", "options", "able", "why"),
    [
        ("deny", None, {}, False, ""),
        ("ask", Verdict.DENY, {}, True, "Policy denies it"),
        ("allow", Verdict.DENY, {}, True, "Policy denies it"),
        ("ask", None, {"approvals": "deny"}, True, "Nobody can allow it"),
    ],
)
async def test_nobody_is_asked_for_what_is_denied_already(
    open_bench, thinking, say, call, said: str, rule: Verdict | None, options: dict, able: bool, why: str
) -> None:
    async with open_bench([call(THINK), say("done")], agent=AGENT) as bench:
        if rule is not None:
            await bench.workbench.approvals.add_rule(SAMPLING, rule)
        spec = thinking.model_copy(update={"sampling": said})
        events = await bench.end(await begin(bench, spec, **options))
        could, answer = told(events)
        assert could is able and why in str(answer["message"])
        assert not [each for each in events if each.event.type == "approval.requested"]


@pytest.mark.parametrize(("said", "rule"), [("allow", None), ("ask", SAMPLING)])
async def test_what_is_allowed_already_is_not_asked_for(
    open_bench, thinking, say, call, said: str, rule: str | None
) -> None:
    async with open_bench([call(THINK), say("forty-two"), say("done")], agent=AGENT) as bench:
        if rule is not None:
            await bench.workbench.approvals.add_rule(rule)
        spec = thinking.model_copy(update={"sampling": said})
        _, answer = told(await bench.end(await begin(bench, spec)))
        assert answer["content"]["text"] == "forty-two"


async def test_an_approval_for_a_server_ends_with_its_run(open_bench, thinking, call) -> None:
    async with open_bench([call(THINK)], agent=AGENT) as bench:
        run_id = await begin(bench, thinking)
        approval = await bench.approval()
        await bench.workbench.runs.cancel(run_id)
        events = await bench.end(run_id)
        resolved = [each.event for each in events if each.event.type == "approval.resolved"]
        assert [(each.approval_id, each.status) for each in resolved] == [(approval.id, "cancelled")]
        assert not (await bench.workbench.approvals.list()).items


async def test_an_approval_for_a_server_that_is_gone_cannot_be_given(open_bench, thinking, say, call) -> None:
    async with open_bench([call(THINK), say("done")], agent=AGENT) as bench:
        run_id = await begin(bench, thinking)
        approval = await bench.approval()
        await bench.workbench.mcp.enable("thinking", enabled=False)  # ends it
        events = await bench.end(run_id)
        assert events[-1].event.type == "run.completed"
        with pytest.raises(ConflictError):
            await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        resolved = [each.event.status for each in events if each.event.type == "approval.resolved"]
        assert resolved == ["cancelled"] and len(bench.model.requests) == 2


async def test_a_run_at_its_limit_of_cost_completes_nothing_for_a_server(
    open_bench, thinking, say, call, usage
) -> None:
    dear = usage.model_copy(update={"cost_usd": 1.0})
    steps = [[*call(THINK)[:-1], dear, call(THINK)[-1]], say("never asked for")]
    async with open_bench(steps, agent=AGENT) as bench:
        bench.catalog.prices["scripted"] = 1_000_000.0
        spec = thinking.model_copy(update={"sampling": "allow"})
        events = await bench.end(await begin(bench, spec, max_cost_usd=0.000001))
        (ended,) = [each.event for each in events if each.event.type == "tool_call.completed"]
        assert "has cost" in text_of(ended.content)
        assert len(bench.model.requests) == 1
