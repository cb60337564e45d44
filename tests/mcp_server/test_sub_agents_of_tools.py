"""Agents that hand work on, seen from an MCP client: what sub-agents wait for, and who has the last word."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp_person import Person, approve
from tests.runs.run_helpers import by_task

from holdfast.core.domain.messages import text_of

ERAS = ["auto", "legacy"]
LEAD = "subagents: [helper]\n"
HELPER = """
version: 1
name: helper
instructions: You are the helper.
tools: [write_file]
"""
DELEGATE = ("delegate", json.dumps({"agent": "helper", "task": "Write it."}))
HAND_OVER = ("hand_over", json.dumps({"agent": "helper", "task": "Go on."}))
WRITE = ("write_file", '{"path": "a.md", "content": "Alpha\\n"}')
FORBIDDEN = ("write_file", '{"path": "forbidden.md", "content": "Alpha\\n"}')


@pytest.fixture
def desk_with_helper(open_bench: Any, open_desk: Any) -> Any:
    open_bench.put_agent("helper", HELPER)

    def opened(answers: dict[str, list[Any]], person: Person | None = None, **more: Any) -> Any:
        return open_desk([by_task(answers)] * 20, person, agent=LEAD, **more)

    return opened


@pytest.mark.parametrize("mode", ERAS)
async def test_what_a_sub_agent_wants_to_do_is_asked_in_the_client_of_the_agent_above(
    desk_with_helper: Any, say: Any, call: Any, mode: str
) -> None:
    person = Person([approve()])
    answers = {"Go": [call(DELEGATE), say("All done.")], "Write": [call(WRITE), say("Written.")]}
    async with desk_with_helper(answers, person, mode=mode) as desk:
        result = await desk.ask()
    assert "The agent helper wants to use write_file (write):" in person.forms[0].message
    assert (result.structured_content["status"], result.structured_content["reply"]) == (
        "completed",
        "All done.",
    )


async def test_a_client_without_forms_learns_what_a_sub_agent_waits_for(
    desk_with_helper: Any, say: Any, call: Any
) -> None:
    answers = {"Go": [call(DELEGATE), say("All done.")], "Write": [call(WRITE), say("Written.")]}
    async with desk_with_helper(answers) as desk:
        left = (await desk.ask()).structured_content
        again = (await desk.fetch(left["run_id"], wait_s=0)).structured_content
    assert [each["about"] for each in left["waiting"]] == ["write_file a.md"]
    assert again["waiting"] == left["waiting"]


async def test_the_reply_is_of_the_agent_that_the_conversation_was_handed_over_to(
    desk_with_helper: Any, say: Any, call: Any
) -> None:
    answers = {"Go": [call(HAND_OVER), say("I am the helper.")]}
    async with desk_with_helper(answers, Person([approve()])) as desk:
        first = (await desk.ask()).structured_content
        fetched = (await desk.fetch(first["run_id"])).structured_content
        refused = await desk.ask(session_id=first["session_id"])
    assert (first["status"], first["reply"]) == ("completed", "I am the helper.")
    assert fetched == first
    assert "agent_helper" in refused.content[0].text


@pytest.mark.parametrize("mode", ERAS)
async def test_what_policy_denies_is_denied_and_nobody_is_asked(
    open_desk: Any, say: Any, call: Any, mode: str
) -> None:
    person = Person()
    async with open_desk([call(FORBIDDEN), say("Then not.")], person, mode=mode) as desk:
        result = await desk.ask()
        (record,) = desk.bench.model.requests[-1].messages[-1].parts
    assert (result.structured_content["reply"], person.forms) == ("Then not.", [])
    assert "denied" in text_of(record.content).lower()
