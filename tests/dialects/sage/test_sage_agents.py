"""Sage's agents: given back as they came, one of a name, shared for running and never for changing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.dialects.sage.asking import id_of, users

SENT: dict[str, Any] = {
    "id": "ignored",
    "name": "Research Agent",
    "systemPrefix": "You are a careful research assistant.",
    "systemContext": {"team": "Red", "limits": {"pages": 3}},
    "availableWorkflows": {"compare": ["search", "read", "compare"]},
    "availableTools": ["search_web_page", "no_such_tool", "update_plan"],
    "availableSubAgentIds": [],
    "availableSkills": ["market-research", "Not A Name"],
    "availableKnowledgeBases": ["gone"],
    "memoryType": "user",
    "maxLoopCount": 7,
    "deepThinking": True,
    "thinkingLevel": "max",
    "llm_provider_id": "provider_xxx",
    "enableMultimodal": True,
    "multiAgent": False,
    "agentMode": "fibre",
    "description": "Handles market research",
    "im_channels": {"feishu": {"token": "im-token-5"}},
    "unheard_of": 1,
}
NOBODYS = "0b8c7ee2-4a9f-4a5b-9a43-3b8b54d5a000"


@pytest.mark.covers("sage.create_agent", "sage.get_agent", "sage.list_agents")
async def test_an_agent_is_given_back_as_it_came_and_acts_as_it_says(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        answer = await ann("POST", "/agent/create", SENT)
        id = answer.json()["data"]["agent_id"]
        assert answer.json()["message"] == f"Agent '{id}' 创建成功"
        shown = await ann.data("GET", f"/agent/{id}")
        same = {"id", "unheard_of", "availableTools"}
        assert {key: shown[key] for key in SENT if key not in same} == {
            key: value for key, value in SENT.items() if key not in same
        }
        added = ["sys_spawn_agent", "sys_delegate_task", "search_memory"]
        assert shown["availableTools"] == [*SENT["availableTools"], *added]
        assert shown["user_id"] == await id_of(served, "ann") and shown["created_at"].count(":") == 2
        assert "+" not in shown["created_at"] and len(shown["created_at"].rpartition(".")[2]) == 6
        listed = await ann.data("GET", "/agent/list")
        assert shown in listed
        workbench = served.bench.workbench
        spec = (await workbench.as_principal(await principal(served, ann)).agents.get(id)).spec
        assert spec is not None
        assert spec.tool_names == ("web_search", "update_plan", "search_memory")
        assert spec.instructions.startswith("You are a careful research assistant.")
        assert "team: Red" in spec.instructions
        assert (spec.limits.max_steps, spec.mode, spec.workspace) == (7, "delegating", "agent")
        assert spec.memory.recall and spec.skills == ("market-research",) and spec.knowledge == ()
        assert spec.model_settings.reasoning_effort == "xhigh" and spec.model is None


async def principal(served: Any, asking: Any) -> Any:
    secret = asking.headers["Authorization"].partition(" ")[2]
    return await served.bench.workbench.authenticate(secret)


async def test_what_is_left_out_has_its_usual_value(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        id = (await ann.data("POST", "/agent/create", {"name": "小助手", "agentMode": "default"}))["agent_id"]
        shown = await ann.data("GET", f"/agent/{id}")
        assert (shown["agentMode"], shown["maxLoopCount"], shown["thinkingLevel"]) == ("simple", 10, "medium")
        nothing = ("systemPrefix", "systemContext", "availableTools", "availableSkills", "im_channels")
        assert [shown[name] for name in nothing] == [None] * len(nothing)
        assert shown["name"] == "小助手" and shown["is_default"] is False
        bench = served.bench.workbench.as_principal(await principal(served, ann))
        spec = (await bench.agents.get(id)).spec
        assert spec is not None and {"read_file", "run_command"} <= set(spec.tool_names)
        assert (spec.skills, [each.collection for each in spec.knowledge]) == (("*",), ["*"])


@pytest.mark.covers("sage.update_agent")
async def test_an_update_replaces_all_and_keeps_the_id(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        id = (await ann.data("POST", "/agent/create", SENT))["agent_id"]
        put = await ann("PUT", f"/agent/{id}", {"name": "Other", "availableTools": ["read_file"]})
        assert put.json()["message"] == f"Agent '{id}' 更新成功" and put.json()["data"] == {"agent_id": id}
        shown = await ann.data("GET", f"/agent/{id}")
        assert (shown["name"], shown["availableTools"], shown["memoryType"]) == ("Other", ["read_file"], None)
        gone = ("systemPrefix", "systemContext", "availableWorkflows", "description", "im_channels")
        assert [shown[name] for name in gone] == [None] * len(gone) and shown["maxLoopCount"] == 10
        assert (await ann("PUT", f"/agent/{id}", {"name": "Other"})).status_code == 200
        missing = await ann.refused("PUT", f"/agent/{NOBODYS}", {"name": "x"})
        assert missing == (500, f"Agent '{NOBODYS}' 不存在")


async def test_names_are_the_only_ones_of_their_user(serve_users: Any) -> None:
    async with serve_users() as served:
        ann, bob = await users(served, "ann", "bob")
        await ann.data("POST", "/agent/create", {"name": "Clerk"})
        other = (await ann.data("POST", "/agent/create", {"name": "Other"}))["agent_id"]
        for method, path in (("POST", "/agent/create"), ("PUT", f"/agent/{other}")):
            assert await ann.refused(method, path, {"name": " Clerk "}) == (500, "Agent 'Clerk' 已存在")
            assert await ann.refused(method, path, {"name": " "}) == (500, "Agent 名称不能为空")
            for value, said in ((0, "最大循环次数不能小于 1"), ("many", "最大循环次数必须为整数")):
                refused = await ann.refused(method, path, {"name": "New", "maxLoopCount": value})
                assert refused == (400, said)
        english = await ann.refused(
            "POST", "/agent/create", {"name": "Clerk"}, headers={"X-Sage-Locale": "en-US"}
        )
        assert english == (500, "Agent 'Clerk' already exists")
        assert (await bob("POST", "/agent/create", {"name": "Clerk"})).status_code == 200
        assert (await ann("POST", "/agent/create", {})).status_code == 422


async def test_of_several_at_the_same_time_one_gets_the_name(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        made = await asyncio.gather(*(ann("POST", "/agent/create", {"name": "Clerk"}) for _ in range(4)))
        assert sorted(answer.status_code for answer in made) == [200, 500, 500, 500]
        assert [each["name"] for each in await ann.data("GET", "/agent/list")].count("Clerk") == 1


@pytest.mark.covers("sage.delete_agent")
async def test_an_agent_goes_with_its_files(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        id = (await ann.data("POST", "/agent/create", {"name": "Clerk"}))["agent_id"]
        file = {"file": ("n.txt", b"five5")}
        await ann.data("POST", f"/agent/{id}/file_workspace/upload", files=file)
        deleted = await ann("DELETE", f"/agent/{id}")
        assert deleted.json()["message"] == f"Agent '{id}' 删除成功"
        assert await ann.refused("GET", f"/agent/{id}") == (500, f"Agent '{id}' 不存在")
        assert not list(served.bench.home.rglob("n.txt"))


@pytest.mark.covers("sage.get_agent_auth", "sage.update_agent_auth")
async def test_who_has_an_agent_shared_sees_it_and_changes_nothing(serve_users: Any) -> None:
    async with serve_users() as served:
        ann, bob, eve = await users(served, "ann", "bob", "eve")
        ids = {name: await id_of(served, name) for name in ("ann", "bob", "eve")}
        id = (await ann.data("POST", "/agent/create", SENT))["agent_id"]
        assert await bob.refused("GET", f"/agent/{id}") == (500, f"Agent '{id}' 不存在")
        given = await ann("POST", f"/agent/{id}/auth", {"user_ids": [ids["bob"], ids["ann"]]})
        assert (given.json()["data"], given.json()["message"]) == ({}, "更新授权成功")
        assert await ann.data("GET", f"/agent/{id}/auth") == [ids["bob"]]
        seen = await bob.data("GET", f"/agent/{id}")
        assert (seen["id"], seen["name"], seen["user_id"]) == (id, SENT["name"], ids["ann"])
        assert "team: Red" in seen["systemPrefix"]
        assert seen["im_channels"] is None and "im-token-5" not in str(seen)
        assert id in {each["id"] for each in await bob.data("GET", "/agent/list")}
        assert id not in {each["id"] for each in await eve.data("GET", "/agent/list")}
        for method, path, body, said in (
            ("PUT", f"/agent/{id}", {"name": "Mine"}, "无权更新该Agent"),
            ("DELETE", f"/agent/{id}", None, "无权删除该Agent"),
            ("GET", f"/agent/{id}/auth", None, "无权查看授权用户"),
            ("POST", f"/agent/{id}/auth", {"user_ids": [ids["eve"]]}, "无权修改授权"),
        ):
            assert await bob.refused(method, path, body) == (500, said)
            assert await eve.refused(method, path, body) == (500, f"Agent '{id}' 不存在")
        unknown = await ann.refused("POST", f"/agent/{id}/auth", {"user_ids": ["nobody"]})
        assert unknown == (500, "用户不存在")
        await ann.data("POST", f"/agent/{id}/auth", {"user_ids": []})
        assert await bob.refused("GET", f"/agent/{id}") == (500, f"Agent '{id}' 不存在")


async def test_no_shared_agent_gets_work_unasked(serve_users: Any) -> None:
    async with serve_users() as served:
        ann, eve = await users(served, "ann", "eve")
        hers = (await eve.data("POST", "/agent/create", {"name": "Helper"}))["agent_id"]
        await eve.data("POST", f"/agent/{hers}/auth", {"user_ids": [await id_of(served, "ann")]})
        own = (await ann.data("POST", "/agent/create", {"name": "Own"}))["agent_id"]
        bench = served.bench.workbench.as_principal(await principal(served, ann))
        for named, has in ((None, False), ([hers], True)):
            sent = {"name": f"Team {has}", "agentMode": "team", "availableSubAgentIds": named}
            id = (await ann.data("POST", "/agent/create", sent))["agent_id"]
            spec = (await bench.agents.get(id)).spec
            assert spec is not None
            subs = [each.agent for each in spec.subagents]
            assert (hers in subs, own in subs) == (has, not has)


async def test_those_with_a_shared_agent_have_files_of_their_own(serve_users: Any) -> None:
    async with serve_users() as served:
        ann, bob = await users(served, "ann", "bob")
        id = (await ann.data("POST", "/agent/create", {"name": "Clerk"}))["agent_id"]
        await ann.data("POST", f"/agent/{id}/auth", {"user_ids": [await id_of(served, "bob")]})
        for user, content in ((ann, b"of ann"), (bob, b"of bob")):
            await user.data("POST", f"/agent/{id}/file_workspace/upload", files={"file": ("n.txt", content)})
        got = await ann("GET", f"/agent/{id}/file_workspace/download", params={"file_path": "n.txt"})
        assert got.content == b"of ann"
        got = await bob("GET", f"/agent/{id}/file_workspace/download", params={"file_path": "n.txt"})
        assert got.content == b"of bob"


async def test_what_comes_with_holdfast_is_nobodys_to_change(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        shipped = next(each for each in await ann.data("GET", "/agent/list") if each["user_id"] is None)
        path = f"/agent/{shipped['id']}"
        assert await ann.refused("PUT", path, {"name": "Mine"}) == (500, "无权更新该Agent")
        assert await ann.refused("DELETE", path) == (500, "无权删除该Agent")


@pytest.mark.covers("sage.default_system_prompt", "sage.agent_abilities")
async def test_there_is_a_prompt_to_start_from_and_what_an_agent_can_do(serve_users: Any) -> None:
    async with serve_users() as served:
        (ann,) = await users(served, "ann")
        path = "/agent/template/default_system_prompt"
        assert (await ann.data("GET", path))["content"].startswith("## Role")
        assert (await ann.data("GET", path, params={"language": "zh"}))["content"].startswith("## 角色")
        id = (await ann.data("POST", "/agent/create", SENT))["agent_id"]
        found = await ann.data("POST", "/agent/abilities", {"agent_id": id})
        assert [(each["title"], each["description"]) for each in found["items"]] == [
            ("compare", "search；read；compare")
        ]
        missing = await ann.refused("POST", "/agent/abilities", {"agent_id": "nothing"})
        assert missing == (500, "Agent 'nothing' 不存在")
