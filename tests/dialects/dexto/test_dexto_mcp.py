"""MCP servers, their tools and resources through Dexto's API."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.errors import ForbiddenError
from holdfast.core.domain.identity import Principal, Role, Scope
from holdfast.core.domain.mcp import McpServerSpec, tool_name
from holdfast.server.dialects.dexto.choosing import turn_options
from holdfast.server.dialects.dexto.mapping_mcp import new_server
from holdfast.server.dialects.dexto.wire_mcp import ServerBody

SERVERS = "/dexto/api/mcp/servers"
RESOURCES = "/dexto/api/resources"
SERVER = """
CAPABLE = {"tools": {}, "resources": {}}
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
TOOLS = [{"name": "echo", "description": "Says it again.", "inputSchema": SCHEMA}]
ONE = {"uri": "note://one/a", "name": "one", "description": "A note.", "mimeType": "text/markdown"}
UNKNOWN = {"code": -32002, "message": "there is none"}
def call(params):
    return os.environ.get("API_KEY", "") + params["arguments"]["text"]
def other(method, params):
    if method == "resources/list":
        return {"resources": [ONE]}
    if method == "resources/templates/list":
        return {"resourceTemplates": [{"uriTemplate": "note://{name}", "name": "any"}]}
    if method == "resources/read" and params["uri"] == "note://one/a":
        return {"contents": [{"uri": "note://one/a", "mimeType": "text/markdown", "text": "# One"}]}
