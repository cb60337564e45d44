"""Forms that MCP servers ask for in the middle of a call: a person fills them in, or nobody does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.errors import ConflictError, InvalidError
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.runs import RunStatus

both = pytest.mark.parametrize("door", ["local", "remote"])

SERVER = """
FORM = {"type": "object", "required": ["city"], "properties": {
    "city": {"type": "string", "title": "City", "minLength": 2},
    "days": {"type": "integer", "minimum": 1},
    "mail": {"type": "string", "format": "email"},
}}
TOOLS = [{"name": "travel", "inputSchema": {"type": "object"}}]
def call(params):
    return json.dumps(ask("elicitation/create", {"message": "Where to?", "requestedSchema": FORM}))
"""
AGENT = "mcp: [asking]\n"
TRAVEL = ("mcp__asking__travel", "{}")


@pytest.fixture
def asking(tmp_path: Path) -> McpServerSpec:
    return McpServerSpec(name="asking", command=small_server(tmp_path / "asking.py", SERVER), timeout_s=20)


async def begin(bench, asking: McpServerSpec, **options: object) -> str:
    await bench.workbench.mcp.add(asking)
    await bench.workbench.approvals.add_rule("mcp__asking__*", Verdict.ALLOW)
    return await bench.send(await bench.session(), **options)


async def question(bench, run_id: str):
    await bench.until("question.asked", run_id=run_id)
    (asked,) = (await bench.workbench.runs.questions()).items
    return asked


def told(events) -> tuple[str, str]:
    (ended,) = [logged.event for logged in events if logged.event.type == "tool_call.completed"]
    return ended.outcome, text_of(ended.content)


@both
async def test_a_form_is_filled_in_and_its_mistakes_are_told_by_field(open_bench, asking, say, call) -> None:
    async with open_bench([call(TRAVEL), say("done")], agent=AGENT) as bench:
        run_id = await begin(bench, asking)
        asked = await question(bench, run_id)
        assert (asked.server, asked.text, asked.acted) == ("asking", "Where to?", True)
        assert (await bench.workbench.runs.get(run_id)).status is RunStatus.WAITING

        answer = bench.workbench.runs.answer
        for fields, paths in (
            ({"days": 0}, {"city", "days"}),
            ({"city": "Rome", "mail": "nobody"}, {"mail"}),
            ({"city": "Rome", "password": "x"}, {"password"}),
        ):
            with pytest.raises(InvalidError) as refused:
                await answer(asked.id, action="accept", fields=fields)
            assert refused.value.code == "invalid_fields"
            assert {each["path"] for each in refused.value.details["problems"]} == paths
        with pytest.raises(InvalidError, match="`action`"):
            await answer(asked.id, "Rome")
        with pytest.raises(InvalidError, match="only with the action"):
            await answer(asked.id, action="decline", fields={"city": "Rome"})

        await answer(asked.id, action="accept", fields={"city": "Rome", "days": 2})
        events = await bench.end(run_id)
        outcome, said = told(events)
        assert outcome == "ok"
        assert json.loads(said) == {"action": "accept", "content": {"city": "Rome", "days": 2}}
        (answered,) = [each.event for each in events if each.event.type == "question.answered"]
        assert (answered.action, json.loads(answered.answer)) == ("accept", {"city": "Rome", "days": 2})
        with pytest.raises(ConflictError):
            await answer(asked.id, action="decline")


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_form_may_be_left_unfilled(open_bench, asking, say, call, action: str) -> None:
    async with open_bench([call(TRAVEL), say("done")], agent=AGENT) as bench:
        run_id = await begin(bench, asking)
        asked = await question(bench, run_id)
        await bench.workbench.runs.answer(asked.id, action=action)
        assert json.loads(told(await bench.end(run_id))[1]) == {"action": action}


async def test_nobody_is_asked_in_a_run_that_waits_for_nobody(open_bench, asking, say, call) -> None:
    async with open_bench([call(TRAVEL), say("done")], agent=AGENT) as bench:
        events = await bench.end(await begin(bench, asking, approvals="deny"))
        assert json.loads(told(events)[1]) == {"action": "decline"}
        assert not [each for each in events if each.event.type == "question.asked"]


async def test_a_form_is_taken_back_when_its_run_is_cancelled(open_bench, asking, call) -> None:
    async with open_bench([call(TRAVEL)], agent=AGENT) as bench:
        run_id = await begin(bench, asking)
        asked = await question(bench, run_id)
        await bench.workbench.runs.cancel(run_id)
        events = [each.event for each in await bench.end(run_id)]
        (answered,) = [each for each in events if each.type == "question.answered"]
        assert (answered.question_id, answered.answer, answered.action) == (asked.id, None, None)
        assert not (await bench.workbench.runs.questions()).items


async def test_a_form_is_taken_back_when_its_server_dies(open_bench, asking, say, call) -> None:
    async with open_bench([call(TRAVEL), say("done")], agent=AGENT) as bench:
        run_id = await begin(bench, asking)
        asked = await question(bench, run_id)
        await bench.workbench.mcp.enable("asking", enabled=False)  # ends it
        events = await bench.end(run_id)
        assert told(events)[0] == "error"
        assert events[-1].event.type == "run.completed"
        with pytest.raises(ConflictError):
            await bench.workbench.runs.answer(asked.id, action="accept", fields={"city": "Rome"})


async def test_an_engine_that_stops_takes_the_form_back_with_the_call(open_bench, asking, call) -> None:
    async with open_bench([call(TRAVEL)], agent=AGENT) as bench:
        run_id = await begin(bench, asking)
        await question(bench, run_id)
    async with open_bench([], agent=AGENT) as bench:
        events = await bench.end(run_id)
        assert events[-1].event.error.code == "interrupted"
        assert not (await bench.workbench.runs.questions()).items
