"""Prompts that MCP servers offer, through Dexto's API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.fakes.small_mcp import small_server

PROMPTS = "/dexto/api/prompts"
SERVER = """
CAPABLE = {"tools": {}, "prompts": {}}
UNKNOWN = {"code": -32002, "message": "no such thing"}
REVIEW = {"name": "review", "description": "Looks.", "arguments": [{"name": "code", "required": True}]}
def other(method, params):
    if method == "prompts/list":
        return {"prompts": [REVIEW, {"name": "broken"}]}
    if method == "prompts/get" and params["name"] == "review":
        said = {"type": "text", "text": "Review " + params["arguments"]["code"]}
        return {"messages": [{"role": "user", "content": said}]}
"""


async def test_prompts_of_servers_are_listed_by_their_bare_names_and_resolved(
    serve: Any, tmp_path: Path
) -> None:
    async with serve() as served:
        command, *args = small_server(tmp_path / "s.py", SERVER)
        body = {"name": "My Notes", "config": {"type": "stdio", "command": command, "args": args}}
        await served.http.post("/dexto/api/mcp/servers", json=body)
        listing = (await served.http.get(PROMPTS)).json()["prompts"]
        (review,) = [each for each in listing if each["name"] == "review"]
        assert (review["source"], review["metadata"]["serverName"]) == ("mcp", "My Notes")
        assert review["arguments"] == [{"name": "code", "required": True}]
        place = f"{PROMPTS}/review/resolve"
        made = await served.http.get(place, params={"args": '{"code": "a.py"}'})
        assert made.json() == {"text": "Review a.py", "resources": []}
        missing = await served.http.get(place)
        assert missing.json()["issues"][0]["context"] == {"missingNames": ["code"]}
        broken = await served.http.get(f"{PROMPTS}/broken/resolve")
        assert broken.status_code == 502
        assert (broken.json()["code"], broken.json()["scope"]) == ("mcp_protocol_error", "mcp")
