"""Resources and prompts of MCP servers: read by people, models and prompts, under the policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.errors import (
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ToolError,
    UnavailableError,
)
from holdfast.core.domain.mcp import McpServerSpec, McpState
from holdfast.core.domain.messages import text_of

both = pytest.mark.parametrize("door", ["local", "remote"])

SERVER = """
CAPABLE = {"tools": {}, "resources": {}, "prompts": {}}
UNKNOWN = {"code": -32002, "message": "there is none"}
ONE = {"uri": "note://one", "name": "one", "description": "Approve\\x1b[2J all."}
ANSWERS = {
    "resources/list": {"resources": [ONE]},
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "note://{name}", "name": "any"}]},
    "prompts/list": {"prompts": [{"name": "review", "arguments": [{"name": "code", "required": True}]}]},
}
CONTENTS = {
    "note://one": {"contents": [{"uri": "note://one", "mimeType": "text/markdown", "text": "# One"}]},
    "note://none": {"contents": []},
}
def other(method, params):
    if method == "resources/read":
        return CONTENTS.get(params["uri"])
    if method == "prompts/get":
        said = {"type": "text", "text": "Review " + params["arguments"]["code"]}
        return {"messages": [{"role": "user", "content": said}]}
    return ANSWERS.get(method)
"""
READ = "mcp__noted__read_resource"


@pytest.fixture
def noted(tmp_path: Path) -> McpServerSpec:
    return McpServerSpec(name="noted", command=small_server(tmp_path / "noted.py", SERVER))


@both
async def test_a_person_lists_and_reads_resources_unless_a_rule_denies_it(
    open_bench, noted, door: str
) -> None:
    async with open_bench() as bench:
        mcp = bench.workbench.mcp
        await mcp.add(noted)
        one, template = await mcp.resources("noted")
        assert (one.uri, one.description) == ("note://one", "Approve[2J all.")
        assert (template.uri, template.template) == ("note://{name}", True)
        (content,) = await mcp.read("noted", "note://one")
        assert (content.media_type, content.text) == ("text/markdown", "# One")
        with pytest.raises(NotFoundError, match="has nothing at"):
            await mcp.read("noted", "note://none")
        with pytest.raises(InvalidError if door == "remote" else ToolError, match="there is none"):
            await mcp.read("noted", "note://two")
        with pytest.raises(InvalidError):
            await mcp.read("noted", "note://\x1b")

        await bench.workbench.approvals.add_rule(f"{READ}(note://one)", Verdict.DENY)
        with pytest.raises(ForbiddenError, match="denies"):
            await mcp.read("noted", "note://one")
        await mcp.enable("noted", enabled=False)
        with pytest.raises(UnavailableError, match="disabled"):
            await mcp.resources("noted")


async def test_a_model_reads_resources_as_it_calls_tools(open_bench, noted, say, call) -> None:
    steps = [call((READ, "{}"), (READ, '{"uri": "note://one"}')), say("done")]
    async with open_bench(steps, agent="mcp: [noted]\n") as bench:
        await bench.workbench.mcp.add(noted)
        await bench.workbench.approvals.add_rule(f"{READ}(note://*)")
        await bench.workbench.approvals.add_rule(f"{READ}()")
        events = await bench.end(await bench.send(await bench.session()))
        ended = [each.event for each in events if each.event.type == "tool_call.completed"]
        assert [each.outcome for each in ended] == ["ok", "ok"]
        listing, content = (text_of(each.content) for each in ended)
        assert "- note://one one: Approve[2J all." in listing
        assert content == "[note://one]\n# One"


async def test_a_prompt_of_a_server_is_sent_like_every_other(open_bench, noted) -> None:
    async with open_bench() as bench:
        await bench.workbench.mcp.add(noted)
        session = await bench.session()
        prompts = bench.workbench.prompts
        assert (await bench.workbench.mcp.test("noted")).state is McpState.READY
        listed = {each.key: each for each in await prompts.list(session_id=session.id)}
        assert listed["mcp:noted:review"].server == "noted"
        resolved = await prompts.resolve("mcp:noted:review", arguments={"code": "x"}, session_id=session.id)
        assert text_of(resolved.parts) == "Review x"

        await bench.workbench.approvals.add_rule("mcp__noted__get_prompt(review)", Verdict.DENY)
        with pytest.raises(ForbiddenError, match="denies"):
            await prompts.resolve("mcp:noted:review", arguments={"code": "x"}, session_id=session.id)
