"""Modes and workflows: what a run's model is told, and what it has for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import ModelSettings
from holdfast.core.domain.runs import RunOptions
from holdfast.core.runs.ways import PLAN_TOOL, WAY_HEADER, WORKFLOWS_HEADER

TEAM = "subagents: [{agent: tester, description: The same again.}]\n"
REVIEW = "workflows: {review: [Read the change, Run the tests], release: [Tag it]}\n"
PLAN = (PLAN_TOOL, json.dumps({"items": [{"text": "Read the change", "status": "in_progress"}]}))


@pytest.fixture(params=["local", "remote"])
def door(request: Any) -> str:
    return request.param


async def system_of(bench: Any, **options: Any) -> str:
    """Returns the system prompt of a run with the options."""
    await bench.end(await bench.send(await bench.session(), **options))
    return bench.model.requests[-1].messages[0].text


def tools_of(bench: Any) -> set[str]:
    return {tool.name for tool in bench.model.requests[-1].tools}


async def refused(bench: Any, **options: Any) -> InvalidError:
    session = await bench.session()
    with pytest.raises(InvalidError) as caught:
        await bench.workbench.runs.send(session.id, (TextPart(text="Hi"),), RunOptions(**options))
    return caught.value


async def test_single_takes_the_sub_agents_away_and_team_leads_them(open_bench, say) -> None:
    async with open_bench([say("ok")] * 4, agent=TEAM) as bench:
        assert WAY_HEADER not in await system_of(bench)
        assert "delegate" in tools_of(bench)
        await system_of(bench, mode="single")
        assert not {"delegate", "child_runs", "hand_over"} & tools_of(bench)
        assert "You lead a team" in await system_of(bench, mode="team")
        assert "Hand other agents" in await system_of(bench, mode="delegating")


async def test_an_agent_without_others_is_not_told_to_lead_them(open_bench, say) -> None:
    async with open_bench([say("ok")]) as bench:
        assert WAY_HEADER not in await system_of(bench, mode="team")


async def test_the_options_mode_stands_in_the_place_of_the_agents(open_bench, say) -> None:
    async with open_bench([say("ok")] * 2, agent=f"{TEAM}mode: single\n") as bench:
        await system_of(bench)
        assert "delegate" not in tools_of(bench)
        await system_of(bench, mode="team")
        assert "delegate" in tools_of(bench)


@pytest.mark.parametrize(
    ("more", "effort"),
    [
        ({}, "high"),
        ({"reasoning": False}, "none"),
        ({"reasoning": True}, "high"),
        ({"model_settings": ModelSettings(reasoning_effort="low")}, "low"),
    ],
)
async def test_deep_thinks_in_passes_with_high_effort_unless_the_run_says_otherwise(
    open_bench, say, more, effort
) -> None:
    async with open_bench([say("ok")]) as bench:
        assert "Work in passes" in await system_of(bench, mode="deep", **more)
        assert bench.model.requests[0].settings.reasoning_effort == effort


async def test_an_unknown_mode_is_refused_with_those_that_there_are(open_bench) -> None:
    async with open_bench() as bench:
        error = await refused(bench, mode="swarm\x1b[2J")
        assert error.code == "unknown_mode"
        assert "single, delegating, team, deep" in error.message and "\x1b" not in error.message


async def test_the_workflows_of_an_agent_are_offered_and_one_may_be_chosen(open_bench, say) -> None:
    async with open_bench([say("ok")] * 2, agent=REVIEW) as bench:
        offered = await system_of(bench)
        assert "## review\n1. Read the change\n2. Run the tests" in offered and "## release" in offered
        chosen = await system_of(bench, workflow="review")
        assert "1. Read the change\n2. Run the tests" in chosen and "Tag it" not in chosen


async def test_a_request_brings_workflows_and_the_tool_that_shows_how_far_they_are(
    open_bench, say, call
) -> None:
    async with open_bench([call(PLAN), say("ok")]) as bench:
        source = (await bench.workbench.agents.source("tester")).text
        await bench.workbench.agents.update("tester", source.replace(", update_plan]", "]"))
        run_id = await bench.send(await bench.session(), workflows={"a": ("One\x1b[2J",)}, workflow="a")
        events = await bench.end(run_id)
        assert "1. One[2J" in bench.model.requests[0].messages[0].text
        assert events[0].event.plan == ("One\x1b[2J",)
        (done,) = [each.event for each in events if each.event.type == "tool_call.completed"]
        assert (done.outcome, done.display[0].items[0].text) == ("ok", "Read the change")


async def test_tools_that_a_caller_narrows_stay_narrow(open_bench, say) -> None:
    async with open_bench([say("ok")], agent=REVIEW) as bench:
        system = await system_of(bench, tools=("read_file",), workflow="review")
        assert tools_of(bench) == {"read_file"}
        assert WORKFLOWS_HEADER in system and PLAN_TOOL not in system


async def test_an_unknown_workflow_is_refused_with_those_that_there_are(open_bench) -> None:
    async with open_bench(agent=REVIEW) as bench:
        error = await refused(bench, workflow="revue")
        assert error.code == "unknown_workflow" and "review, release" in error.message
        assert (await refused(bench, workflow="review", workflows={})).code == "unknown_workflow"
