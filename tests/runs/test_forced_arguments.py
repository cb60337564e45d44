"""Arguments that an agent's file pins, in runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.core.domain.approvals import Decision

PINNED = """
version: 1
name: pinned
model: scripted
tools:
  - {tool: write_file, arguments: {path: report.md, unknown: 1}}
"""


async def write(bench: Any, agent: str) -> Any:
    session = await bench.workbench.sessions.create(agent, str(bench.project))
    return session, await bench.send(session)


@pytest.mark.parametrize("agent", ["pinned", "heir"])
async def test_policy_approval_log_and_tool_see_what_is_pinned(
    open_bench: Any, say: Any, call: Any, agent: str
) -> None:
    steps = [call(("write_file", '{"path": "other.md", "content": "x"}')), say("Done.")]
    async with open_bench(steps) as bench:
        await bench.workbench.agents.create(PINNED)
        await bench.workbench.agents.create(
            "version: 1\nname: heir\nextends: pinned\ninstructions: Another.\n"
        )
        session, run_id = await write(bench, agent)
        approval = await bench.approval()
        assert approval.subject == "report.md"
        assert approval.arguments == {"path": "report.md", "content": "x"}
        assert approval.preview[0].path == "report.md"
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve"))
        events = await bench.end(run_id)
        (started,) = [logged.event for logged in events if logged.event.type == "tool_call.started"]
        assert started.arguments == {"path": "report.md", "content": "x"}
        assert [path.name for path in Path(session.workspace).iterdir()] == ["report.md"]
        (offered,) = [tool for tool in bench.model.requests[0].tools if tool.name == "write_file"]
        assert list(offered.parameters["properties"]) == ["content"]


async def test_a_person_s_edit_cannot_take_a_pin_out(open_bench: Any, say: Any, call: Any) -> None:
    steps = [call(("write_file", '{"content": "x"}')), say("Done.")]
    async with open_bench(steps) as bench:
        await bench.workbench.agents.create(PINNED)
        session, run_id = await write(bench, "pinned")
        approval = await bench.approval()
        edited = {"path": "other.md", "content": "y"}
        await bench.workbench.approvals.decide(approval.id, Decision(outcome="approve", arguments=edited))
        await bench.end(run_id)
        assert (Path(session.workspace) / "report.md").read_text() == "y"
        assert not (Path(session.workspace) / "other.md").exists()


async def test_a_deny_rule_is_about_what_is_pinned(open_bench: Any, say: Any, call: Any) -> None:
    steps = [call(("write_file", '{"path": "fine.md", "content": "x"}')), say("Done.")]
    async with open_bench(steps) as bench:
        await bench.workbench.agents.create(PINNED + 'approvals: {deny: ["write_file(report*)"]}\n')
        _, run_id = await write(bench, "pinned")
        events = await bench.end(run_id)
        (done,) = [logged.event for logged in events if logged.event.type == "tool_call.completed"]
        assert done.outcome == "denied"
