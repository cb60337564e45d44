"""What one run overrides, through both implementations of a workbench."""

from __future__ import annotations

import json
from typing import Any

import pytest
from run_helpers import of

from holdfast.core.domain.approvals import Decision
from holdfast.core.domain.errors import HoldfastError, InvalidError, ModelUnavailable
from holdfast.core.domain.messages import TextPart, text_of
from holdfast.core.domain.models import ModelSettings, UsageReport
from holdfast.core.domain.runs import RunOptions

pytestmark = pytest.mark.parametrize("door", ["local", "remote"])

WRITE = ("write_file", json.dumps({"path": "asked.md", "content": "x"}))
LIST = ("list_files", "{}")


async def refused(bench: Any, session: Any, **options: Any) -> HoldfastError:
    before = (await bench.workbench.engine.status()).last_event_id
    with pytest.raises(HoldfastError) as caught:
        await bench.workbench.runs.send(session.id, (TextPart(text="Hi"),), RunOptions(**options))
    assert (await bench.workbench.engine.status()).last_event_id == before, "nothing was taken in"
    return caught.value


async def test_fields_that_ask_for_nothing_are_taken(open_bench, say) -> None:
    async with open_bench([say("ok")]) as bench:
        run_id = await bench.send(
            await bench.session(), skills=(), knowledge=(), workflows={}, suggestions=False, memory=None
        )
        assert (await bench.end(run_id))[-1].event.type == "run.completed"


async def test_a_message_for_the_queue_is_refused_at_once(open_bench, call) -> None:
    async with open_bench([call(WRITE)]) as bench:
        session = await bench.session()
        await bench.send(session)
        await bench.approval()
        assert (await refused(bench, session, mode="swarm")).code == "unknown_mode"
        assert (await refused(bench, session, tools=("no_such",))).code == "unknown_tool"
        assert (await refused(bench, session, max_cost_usd=1.0)).code == "unpriced_model"
        assert await bench.workbench.sessions.queue(session.id) == ()


async def test_continuing_with_options_that_cannot_be_is_refused(open_bench) -> None:
    async with open_bench([[RuntimeError("bug")]]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session))
        with pytest.raises(InvalidError):
            await bench.workbench.runs.go_on(session.id, RunOptions(mode="swarm"))


async def test_a_prefix_stands_before_the_agents_instructions(open_bench, say) -> None:
    async with open_bench([say("ok")]) as bench:
        await bench.end(await bench.send(await bench.session(), instructions_prefix="Answer in verse."))
        system = bench.model.requests[0].messages[0].text
        assert system.startswith("Answer in verse.\n\nYou are a test.")


async def test_tools_are_narrowed_for_one_run(open_bench, say, call) -> None:
    async with open_bench([call(LIST), say("ok"), say("none"), say("all")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, tools=("write_file", "read_file")))
        assert [tool.name for tool in bench.model.requests[0].tools] == ["read_file", "write_file"]
        result = bench.model.requests[1].messages[-1].parts[0]
        assert "There is no tool 'list_files'" in text_of(result.content)
        await bench.end(await bench.send(session, tools=()))
        assert bench.model.requests[2].tools == ()
        await bench.end(await bench.send(session))
        assert len(bench.model.requests[3].tools) == 7


async def test_a_tool_that_the_agent_does_not_have_is_refused_with_the_nearest(open_bench) -> None:
    async with open_bench([]) as bench:
        error = await refused(bench, await bench.session(), tools=("read_file", "wirte_file"))
        assert isinstance(error, InvalidError)
        assert error.code == "unknown_tool"
        assert "Did you mean write_file" in error.message
        # It exists, but this agent was not given it.
        assert (await refused(bench, await bench.session(), tools=("fetch_url",))).code == "unknown_tool"


@pytest.mark.parametrize(
    ("settings", "reasoning", "effort"),
    [
        (None, None, None),
        (None, True, "medium"),
        (None, False, "none"),
        (ModelSettings(reasoning_effort="high"), True, "high"),
        (ModelSettings(reasoning_effort="none"), True, "medium"),
        (ModelSettings(reasoning_effort="high"), False, "none"),
        (ModelSettings(reasoning_effort="low"), None, "low"),
    ],
)
async def test_reasoning_is_turned_on_and_off(open_bench, say, settings, reasoning, effort) -> None:
    async with open_bench([say("ok")]) as bench:
        await bench.end(await bench.send(await bench.session(), model_settings=settings, reasoning=reasoning))
        assert bench.model.requests[0].settings.reasoning_effort == effort


@pytest.mark.parametrize("queued", [False, True])
async def test_settings_of_a_run_leave_the_agents_others_as_they_are(open_bench, say, call, queued) -> None:
    async with open_bench([call(WRITE), say("one"), say("two")] if queued else [say("two")]) as bench:
        source = (await bench.workbench.agents.source("tester")).text
        settings = "model_settings: {temperature: 1.0, max_output_tokens: 77, stop: [END]}\n"
        await bench.workbench.agents.update("tester", source + settings)
        session = await bench.session()
        first = await bench.send(session) if queued else ""
        asked = await bench.approval() if queued else None
        options = RunOptions(model_settings=ModelSettings(temperature=0.5))
        await bench.workbench.runs.send(session.id, (TextPart(text="Hi"),), options)
        after = 0
        if asked is not None:
            await bench.workbench.approvals.decide(asked.id, Decision(outcome="approve"))
            after = (await bench.end(first))[-1].id
        await bench.until("run.completed", after=after)
        assert bench.model.requests[-1].settings == ModelSettings(
            temperature=0.5, max_output_tokens=77, stop=("END",)
        )


