"""Runs that have tools of their owner's own beside the agent's."""

from __future__ import annotations

import pytest

from holdfast.core.domain.custom_tools import PythonToolSpec
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.mcp import McpServerSpec

CODE = 'def shout(text: str) -> str:\n    """Says it louder."""\n    return text.upper()\n'


async def test_a_tool_of_ones_own_is_there_in_the_run_that_names_it(open_bench, call, say) -> None:
    steps = [call(("shout", '{"text": "hi"}')), say("done"), say("again")]
    async with open_bench(steps) as bench:
        await bench.workbench.tools.create(PythonToolSpec(code=CODE))
        session = await bench.session()
        run_id = await bench.send(session, own_tools=("shout", "shout"), approve="all")
        events = await bench.end(run_id)
        assert events[-1].event.type == "run.completed"
        done = [each.event for each in events if each.event.type == "tool_call.completed"]
        assert [event.outcome for event in done] == ["ok"]
        await bench.end(await bench.send(session))
        first, _, other = ({tool.name for tool in each.tools} for each in bench.model.requests)
        assert first - other == {"shout"}


async def test_own_tools_can_be_narrowed_to_and_must_be_there(open_bench, say) -> None:
    async with open_bench([say("done")]) as bench:
        await bench.workbench.tools.create(PythonToolSpec(code=CODE))
        session = await bench.session()
        for unknown in ("nothing", "run_command"):
            with pytest.raises(NotFoundError):
                await bench.send(session, own_tools=(unknown,))
        await bench.end(await bench.send(session, own_tools=("shout",), tools=("shout", "read_file")))
        assert {tool.name for tool in bench.model.requests[0].tools} == {"shout", "read_file"}


async def test_a_server_of_ones_own_that_cannot_be_used_is_told_of(open_bench, say) -> None:
    async with open_bench([say("done")]) as bench:
        await bench.workbench.mcp.add(McpServerSpec(name="away", command=("/nothing/there",)))
        await bench.end(await bench.send(await bench.session(), own_servers=("away",)))
        system = "".join(m.text for m in bench.model.requests[0].messages if m.role == "system")
    assert "away" in system
