"""`holdfast acp` as an editor starts it: a process, its pipes, the SDK's own client, and the usual engine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from acp import PROTOCOL_VERSION, spawn_agent_process
from acp.helpers import text_block
from acp.schema import ToolCallUpdate

pytestmark = pytest.mark.thorough

PROGRAM = (sys.executable, "-c", "import sys; from holdfast.cli.main import main; sys.exit(main())")


def run(*args: str) -> str:
    done = subprocess.run([*PROGRAM, *args], capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_an_editor_works_with_the_engine_and_finds_its_session_again(
    editor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_MODELS__OLLAMA_URL", "http://127.0.0.1:9")
    environment = dict(os.environ)
    (tmp_path / "tides.txt").write_text("High water is at noon. Low water is at six.\n")

    async def deny_first(call: ToolCallUpdate, options: Any) -> str:
        return "reject" if len(editor.asked) == 1 else "once"

    editor.decide = deny_first
    try:
        async with (
            asyncio.timeout(60),
            spawn_agent_process(
                editor,
                *PROGRAM,
                *("acp", "--model", "offline"),
                env=environment,
                cwd=tmp_path,
                use_unstable_protocol=True,
            ) as (agent, process),
        ):
            able = await agent.initialize(protocol_version=PROTOCOL_VERSION)
            assert able.agent_info.name == "holdfast"
            session_id = (await agent.new_session(cwd=str(tmp_path), mcp_servers=[])).session_id
            ask = [text_block("Write 'High water at noon' to report.md")]
            denied = await agent.prompt(session_id=session_id, prompt=ask)
            assert denied.stop_reason == "end_turn"
            allowed = await agent.prompt(session_id=session_id, prompt=ask)
            assert allowed.stop_reason == "end_turn"
            (diff,) = editor.asked[-1][0].content
            assert (diff.old_text, diff.new_text.strip()) == (None, "High water at noon")
            assert [each.status for each in editor.of("tool_call_update")][-1] == "completed"
            assert process.returncode is None
            live = editor.said()
            editor.updates.clear()
            await agent.load_session(cwd=str(tmp_path), session_id=session_id, mcp_servers=[])
            assert editor.said() == live, "what is shown again is what was shown"
        assert "editor" in run("approvals", "list", "--all", "--json")
    finally:
        run("engine", "stop")
