"""Tools through Sage's API: listed in its shape, and run directly under the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.mcp import McpServerSpec

TOOLS, EXEC = "/sage/api/tools", "/sage/api/tools/exec"
ENGLISH = {"X-Sage-Locale": "en-US"}
SAYS = """
TOOLS = [{"name": "tell", "description": "Tells all.", "inputSchema": {"type": "object", "properties": {}}}]
def call(params):
    return '{"success": true, "content": "told by the server"}'
"""


async def listed(served: Any, query: str = "", headers: Any = None) -> dict[str, Any]:
    answer = await served.http.get(TOOLS + query, headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (200, "获取工具列表成功")
    return {each["name"]: each for each in answer.json()["data"]["tools"]}


async def run(served: Any, name: str, headers: Any = None, code: int = 200, **arguments: Any) -> Any:
    body = {"tool_name": name, "tool_params": arguments}
    answer = await served.http.post(EXEC, json=body, headers=headers)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (code, code), answer.text
    return said["data"] if code == 200 else said["message"]


@pytest.mark.covers("sage.list_tools")
async def test_tools_are_listed_under_our_names_in_sages_shape(serve: Any, tmp_path: Path) -> None:
    async with serve() as served:
        command = tuple(small_server(tmp_path / "server.py", SAYS))
        await served.bench.workbench.mcp.add(McpServerSpec(name="small", command=command))
        everything = await listed(served)
        reading = everything["read_file"]
        assert (reading["type"], reading["source"], reading["required"]) == ("basic", "基础工具", ["path"])
        assert reading["input_schema"]["properties"].keys() == reading["parameters"].keys()
        path = reading["parameters"]["path"]
        assert (path["type"], path["description_i18n"]["en"]) == ("string", path["description"])
        assert reading["parameters"]["limit"]["type"] == "integer"
        told = everything["mcp__small__tell"]
        assert (told["type"], told["source"], told["server_kind"]) == ("mcp", "MCP Server: small", "external")
        assert told["description"] == "Tells all."
        assert list(await listed(served, "?type=mcp")) == ["mcp__small__tell"]
        assert "mcp__small__tell" not in await listed(served, "?type=basic&language=en")
        assert await listed(served, "?type=sage_mcp") == await listed(served, "?type=other") == {}


@pytest.mark.covers("sage.execute_tool")
async def test_a_tool_is_run_and_its_failure_is_a_result(serve: Any) -> None:
    async with serve() as served:
        done = await run(served, "list_files", session_id="s", user_id="u")
        assert done["parsed"]["success"] is True
        assert done["content"] == done["tool_response"] == done["raw_text"] == done["formatted_text"]
        missing = await run(served, "file_read", file_path="nothing.txt")
        assert missing["parsed"]["success"] is False
        assert "nothing.txt" in missing["parsed"]["error"]
        wrong = await run(served, "read_file", start=7)
        assert (wrong["parsed"]["success"], wrong["parsed"]["status"]) == (False, "error")
        other = await served.http.post(EXEC, json={"tool_name": "grep", "arguments": {"pattern": "x"}})
        assert other.json()["data"]["parsed"]["success"] is True
        assert (await served.bench.workbench.sessions.list()).items == ()


async def test_what_is_no_tool_is_told(serve: Any) -> None:
    async with serve() as served:
        assert await run(served, "no_such_tool", code=500) == "工具不存在"
        assert await run(served, "mcp__nowhere__tell", ENGLISH, code=500) == "Tool not found"
        for body in ({}, {"tool_name": ""}, {"tool_name": "read_file", "tool_params": 7}):
            answer = await served.http.post(EXEC, json=body)
            assert (answer.status_code, answer.json()["detail"][0]["loc"][0]) == (422, "body")


async def test_what_needs_an_approval_is_refused_at_once(serve: Any, tmp_path: Path) -> None:
    async with serve() as served:
        command = tuple(small_server(tmp_path / "server.py", SAYS))
        await served.bench.workbench.mcp.add(McpServerSpec(name="small", command=command))
        for name in ("web_search", "search_web_page"):
            said = await run(served, name, ENGLISH, code=500, query="Sage repository")
            assert said.startswith("Not allowed to use this tool: This call needs a person's approval")
        assert (await run(served, "mcp__small__tell", code=500)).startswith("无权使用该工具: ")
        asked = await run(served, "ask_user", code=500, question="Which one?")
        assert "Nobody can answer" in asked
        await served.bench.workbench.approvals.add_rule("mcp__small__*", Verdict.ALLOW)
        told = await run(served, "mcp__small__tell")
        assert (told["content"], told["parsed"]["success"]) == ("told by the server", True)
        await served.bench.workbench.approvals.add_rule("list_files", Verdict.DENY)
        assert "policy denies list_files" in await run(served, "list_files", code=500)


async def test_who_is_no_administrator_runs_tools_in_a_folder_of_his_own(serve_users: Any) -> None:
    async with serve_users() as served:
        ann = await served.user("ann")
        (served.bench.home / "data" / "projects" / "local").mkdir(parents=True, exist_ok=True)
        (served.bench.home / "data" / "projects" / "local" / "mine.txt").write_text("a private line")
        assert (await run(served, "list_files", ann))["parsed"]["success"] is True
        for path in ("mine.txt", "../local/mine.txt", str(served.bench.home / "config" / "settings.yaml")):
            got = await run(served, "read_file", ann, path=path)
            assert (got["parsed"]["success"], "a private line" in got["raw_text"]) == (False, False)