"""


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """A server that is a program, as clients send it."""
    command, *args = small_server(tmp_path / "notes.py", SERVER)
    return {"type": "stdio", "command": command, "args": args}


async def add(served: Any, name: str, config: dict[str, Any], status: int = 200, **more: Any) -> Any:
    answer = await served.http.post(SERVERS, json={"name": name, "config": config, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


async def listed(served: Any) -> Any:
    return (await served.http.get(SERVERS)).json()["servers"]


@pytest.mark.covers(
    "dexto.add_mcp_server",
    "dexto.list_mcp_servers",
    "dexto.remove_mcp_server",
    "dexto.restart_mcp_server",
    "dexto.list_mcp_server_tools",
)
async def test_a_server_is_added_listed_restarted_and_removed(serve: Any, config: Any) -> None:
    async with serve() as served:
        assert await add(served, "My Notes", config) == {"status": "connected", "name": "My Notes"}
        assert await listed(served) == [{"id": "My Notes", "name": "My Notes", "status": "connected"}]
        found = (await served.http.get(f"{SERVERS}/My%20Notes/tools")).json()["tools"]
        (tool,) = found
        schema = tool.pop("inputSchema")
        assert tool == {"id": "echo", "name": "echo", "description": "Says it again."}
        assert (schema["type"], schema["required"]) == ("object", ["text"])
        again = await served.http.post(f"{SERVERS}/My%20Notes/restart")
        assert again.json() == {"status": "restarted", "id": "My Notes"}
        gone = await served.http.delete(f"{SERVERS}/My%20Notes")
        assert gone.json() == {"status": "disconnected", "id": "My Notes"}
        assert await listed(served) == []


async def test_a_name_that_is_added_again_is_the_new_server(serve: Any, config: Any) -> None:
    async with serve() as served:
        await add(served, "notes", config)
        await add(served, "notes", {**config, "timeout": 5_000})
        (server,) = await served.bench.workbench.mcp.list()
        assert (server.spec.name, server.spec.timeout_s) == ("notes", 5.0)


async def test_a_disabled_server_is_registered_and_not_listed(serve: Any, config: Any) -> None:
    async with serve() as served:
        said = await add(served, "notes", {**config, "enabled": False})
        assert said == {"status": "registered", "name": "notes"}
        assert await listed(served) == []
        (server,) = await served.bench.workbench.mcp.list()
        assert not server.spec.enabled
        assert (await served.http.get(f"{SERVERS}/notes/tools")).status_code == 404
        run = await served.http.post(f"{SERVERS}/notes/tools/echo/execute", json={"text": "x"})
        assert run.status_code == 404
        assert (await served.http.delete(f"{SERVERS}/notes")).status_code == 200


async def test_a_server_that_does_not_start_is_502_and_listed_with_an_error(serve: Any) -> None:
    async with serve() as served:
        told = await add(served, "broken", {"type": "stdio", "command": "/no/such/program"}, 502)
        assert (told["code"], told["scope"], told["type"]) == ("mcp_connection_failed", "mcp", "third_party")
        assert told["context"] == {"serverName": "broken"}
        assert await listed(served) == [{"id": "broken", "name": "broken", "status": "error"}]
        again = await served.http.post(f"{SERVERS}/broken/restart")
        assert (again.status_code, again.json()["code"]) == (502, "mcp_connection_failed")


async def test_the_active_agents_file_names_a_server_that_is_to_stay(serve: Any, config: Any) -> None:
    async with serve() as served:
        await served.bench.workbench.users.annotate({"dexto": {"agent": "tester"}})
        await add(served, "notes", config)
        assert (await served.bench.workbench.agents.get("tester")).spec.mcp == ()
        for _ in range(2):
            await add(served, "notes", config, persistToAgent=True)
        agent = await served.bench.workbench.agents.get("tester")
        assert [each.server for each in agent.spec.mcp] == ["notes"]
        await served.bench.workbench.users.annotate({"dexto": {"agent": "coder"}})
        await add(served, "notes", config, persistToAgent=True)  # of an agent that comes with Holdfast
        agent = await served.bench.workbench.agents.get("coder")
        assert [each.server for each in agent.spec.mcp] == ["notes"]


REFUSED: list[tuple[Any, Any]] = [
    ({"config": {"type": "stdio", "command": "x"}}, {"path": ["name"], "message": "Required"}),
    ({"name": "", "config": {"type": "stdio", "command": "x"}}, {"path": ["name"]}),
    ({"name": "a", "config": {"type": "ftp"}}, {"code": "invalid_union_discriminator"}),
    ({"name": "a", "config": {"type": "http", "url": "no address"}}, {"validation": "url"}),
    (
        {"name": "a", "config": {"type": "stdio", "command": "x", "url": "y"}},
        {"code": "unrecognized_keys", "keys": ["url"]},
    ),
    ({"name": "a", "config": {"type": "stdio", "command": "x", "timeout": 0}}, {"code": "too_small"}),
]


async def test_a_server_that_cannot_be_is_refused_as_zod_does(serve: Any) -> None:
    async with serve() as served:
        for body, issue in REFUSED:
            answer = await served.http.post(SERVERS, json=body)
            assert answer.status_code == 400
            found = answer.json()["error"]["issues"][0]
            assert {name: found.get(name) for name in issue} == issue
        assert await served.bench.workbench.mcp.list() == ()


@pytest.mark.covers("dexto.execute_mcp_tool")
async def test_a_tool_is_executed_and_its_failures_are_results(serve: Any, config: Any) -> None:
    async with serve() as served:
        await add(served, "notes", {**config, "env": {"API_KEY": "a-key-of-mine "}})
        place = f"{SERVERS}/notes/tools/echo/execute"

        async def run(path: str = place, **body: Any) -> Any:
            answer = await served.http.post(path, **body)
            assert answer.status_code == 200, answer.text
            return answer.json()

        given = await run(json={"text": "hello"})
        assert given["success"] is True
        (part,) = given["data"]["content"]
        assert part["type"] == "text"
        assert part["text"].endswith("hello")
        assert "a-key-of-mine" not in part["text"]
        assert "isError" not in given["data"]
        for body in ({}, {"json": {"text": 7, "more": 1}}):
            wrong = await run(**body)
            assert (wrong["success"], wrong["data"]["isError"]) == (True, True)
        unknown = await run(f"{SERVERS}/notes/tools/nothing/execute", json={})
        assert (unknown["success"], unknown["data"]["isError"]) == (True, True)
        nowhere = await served.http.post(f"{SERVERS}/nowhere/tools/echo/execute", json={})
        assert nowhere.status_code == 404
        assert nowhere.json() == {"success": False, "error": "Server 'nowhere' not found"}
        assert (await served.bench.workbench.sessions.list()).items == ()


async def test_what_a_rule_denies_is_not_executed(serve: Any, config: Any) -> None:
    async with serve() as served:
        await add(served, "notes", config)
        await served.bench.workbench.approvals.add_rule("mcp__notes__*", Verdict.DENY)
        answer = await served.http.post(f"{SERVERS}/notes/tools/echo/execute", json={"text": "x"})
        told = answer.json()
        assert (answer.status_code, told["success"], "data" in told) == (200, False, False)
        assert told["error"]


@pytest.mark.covers("dexto.list_mcp_server_resources", "dexto.get_mcp_resource_content")
async def test_resources_of_a_server_are_listed_and_read(serve: Any, config: Any) -> None:
    async with serve() as served:
        await add(served, "notes", config)
        listing = (await served.http.get(f"{SERVERS}/notes/resources")).json()
        assert listing == {
            "success": True,
            "resources": [
                {
                    "uri": "mcp:notes:note://one/a",
                    "name": "one",
                    "description": "A note.",
                    "mimeType": "text/markdown",
                    "source": "mcp",
                    "serverName": "notes",
                    "originalUri": "note://one/a",
                }
            ],
        }
        piece = {"uri": "note://one/a", "mimeType": "text/markdown", "text": "# One"}
        for uri in ("note://one/a", "mcp:notes:note://one/a"):
            place = f"{SERVERS}/notes/resources/{quote(uri, safe='')}/content"
            read = await served.http.get(place)
            assert read.json() == {"success": True, "data": {"content": {"contents": [piece]}}}
        missing = await served.http.get(f"{SERVERS}/notes/resources/{quote('note://x', safe='')}/content")
        assert (missing.status_code, missing.json()["code"]) == (404, "mcp_resource_not_found")


async def test_a_server_that_is_not_there_is_said_in_a_word(serve: Any) -> None:
    asked = [("GET", "/tools"), ("GET", "/resources"), ("GET", "/resources/x/content"), ("POST", "/restart")]
    async with serve() as served:
        for method, path in [*asked, ("DELETE", "")]:
            answer = await served.http.request(method, f"{SERVERS}/nowhere{path}")
            assert (answer.status_code, answer.json()) == (404, {"error": "Server 'nowhere' not found"})


@pytest.mark.covers("dexto.list_resources", "dexto.get_resource_content", "dexto.head_resource")
async def test_resources_of_all_servers_and_of_prompts_are_listed_and_read(serve: Any, config: Any) -> None:
    async with serve() as served:
        await add(served, "notes", config)
        await add(served, "broken", {"type": "stdio", "command": "/no/such/program"}, 502)
        resource = {
            "data": base64.b64encode(b"hello").decode(),
            "mimeType": "text/plain",
            "filename": "a.txt",
        }
        body = {"name": "one", "content": "x", "resource": resource}
        made = (await served.http.post("/dexto/api/prompts/custom", json=body)).json()["prompt"]
        listing = (await served.http.get(RESOURCES)).json()
        assert listing["ok"] is True
        note, file = listing["resources"]
        assert (note["uri"], note["source"]) == ("mcp:notes:note://one/a", "mcp")
        assert file["uri"] == made["metadata"]["resourceUri"]
        assert (file["source"], file["name"], file["size"]) == ("internal", "a.txt", 5)
        for each, text in ((note, "# One"), (file, "hello")):
            place = f"{RESOURCES}/{quote(each['uri'], safe='')}"
            read = (await served.http.get(f"{place}/content")).json()
            (piece,) = read["content"]["contents"]
            assert (read["ok"], piece["mimeType"], piece["text"]) == (True, each["mimeType"], text)
            there = await served.http.head(place)
            assert (there.status_code, there.content) == (200, b"")
        for uri in ("mcp:nowhere:x", "blob:00", "fs://a", "x"):
            place = f"{RESOURCES}/{quote(uri, safe='')}"
            missing = await served.http.get(f"{place}/content")
            assert missing.status_code == 404
            assert missing.json()["code"] == "resource_no_suitable_provider"
            assert (await served.http.head(place)).status_code == 404


async def test_only_administrators_add_programs(serve: Any, config: Any) -> None:
    async with serve() as served:
        user = Principal(user_id="ann", name="ann", role=Role.USER, scope=Scope.ADMIN)
        body = ServerBody.model_validate({"name": "notes", "config": config})
        spec = new_server(body, ()).spec
        with pytest.raises(ForbiddenError):
            await served.bench.workbench.as_principal(user).mcp.add(spec)


async def test_runs_have_the_tools_of_all_servers_that_are_enabled(serve: Any, config: Any, say: Any) -> None:
    async with serve([say("done")]) as served:
        await add(served, "notes", config)
        await add(served, "off", {**config, "enabled": False})
        session = await served.bench.session()
        options = await turn_options(served.bench.workbench, session)
        assert options.own_servers == ("notes",)
        await served.bench.end(await served.bench.send(session, own_servers=options.own_servers))
        (request,) = served.bench.model.requests
        assert tool_name("notes", "echo") in [each.name for each in request.tools]


# --- what a server becomes


def made(config: dict[str, Any], name: str = "a", taken: Any = ()) -> tuple[McpServerSpec, dict[str, str]]:
    found = new_server(ServerBody.model_validate({"name": name, "config": config}), taken)
    return found.spec, found.secrets


def test_values_that_look_like_secrets_are_kept_where_keys_are() -> None:
    headers = {"Authorization": "Bearer abcdefgh", "X-Team": "blue", "X-Api-Key": "$TEAM_KEY"}
    spec, secrets = made({"type": "http", "url": "https://a.test", "headers": headers})
    assert spec.headers == {
        "Authorization": "${secret:Authorization}",
        "X-Team": "blue",
        "X-Api-Key": "${secret:TEAM_KEY}",
    }
    assert secrets == {"Authorization": "Bearer abcdefgh"}


def test_variables_of_an_environment_are_secrets_of_the_server() -> None:
    spec, secrets = made({"type": "stdio", "command": "x", "env": {"A": "${B_1}/$C", "D": "${secret:E}"}})
    assert spec.env == {"A": "${secret:B_1}/${secret:C}", "D": "${secret:E}"}
    assert secrets == {}


@pytest.mark.parametrize(
    ("name", "taken", "ours"),
    [
        ("files", (), "files"),
        ("My Server!", (), "my-server"),
        ("files", ("files",), "files-2"),
        ("日本", (), "server"),
        ("a__b", (), "a-b"),
        ("x" * 100, (), "x" * 28),
    ],
)
def test_a_server_has_a_name_that_tools_can_have(name: str, taken: Any, ours: str) -> None:
    spec, _ = made({"type": "sse", "url": "http://a.test"}, name, taken)
    assert (spec.name, spec.sse, spec.ext["dexto"]["name"]) == (ours, True, name)
