"""A run that has to end with a summary of what was done."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions

WRITE = ("write_file", '{"path": "free.md", "content": "x"}')


@pytest.fixture(params=["local", "remote"])
def door(request: Any) -> str:
    return request.param


def texts(events: Any) -> list[str]:
    return [each.event.text for each in events if each.event.type == "part.completed"]


async def test_the_last_step_is_a_summary_without_tools(open_bench, say, call) -> None:
    async with open_bench([call(WRITE), say("Written."), say("One file was written.")]) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, force_summary=True))
        assert texts(events) == ["Written.", "One file was written."]
        origins = [each.event.origin for each in events if each.event.type == "message.added"]
        assert origins == ["send", "summary"]
        assert [bool(request.tools) for request in bench.model.requests] == [True, True, False]
        assert bench.model.requests[2].messages[-1].text.startswith("Close with a summary")


async def test_a_model_that_calls_a_tool_in_its_summary_is_asked_on_without(open_bench, say, call) -> None:
    async with open_bench([say("Done."), call(WRITE), say("That was all.")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), force_summary=True))
        assert texts(events)[-1] == "That was all."
        assert [bool(request.tools) for request in bench.model.requests] == [True, False, False]


async def test_a_run_without_a_step_left_keeps_its_reply_and_has_no_summary(open_bench, say) -> None:
    async with open_bench([say("Done.")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), force_summary=True, max_steps=1))
        assert texts(events) == ["Done."]
        assert events[-1].event.type == "run.completed"


async def test_a_conversation_that_is_to_end_with_a_summary_is_not_handed_to_a_script(
    open_bench, say, call
) -> None:
    open_bench.put_agent("poet", "version: 1\nname: poet\nscript: 'response = query(\"m\", conversation)'\n")
    over = call(("hand_over", '{"agent": "poet", "task": "Write."}'))
    steps = [over, say("I do it."), say("It was done.")]
    async with open_bench(steps, agent="subagents: [poet]\n") as bench:
        sent = await bench.send(await bench.session(), force_summary=True, approve=ApproveMode.ALL)
        events = await bench.end(sent)
        (refused,) = (each.event for each in events if each.event.type == "tool_call.completed")
        assert refused.outcome == "error" and "force_summary" in refused.content[0].text
        assert texts(events) == ["I do it.", "It was done."]


async def test_a_reply_in_a_given_form_has_no_summary_behind_it(open_bench) -> None:
    async with open_bench() as bench:
        session = await bench.session()
        options = RunOptions(force_summary=True, response_format={"type": "object"})
        with pytest.raises(InvalidError) as caught:
            await bench.workbench.runs.send(session.id, (TextPart(text="Hi"),), options)
        assert caught.value.code == "summary_not_possible"
