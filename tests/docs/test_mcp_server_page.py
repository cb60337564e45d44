"""What the page for MCP clients shows: configurations whose commands exist, and the tools as they are."""

from __future__ import annotations

import json
import re

import examples
from test_examples import parse

from holdfast.server.mcp.asked import WAIT_S, AgentAsked
from holdfast.server.mcp.http import PREFIX
from holdfast.server.mcp.results import OUTPUT_SCHEMA
from holdfast.server.mcp.sessions import IDLE_S, MAX_SESSIONS
from holdfast.server.tasks.previews import LONGEST

PAGE = "docs/how-to/mcp-server.md"


def test_every_configuration_starts_a_command_that_there_is_or_asks_the_path_that_is_served() -> None:
    blocks = [json.loads(block) for block in examples.blocks_of(PAGE, "json")]
    servers = [server for block in blocks for named in block.values() for server in named.values()]
    assert len(servers) == 3
    for server in servers:
        if "command" in server:
            parse(" ".join([server["command"], *server["args"]]))
        else:
            assert server["url"].endswith(PREFIX)
            assert server["headers"].keys() == {"Authorization"}


def test_the_page_names_every_argument_and_every_field_and_the_limits() -> None:
    text = (examples.ROOT / PAGE).read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.M) == sorted(
        AgentAsked.model_fields, key=["message", "session_id", "model", "wait_s"].index
    )
    assert [name for name in OUTPUT_SCHEMA["properties"] if f"`{name}`" not in text] == []
    assert f"{WAIT_S:g} without it" in text
    assert f"at most {MAX_SESSIONS} sessions" in text
    assert ("half an\nhour" in text, IDLE_S) == (True, 1800)
    assert f"{LONGEST:,} characters" in text
