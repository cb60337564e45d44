"""Agents of GenLabs behind the real application, and a client that asks them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.dialects.conftest import Served
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.config.paths import Paths
from holdfast.core.domain.identity import LOCAL, Scope
from holdfast.core.files.blobs import FileBlobs
from holdfast.server.app import engine_app
from holdfast.server.kit.auth import ask_for_key


@pytest.fixture
def put_agent(open_bench: Any) -> Any:
    """Puts an agent file there, by its keys beside `version`, `name` and `model`; returns the agent's id."""
    count = 0

    def put(name: str = "helper", **more: Any) -> str:
        nonlocal count
        count += 1
        id = f"0197aaaa-0000-7000-8000-{count:012d}"
        said = {"version": 1, "name": name, "id": id, "model": "scripted", "instructions": "Help.", **more}
        open_bench.paths.agents.mkdir(parents=True, exist_ok=True)
        (open_bench.paths.agents / f"{name}.yaml").write_text(json.dumps(said))
        return id

    return put


class Asking:
    """Asks one agent."""

    def __init__(self, served: Served, id: str) -> None:
        self.bench, self.http, self._id = served.bench, served.http, id

    async def __call__(self, version: str, body: Any, **headers: str) -> Any:
        path = f"/genlabs/{version}/{self._id}"
        if isinstance(body, str):
            return await self.http.post(path, content=body, headers=headers)
        return await self.http.post(path, json=body, headers=headers)

    async def ok(self, version: str, body: Any, **headers: str) -> Any:
        """Returns the answer of a call that succeeds."""
        answer = await self(version, body, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def frames(self, version: str, body: Any, **headers: str) -> list[Any]:
        """Returns what a stream has said."""
        answer = await self(version, body, **headers)
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data")]
        assert lines[-1] == "[DONE]"
        return [json.loads(line) for line in lines[:-1]]


@pytest.fixture
def ask(serve: Any, put_agent: Any) -> Any:
    """Serves an agent with tools of the user's own; `bench` are options of the workbench."""

    @asynccontextmanager
    async def serving(
        steps: Any = (), tools: Any = (), *, bench: Any = None, **agent: Any
    ) -> AsyncIterator[Asking]:
        async with serve(steps, **(bench or {})) as served:
            for spec in tools:
                await served.bench.workbench.tools.create(spec)
            yield Asking(served, put_agent(tools=[spec.name for spec in tools], **agent))

    return serving


@pytest.fixture
def index(tmp_path: Path) -> MemoryIndex:
    """An index of knowledge in memory, for the home of `open_bench`."""
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    return MemoryIndex(paths.knowledge, FileBlobs(paths.blobs))


class Managing:
    """Manages agents and tools with a secret key of the local user, which stands in each body."""

    def __init__(self, bench: Any, http: httpx.AsyncClient, key: str) -> None:
        self.bench, self.http, self.key = bench, http, key

    async def __call__(self, method: str, path: str, body: Any = None, **said: Any) -> httpx.Response:
        """Asks with the key; `said` are more fields, or others."""
        given = {"api_key": self.key, **(body or {}), **said}
        return await self.raw(method, path, given)

    async def raw(self, method: str, path: str, body: Any) -> httpx.Response:
        """Asks with just this body."""
        return await self.http.request(method, f"/genlabs{path}", json=body)

    async def ok(self, method: str, path: str, body: Any = None, **said: Any) -> Any:
        """Returns the answer of what succeeds."""
        answer = await self(method, path, body, **said)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def agent(self, name: str = "My New Agent", plan: str = "Decentralized", **more: Any) -> str:
        """Makes an agent; returns its id."""
        made = await self("POST", "/create_agent", agent_name=name, plan=plan, **more)
        assert made.status_code == 201, made.text
        return made.headers["x-agent-id"]

    async def tool(self, name: str = "My New Tool", type: str = "Custom", **more: Any) -> int:
        """Makes a tool; returns its number."""
        made = await self.ok("POST", "/create_tool", name=name, description="Does it.", type=type, **more)
        return made["tool_id"]

    async def secret(self, user: str = LOCAL, scope: Scope = Scope.ADMIN, name: str = "k") -> str:
        """Returns the value of a new key of a user, who is added when there is none of this name."""
        if user not in {each.name for each in await self.bench.workbench.users.list()}:
            await self.bench.workbench.users.add(user)
        return (await self.bench.workbench.keys.create(name, scope, user=user)).secret


@pytest.fixture
def manage(open_bench: Any, validated: Callable[[httpx.AsyncClient], httpx.AsyncClient]) -> Any:
    """Serves all APIs in this process to who has a key; what is answered is as the documents say."""

    @asynccontextmanager
    async def serving(steps: Any = (), **options: Any) -> AsyncIterator[Managing]:
        async with open_bench(steps, **options) as bench:

            async def host() -> Any:
                return bench.workbench

            log = logging.getLogger("holdfast.tests")
            app = engine_app(host, log=log, closing=asyncio.Event())

            async def door(scope: Any, receive: Any, send: Any) -> None:
                ask_for_key(scope, bench.workbench.authenticate)
                await app(scope, receive, send)

            transport = httpx.ASGITransport(door, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://engine") as http:
                key = await bench.workbench.keys.create("any_one_of_your_keys", Scope.ADMIN)
                yield Managing(bench, validated(http), key.secret)

    return serving
