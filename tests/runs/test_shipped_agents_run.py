"""Every agent that ships loads, finds its tools, and does one scripted turn."""

from __future__ import annotations

import pytest

from holdfast.core.config.paths import shipped
from holdfast.core.domain.delegating import DELEGATION_TOOLS
from holdfast.core.domain.memory import RECALL_TOOLS
from holdfast.core.domain.messages import TextPart

NAMES = sorted(path.stem for path in shipped("agents").glob("*.yaml"))


def test_at_least_seven_agents_ship() -> None:
    assert len(NAMES) >= 7


@pytest.mark.parametrize("name", NAMES)
async def test_a_shipped_agent_does_a_turn(open_bench, say, call, name: str) -> None:
    async with open_bench([call(("list_files", "{}")), say("Nothing here yet.")]) as bench:
        info = await bench.workbench.agents.get(name, str(bench.project))
        assert info.spec is not None and not info.problems
        assert info.spec.description and info.spec.instructions
        session = await bench.workbench.sessions.create(name, str(bench.project))
        sent = await bench.workbench.runs.send(session.id, (TextPart(text="What is here?"),))
        events = await bench.end(sent.run_id)
        assert events[-1].event.type == "run.completed"
        (first, _) = bench.model.requests
        searching = {"search_knowledge", "read_document"} if info.spec.knowledge else set()
        recalling = set(RECALL_TOOLS) if info.spec.memory.recall else set()
        delegating = set(DELEGATION_TOOLS) if info.spec.subagents else set()
        brought = searching | recalling | delegating
        assert {tool.name for tool in first.tools} == set(info.spec.tool_names) | brought
        assert info.spec.instructions.strip()[:40] in first.messages[0].text
