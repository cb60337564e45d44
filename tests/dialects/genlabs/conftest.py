"""Agents of GenLabs behind the real application, and a client that asks them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.dialects.conftest import Served
from tests.knowledge_service.conftest import MemoryIndex

from holdfast.core.config.paths import Paths
from holdfast.core.files.blobs import FileBlobs


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
