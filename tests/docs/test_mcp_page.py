"""The server that the page about MCP shows answers as it says."""

from __future__ import annotations

import sys
from pathlib import Path

import examples

from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.tools.mcp.hub import McpHub

PAGE = "docs/how-to/mcp.md"


async def test_the_server_of_the_page_counts_words(tmp_path: Path) -> None:
    (source,) = examples.blocks_of(PAGE, "python")
    (tmp_path / "words.py").write_text(source, encoding="utf-8")
    hub = McpHub(
        tmp_path / "logs", tmp_path / "cache", {"PATH": "/usr/bin:/bin"}, lambda owner, server, name: None
    )
    spec = McpServerSpec(name="words", command=(sys.executable, str(tmp_path / "words.py")))
    try:
        (tool,) = await hub.tools(hub.connection("local", spec, admin=True))
        result = await hub.connection("local", spec, admin=True).call(
            tool.own_name, {"text": "one two three"}, lambda text: None
        )
    finally:
        await hub.close()

    assert (tool.name, result.structured) == ("mcp__words__count_words", {"result": 3})
