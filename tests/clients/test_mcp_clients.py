"""MCP clients of others before our server: the SDK for TypeScript, which many programs have, and FastMCP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from clients_running import run_program, run_script
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import API, Door
from tests.e2e.presence import client_folder, client_python, program

pytestmark = pytest.mark.thorough

HERE = Path(__file__).parent
AGENT = "description: Writes.\ntools: [write_file]\nmodel: {model}\n"
NAME = "writer-of-tests"
WRITE = {
    "type": "tool_call",
    "key": "1",
    "name": "write_file",
    "arguments": {"path": "a.md", "content": "Alpha\n"},
}


def scripted(bench: Bench) -> None:
    steps = [[WRITE], [{"type": "text", "text": "Written."}]]
    bench.agent(NAME, AGENT.format(model=bench.script("s", *steps, by="conversation")))


def check_decided(said: dict[str, Any]) -> None:
    assert {f"agent_{NAME}", "get_run"} <= set(said["tools"])
    (form,) = said["forms"]
    assert "+Alpha" in form
    found = said["result"]["structuredContent"]
    assert (found["status"], found["reply"]) == ("completed", "Written.")
    assert "write_file a.md" in said["progress"]


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_the_sdk_for_typescript_asks_its_person_or_learns_what_waits(
    bench: Bench, door: Door, way: str
) -> None:
    folder, node = client_folder("mcp-typescript", "node_modules"), program("node")
    scripted(bench)
    url = door.url.removesuffix(API)
    where = ["stdio", *bench.command("mcp", "serve")] if way == "stdio" else [url, door.key]
    script = HERE / "ask_with_mcp_sdk.cjs"
    said = json.loads(
        await run_program(node, script, folder, *where, cwd=bench.root, environment=bench.environment)
    )
    check_decided(said["decided"])
    assert "agent_nobody" in said["decided"]["unknown"]
    left = said["left"]["result"]["structuredContent"]
    assert (left["status"], left["waiting"][0]["about"]) == ("waiting", "write_file a.md")


async def test_fastmcp_asks_its_person_and_raises_what_is_an_error(bench: Bench, door: Door) -> None:
    python = client_python("fastmcp")
    scripted(bench)
    script = HERE / "ask_with_fastmcp.py"
    said = await run_script(python, script, door.url.removesuffix(API), door.key, cwd=bench.root)
    check_decided(said)
    assert "invalid_arguments" in said["refused"]
