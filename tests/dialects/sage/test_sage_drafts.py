"""Sage's drafts of agents and prompts: by a model, from a template, at once and for who comes back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.dialects.sage.asking import Asking, users

DRAFTED = {
    "name": "Hotel finder",
    "description": "Finds hotels.",
    "instructions": "You find hotels.",
    "tools": ["search_web_page", "made_up"],
    "workflows": {"search": ["look", "compare"]},
}
IMPROVED = {"sections": {"role": "A clerk.", "skills": "Counting."}, "findings": {"role": "None yet."}}
WANTED = {"agent_description": "Finds hotels", "available_tools": ["search_web_page", "file_read"]}


@pytest.mark.covers("sage.auto_generate_agent")
async def test_an_agent_is_drafted_by_the_model(serve_users: Any, say: Any) -> None:
    async with serve_users([say(json.dumps(DRAFTED))]) as served:
        (ann,) = await users(served, "ann")
        draft = await ann.data("POST", "/agent/auto-generate", WANTED)
        assert (draft["name"], draft["systemPrefix"]) == ("Hotel finder", "You find hotels.")
        assert draft["availableTools"] == ["search_web_page"] and draft["id"] == ""
        assert draft["availableWorkflows"] == {"search": ["look", "compare"]}
        assert (draft["version"], draft["maxLoopCount"], draft["draftedBy"]) == ("1.0", 100, "model")
        assert draft["llmConfig"] == {"model": "", "maxTokens": "", "temperature": ""}
        made = await ann.data("POST", "/agent/create", draft)
        assert (await ann.data("GET", f"/agent/{made['agent_id']}"))["name"] == "Hotel finder"
        empty = await ann.refused("POST", "/agent/auto-generate", {"agent_description": " "})
        assert empty == (500, "Agent 描述不能为空")


@pytest.mark.covers("sage.optimize_system_prompt")
async def test_a_prompt_is_improved_by_the_model(serve_users: Any, say: Any) -> None:
    async with serve_users([say(json.dumps(IMPROVED))]) as served:
        (ann,) = await users(served, "ann")
        asked = {"original_prompt": "be clerk!", "optimization_goal": "short", "language": "zh"}
        answer = await ann("POST", "/agent/system-prompt/optimize", asked)
        better = answer.json()["data"]
        assert answer.json()["message"] == "系统提示词优化成功" and better["success"]
        assert better["optimized_prompt"] == "## 角色\n\nA clerk.\n\n## 技能\n\nCounting."
        assert better["analysis"]["role_info"] == "None yet." and better["sections"]["skills"] == "Counting."
        assert better["optimization_details"] == {
            "original_length": 9,
            "optimized_length": len(better["optimized_prompt"]),
            "optimization_goal": "short",
        }


async def test_without_a_model_a_template_says_so(serve_users: Any) -> None:
    offline = {"models": {"default": "offline"}}
    async with serve_users(more_settings=offline, known_models=True) as served:
        (ann,) = await users(served, "ann")
        answer = await ann("POST", "/agent/auto-generate", WANTED)
        assert "模板" in answer.json()["message"] and answer.json()["data"]["draftedBy"] == "template"
        english = await ann(
            "POST",
            "/agent/system-prompt/optimize",
            {"original_prompt": "You are a clerk."},
            headers={"X-Sage-Locale": "en"},
        )
        assert "template" in english.json()["message"]
        assert english.json()["data"]["optimized_prompt"].startswith("## Role\n\nYou are a clerk.")


async def ended(asking: Asking, id: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            task = await asking.data("GET", f"/agent/tasks/{id}")
            if task["status"] not in ("pending", "running"):
                return task


@pytest.mark.covers(
    "sage.submit_auto_generate_agent", "sage.submit_optimize_system_prompt", "sage.get_agent_task"
)
async def test_who_comes_back_for_a_draft_finds_it(serve_users: Any, say: Any) -> None:
    async with serve_users(
        [say(json.dumps(DRAFTED)), say(json.dumps(IMPROVED)), say("?"), say("?")]
    ) as served:
        ann, bob = await users(served, "ann", "bob")
        task = await ann.data("POST", "/agent/auto-generate/submit", WANTED)
        assert (task["task_type"], task["status"], task["result"]) == ("agent_auto_generate", "pending", None)
        done = await ended(ann, task["task_id"])
        assert done["status"] == "completed" and done["result"]["name"] == "Hotel finder"
        assert await bob.refused("GET", f"/agent/tasks/{task['task_id']}") == (500, "任务不存在")
        path = "/agent/system-prompt/optimize/submit"
        better = await ann.data("POST", path, {"original_prompt": "be clerk"})
        done = await ended(ann, better["task_id"])
        assert done["task_type"] == "system_prompt_optimize"
        assert done["result"]["optimization_details"]["original_length"] == 8
        failed = await ann.data("POST", path, {"original_prompt": "be clerk"})
        done = await ended(ann, failed["task_id"])
        assert (done["status"], done["error"]["code"]) == ("failed", 500) and done["error"]["message"]


@pytest.mark.covers("sage.cancel_agent_task")
async def test_a_draft_is_cancelled(serve_users: Any) -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def endless(request: Any) -> Any:
        started.set()
        await never.wait()
        yield

    async with serve_users([endless]) as served:
        ann, bob = await users(served, "ann", "bob")
        task = await ann.data("POST", "/agent/auto-generate/submit", WANTED)
        path = f"/agent/tasks/{task['task_id']}/cancel"
        assert await bob.refused("POST", path) == (500, "任务不存在")
        assert (await ann.data("POST", path))["status"] == "cancelled"
        assert (await ended(ann, task["task_id"]))["status"] == "cancelled"
