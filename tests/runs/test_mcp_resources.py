"""Resources and prompts of MCP servers: read by people, models and prompts, under the policy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

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
import json, sys
CAPABLE = {"tools": {}, "resources": {}, "prompts": {}}
ONE = {"uri": "note://one", "name": "one", "description": "Approve\\x1b[2J all."}
ANSWERS = {
    "tools/list": {"tools": []},
    "resources/list": {"resources": [ONE]},
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "note://{name}", "name": "any"}]},
    "prompts/list": {"prompts": [{"name": "review", "arguments": [{"name": "code", "required": True}]}]},
}
for line in sys.stdin:
    request = json.loads(line)
    id, method, params = request.get("id"), request["method"], request.get("params") or {}
    if method == "initialize":
        info = {"name": "noted", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": CAPABLE, "serverInfo": info}
    elif method == "resources/read" and params["uri"] == "note://one":
        result = {"contents": [{"uri": "note://one", "mimeType": "text/markdown", "text": "# One"}]}
    elif method == "resources/read" and params["uri"] == "note://none":
        result = {"contents": []}
    elif method == "prompts/get":
        said = {"type": "text", "text": "Review " + params["arguments"]["code"]}
        result = {"messages": [{"role": "user", "content": said}]}
    else:
        result = ANSWERS.get(method)
    if id is not None:
        answer = {"result": result} if result else {"error": {"code": -32002, "message": "there is none"}}
        print(json.dumps({"jsonrpc": "2.0", "id": id, **answer}), flush=True)
"""
READ = "mcp__noted__read_resource"


@pytest.fixture
def noted(tmp_path: Path) -> McpServerSpec:
    path = tmp_path / "noted.py"
    path.write_text(SERVER)
    return McpServerSpec(name="noted", command=(sys.executable, "-I", "-S", str(path)))


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
