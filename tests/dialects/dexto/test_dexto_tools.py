"""The tools of agents, and discovery, through Dexto's API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.mcp import tool_name
from holdfast.core.domain.tools import Risk, ToolInfo
from holdfast.server.dialects.dexto.mapping_tools import tools

SERVER = """
SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "description": "What."}}}
TOOLS = [{"name": "echo", "description": "Says it again.", "inputSchema": SCHEMA}]
"""


@pytest.mark.covers("dexto.list_tools")
async def test_all_tools_of_the_active_agent_are_listed(serve: Any, tmp_path: Path) -> None:
    async with serve() as served:
        await served.bench.workbench.users.annotate({"dexto": {"agent": "tester"}})
        command, *args = small_server(tmp_path / "s.py", SERVER)
        config = {"type": "stdio", "command": command, "args": args}
        await served.http.post("/dexto/api/mcp/servers", json={"name": "My Notes", "config": config})
        listing = (await served.http.get("/dexto/api/tools")).json()
        *internal, echo = listing["tools"]
        assert internal
        assert {each["source"] for each in internal} == {"internal"}
        assert all(each["id"] == each["name"] and each["name"].startswith("internal--") for each in internal)
        assert [each["name"] for each in internal] == sorted(each["name"] for each in internal)
        schema = echo.pop("inputSchema")
        assert echo == {
            "id": "mcp--echo",
            "name": "mcp--echo",
            "description": "Says it again.",
            "source": "mcp",
            "serverName": "My Notes",
        }
        assert schema["properties"]["text"]["description"] == "What."
        counts = {name: each for name, each in listing.items() if name != "tools"}
        total = len(internal) + 1
        assert counts == {
            "totalCount": total,
            "internalCount": len(internal),
            "customCount": 0,
            "mcpCount": 1,
        }


@pytest.mark.covers("dexto.get_discovery")
async def test_discovery_names_what_there_is(serve: Any) -> None:
    async with serve() as served:
        found = (await served.http.get("/dexto/api/discovery")).json()
        assert set(found) == {"blob", "database", "compaction", "customTools", "internalTools"}
        for category in ("blob", "database", "compaction", "customTools"):
            assert {each["category"] for each in found[category]} == {category}
            assert all(set(each["metadata"]) == {"displayName", "description"} for each in found[category])
        assert [each["type"] for each in found["database"]] == ["sqlite"]
        known = {each.name for each in await served.bench.workbench.tools.list()}
        assert {each["name"] for each in found["internalTools"]} == known


def info(name: str, source: str) -> ToolInfo:
    return ToolInfo(name=name, description=name, risk=Risk.READ, parameters={}, source=source)


def test_tools_stand_by_source_and_those_of_two_servers_are_told_apart() -> None:
    given = [
        info(tool_name("a", "search"), "mcp"),
        info(tool_name("b", "search"), "mcp"),
        info(tool_name("a", "only"), "mcp"),
        info("mine", "custom"),
        info("z", "builtin"),
        info("b", "builtin"),
        info("b", "builtin"),
    ]
    made = tools(given, {"a": "A"})
    assert [(each.name, each.server_name) for each in made.tools] == [
        ("internal--b", None),
        ("internal--z", None),
        ("custom--mine", None),
        ("mcp--a--search", "A"),
        ("mcp--b--search", "b"),
        ("mcp--only", "A"),
    ]
    assert (made.total_count, made.internal_count, made.custom_count, made.mcp_count) == (6, 2, 1, 3)
