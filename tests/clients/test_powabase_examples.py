"""Every example of Powabase's documentation of agents, with `requests` and nothing of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from clients_running import run_script
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import API, Door
from tests.e2e.presence import client_python

pytestmark = pytest.mark.thorough

SCRIPT = Path(__file__).with_name("use_powabase.py")
EXPECTED = {
    "create": 201,
    "list": 200,
    "get": 200,
    "update": 200,
    "assign": 201,
    "tools": 200,
    "override": 200,
    "typo": 200,
    "system": 400,
    "unassign": 200,
    "base": 201,
    "link": 201,
    "again": 409,
    "linked": 200,
    "unlink": 200,
    "server": 201,
    "taken": 409,
    "servers": 200,
    "move": 200,
    "remove": 200,
    "hook": 201,
    "hooks": 200,
    "unhook": 200,
    "model": 200,
    "writer": 201,
    "run": 200,
    "approve": 200,
    "stream": 200,
    "record": 200,
    "sessions": 200,
    "two": 400,
    "delete": 200,
    "gone": 404,
}


async def test_the_documentation_is_followed_from_top_to_bottom(bench: Bench, door: Door) -> None:
    python = client_python("powabase")
    write = {"type": "tool_call", "key": "1", "name": "write_file"}
    steps: list[list[dict[str, Any]]] = [
        [{"type": "text", "text": "Hello yourself."}],
        [{**write, "arguments": '{"path": "notes.md", "content": "x"}'}],
        [{"type": "reasoning", "text": "Done, so I say it."}, {"type": "text", "text": "Written."}],
    ]
    model = bench.script("s", *steps, by="conversation")
    url = f"{door.url.removesuffix(API)}/powabase"
    said = await run_script(python, SCRIPT, url, door.key, model, cwd=bench.root)
    assert {name: answer["status"] for name, answer in said.items()} == EXPECTED
    bodies = {name: answer["body"] for name, answer in said.items()}
    refused = ("system", "again", "taken", "two", "gone")
    assert all(isinstance(bodies[name]["error"], str) for name in refused)

    assert bodies["update"]["settings"] == {"temperature": 0.5}
    assert bodies["create"]["id"] in [one["id"] for one in bodies["list"]["agents"]]
    schemas = {"schemas": {"public": ["users", "orders"]}}
    assert bodies["override"]["config_override"] == bodies["typo"]["config_override"] == schemas
    assert bodies["move"]["url"] == "https://new-url.com"
    assert (bodies["hook"]["event"], bodies["hook"]["type"]) == ("before_run", "webhook")

    assert (bodies["run"]["content"], bodies["run"]["status"]) == ("Hello yourself.", "completed")
    events = bodies["stream"]
    names = [one["event"] for one in events]
    assert (names[0], names[-1]) == ("start", "complete")
    assert {"tool_call", "approval_requested", "tool_result", "reasoning"} <= set(names)
    assert "".join(one["content"] for one in events if one["event"] == "chunk") == "Written."
    assert events[-1]["session_id"] == bodies["run"]["session_id"] == bodies["record"]["session_id"]
    assert bodies["record"]["tool_calls"][0]["tool_name"] == "write_file"
    assert bodies["sessions"]["sessions"][0]["run_count"] == 2
