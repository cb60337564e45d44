"""MCP servers through Sage's API: connected to when they are added, and their user's alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.small_mcp import small_server

from holdfast.core.domain.mcp import McpState
from holdfast.server.dialects.sage.mapping_mcp import changed_server, new_server
from holdfast.server.dialects.sage.wire_mcp import McpBody

ROOT = "/sage/api/mcp"
KEY = "a-key-of-the-server"
SAYS = """
TOOLS = [{"name": "tell", "inputSchema": {"type": "object", "properties": {}}}]
def call(params):
    return "told"
"""
URL = "https://docs.example.org/mcp"


@pytest.fixture
def program(tmp_path: Path) -> dict[str, Any]:
    """A server that is a program, as clients send it."""
    command, *args = small_server(tmp_path / "server.py", SAYS)
    return {"protocol": "stdio", "command": command, "args": args}


BROKEN = {"protocol": "stdio", "command": "/no/such/program"}


async def ask(served: Any, method: str, path: str, body: Any = None, code: int = 200, **more: Any) -> Any:
    answer = await served.http.request(method, ROOT + path, json=body, **more)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (code, code), answer.text
    return said["data"] if code == 200 else said["message"]


async def servers(served: Any, **more: Any) -> list[dict[str, Any]]:
    return list((await ask(served, "GET", "/list", **more))["servers"])


@pytest.mark.covers(
    "sage.add_mcp_server",
    "sage.list_mcp_servers",
    "sage.refresh_mcp_server",
    "sage.toggle_mcp_server",
    "sage.delete_mcp_server",
)
async def test_a_server_lives_its_life(serve: Any, program: Any) -> None:
    async with serve() as served:
        env = {"API_KEY": KEY, "LEVEL": "high"}
        body = {"name": "My docs", **program, "env": env, "description": "All of it", "tools": ["tell"]}
        assert await ask(served, "POST", "/add", body) == {"server_name": "My docs", "status": "success"}
        (shown,) = await servers(served)
        assert KEY not in str(shown)
        assert (shown["name"], shown["protocol"], shown["command"]) == (
            "My docs",
            "stdio",
            program["command"],
        )
        assert (shown["env"], shown["description"]) == ({"API_KEY": "***", "LEVEL": "***"}, "All of it")
        assert (shown["disabled"], shown["kind"], shown["tools"]) == (False, "external", ["tell"])
        (ours,) = await served.bench.workbench.mcp.list()
        assert (ours.spec.name, ours.state) == ("my-docs", McpState.READY)
        off = await ask(served, "PUT", "/My%20docs/toggle")
        assert off == {"server_name": "My docs", "disabled": True}
        assert [each["disabled"] for each in await servers(served)] == [True]
        again = await ask(served, "POST", "/My%20docs/refresh")
        assert again == {"server_name": "My docs", "status": "refreshed"}
        assert [each["disabled"] for each in await servers(served)] == [False]
        assert await ask(served, "DELETE", "/my-docs") == {"server_name": "my-docs"}
        assert await servers(served) == []


async def test_a_name_is_given_once(serve: Any, program: Any) -> None:
    async with serve() as served:
        await ask(served, "POST", "/add", {"name": "docs", **program})
        said = await ask(served, "POST", "/add", {"name": "docs", **program}, 400)
        assert said == "MCP服务器 'docs' 已存在"


async def test_nothing_is_kept_of_a_server_that_cannot_be_reached(serve: Any, program: Any) -> None:
    async with serve() as served:
        for body in (BROKEN, {"protocol": "streamable_http"}, {"protocol": "sse", "sse_url": "no address"}):
            said = await ask(served, "POST", "/add", {"name": "docs", **body}, 500)
            assert said == "MCP server docs 注册失败"
        bad = {"protocol": "sse", "sse_url": URL, "api_key": "a\nb\nc\nd\ne"}
        await ask(served, "POST", "/add", {"name": "docs", **bad}, 500)
        for name in ("a/b", "a\x1b[31m"):
            await ask(served, "POST", "/add", {"name": name, **program}, 500)
        assert await servers(served) == []
        for wrong in ({"name": "", **BROKEN}, {"name": "a", "protocol": "ftp"}, {"protocol": "sse"}):
            assert (await served.http.post(f"{ROOT}/add", json=wrong)).status_code == 422


@pytest.mark.covers("sage.update_mcp_server")
async def test_a_server_is_changed_whole_or_not_at_all(serve: Any, program: Any) -> None:
    async with serve() as served:
        await ask(served, "POST", "/add", {"name": "My docs", **program, "env": {"API_KEY": KEY}})
        changed = {"name": "other", **program, "env": {"API_KEY": "***"}, "description": "New"}
        assert (await ask(served, "PUT", "/My%20docs", changed))["server_name"] == "My docs"
        (shown,) = await servers(served)
        assert (shown["name"], shown["description"]) == ("My docs", "New")
        (ours,) = await served.bench.workbench.mcp.list()
        assert (await served.bench.workbench.mcp.get(ours.spec.name)).missing == ()
        said = await ask(served, "PUT", "/My%20docs", {"name": "My docs", **BROKEN}, 500)
        assert said == "MCP server My docs 注册失败"
        assert (await ask(served, "POST", "/My%20docs/refresh"))["status"] == "refreshed"
        await served.bench.workbench.mcp.replace(
            ours.spec.name, ours.spec.model_copy(update={"command": ("/no",)})
        )
        assert (await ask(served, "POST", "/My%20docs/refresh"))["status"] == "failed"


async def test_the_servers_of_others_are_not_there(serve_users: Any, program: Any) -> None:
    async with serve_users() as served:
        ann = {"headers": await served.user("ann")}
        await ask(served, "POST", "/add", {"name": "docs", **program})
        assert await servers(served, **ann) == []
        for method, path in (("DELETE", ""), ("POST", "/refresh"), ("PUT", "/toggle")):
            said = await ask(served, method, f"/docs{path}", code=400, **ann)
            assert said == "MCP服务器 'docs' 不存在"
        assert await ask(served, "PUT", "/docs", {"name": "docs", **program}, 400, **ann)
        assert [each["disabled"] for each in await servers(served)] == [False]


async def test_who_is_no_administrator_adds_no_program_and_no_private_address(
    serve_users: Any, program: Any
) -> None:
    async with serve_users() as served:
        ann = {"headers": await served.user("ann")}
        said = await ask(served, "POST", "/add", {"name": "docs", **program}, 500, **ann)
        assert said == "只有管理员可以添加 stdio 类型的 MCP 服务器"
        for address in ("http://127.0.0.1:9/mcp", "http://[::1]:9/", "http://169.254.169.254/latest"):
            for protocol, key in (("streamable_http", "streamable_http_url"), ("sse", "sse_url")):
                body = {"name": "docs", "protocol": protocol, key: address}
                answer = await served.http.post(f"{ROOT}/add", json=body, **ann)
                assert (answer.status_code, answer.json()["message"]) == (500, "MCP server docs 注册失败")
                assert "private" in answer.json()["error_detail"]
        assert await servers(served, **ann) == []


# --- what a server becomes


def body(**more: Any) -> McpBody:
    return McpBody.model_validate({"name": "docs", "protocol": "streamable_http", **more})


@pytest.mark.parametrize(
    ("key", "header", "secrets"),
    [
        (KEY, "Bearer ${secret:api_key}", {"api_key": KEY}),
        ("secret", "Bearer secret", {}),
        (None, None, {}),
        ("***", None, {}),
    ],
    ids=["a key", "too short to be kept", "none", "what listings show"],
)
def test_a_key_is_a_bearers_token_and_kept_where_keys_are(key: Any, header: Any, secrets: Any) -> None:
    made = new_server(body(streamable_http_url=URL, api_key=key), ())
    assert (made.spec.headers.get("Authorization"), made.secrets) == (header, secrets)


def test_a_server_that_changes_keeps_what_clients_cannot_say() -> None:
    former = new_server(body(streamable_http_url=URL, api_key=KEY, tools=["a"]), ()).spec
    former = former.model_copy(update={"trusted": True, "timeout_s": 7.0, "enabled": False})
    made = changed_server(body(streamable_http_url=f"{URL}/v2", description="New"), former)
    assert (made.spec.trusted, made.spec.timeout_s, made.spec.enabled) == (True, 7.0, False)
    assert (made.spec.headers, made.secrets) == ({"Authorization": "Bearer ${secret:api_key}"}, {})
    assert made.spec.ext["sage"] == {
        "name": "docs",
        "kind": "external",
        "tools": ["a"],
        "description": "New",
    }
    program = changed_server(body(protocol="stdio", command="run", args=["-y"]), made.spec)
    assert (program.spec.command, program.spec.headers, program.spec.url) == (("run", "-y"), {}, None)
