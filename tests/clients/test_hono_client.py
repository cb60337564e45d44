"""`hono/client`, which Dexto's own client is made of, against Dexto's API, with nothing of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients_running import run_program
from tests.e2e.bench import Bench
from tests.e2e.over_tcp import API, Door
from tests.e2e.presence import client_folder, program

pytestmark = pytest.mark.thorough

SCRIPT = Path(__file__).with_name("use_hono.mjs")
STATUS = {"create": 201, "busy": 202, "queue": 201, "gone": 404, "invalid": 400}


async def test_dextos_own_calls_go_through_hono(bench: Bench, door: Door) -> None:
    folder, node = client_folder("hono", "node_modules"), program("node")
    write = {"type": "tool_call", "key": "1", "name": "write_file"}
    steps: list[list[dict[str, Any]]] = [
        [{"type": "text", "text": "Hello yourself."}],
        [{"type": "text", "text": "Now "}, {"type": "text", "text": "this."}],
        [{**write, "arguments": '{"path": "notes.md", "content": "x"}'}],
        [{"type": "text", "text": "Written."}],
    ]
    url = f"{door.url.removesuffix(API)}/dexto"
    headers = {"authorization": f"Bearer {door.key}"}
    values = {"version": 1, "name": "clerk", "model": bench.script("s", *steps, by="conversation")}
    async with httpx.AsyncClient(headers=headers) as http:
        made = {"values": {**values, "tools": ["write_file"]}}
        assert (await http.post(f"{door.url}/agents/compose", json=made)).status_code == 201
        chosen = await http.post(f"{url}/api/agents/switch", json={"id": "clerk"})
        assert chosen.status_code == 200
    out = await run_program(
        node, SCRIPT, folder, url, door.key, cwd=bench.root, environment=bench.environment
    )
    said = json.loads(out)
    assert {name: one["status"] for name, one in said.items()} == {
        name: STATUS.get(name, 200) for name in said
    }
    body = {name: one["body"] for name, one in said.items()}
    assert body["health"] == "OK"
    assert (body["sync"]["response"], body["sync"]["sessionId"]) == ("Hello yourself.", "hono-session")

    names = [one["event"] for one in body["stream"]]
    assert (names[0], names[-2:]) == ("llm:thinking", ["llm:response", "run:complete"])
    pieces = [one["data"]["content"] for one in body["stream"] if one["event"] == "llm:chunk"]
    assert "".join(pieces) == "Now this."

    happened = [one["event"] for one in body["approved"]]
    wanted = {"approval:request", "approval:response", "tool:running", "llm:tool-result"}
    assert wanted <= set(happened)
    assert happened[-1] == "run:complete"
    assert (body["busy"]["busy"], body["busy"]["queueLength"]) == (True, 0)
    assert (body["queued"]["count"], body["unqueue"]["removed"]) == (1, True)
    assert [one["type"] for one in body["approvals"]["approvals"]] == ["tool_confirmation"]
    assert body["approve"]["status"] == "approved"

    roles = [one["role"] for one in body["history"]["history"]]
    assert roles == ["user", "assistant", "user", "assistant", "user", "assistant", "tool", "assistant"]
    assert body["load"]["session"]["messageCount"] == 3
    assert body["search"]["total"] >= 1
    assert [one["id"] for one in body["sessions"]["sessions"]] == ["hono-session"]
    assert body["rename"]["session"]["title"] == "Of hono"
    assert body["agents"]["current"]["id"] == "clerk"
    assert "internal--write_file" in [one["name"] for one in body["tools"]["tools"]]
    assert body["gone"]["code"] == "session_not_found"
    assert body["invalid"]["error"]["name"] == "ZodError"
