"""Agents, their tools, which of them a user prefers, and tools of his own, through h2oGPTe's API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from holdfast.server.dialects.h2ogpte.mapping_agents import label_of

AGENTS = "/h2ogpte/api/v1/agents"
CUSTOM = f"{AGENTS}/custom_tools"
PREFERENCE = f"{AGENTS}/tool_preference"
CODE = 'def double(number: int) -> int:\n    """Doubles a number."""\n    return 2 * number\n'
HEADER = "Bearer a-very-secret-value"
SERVER = {"My Search": {"url": "http://127.0.0.1:9/mcp", "headers": {"Authorization": HEADER, "X-N": "7"}}}


async def add(served: Any, code: str = CODE, name: str = "double.py", **more: Any) -> Any:
    args = json.dumps(more.pop("args", {}))
    data = {"tool_type": "general_code", "tool_args": args, **more.pop("data", {})}
    files = {"file": (name, code.encode() if isinstance(code, str) else code)}
    return await served.http.post(CUSTOM, data=data, files=files, **more)


async def add_server(served: Any, config: Any, **more: Any) -> Any:
    args = json.dumps({"mcp_config_json": config if isinstance(config, str) else json.dumps(config)})
    form = {"tool_type": (None, "remote_mcp"), "tool_args": (None, args)}
    return await served.http.post(CUSTOM, files=form, **more)


@pytest.mark.covers("h2ogpte.get_all_agents")
async def test_agents_are_listed(serve: Any) -> None:
    async with serve() as served:
        found = {each["value"]: each for each in (await served.http.get(AGENTS)).json()}
    assert {"tester", "general", "coder"} <= set(found)
    assert (found["coder"]["label"], found["coder"]["type"], found["coder"]["enabled"]) == (
        "Coder",
        "built_in",
        True,
    )


@pytest.mark.covers("h2ogpte.list_agent_tools")
async def test_tools_of_the_default_agent_and_own_ones_are_listed(serve: Any) -> None:
    async with serve(more_settings={"default_agent": "tester"}) as served:
        await add(served)
        await add(served, CODE.replace("double", "hidden"), args={"enable_by_default": False})
        await add_server(served, SERVER)
        tools = {each["name"]: each for each in (await served.http.get(f"{AGENTS}/tools")).json()}
    assert set(tools) >= {"read_file", "write_file", "run_command", "double", "my-search"}
    assert "hidden" not in tools
    assert tools["write_file"] == {
        "name": "write_file",
        "description": "Write File",
        "enabled": True,
        "default": True,
        "extendable": False,
        "api_keys": {"required": [], "optional": [], "internal": []},
    }


@pytest.mark.covers(
    "h2ogpte.list_agent_tool_preference",
    "h2ogpte.update_agent_tool_preference",
    "h2ogpte.delete_agent_tool_preference",
)
async def test_a_preference_is_each_users_own(serve_users: Any) -> None:
    async with serve_users() as served:
        http, bob = served.http, await served.user("bob")
        assert (await http.get(PREFERENCE)).json() == []
        wanted = {"reference_value": ["read_file", "python", "read_file"]}
        assert (await http.post(PREFERENCE, json=wanted)).status_code == 204
        assert (await http.get(PREFERENCE)).json() == ["read_file", "python"]
        assert (await http.get(PREFERENCE, headers=bob)).json() == []
        assert (await http.delete(PREFERENCE)).status_code == 204
        assert (await http.delete(PREFERENCE)).status_code == 204
        assert (await http.get(PREFERENCE)).json() == []
        for wrong in ({}, {"reference_value": "python"}, {"reference_value": [""]}):
            assert (await http.post(PREFERENCE, json=wrong)).status_code == 400


@pytest.mark.covers(
    "h2ogpte.add_custom_agent_tool",
    "h2ogpte.get_custom_agent_tool",
    "h2ogpte.list_custom_agent_tools",
    "h2ogpte.download_custom_agent_tool",
)
async def test_a_function_is_kept_and_sent_back(serve: Any) -> None:
    async with serve() as served:
        made = await add(served, name="my tool.py", args={"system_prompt": "Use it."})
        assert made.status_code == 201
        ((_, id),) = made.json()[0].items()
        tool = (await served.http.get(f"{CUSTOM}/{id}")).json()
        assert (tool["tool_name"], tool["tool_type"], tool["file_name"]) == (
            "double",
            "general_code",
            "my_tool.py",
        )
        assert tool["tool_args"]["system_prompt"] == "Use it."
        assert (tool["tool_args"]["enable_by_default"], tool["owner_email"]) == (True, "local")
        (row,) = (await served.http.get(CUSTOM)).json()
        assert row == {name: value for name, value in tool.items() if name != "file_name"}
        sent = await served.http.get(f"{CUSTOM}/{id}/download")
        assert sent.text == CODE
        assert sent.headers["content-type"] == "application/octet-stream"
        assert sent.headers["content-disposition"] == 'attachment; filename="my_tool.py"'
        assert (await add(served)).status_code == 409


@pytest.mark.covers("h2ogpte.update_custom_agent_tool", "h2ogpte.delete_custom_agent_tool")
async def test_a_function_is_changed_and_deleted(serve: Any) -> None:
    async with serve() as served:
        http = served.http
        one = f"{CUSTOM}/{(await add(served)).json()[0]['agent_custom_tool_id']}"
        said = await http.put(one, json={"tool_args": {"enable_by_default": False}})
        assert (said.status_code, said.json()["agent_custom_tool_id"]) == (200, one.rpartition("/")[2])
        assert (await http.get(one)).json()["tool_args"]["enable_by_default"] is False
        assert (await http.get(f"{one}/download")).text == CODE
        code = CODE.replace("2", "3")
        form = {"tool_args": (None, "{}"), "file": ("new.py", code.encode())}
        assert (await http.put(one, files=form)).status_code == 200
        assert (await http.get(f"{one}/download")).text == code
        assert (await http.get(one)).json()["file_name"] == "new.py"
        other = (await add(served, CODE.replace("double", "triple"))).json()[0]["agent_custom_tool_id"]
        both = f"{one}%2C{other}"
        assert (await http.delete(f"{one},nothing")).status_code == 404
        assert (await http.delete(both)).json() == {"count": 2}
        assert (await http.delete(both)).status_code == 404
        assert (await http.get(CUSTOM)).json() == []


async def test_servers_are_kept_and_their_secrets_never_shown(serve: Any) -> None:
    async with serve() as served:
        http = served.http
        made = await add_server(served, {**SERVER, "Other": {"command": "true", "args": ["-x"]}})
        assert made.status_code == 201
        first, second = (each["agent_custom_tool_id"] for each in made.json())
        shown = await http.get(f"{CUSTOM}/{first}")
        assert HEADER not in shown.text
        assert (shown.json()["tool_type"], shown.json()["tool_name"]) == ("remote_mcp", "my-search")
        config = json.loads(shown.json()["tool_args"]["mcp_config_json"])["my-search"]
        assert config["headers"] == {"Authorization": "***", "X-N": "***"}
        assert (config["url"], config["type"]) == (SERVER["My Search"]["url"], "http")
        other = json.loads((await http.get(f"{CUSTOM}/{second}")).json()["tool_args"]["mcp_config_json"])
        assert (other["other"]["command"], other["other"]["args"]) == ("true", ["-x"])
        assert (await http.get(f"{CUSTOM}/{first}/download")).status_code == 400
        server = await served.bench.workbench.mcp.get("my-search")
        assert (server.missing, server.spec.headers["Authorization"]) == ((), "${secret:Authorization}")
        changed = {"a": {"url": "http://127.0.0.1:9/sse", "type": "sse"}}
        args = {"tool_args": {"mcp_config_json": json.dumps(changed), "enable_by_default": False}}
        assert (await http.put(f"{CUSTOM}/{first}", json=args)).status_code == 200
        server = await served.bench.workbench.mcp.get("my-search")
        assert (server.spec.sse, server.spec.headers) == (True, {})
        for wrong in ({}, {"mcp_config_json": json.dumps({**changed, "b": changed["a"]})}):
            assert (await http.put(f"{CUSTOM}/{first}", json={"tool_args": wrong})).status_code == 400
        bad = {"tool_args": {"mcp_config_json": json.dumps({"a": {"url": "ftp://x"}})}}
        assert (await http.put(f"{CUSTOM}/{first}", json=bad)).status_code == 400
        assert (await served.bench.workbench.mcp.get("my-search")).spec.sse
        again = (await add_server(served, SERVER)).json()
        assert again[0]["agent_custom_tool_id"] == f"{first}-2"
        assert (await http.delete(f"{CUSTOM}/{first},{second}")).json() == {"count": 2}


@pytest.mark.parametrize(
    ("kind", "args", "name", "content", "status"),
    [
        ("general_code", "{}", "a.txt", CODE, 415),
        ("general_code", "{}", "a.zip", "PK", 501),
        ("general_code", "{}", "a.py", "print(", 400),
        ("general_code", "{}", "a.py", b"\xff\xfe", 400),
        ("general_code", "[]", "a.py", CODE, 400),
        ("general_code", "{", "a.py", CODE, 400),
        ("general_code", "{}", "", "", 400),
        ("local_mcp", "{}", "a.zip", "PK", 501),
        ("browser_action", "{}", "browser_a.py", CODE, 501),
        ("unheard_of", "{}", "a.py", CODE, 400),
        ("remote_mcp", "{}", "", "", 400),
        ("remote_mcp", '{"mcp_config_json": "[1]"}', "", "", 400),
        ("remote_mcp", '{"mcp_config_json": "{\\"a\\": {}}"}', "", "", 400),
        ("remote_mcp", '{"mcp_config_json": "{\\"a\\": {\\"url\\": 1}}"}', "", "", 400),
        ("remote_mcp", '{"mcp_config_json": {"a": {"url": "http://h", "env": []}}}', "", "", 201),
        ("remote_mcp", '{"mcp_config_json": {"a": {"url": "http://h", "headers": []}}}', "", "", 400),
        (
            "remote_mcp",
            '{"mcp_config_json": {"a": {"url": "http://h", "headers": {"K": "os.environ/KEY"}}}}',
            "",
            "",
            400,
        ),
    ],
)
async def test_what_cannot_be_a_tool_is_refused_in_words(
    serve: Any, kind: str, args: str, name: str, content: Any, status: int
) -> None:
    form: dict[str, Any] = {"tool_type": (None, kind), "tool_args": (None, args)}
    if name:
        form["file"] = (name, content)
    async with serve() as served:
        answer = await served.http.post(CUSTOM, files=form)
        kept = (await served.http.get(CUSTOM)).json()
    assert answer.status_code == status, answer.text
    if status != 201:
        assert answer.json()["code"] == status
        assert answer.json()["message"]
        assert kept == []


async def test_several_servers_are_all_made_or_none(serve: Any) -> None:
    async with serve() as served:
        config = {"a": {"url": "http://127.0.0.1:9/mcp"}, "b": {"url": "gopher://b"}}
        assert (await add_server(served, config)).status_code == 400
        assert (await served.http.get(CUSTOM)).json() == []


async def test_tools_of_others_are_not_there(serve_users: Any) -> None:
    async with serve_users() as served:
        bob = await served.user("bob")
        tool = (await add(served)).json()[0]["agent_custom_tool_id"]
        server = (await add_server(served, SERVER)).json()[0]["agent_custom_tool_id"]
        assert (await served.http.get(CUSTOM, headers=bob)).json() == []
        for id in (tool, server, "nothing", "mcp-nothing", "double"):
            for method, path in (("GET", id), ("GET", f"{id}/download"), ("DELETE", id)):
                answer = await served.http.request(method, f"{CUSTOM}/{path}", headers=bob)
                assert answer.status_code == 404
            changed = await served.http.put(f"{CUSTOM}/{id}", json={"tool_args": {}}, headers=bob)
            assert changed.status_code == 404
        program = await add_server(served, {"p": {"command": "true"}}, headers=bob)
        assert program.status_code == 403


def test_labels_are_words() -> None:
    assert label_of("read_file") == "Read File"
    assert label_of("mcp__my-search__find_all") == "My Search Find All"