async def test_a_limit_in_the_options_takes_the_place_of_the_agents(open_bench, say, call) -> None:
    steps = [call(LIST), call(LIST), call(("list_files", '{"path": "."}')), say("done")]
    async with open_bench(steps, max_steps=2) as bench:
        session = await bench.session()
        events = await bench.end(await bench.send(session, max_steps=1))
        assert events[-1].event.error.code == "step_limit"
        assert len(of(events, "step.started")) == 1
        events = await bench.end(await bench.send(session, max_steps=3))
        assert events[-1].event.type == "run.completed"


async def test_a_cost_limit_ends_the_run(open_bench, say, call) -> None:
    usage = UsageReport(input_tokens=1, output_tokens=1, cost_usd=0.6)
    async with open_bench([[*call(LIST)[:-1], usage, *call()], say("never")]) as bench:
        bench.catalog.prices = {"scripted": 1.0, "second": 1.0}
        events = await bench.end(await bench.send(await bench.session(), max_cost_usd=0.5))
        assert events[-1].event.error.code == "cost_limit"


async def test_a_cost_limit_is_refused_where_the_price_is_not_known(open_bench) -> None:
    async with open_bench([]) as bench:
        error = await refused(bench, await bench.session(), max_cost_usd=0.5)
        assert isinstance(error, InvalidError)
        assert (error.code, error.details) == ("unpriced_model", {"model": "scripted"})


async def test_a_run_with_a_cost_limit_does_not_fall_back_to_a_model_without_a_price(open_bench, say) -> None:
    down = [ModelUnavailable("down")]
    async with open_bench([down, say("from second"), down], retries=0) as bench:
        session = await bench.session()
        bench.catalog.prices = {"scripted": 1.0, "second": 1.0}
        assert (await bench.end(await bench.send(session, max_cost_usd=1)))[-1].event.type == "run.completed"
        bench.catalog.prices = {"scripted": 1.0}
        events = await bench.end(await bench.send(session, max_cost_usd=1))
        assert events[-1].event.error.code == "model_unavailable"


async def test_a_run_with_a_cost_limit_ends_when_a_call_tells_no_cost(open_bench, say, call) -> None:
    usage = UsageReport(input_tokens=1, output_tokens=1, cost_usd=None)
    async with open_bench([[*call(LIST)[:-1], usage, *call()], say("never")]) as bench:
        bench.catalog.prices = {"scripted": 1.0}
        events = await bench.end(await bench.send(await bench.session(), max_cost_usd=5))
        assert events[-1].event.error.code == "cost_unknown"


@pytest.mark.parametrize("window", [None, 1_000_000])
async def test_a_context_budget_compacts_before_the_window_is_full(open_bench, say, window) -> None:
    async with open_bench([say("a"), say("summary"), say("b")]) as bench:
        bench.catalog.window = window
        session = await bench.session()
        await bench.end(await bench.send(session, "old " * 3_000))
        events = await bench.end(await bench.send(session, "new", max_context_tokens=2_000))
        assert len(of(events, "context.compacted")) == 1
        assert "old old" not in str(bench.model.requests[-1].messages)


async def test_a_budget_over_the_window_changes_nothing(open_bench, say) -> None:
    async with open_bench([say("a"), say("summary"), say("b")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, "old " * 3_000))
        bench.catalog.window = 4_000
        events = await bench.end(await bench.send(session, "new", max_context_tokens=100_000))
        assert len(of(events, "context.compacted")) == 1


async def test_questions_alone_may_be_denied_at_once(open_bench, say, call) -> None:
    question = ("ask_user", json.dumps({"question": "Which?"}))
    async with open_bench([call(question, WRITE), say("as you wish")]) as bench:
        run_id = await bench.send(await bench.session(), questions="deny")
        await bench.workbench.approvals.decide((await bench.approval()).id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        assert sorted(each.outcome for each in of(events, "tool_call.completed")) == ["denied", "ok"]
        assert not of(events, "question.asked")


async def test_an_agent_is_told_what_it_is_called_in_a_run(open_bench, say) -> None:
    async with open_bench([say("a"), say("b")]) as bench:
        session = await bench.session()
        await bench.end(await bench.send(session, agent_name="Ada\nLovelace"))
        await bench.end(await bench.send(session))
        first, second = (request.messages[0].text for request in bench.model.requests)
        assert "You are called Ada Lovelace." in first
        assert "You are called" not in second


async def test_what_needs_a_person_is_denied_at_once_when_nobody_is_waited_for(open_bench, say, call) -> None:
    question = ("ask_user", json.dumps({"question": "Which?"}))
    free = ("write_file", json.dumps({"path": "free.md", "content": "x"}))
    async with open_bench([call(WRITE, WRITE, question, free), say("as you wish")]) as bench:
        events = await bench.end(await bench.send(await bench.session(), approvals="deny"))
        done = of(events, "tool_call.completed")
        assert sorted(each.outcome for each in done) == ["denied", "denied", "denied", "ok"]
        assert not of(events, "approval.requested")
        assert not of(events, "question.asked")
        results = [part for m in bench.model.requests[1].messages for part in m.parts if m.role == "tool"]
        told = [text_of(part.content) for part in results]
        assert sum("Nobody can give it in this run" in each for each in told) == 2
        assert sum("Go on without the answer" in each for each in told) == 1


async def test_a_format_without_a_bottom_is_refused(open_bench) -> None:
    schema: dict[str, Any] = {}
    for _ in range(120):
        schema = {"items": schema}
    async with open_bench([]) as bench:
        assert (await refused(bench, await bench.session(), response_format=schema)).code == "nested_too_deep"
