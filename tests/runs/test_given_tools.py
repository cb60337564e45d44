"""What tools an agent is given: where each comes from, what is pinned, and which rule speaks of it."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.core.domain.approvals import ApproveMode, Verdict
from holdfast.core.domain.custom_tools import PythonToolSpec
from holdfast.core.domain.errors import NotFoundError

CODE = 'def add_days(days: int) -> int:\n    """Adds days."""\n    return days\n'
AGENT = """
version: 1
name: clerk
memory: {recall: true}
tools:
  - read_file
  - run_command
  - add_days
  - {tool: write_file, arguments: {path: report.md, colour: red}}
approvals:
  allow: ["run_command(git *)"]
  deny: [add_days]
"""
BROKEN = "mcp:\n  - {server: ghost, command: [/no/such/program]}\n"


@pytest.mark.parametrize("door", ["local", "remote"])
async def test_each_tool_says_where_it_is_from_what_is_pinned_and_which_rule_holds(open_bench: Any) -> None:
    async with open_bench() as bench:
        await bench.workbench.tools.create(PythonToolSpec(code=CODE))
        await bench.workbench.agents.create(AGENT + BROKEN)
        given = await bench.workbench.tools.given("clerk", str(bench.project))
        tools = {one.tool.name: one for one in given.tools}
        assert given.agent == "clerk"
        assert [line.partition(":")[0] for line in given.missing] == ["ghost"]
        assert (tools["add_days"].tool.source, tools["add_days"].verdict) == ("custom", Verdict.DENY)
        assert tools["add_days"].reason == "the agent denies add_days"
        assert (tools["read_file"].verdict, tools["read_file"].by) == (Verdict.ALLOW, "file")
        assert tools["remember"].by == "memory"
        command = tools["run_command"]
        assert (command.verdict, command.rules) == (Verdict.ASK, ("the agent allows run_command(git *)",))
        write = tools["write_file"]
        assert (write.pinned, write.unknown) == ({"path": "report.md"}, ("colour",))
        assert list(write.tool.parameters["properties"]) == ["content"]
        with pytest.raises(NotFoundError):
            await bench.workbench.tools.given("nobody")


async def test_without_a_folder_an_agent_of_the_engines_own_folder_is_not_seen(
    open_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_bench() as bench:
        agents = bench.project / ".holdfast" / "agents"
        agents.mkdir(parents=True)
        (agents / "near.yaml").write_text("version: 1\nname: near\ntools: [read_file]\n")
        monkeypatch.chdir(bench.project)
        with pytest.raises(NotFoundError):
            await bench.workbench.tools.given("near")
        assert (await bench.workbench.tools.given("near", str(bench.project))).agent == "near"


async def test_the_mode_and_the_grants_of_a_session_count(open_bench: Any) -> None:
    async with open_bench() as bench:
        await bench.workbench.agents.create("version: 1\nname: clerk\ntools: [write_file, fetch_url]\n")
        tools, approvals = bench.workbench.tools, bench.workbench.approvals
        session = await bench.workbench.sessions.create("clerk", str(bench.project))

        async def verdicts(mode: ApproveMode) -> list[str]:
            given = await tools.given("clerk", None, session.id, mode)
            return [one.verdict.value for one in given.tools]

        assert await verdicts(ApproveMode.ASK) == ["ask", "ask"]
        assert await verdicts(ApproveMode.EDITS) == ["allow", "ask"]
        assert await verdicts(ApproveMode.PLAN) == ["deny", "deny"]
        assert await verdicts(ApproveMode.ALL) == ["allow", "allow"]
        await approvals.add_rule("fetch_url")
        assert await verdicts(ApproveMode.ASK) == ["ask", "allow"]


async def test_a_pin_in_vain_is_a_warning_and_the_agent_is_valid(open_bench: Any) -> None:
    async with open_bench() as bench:
        await bench.workbench.tools.create(PythonToolSpec(code=CODE))
        (warning,) = await bench.workbench.agents.check(AGENT)
        assert (warning.warning, warning.key_path) == (True, "tools[3].arguments.colour")
        assert (await bench.workbench.agents.create(AGENT)).problems == ()
