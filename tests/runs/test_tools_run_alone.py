"""Tools that are run in a session of their own: under the rules, waiting for nobody, and gone afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.approvals import ApproveMode, Verdict
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.mcp import McpServerSpec
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions, ToolRun

SAYS = """
TOOLS = [{"name": "tell", "inputSchema": {"type": "object", "properties": {}}}]
def call(params):
    return "told by the server"
"""


def text(run: ToolRun) -> str:
    return "\n".join(part.text for part in run.content if isinstance(part, TextPart))


async def sessions(bench: Any) -> int:
    return len((await bench.workbench.sessions.list()).items)


async def test_what_only_reads_is_run_and_nothing_is_left_of_it(open_bench: Any) -> None:
    async with open_bench() as bench:
        run = await bench.workbench.tools.run_alone("list_files", {})
        assert (run.tool, run.outcome, run.status) == ("list_files", "ok", "completed")
        assert await sessions(bench) == 0
        with pytest.raises(NotFoundError):
            await bench.workbench.tools.result(run.run_id)


async def test_what_needs_an_approval_is_denied_at_once(open_bench: Any) -> None:
    async with open_bench() as bench:
        tools = bench.workbench.tools
        call = {"path": "a.txt", "content": "x"}
        denied = await tools.run_alone("write_file", call)
        assert denied.outcome == "denied"
        assert (await bench.workbench.approvals.list()).items == ()
        allowed = await tools.run_alone("write_file", call, options=RunOptions(approve=ApproveMode.ALL))
        assert allowed.outcome == "ok"
        await bench.workbench.approvals.add_rule("write_file", Verdict.DENY)
        never = await tools.run_alone("write_file", call, options=RunOptions(approve=ApproveMode.ALL))
        assert never.outcome == "denied"
        assert await sessions(bench) == 0


async def test_a_question_waits_for_no_answer(open_bench: Any) -> None:
    async with open_bench() as bench:
        async with asyncio.timeout(10):
            asked = await bench.workbench.tools.run_alone(
                "ask_user", {"question": "Which one?"}, options=RunOptions(approvals="wait")
            )
        assert asked.status.ended
        assert asked.outcome != "ok"


async def test_the_rules_are_those_of_the_agent_that_is_named(open_bench: Any) -> None:
    async with open_bench() as bench:
        await bench.workbench.agents.create(
            "version: 1\nname: writer\napprovals:\n  allow: [write_file]\n  deny: [list_files]\n"
        )
        tools = bench.workbench.tools
        written = await tools.run_alone("write_file", {"path": "a", "content": "x"}, "writer")
        assert written.outcome == "ok"
        assert (await tools.run_alone("list_files", {}, "writer")).outcome == "denied"
        with pytest.raises(NotFoundError):
            await tools.run_alone("list_files", {}, "nobody")


async def test_what_cannot_be_called_leaves_no_session(open_bench: Any) -> None:
    async with open_bench() as bench:
        for name, arguments, error in (
            ("nothing", {}, NotFoundError),
            ("read_file", {}, InvalidError),
            ("mcp__nowhere__x", {}, NotFoundError),
        ):
            with pytest.raises(error):
                await bench.workbench.tools.run_alone(name, arguments)
        assert await sessions(bench) == 0


async def test_a_call_is_ended_when_its_time_is_over_and_when_nobody_waits(open_bench: Any) -> None:
    async with open_bench() as bench:
        tools = bench.workbench.tools
        running = asyncio.create_task(
            tools.run_alone(
                "run_command", {"command": "sleep 30"}, options=RunOptions(approve=ApproveMode.ALL)
            )
        )
        await bench.until("tool_call.started")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        slow = RunOptions(approve=ApproveMode.ALL, timeout_s=0.2)
        late = await tools.run_alone("run_command", {"command": "sleep 30"}, options=slow)
        assert (late.status, late.outcome in ("timeout", "cancelled")) == ("failed", True)
        assert await sessions(bench) == 0


async def test_the_tools_of_servers_are_listed_and_run(open_bench: Any, tmp_path: Path) -> None:
    async with open_bench() as bench:
        command = tuple(small_server(tmp_path / "server.py", SAYS))
        await bench.workbench.mcp.add(McpServerSpec(name="small", command=command))
        await bench.workbench.mcp.add(McpServerSpec(name="broken", command=("/no/such/program",)))
        await bench.workbench.mcp.add(McpServerSpec(name="off", command=command, enabled=False))
        tools = bench.workbench.tools
        assert [each.name for each in await tools.list() if each.source == "mcp"] == []
        listed = [each.name for each in await tools.list(servers=True) if each.source == "mcp"]
        assert listed == ["mcp__small__tell"]
        assert (await tools.run_alone("mcp__small__tell", {})).outcome == "denied"
        allowed = await tools.run_alone("mcp__small__tell", {}, options=RunOptions(approve=ApproveMode.ALL))
        assert "told by the server" in text(allowed)
