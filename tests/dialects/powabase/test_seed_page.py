"""What the documentation's page on agents shows, call by call, with its own client code: `requests`, a key, a
base URL. A table says what each call must answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import create_server
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.domain.models import ReasoningDelta, TextDelta

NONE = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"
"""An id of nothing."""

AGENT = {
    "name": "My Agent",
    "model": "gpt-4o",
    "system_prompt": "You are a helpful assistant.",
    "settings": {"temperature": 0.7},
}
MCP = {"url": "https://mcp.example.com", "transport": "http", "name": "My MCP"}
HOOK = {"event": "before_run", "type": "webhook", "config": {"url": "https://example.com/hook"}}
SCHEMAS = {"config_override": {"schemas": {"public": ["users", "orders"]}}}
SEARCHES = {"max_results": 3, "include_domains": ["example.com"]}
DELETED = {"deleted": True}


@dataclass(frozen=True)
class Asked:
    """A call of the page. `{names}` in it stand for what earlier answers had."""

    method: str
    path: str
    body: Any = None
    status: int = 200
    says: Any = field(default_factory=dict)
    """What the answer must have; a type stands for any value of it."""
    keeps: Mapping[str, str] = field(default_factory=dict)
    """Names, and the fields of the answer that they are from now on."""


CRUD = (
    Asked("GET", "/agents", says={"agents": list, "total": int, "limit": 50, "offset": 0}),
    Asked("POST", "/agents", AGENT, 201, {"id": str, **AGENT}, {"agent_id": "id"}),
    Asked("GET", "/agents/{agent_id}", says={"id": "{agent_id}", **AGENT, "created_at": str}),
    Asked(
        "PATCH",
        "/agents/{agent_id}",
        {"settings": {"temperature": 0.5}},
        says={**AGENT, "settings": {"temperature": 0.5}, "updated_at": str},
    ),
    Asked("DELETE", "/agents/{agent_id}", says={"message": str}),
    Asked("GET", "/agents/{agent_id}", status=404, says={"error": str}),
    Asked("POST", "/agents", AGENT, 201, AGENT, {"agent_id": "id"}),  # for the rest of the page
)
TOOLS = (
    Asked(
        "POST",
        "/agents/{agent_id}/tools",
        {"tool_name": "database_query"},
        201,
        {"id": str, "tool_name": "database_query", "tool_type": "builtin"},
        {"assignment_id": "id"},
    ),
    Asked(
        "GET",
        "/agents/{agent_id}/tools",
        says={"tools": [{"id": "{assignment_id}", "tool_name": "database_query"}]},
    ),
    Asked(
        "PATCH",
        "/agents/{agent_id}/tools/{assignment_id}",
        SCHEMAS,
        says={"id": "{assignment_id}", "tool_type": "builtin", "tool_name": "database_query", **SCHEMAS},
    ),
    Asked(
        "PATCH",
        "/agents/{agent_id}/tools/{assignment_id}",
        {"config": {"schemas": {"public": []}}},
        says={"id": "{assignment_id}", **SCHEMAS},
    ),
    Asked("DELETE", "/agents/{agent_id}/tools/{assignment_id}", says=DELETED),
    Asked("GET", "/agents/{agent_id}/tools", says={"tools": []}),
    Asked(
        "POST",
        "/agents/{agent_id}/tools",
        {"tool_name": "web_search"},
        201,
        {"tool_name": "web_search"},
        {"search_id": "id"},
    ),
    Asked(
        "PATCH",
        "/agents/{agent_id}/tools/{search_id}",
        {"config_override": SEARCHES},
        says={"id": "{search_id}", "config_override": SEARCHES},
    ),
    Asked("DELETE", "/agents/{agent_id}/tools/{search_id}", says=DELETED),
)
KNOWLEDGE = (
    Asked(
        "POST", "/knowledge-bases", {"name": "prices"}, 201, {"id": str, "name": "prices"}, {"kb_id": "id"}
    ),
    Asked(
        "POST",
        "/knowledge-bases/{kb_id}/sources",
        {"name": "hotels.md", "text": "Hotels cost ninety euros."},
        201,
        {"status": "indexed"},
    ),
    Asked(
        "POST",
        "/agents/{agent_id}/knowledge-bases",
        {"knowledge_base_id": "{kb_id}"},
        201,
        {"id": str, "agent_id": "{agent_id}", "knowledge_base_id": "{kb_id}"},
        {"assignment_id": "id"},
    ),
    Asked(
        "GET",
        "/agents/{agent_id}/knowledge-bases",
        says={"knowledge_bases": [{"id": "{assignment_id}", "knowledge_base_id": "{kb_id}"}]},
    ),
    Asked("DELETE", "/agents/{agent_id}/knowledge-bases/{assignment_id}", says=DELETED),
    Asked("GET", "/agents/{agent_id}/knowledge-bases", says={"knowledge_bases": []}),
)
SERVERS = (
    Asked(
        "POST",
        "/agents/{agent_id}/mcp-servers",
        MCP,
        201,
        {"id": str, "agent_id": "{agent_id}", **MCP, "enabled": True},
        {"server_id": "id"},
    ),
    Asked("GET", "/agents/{agent_id}/mcp-servers", says={"mcp_servers": [{"id": "{server_id}", **MCP}]}),
    Asked(
        "PUT",
        "/agents/{agent_id}/mcp-servers/{server_id}",
        {"url": "https://new-url.com"},
        says={**MCP, "id": "{server_id}", "url": "https://new-url.com"},
    ),
    Asked("DELETE", "/agents/{agent_id}/mcp-servers/{server_id}", says=DELETED),
    Asked("GET", "/agents/{agent_id}/mcp-servers", says={"mcp_servers": []}),
)
HOOKS = (
    Asked(
        "POST",
        "/agents/{agent_id}/hooks",
        HOOK,
        201,
        {"id": str, "agent_id": "{agent_id}", **HOOK, "enabled": True, "position": 0},
        {"hook_id": "id"},
    ),
    Asked("GET", "/agents/{agent_id}/hooks", says={"hooks": [{"id": "{hook_id}", **HOOK}]}),
    Asked("DELETE", "/agents/{agent_id}/hooks/{hook_id}", says=DELETED),
    Asked("GET", "/agents/{agent_id}/hooks", says={"hooks": []}),
)
RUNS = (
    Asked("GET", "/agents/{agent_id}/sessions", says={"sessions": [], "total": 0, "limit": 50, "offset": 0}),
    Asked(
        "POST",
        "/agents/{agent_id}/run",
        {"message": "Hello"},
        says={
            "run_id": str,
            "session_id": str,
            "content": "Hello to you.",
            "status": "completed",
            "error": None,
            "usage": {"prompt_tokens": int, "completion_tokens": int, "total_tokens": int},
            "is_new_session": True,
            "context_handler_id": None,
            "retrieved_items": 0,
        },
        keeps={"run_id": "run_id", "session_id": "session_id"},
    ),
    Asked(
        "POST",
        "/agents/{agent_id}/run",
        {
            "message": "hotels",
            "session_id": "{session_id}",
            "knowledge_bases": [{"id": "{kb_id}", "top_k": 5}],
            "max_context_tokens": 8000,
            "citations_enabled": False,
        },
        says={
            "session_id": "{session_id}",
            "content": "Ninety euros.",
            "is_new_session": False,
            "context_handler_id": str,
            "retrieved_items": 1,
        },
        keeps={"context_handler_id": "context_handler_id"},
    ),
    Asked(
        "POST",
        "/agents/{agent_id}/run",
        {"message": "Hello", "context_handler_id": "{context_handler_id}", "citations_enabled": True},
        says={"content": "Ninety [1].", "citations": [{"key": "1", "source_name": "hotels.md"}]},
    ),
    Asked(
        "POST",
        "/agents/{agent_id}/run",
        {
            "message": "Hello",
            "context_items": [{"text": "Tides are at noon."}],
            "temperature": 0.1,
            "response_format": {"type": "json_object"},
        },
        says={"content": '{"tide": "noon"}', "retrieved_items": 1, "status": "completed"},
    ),
    Asked(
        "GET",
        "/agents/runs/{run_id}",
        says={
            "id": "{run_id}",
            "run_id": "{run_id}",
            "session_id": "{session_id}",
            "parent_orchestration_run_id": None,
            "parent_workflow_execution_id": None,
            "status": "completed",
            "input_messages": [{"role": "user", "content": "Hello"}],
            "output_messages": [{"role": "assistant", "content": "Hello to you."}],
            "content": "Hello to you.",
            "usage": dict,
            "retrieved_context": [],
            "error": None,
            "started_at": str,
            "completed_at": str,
            "steps": 1,
            "events": list,
            "tool_calls": [],
            "reasoning_steps": [],
            "created_at": str,
        },
    ),
    Asked("POST", "/agents/runs/{run_id}/approve", {"approved": True}, 404, {"error": str}),
    Asked(
        "GET",
        "/agents/{agent_id}/sessions",
        says={
            "sessions": [
                dict,
                dict,
                {"session_id": "{session_id}", "run_count": 2, "first_message": "Hello"},
            ],
            "total": 3,
        },
    ),
)
PAGE = (*CRUD, *TOOLS, *KNOWLEDGE, *SERVERS, *HOOKS, *RUNS)


async def play(caller: Any, calls: tuple[Asked, ...], names: dict[str, str]) -> None:
    """Asks one call after the other; `names` gets what their answers have."""
    for one in calls:
        answer = await caller.ask(one.method, one.path.format(**names), filled(one.body, names))
        what = f"{one.method} {one.path} {one.body}: {answer.status_code} {answer.text}"
        assert answer.status_code == one.status, what
        assert not unlike(answer.json(), filled(one.says, names)), what
        names |= {name: answer.json()[key] for name, key in one.keeps.items()}


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """Returns a value with the names in it as what they stand for."""
    if isinstance(value, str) and value.startswith("{") and value.endswith("}") and value[1:-1] in names:
        return names[value[1:-1]]
    if isinstance(value, dict):
        return {key: filled(each, names) for key, each in value.items()}
    return [filled(each, names) for each in value] if isinstance(value, list) else value


def unlike(given: Any, wanted: Any) -> bool:
    """Says whether an answer lacks something of what is wanted."""
    if isinstance(wanted, type):
        return not isinstance(given, wanted)
    if isinstance(wanted, dict):
        return not isinstance(given, dict) or any(
            key not in given or unlike(given[key], each) for key, each in wanted.items()
        )
    if isinstance(wanted, list):
        return len(given) != len(wanted) or any(map(unlike, given, wanted))
    return bool(given != wanted)


@pytest.mark.covers(
    "powabase.list_agents",
    "powabase.create_agent",
    "powabase.get_agent",
    "powabase.update_agent",
    "powabase.delete_agent",
    "powabase.assign_agent_tool",
    "powabase.list_agent_tools",
    "powabase.update_agent_tool",
    "powabase.remove_agent_tool",
    "powabase.assign_agent_knowledge_base",
    "powabase.list_agent_knowledge_bases",
    "powabase.remove_agent_knowledge_base",
    "powabase.add_agent_mcp_server",
    "powabase.list_agent_mcp_servers",
    "powabase.update_agent_mcp_server",
    "powabase.remove_agent_mcp_server",
    "powabase.add_agent_hook",
    "powabase.list_agent_hooks",
    "powabase.remove_agent_hook",
    "powabase.list_agent_sessions",
    "powabase.run_agent",
    "powabase.get_run",
    "powabase.approve_run",
)
async def test_every_call_of_the_page_answers_what_it_must(keyed: Any, say: Any, index: MemoryIndex) -> None:
    replies = [say("Hello", " to you."), say("Ninety euros."), say("Ninety [1]."), say('{"tide": "noon"}')]
    async with keyed(replies, knowledge=index) as served:
        await play(await served.caller(), PAGE, {})
        first, second, third, last = served.bench.model.requests
        assert (first.model, first.settings.temperature, first.tools) == ("gpt-4o", 0.7, ())
        assert "You are a helpful assistant." in shown(first)
        assert "ninety euros" in shown(second) and "Hello to you." in shown(second)
        assert "ninety euros" in shown(third)
        assert "noon" in shown(last) and last.settings.temperature == 0.1


def shown(request: Any) -> str:
    """Returns what a model was told."""
    return "\n".join(message.text for message in request.messages)


@pytest.mark.covers("powabase.run_agent_stream")
async def test_the_streaming_loop_of_the_page_reads_the_run(keyed: Any) -> None:
    thinking = [ReasoningDelta(text="Hm."), ReasoningDelta(text="A greeting.", summary=True)]
    async with keyed([[*thinking, TextDelta(text="Hello"), TextDelta(text=" to you.")]] * 2) as served:
        caller, names = await served.caller(), {}
        await play(caller, CRUD[-1:], names)
        path = f"/agents/{names['agent_id']}/run/stream"
        events = await caller.stream(path, {"message": "Hello", "reasoning_requested": True})
        assert [each["event"] for each in events] == [
            *("start", "step_started", "reasoning", "reasoning_summary", "chunk", "chunk"),
            *("step_completed", "complete"),
        ]
        assert events[0]["reasoning_requested"] is True
        assert "".join(e["content"] for e in events if e["event"] == "chunk") == events[-1]["content"]
        again = {"message": "Hello", "session_id": events[0]["session_id"], "reasoning_requested": False}
        more = await caller.stream(path, again)
        assert {each["session_id"] for each in (more[0], more[-1])} == {events[0]["session_id"]}
        assert (events[0]["run_id"] != more[0]["run_id"], more[-1]["is_new_session"]) == (True, False)
        assert not {"reasoning", "reasoning_summary"} & {each["event"] for each in more}


@asynccontextmanager
async def mcp_server() -> AsyncIterator[str]:
    """Serves one tool to MCP clients; gives its address."""
    made = MCPServer("sums")

    @made.tool()
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    app = made.streamable_http_app(streamable_http_path="/mcp")
    with create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        async with made.session_manager.run():
            task = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
            finally:
                server.force_exit = server.should_exit = True
                await task


@pytest.mark.covers("powabase.run_agent_stream", "powabase.approve_run", "powabase.get_run")
async def test_an_agent_uses_what_it_was_given_and_asks_before_it_acts(
    keyed: Any, say: Any, call: Any, index: MemoryIndex
) -> None:
    steps = [
        say("Nothing at hand."),
        call(("search_knowledge", '{"query": "hotels"}')),
        call(("mcp__sums__add", '{"a": 40, "b": 50}')),
        say("Ninety."),
    ]
    async with mcp_server() as address, keyed(steps, knowledge=index) as served:
        caller, names = await served.caller(), {"address": address}
        server = {"url": "{address}", "transport": "http", "name": "sums"}
        given = Asked("POST", "/agents/{agent_id}/mcp-servers", server, 201, server)
        alone = Asked("POST", "/agents/{agent_id}/run", {"message": "Hello"}, says={"retrieved_items": 0})
        await play(caller, (CRUD[-1], *KNOWLEDGE[:3], given, alone), names)
        assert served.bench.model.requests[0].tools == ()
        codes: list[int] = []

        def decide(event: dict[str, Any]) -> None:
            if event["event"] == "approval_requested":
                place = f"/agents/runs/{event['run_id']}/approve"
                codes.append(caller.ask_now("POST", place, {"approved": True}).status_code)

        path = f"/agents/{names['agent_id']}/run/stream"
        events = await caller.stream(path, {"message": "What is it?"}, decide)
        assert codes == [200]
        results = [each for each in events if each["event"] == "tool_result"]
        assert [each["tool_name"] for each in results] == ["knowledge_search", "mcp__sums__add"]
        assert "ninety euros" in results[0]["result"] and "90" in results[1]["result"]
        (asked,) = (each for each in events if each["event"] == "approval_requested")
        assert (asked["tool_name"], asked["tool_input"]) == ("mcp__sums__add", {"a": 40, "b": 50})
        assert (events[-1]["event"], events[-1]["status"]) == ("complete", "completed")
        record = (await caller.ask("GET", f"/agents/runs/{events[0]['run_id']}")).json()
        assert [each["tool_name"] for each in record["tool_calls"]] == ["knowledge_search", "mcp__sums__add"]
        assert record["steps"] == 3


# --- the table of errors

GIVEN = (
    CRUD[-1],
    Asked("POST", "/agents/{agent_id}/tools", {"tool_name": "database_query"}, 201, keeps={"tool_id": "id"}),
    KNOWLEDGE[0],
    KNOWLEDGE[2],
    SERVERS[0],
    Asked("POST", "/agents/{agent_id}/mcp-servers", {**MCP, "name": "B"}, 201, keeps={"other_id": "id"}),
    HOOKS[0],
)


def refused(method: str, path: str, status: int, *bodies: Any) -> tuple[Asked, ...]:
    """Rows of calls that are refused; nothing of them is done."""
    return tuple(Asked(method, path, body, status, {"error": str, "code": str}) for body in bodies)


def schemas(*given: Any) -> tuple[dict[str, Any], ...]:
    return tuple({"config_override": {"schemas": each}} for each in given)


BAD_SCHEMAS = schemas(
    None,
    ["public"],
    "public",
    *({name: ["users"]} for name in ("ai", "auth", "storage", "pg_catalog", "pg_anything", "vault", "cron")),
    *({name: ["users"]} for name in ("", "1st", "a-b", "a" * 65, "public; drop table users", "ä")),
    *({"public": each} for each in ("users", {"users": True}, None, ["a b"], ["1st"], [""], [3], [None])),
)
ONE = "/agents/{agent_id}"
ERRORS = (
    *refused("POST", "/agents", 400, {}, {"name": ""}, {"name": 3}, {"model": "gpt-4o"}, [AGENT], None),
    *refused("PATCH", ONE, 400, {}, {"color": "red"}, {"name": None}, {"settings": "warm"}),
    *refused(
        "POST", f"{ONE}/tools", 400, {}, {"tool_name": ""}, {"tool_name": "no_such_tool"}, {"tool_name": 3}
    ),
    *refused("POST", f"{ONE}/tools", 400, {"tool_name": "web_search", "tool_type": "magic"}),
    *refused("POST", f"{ONE}/tools", 400, {"tool_name": "web_search", "tool_type": "custom"}),
    *refused("POST", f"{ONE}/tools", 400, *({"tool_name": "database_write", **bad} for bad in BAD_SCHEMAS)),
    *refused("PATCH", f"{ONE}/tools/{{tool_id}}", 400, *BAD_SCHEMAS, {"config_override": [1]}),
    *refused("POST", f"{ONE}/knowledge-bases", 400, {}, {"knowledge_base_id": ""}, {"knowledge_base_id": 3}),
    *refused("POST", f"{ONE}/mcp-servers", 400, {}, {"name": "a"}, {"url": MCP["url"]}, {**MCP, "name": ""}),
    *refused(
        "POST",
        f"{ONE}/mcp-servers",
        400,
        {**MCP, "name": "C", "url": "ftp://a.test"},
        {**MCP, "name": "C", "transport": "stdio"},
    ),
    *refused("PUT", f"{ONE}/mcp-servers/{{server_id}}", 400, {}, {"color": "red"}, {"url": ""}),
    *refused("POST", f"{ONE}/hooks", 400, *({k: v for k, v in HOOK.items() if k != key} for key in HOOK)),
    *refused("POST", f"{ONE}/hooks", 400, *({**HOOK, key: "odd"} for key in HOOK)),
    *refused("POST", f"{ONE}/hooks", 400, {**HOOK, "config": {}}, {**HOOK, "config": None}),
    *(
        row
        for path in (f"{ONE}/run", f"{ONE}/run/stream")
        for row in (
            *refused("POST", path, 400, {}, {"message": ""}, {"message": 3}, {"message": None}),
            *refused(
                "POST", path, 400, {"message": "x", "context_override": "a", "context_handler_id": NONE}
            ),
            *refused("POST", path, 404, {"message": "x", "context_handler_id": NONE}),
        )
    ),
    *refused("POST", f"/agents/runs/{NONE}/approve", 400, {}, {"approved": "yes"}, {"approved": 1}),
    *(
        row
        for path in (f"/agents/{NONE}", "/agents/none", "/agents/{agent_id}x")
        for row in (
            *refused("GET", path, 404, None),
            *refused("PATCH", path, 404, {"name": "x"}),
            *refused("DELETE", path, 404, None),
            *(
                row
                for part in ("tools", "knowledge-bases", "mcp-servers", "hooks", "sessions")
                for row in refused("GET", f"{path}/{part}", 404, None)
            ),
            *refused("POST", f"{path}/tools", 404, {"tool_name": "web_search"}),
            *refused("POST", f"{path}/knowledge-bases", 404, {"knowledge_base_id": "{kb_id}"}),
            *refused("POST", f"{path}/mcp-servers", 404, MCP),
            *refused("POST", f"{path}/hooks", 404, HOOK),
            *refused("POST", f"{path}/run", 404, {"message": "x"}),
            *refused("POST", f"{path}/run/stream", 404, {"message": "x"}),
        )
    ),
    *refused("PATCH", f"{ONE}/tools/{NONE}", 404, SCHEMAS),
    *(
        row
        for part in ("tools", "knowledge-bases", "mcp-servers", "hooks")
        for row in refused("DELETE", f"{ONE}/{part}/{NONE}", 404, None)
    ),
    *refused("PUT", f"{ONE}/mcp-servers/{NONE}", 404, {"url": MCP["url"]}),
    *refused("POST", f"{ONE}/knowledge-bases", 404, {"knowledge_base_id": NONE}),
    *refused("GET", f"/agents/runs/{NONE}", 404, None),
    *refused("GET", "/agents/runs/run_0123456789ab", 404, None),
    *refused("POST", f"/agents/runs/{NONE}/approve", 404, {"approved": True}),
    *refused("POST", f"{ONE}/knowledge-bases", 409, {"knowledge_base_id": "{kb_id}"}),
    *refused("POST", f"{ONE}/mcp-servers", 409, MCP),
    *refused("PUT", f"{ONE}/mcp-servers/{{other_id}}", 409, {"name": MCP["name"]}),
)


async def test_every_row_of_the_table_of_errors_is_as_it_says_and_changes_nothing(
    keyed: Any, index: MemoryIndex
) -> None:
    async with keyed(knowledge=index) as served:
        caller, names = await served.caller(), {}
        await play(caller, GIVEN, names)
        parts = [
            "",
            *(f"/{part}" for part in ("tools", "knowledge-bases", "mcp-servers", "hooks", "sessions")),
        ]
        places = ["/agents", *(f"/agents/{names['agent_id']}{part}" for part in parts)]
        before = [(await caller.ask("GET", place)).json() for place in places]
        await play(caller, ERRORS, names)
        assert [(await caller.ask("GET", place)).json() for place in places] == before
