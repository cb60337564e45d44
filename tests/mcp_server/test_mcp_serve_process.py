"""`holdfast mcp serve` as a client starts it: a process, its pipes, and the usual engine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_person import Person, approve

pytestmark = pytest.mark.thorough

PROGRAM = (sys.executable, "-c", "import sys; from holdfast.cli.main import main; sys.exit(main())")


def run(*args: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*PROGRAM, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done


@pytest.fixture
def errors(tmp_path: Path) -> Iterator[TextIO]:
    """What the server writes to stderr."""
    with (tmp_path / "errors.txt").open("w") as file:
        yield file


async def test_a_client_works_with_the_agents_of_the_engine_through_pipes(
    tmp_path: Path, errors: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_MODELS__OLLAMA_URL", "http://127.0.0.1:9")
    (tmp_path / "tides.txt").write_text("High water is at noon.\n")
    serve = ("mcp", "serve", "--agent", "coder", "--project", str(tmp_path))
    server = StdioServerParameters(
        command=PROGRAM[0], args=[*PROGRAM[1:], *serve], env=dict(os.environ), cwd=tmp_path
    )
    person = Person([approve()])
    ask = {"message": "Write 'High water at noon' to report.md", "model": "offline"}
    try:
        async with (
            asyncio.timeout(120),
            Client(stdio_client(server, errlog=errors), elicitation_callback=person.fill) as client,
        ):
            tools = [tool.name for tool in (await client.list_tools()).tools]
            await asyncio.to_thread(run, "engine", "stop")  # as it does when nobody uses it for a while
            result = await client.call_tool("agent_coder", ask)
        refused = run("mcp", "serve", "--agent", "nobody", status=1)
        record = run("approvals", "list", "--all", "--json").stdout
    finally:
        run("engine", "stop")
    assert tools == ["agent_coder", "get_run"]
    assert (result.is_error, result.structured_content["status"]) == (False, "completed")
    assert "+High water at noon" in person.forms[0].message
    assert (tmp_path / "report.md").read_text().strip() == "High water at noon"
    assert "MCP client" in record
    assert (tmp_path / "errors.txt").read_text() == ""
    assert (refused.stdout, "nobody" in refused.stderr) == ("", True)
