"""Agents and prompts drafted by a model: checked, mended once, counted; from a template without a model."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.runs.conftest import open_bench as open_bench
from tests.runs.conftest import say as say

from holdfast.core.domain.errors import BudgetSpent, ConflictError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.limits import Budget
from holdfast.core.domain.models import UsageReport
from holdfast.core.services.draft_tasks import KEPT, MOST_AT_ONCE, MOST_KEPT, DraftTasks

AGENT = {
    "name": "Hotel finder",
    "description": "Finds hotels.",
    "instructions": "You find hotels.\n",
    "tools": ["web_search", "rm_rf", "web_search"],
    "workflows": {"search": ["look", "compare"]},
    "more": 1,
}
USAGE = UsageReport(input_tokens=100, output_tokens=20, cost_usd=0.5)
PROMPT = {
    "sections": {"role": "A careful clerk.", "tool_guidance": "Search first.", "constraints": "No guesses."},
    "findings": {"role": "A clerk."},
}


@pytest.fixture
def door() -> str:
    return "remote"


async def test_a_model_drafts_an_agent_with_the_tools_there_are(open_bench: Any, say: Any) -> None:
    async with open_bench([[USAGE, *say("Here:\n```json\n" + json.dumps(AGENT) + "\n```")]]) as bench:
        draft = await bench.workbench.drafts.agent("Finds hotels > in Rome", language="en")
        assert (draft.display_name, draft.tools, draft.by) == ("Hotel finder", ("web_search",), "model")
        assert draft.model == "scripted" and draft.workflows == {"search": ("look", "compare")}
        request = bench.model.requests[0]
        assert request.response_format is not None and "hotels > in Rome" in str(request.messages[1])
        used = await bench.workbench.usage.report(by="model")
        assert [(group.key, group.input_tokens > 0) for group in used.groups] == [("scripted", True)]


async def test_what_is_no_draft_is_asked_for_once_more(open_bench: Any, say: Any) -> None:
    async with open_bench([say('{"name": ""}'), say(json.dumps(AGENT))]) as bench:
        draft = await bench.workbench.drafts.agent("Finds hotels", ("web_search",))
        assert draft.display_name == "Hotel finder"
        assert "cannot be used: name:" in str(bench.model.requests[1].messages[1])
    async with open_bench([say("Sorry."), say("No.")]) as bench:
        with pytest.raises(HoldfastError) as refused:
            await bench.workbench.drafts.agent("Finds hotels")
        assert refused.value.code == "unusable_draft"


async def test_a_model_improves_a_prompt(open_bench: Any, say: Any) -> None:
    async with open_bench([say(json.dumps(PROMPT)), say(json.dumps(PROMPT))]) as bench:
        draft = await bench.workbench.drafts.prompt("be clerk", "short", "zh")
        assert draft.text.splitlines()[0] == "## 角色" and "### 工具使用指导\n\nSearch first." in draft.text
        assert draft.text.endswith("## 限制\n\nNo guesses.") and "技能" not in draft.text
        assert draft.findings.role == "A clerk."
        english = await bench.workbench.drafts.prompt("be clerk", language="en-GB")
        assert english.text.startswith("## Role\n\nA careful clerk.")


async def test_without_a_model_a_template_says_that_it_is_one(open_bench: Any) -> None:
    settings = {"models": {"default": "offline"}}
    async with open_bench(more_settings=settings, known_models=True) as bench:
        drafts = bench.workbench.drafts
        draft = await drafts.agent("Finds hotels in Rome.\nCheap ones.")
        assert (draft.by, draft.model, draft.display_name) == ("template", "", "Finds hotels in Rome.")
        assert "Cheap ones." in draft.instructions
        assert set(draft.tools) == {"ask_user", "update_plan", "list_files", "read_file", "search_files"}
        given = await drafts.agent("查找酒店", ("web_search",), "zh-CN")
        assert given.tools == ("web_search",) and "助手" in given.instructions
        better = await drafts.prompt("You are a clerk.\nBe kind.", "shorter")
        assert better.by == "template" and "Be kind." in better.text and "shorter" in better.text
        assert bench.model.requests == []
        made = await bench.workbench.agents.compose(
            draft.model_dump(include={"display_name", "instructions"})
        )
        assert made.spec is not None and "hotels" in made.spec.instructions


async def test_a_draft_counts_for_budgets(open_bench: Any, say: Any) -> None:
    async with open_bench([[USAGE, *say(json.dumps(AGENT))], say(json.dumps(AGENT))]) as bench:
        bench.catalog.prices["scripted"] = 10.0
        budgets = (Budget(amount=0.000001),)
        await bench.workbench.usage.set_limit("user", "local", budgets=budgets)
        await bench.workbench.drafts.agent("Finds hotels")
        with pytest.raises(BudgetSpent):
            await bench.workbench.drafts.agent("Finds hotels")
        assert len(bench.model.requests) == 1
        assert (await bench.workbench.usage.report(by="model")).groups[0].cost_usd > 0


async def test_who_comes_back_for_a_draft_finds_it(open_bench: Any, say: Any) -> None:
    async with open_bench([say(json.dumps(AGENT)), say("No."), say("No.")]) as bench:
        drafts = bench.workbench.drafts
        begun = await drafts.submit_agent("Finds hotels")
        assert (begun.kind, begun.status) == ("agent", "pending")
        done = await ended(drafts, begun.id)
        assert done.status == "completed" and done.agent is not None and done.agent.by == "model"
        failed = await ended(drafts, (await drafts.submit_prompt("be clerk")).id)
        assert (
            failed.status == "failed" and failed.error is not None and failed.error.code == "unusable_draft"
        )
        assert (await drafts.cancel(begun.id)).status == "completed"
        with pytest.raises(NotFoundError):
            await drafts.task("nothing")
        with pytest.raises(InvalidError):
            await drafts.submit_agent(" ")


async def ended(drafts: Any, id: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            task = await drafts.task(id)
            if task.status not in ("pending", "running"):
                return task


async def test_drafts_are_kept_for_half_an_hour_each_for_its_own_user() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    tasks = DraftTasks(lambda: now)
    never = asyncio.Event()

    async def wait() -> Any:
        await never.wait()

    begun = tasks.begin("ann", "agent", wait)
    with pytest.raises(NotFoundError):
        tasks.get("bob", begun.id)
    for _ in range(MOST_AT_ONCE - 1):
        tasks.begin("ann", "prompt", wait)
    with pytest.raises(ConflictError) as refused:
        tasks.begin("ann", "agent", wait)
    assert refused.value.code == "too_many_drafts"
    assert (await tasks.cancel("ann", begun.id)).status == "cancelled"
    now += KEPT + timedelta(seconds=1)
    with pytest.raises(NotFoundError):
        tasks.get("ann", begun.id)
    await tasks.forget_user("ann")
    await tasks.close()


async def test_the_oldest_draft_gives_way_but_none_that_is_written() -> None:
    tasks = DraftTasks(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    never = asyncio.Event()

    async def fail() -> Any:
        raise InvalidError("No.", code="invalid_request")

    async def wait() -> Any:
        await never.wait()

    written = tasks.begin("ann", "agent", wait)
    others = tasks.begin("bob", "agent", fail)
    ended = []
    for _ in range(MOST_KEPT + 1):
        ended.append(tasks.begin("ann", "prompt", fail).id)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert tasks.get("ann", written.id).status == "running"
    assert tasks.get("bob", others.id).status == "failed"
    assert tasks.get("ann", ended[1]).status == "failed"
    with pytest.raises(NotFoundError):
        tasks.get("ann", ended[0])
    await tasks.close()
