"""`/mcp` at a listener on TCP: real keys, uvicorn, the library's own client; hostile ones by plain HTTP."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_person import Person, approve
from mcp_types import Implementation
from plain_mcp import HELLO, MESSAGES, PING
from tests.fakes.listener import listening
from tests.runs.conftest import Bench

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.identity import Role, Scope
from holdfast.server.mcp.sessions import MAX_SESSIONS
from holdfast.server.tcp import OpenListener

WRITE = ("write_file", '{"path": "a.md", "content": "Alpha\\n"}')


@dataclass
class Served:
    """A listener, and keys to it."""

    bench: Bench
    listener: OpenListener

    async def key(self, name: str, scope: Scope = Scope.CHAT) -> str:
        return (await self.bench.workbench.keys.create(name, scope)).secret

    async def key_of_another(self) -> str:
        """A key of another user."""
        await self.bench.workbench.users.add("ann", Role.USER)
        return (await self.bench.workbench.keys.create("hers", Scope.CHAT, user="ann")).secret

    @asynccontextmanager
    async def client(self, key: str, person: Person | None = None, **options: Any) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
            Client(
                streamable_http_client(f"{self.listener.state.url}/mcp", http_client=http),
                elicitation_callback=None if person is None else person.fill,
                client_info=Implementation(name="a \x1bclient", version="1"),
                **options,
            ) as client,
        ):
            yield client

    def plain(self, key: str = "", **headers: str) -> httpx.AsyncClient:
        shown = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(
            base_url=self.listener.state.url,
            headers={"Accept": MESSAGES, **shown, **headers},
            timeout=20,
            trust_env=False,
            verify=False,
        )


@pytest.fixture
def serve(open_bench: Any, tmp_path: Path) -> Callable[..., Any]:
    """Serves a workbench whose model plays the given steps."""

    @asynccontextmanager
    async def serving(steps: Any = ()) -> AsyncIterator[Served]:
        async with open_bench(steps) as bench, listening(bench.workbench, tmp_path) as opened:
            yield Served(bench, opened)

    return serving


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_works_over_http_and_the_decision_is_noted_with_key_and_client(
    serve: Any, say: Any, call: Any, mode: str
) -> None:
    person = Person([approve()])
    async with serve([call(WRITE), say("Written.")]) as served:
        async with served.client(await served.key("laptop"), person, mode=mode) as client:
            result = await client.call_tool("agent_tester", {"message": "Go"})
        (record,) = (await served.bench.workbench.approvals.history()).items
    assert result.structured_content["reply"] == "Written."
    assert (record.decision.decided_by, record.decision.client) == ("local", "key laptop (MCP: a client)")


async def test_a_key_that_may_only_look_sees_agents_and_starts_nothing(serve: Any) -> None:
    async with serve() as served:
        async with served.client(await served.key("reader", Scope.READ)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            refused = await client.call_tool("agent_tester", {"message": "Go"})
        sessions = (await served.bench.workbench.sessions.list()).items
    assert "agent_tester" in names
    assert (refused.is_error, refused.structured_content["error"]["code"]) == (True, "scope_missing")
    assert sessions == ()


async def test_another_user_sees_nothing_of_the_runs_of_the_first(serve: Any, say: Any) -> None:
    async with serve([say("Mine.")]) as served:
        hers = await served.key_of_another()
        async with served.client(await served.key("mine")) as client:
            mine = (await client.call_tool("agent_tester", {"message": "Go"})).structured_content
        async with served.client(hers) as client:
            refused = await client.call_tool("get_run", {"run_id": mine["run_id"]})
    assert refused.structured_content["error"]["code"] == "run_not_found"


async def test_without_a_key_or_from_a_page_of_another_site_nobody_is_let_in(serve: Any) -> None:
    async with serve() as served:
        key = await served.key("mine")
        async with served.plain() as http:
            nobody = await http.post("/mcp", json=HELLO)
        async with served.plain(key, Origin="https://evil.example") as http:
            page = await http.post("/mcp", json=HELLO)
        async with served.plain(key, Host="evil.example") as http:
            rebound = await http.post("/mcp", json=HELLO)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert nobody.json()["error"]["data"]["code"] == "key_missing"
    assert (page.status_code, rebound.status_code) == (403, 403)


async def test_a_session_is_another_keys_as_little_as_another_users(serve: Any) -> None:
    async with serve() as served:
        mine, other = await served.key("mine"), await served.key("other")
        async with served.plain(mine) as http:
            session = (await http.post("/mcp", json=HELLO)).headers["mcp-session-id"]
        async with served.plain(other, **{"Mcp-Session-Id": session}) as http:
            refused = await http.post("/mcp", json=PING)
        async with served.plain(mine, **{"Mcp-Session-Id": session}) as http:
            taken = await http.post("/mcp", json=PING)
            ended = await http.delete("/mcp")
            gone = await http.post("/mcp", json=PING)
    assert [each.status_code for each in (refused, taken, ended, gone)] == [404, 200, 200, 404]


async def test_a_flood_of_sessions_is_stopped_and_takes_no_room_of_others(serve: Any) -> None:
    async with serve() as served:
        reader = await served.key("reader", Scope.READ)
        async with served.plain(reader) as http:
            answers = [await http.post("/mcp", json=HELLO) for _ in range(MAX_SESSIONS + 1)]
        async with served.plain(await served.key("mine")) as http:
            mine = await http.post("/mcp", json=HELLO)
    assert [each.status_code for each in answers] == [200] * MAX_SESSIONS + [503]
    assert mine.status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"x" * (8 * 1024 * 1024 + 1), 413, "body_too_large"),
        (b"[" + b"1," * 200_000 + b"1]", 413, "body_too_large"),
    ],
)
async def test_a_huge_message_is_refused_before_it_is_read(
    serve: Any, body: bytes, status: int, code: str
) -> None:
    async with serve() as served, served.plain(await served.key("mine")) as http:
        refused = await http.post("/mcp", content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["error"]["data"]["code"]) == (status, code)


@pytest.mark.parametrize("body", [b"{", b"[" * 50_000, b'"text"', b"{}", b'{"jsonrpc": "2.0", "id": 1}'])
async def test_what_is_no_message_is_an_error_of_the_client(serve: Any, body: bytes) -> None:
    async with serve() as served, served.plain(await served.key("mine")) as http:
        refused = await http.post("/mcp", content=body, headers={"Content-Type": "application/json"})
        path = await http.post("/mcp/nowhere", json=HELLO)
    assert (refused.status_code, path.status_code) == (400, 404)


async def test_a_listener_that_closes_ends_the_sessions_and_what_they_had_started(
    serve: Any, call: Any
) -> None:
    async with serve([call(WRITE)]) as served:
        person = Person()
        async with served.client(await served.key("mine"), person, mode="legacy") as client:
            asking = asyncio.create_task(client.call_tool("agent_tester", {"message": "Go"}))
            async with asyncio.timeout(20):
                await person.asked.wait()
            served.listener.close()
            await served.bench.until("run.cancelled")
            async with asyncio.timeout(20):
                await served.listener.task
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_that_cancels_its_call_ends_the_run(serve: Any, call: Any, mode: str) -> None:
    begun = asyncio.Event()

    async def progress(done: float, total: float | None, message: str | None) -> None:
        if message and message.startswith("run_command"):
            begun.set()

    async with serve([call(("run_command", '{"command": "sleep 600"}'))]) as served:
        session = await served.bench.session()
        await served.bench.workbench.approvals.set_mode(session.id, ApproveMode.ALL)
        arguments = {"message": "Go", "session_id": session.id, "wait_s": 3600}
        async with served.client(await served.key("mine"), mode=mode) as client:
            asking = asyncio.create_task(
                client.call_tool("agent_tester", arguments, progress_callback=progress)
            )
            async with asyncio.timeout(20):
                await begun.wait()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await served.bench.until("run.cancelled")


def test_the_start_of_an_engine_does_not_load_the_library() -> None:
    code = "import sys, holdfast.server.engine, holdfast.server.app; print('mcp_types' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
