"""Callers of Powabase's API with keys of their own, on TCP, by the library that its documentation uses."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.dialects.conftest import Described
from tests.knowledge_service.conftest import MemoryIndex
from tests.runs.conftest import Bench

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.identity import LOCAL, Scope
from holdfast.core.domain.status import ListenOptions
from holdfast.core.files.blobs import FileBlobs
from holdfast.server.connections import Patience
from holdfast.server.dialects.powabase.operations import DIALECT
from holdfast.server.tcp import Behind, OpenListener

TIMEOUT_S = 30
Told = Callable[[dict[str, Any]], None]


class Caller:
    """Somebody with a key, at the base URL of the API. What is answered is as the OpenAPI document says."""

    def __init__(self, base: str, key: str, described: Described) -> None:
        self.base = base
        self.headers = {"Authorization": f"Bearer {key}"}
        self._described = described
        self._session = requests.Session()
        self._session.trust_env = False

    async def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Asks once, in a thread; `path` is below `/api`."""
        return await asyncio.to_thread(self.ask_now, method, path, body)

    def ask_now(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Asks once; for who is in a thread of his own."""
        url = f"{self.base}/api{path}"
        answer = self._session.request(method, url, headers=self.headers, json=body, timeout=TIMEOUT_S)
        self._described.hold(method, f"/powabase/api{path}", answer)  # type: ignore[arg-type]
        return answer

    async def stream(self, path: str, body: Any, told: Told = lambda event: None) -> list[dict[str, Any]]:
        """Returns the events of a stream, read as the documentation reads them. `told` gets each as it
        comes, in the thread that reads."""
        return await asyncio.to_thread(self._read, f"{self.base}/api{path}", body, told)

    def _read(self, url: str, body: Any, told: Told) -> list[dict[str, Any]]:
        events = []
        # One of its own: `told` asks meanwhile.
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(url, headers=self.headers, json=body, stream=True, timeout=TIMEOUT_S)
            assert response.status_code == 200, response.text
            for line in response.iter_lines():
                if line and line.decode().startswith("data: "):
                    event = json.loads(line.decode()[6:])
                    events.append(event)
                    told(event)
        return events

    def close(self) -> None:
        self._session.close()


class Keyed:
    """A workbench behind a listener on TCP that wants keys."""

    def __init__(self, bench: Bench, url: str, closing: ExitStack) -> None:
        self.bench = bench
        self.url = f"{url}/powabase"
        self._closing = closing
        self._described = Described(DIALECT)

    async def caller(self, user: str = LOCAL, scope: Scope = Scope.ADMIN) -> Caller:
        """Returns a caller with a new key of a user, who is added when there is none of this name."""
        workbench = self.bench.workbench
        if user not in {each.name for each in await workbench.users.list()}:
            await workbench.users.add(user)
        key = await workbench.keys.create(f"{user} {scope}", scope, user=user)
        made = Caller(self.url, key.secret, self._described)
        self._closing.callback(made.close)
        return made


@pytest.fixture
def index(tmp_path: Path) -> MemoryIndex:
    """An index of knowledge in memory, for the home of `open_bench`."""
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    return MemoryIndex(paths.knowledge, FileBlobs(paths.blobs))


@pytest.fixture
def keyed(open_bench: Any, tmp_path: Path) -> Callable[..., Any]:
    """Serves a workbench, whose model plays the given steps, on TCP to who has a key."""

    @asynccontextmanager
    async def serving(steps: Any = (), **options: Any) -> AsyncIterator[Keyed]:
        async with open_bench(steps, **options) as bench:

            async def host() -> Any:
                return bench.workbench

            log = logging.getLogger("holdfast.tests")
            behind = Behind(host, log, ServerSettings(), Patience(), tmp_path)
            listener = await OpenListener.open(ListenOptions(port=0), behind)
            try:
                with ExitStack() as closing:
                    yield Keyed(bench, listener.state.url, closing)
            finally:
                listener.close()
                async with asyncio.timeout(10):
                    await listener.task

    return serving
