"""Who Powabase's API lets in, and what they see of each other."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest

from holdfast.core.domain.identity import Scope
from holdfast.server.app import engine_app
from holdfast.server.kit.auth import ask_for_key

AGENTS = "/powabase/api/agents"
NONE = "8c1f0a52-3f0e-4a86-9a43-0c0a5be1d001"


class Keyed:
    """An engine behind a door that wants keys."""

    def __init__(self, bench: Any) -> None:
        async def host() -> Any:
            return bench.workbench

        self.bench = bench
        self._app = engine_app(host, log=logging.getLogger("holdfast.tests"), closing=asyncio.Event())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        ask_for_key(scope, self.bench.workbench.authenticate)
        await self._app(scope, receive, send)

    async def key(self, user: str, scope: Scope = Scope.ADMIN) -> str:
        made = await self.bench.workbench.keys.create(f"{user} {scope}", user=user, scope=scope)
        return str(made.secret)

    def client(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self), base_url="http://engine", headers=headers
        )


@pytest.fixture
def door() -> str:
    return "local"


@pytest.mark.covers("powabase.health")
async def test_only_health_is_told_to_anybody(open_bench: Any) -> None:
    async with open_bench() as bench, Keyed(bench).client() as http:
        assert (await http.get("/powabase/api/health")).json() == {"status": "ok"}
        for place in (AGENTS, f"{AGENTS}/{NONE}", "/powabase/api/nothing"):
            answer = await http.get(place)
            assert answer.status_code == 401
            assert set(answer.json()) == {"error", "code"}


@pytest.mark.covers("powabase.list_agents")
async def test_a_key_is_shown_in_either_header(open_bench: Any) -> None:
    async with open_bench() as bench:
        keyed = Keyed(bench)
        key = await keyed.key("local")
        for headers in ({"Authorization": f"Bearer {key}"}, {"apikey": key}):
            async with keyed.client(**headers) as http:
                assert (await http.get(AGENTS)).status_code == 200
        async with keyed.client(apikey="hf_wrong") as http:
            answer = await http.get(AGENTS)
            assert answer.status_code == 401 and answer.json()["error"]


@pytest.mark.covers("powabase.get_agent", "powabase.assign_agent_tool", "powabase.get_tool")
async def test_what_is_of_another_user_is_not_there(open_bench: Any) -> None:
    async with open_bench() as bench:
        keyed = Keyed(bench)
        for name in ("ann", "bob"):
            await bench.workbench.users.add(name)
        async with (
            keyed.client(apikey=await keyed.key("ann")) as ann,
            keyed.client(apikey=await keyed.key("bob")) as bob,
        ):
            agent = f"{AGENTS}/{(await ann.post(AGENTS, json={'name': 'Mine'})).json()['id']}"
            tool = {
                "name": "weather",
                "description": "x",
                "input_schema": {"type": "object"},
                "config": {"endpoint": "https://a.test"},
            }
            own = await ann.post("/powabase/api/tools", json=tool)
            assert own.status_code == 201
            given = await ann.post(f"{agent}/tools", json={"tool_name": "weather"})
            assert given.status_code == 201
            for method, place, body in (
                ("GET", agent, None),
                ("PATCH", agent, {"name": "x"}),
                ("DELETE", agent, None),
                ("GET", f"{agent}/tools", None),
                ("POST", f"{agent}/tools", {"tool_name": "web_search"}),
                ("DELETE", f"{agent}/tools/{given.json()['id']}", None),
                ("POST", f"{agent}/hooks", {"event": "before_run", "type": "rule", "config": {}}),
                ("GET", f"/powabase/api/tools/{own.json()['id']}", None),
            ):
                answer = await bob.request(method, place, json=body)
                assert answer.status_code == 404, (method, place, answer.text)
                assert answer.json()["error"]
            assert (await bob.get(AGENTS, params={"q": "Mine"})).json()["total"] == 0
            assert (await ann.get(agent)).status_code == 200


@pytest.mark.covers("powabase.create_agent")
async def test_a_key_that_may_only_chat_changes_no_agents(open_bench: Any) -> None:
    async with open_bench() as bench:
        keyed = Keyed(bench)
        async with keyed.client(apikey=await keyed.key("local", Scope.CHAT)) as http:
            assert (await http.get(AGENTS)).status_code == 200
            answer = await http.post(AGENTS, json={"name": "Mine"})
            assert answer.status_code == 403 and answer.json()["error"]


async def test_what_is_not_there_or_not_so_is_said_in_powabases_shape(serve: Any) -> None:
    async with serve() as served:
        for method, place, status in (
            ("GET", "/powabase/api/nothing", 404),
            ("GET", "/powabase/api/agents/not-an-id", 404),
            ("PUT", AGENTS, 405),
        ):
            answer = await served.http.request(method, place)
            assert answer.status_code == status
            assert isinstance(answer.json()["error"], str) and "detail" not in answer.json()
        answer = await served.http.post(AGENTS, content=b"{nope", headers={"content-type": "text/plain"})
        assert answer.status_code == 400 and answer.json()["error"]
