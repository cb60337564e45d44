"""An engine for the tests of the API's contract: a real workbench behind the real server, on TCP. Nobody is
asked for a key there; who shows one is who it says.

In a process of its own: Hypothesis does not allow that anything else draws random numbers in its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import ModelNotFound
from holdfast.core.domain.identity import Principal
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import (
    Finished,
    ModelChoice,
    ModelDelta,
    ModelInfo,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
)
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.knowledge.client import WorkerIndex
from holdfast.core.models.credentials import Addresses
from holdfast.core.models.own import OwnModels
from holdfast.core.sandbox.environment import child_environment
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry
from holdfast.server.app import engine_app
from holdfast.server.kit.auth import LocalDoor, ask_for_key
from holdfast.server.listener import listen

AGENT = """
version: 1
name: tester
model: test
instructions: You are a test.
tools: [read_file, write_file, ask_user]
workspace: session
"""
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


class CallingModel:
    """Calls the tool whose call the message is, as JSON; says something to every other message."""

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelDelta]:
        last = request.messages[-1]
        part = last.parts[-1] if last.role == "user" and last.parts else None
        wanted: Any = None
        if isinstance(part, TextPart):
            with suppress(ValueError):
                wanted = json.loads(part.text)
        if isinstance(wanted, dict) and isinstance(wanted.get("call"), str):
            arguments = json.dumps(wanted.get("arguments", {}))
            yield ToolCallDelta(key="0", name=wanted["call"], arguments=arguments)
            yield Finished(reason="tool_calls")
            return
        yield TextDelta(text="Said.")
        yield Finished(reason="stop")

    async def close(self) -> None:
        return None


class OneModel:
    """A catalog that knows every model."""

    async def list(self, owner: str = "") -> tuple[ModelInfo, ...]:
        return (await self.get("test"),)

    async def get(self, model: str, owner: str = "") -> ModelInfo:
        return ModelInfo(name=model, provider="test")

    async def choose(
        self,
        *,
        flag: str | None,
        session: str | None,
        agent: str | None,
        settings: str | None,
        owner: str = "",
    ) -> ModelChoice:
        return ModelChoice(model=flag or session or agent or "test", source="agent")


class NoEmbedder:
    """Has no model of a provider."""

    async def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        raise ModelNotFound(f"There is no model {model}.")


class KeysDoor:
    """Lets everybody in as the local user, but for who shows a key."""

    def __init__(self, app: Any, host: Any) -> None:
        self._app = app
        self._local = LocalDoor(app)
        self._host = host

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not any(name == b"authorization" for name, _ in scope.get("headers", ())):
            return await self._local(scope, receive, send)
        ask_for_key(scope, self._authenticate)
        await self._app(scope, receive, send)
        return None

    async def _authenticate(self, secret: str) -> Principal:
        found: Principal = await (await self._host()).authenticate(secret)
        return found


async def serve(home: Path, listener: socket.socket, stop: asyncio.Event, log: logging.Logger) -> None:
    """Serves a workbench on `home` until `stop` is set."""
    paths = Paths.resolve({"HOLDFAST_HOME": str(home)})
    paths.make()
    paths.agents.mkdir(exist_ok=True)
    (paths.agents / "tester.yaml").write_text(AGENT)
    blobs = FileBlobs(paths.blobs)
    keys = ProviderKeys(paths, ENVIRONMENT, {"openai": ("OPENAI_API_KEY",)})
    parts = Parts(
        paths=paths,
        settings=lambda project: Settings(),
        blobs=blobs,
        client=CallingModel(),
        catalog=OneModel(),
        tools=ToolRegistry(builtin_tools(ChildProcesses())),
        keys=keys,
        own_models=OwnModels(paths.own_models, keys.models, Addresses(None)),
        environment=child_environment(ENVIRONMENT),
        knowledge=WorkerIndex(
            paths.knowledge,
            paths.logs / "knowledge-worker.log",
            ENVIRONMENT,
            NoEmbedder(),
            blobs.path,
            lambda: Settings().knowledge,
        ),
    )
    workbench = await LocalWorkbench.open(parts)

    async def host() -> LocalWorkbench:
        return workbench

    try:
        app = engine_app(host, log=log, closing=stop)
        await listen(KeysDoor(app, host), listener, stop)
    finally:
        await workbench.close()


async def main() -> None:
    """Is the engine: says its port on stdout, logs bugs to stderr, ends when stdin does."""
    stop = asyncio.Event()
    # With its protocol named, asyncio turns Nagle's algorithm off.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    print(listener.getsockname()[1], flush=True)
    await serve(Path(sys.argv[1]), listener, stop, logging.getLogger("holdfast.contract"))


class ContractEngine:
    """An engine in a process of its own; all APIs are below `address`, the native one is at `url`."""

    def __init__(self, home: Path) -> None:
        self._bugs = (home / "bugs.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._bugs,
            text=True,
        )
        assert self._process.stdout is not None
        self.address = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.url = f"{self.address}/holdfast/v1"

    def bugs(self) -> str:
        """Returns what the engine has logged, which is bugs only."""
        self._bugs.seek(0)
        return self._bugs.read()

    def stop(self) -> None:
        with self._process:  # closes its streams, which ends it
            pass
        self._bugs.close()
        assert self._process.returncode == 0


class World:
    """Something of each kind in an engine: made through the API, and made again when it is gone."""

    def __init__(self, url: str, key: str = "") -> None:
        """`key` is that of the user whose things they are; empty: the local user's."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, timeout=20, headers=headers)
        self._ids: dict[str, str] = {}
        self._made = 0

    def close(self) -> None:
        self._http.close()

    def ids(self) -> dict[str, str]:
        """Returns an id for each kind of path parameter."""
        if not self._whole():
            self._make()
        return self._ids

    def _whole(self) -> bool:
        if not self._ids:
            return False
        waiting = [
            self._http.get(f"/approvals/{self._ids['approval_id']}"),
            self._http.get("/questions", params={"session_id": self._ids["session_id"]}),
            self._http.get(f"/knowledge/documents/{self._ids['document_id']}"),
            self._http.get(f"/knowledge/contexts/{self._ids['context_id']}"),
            self._http.get(f"/memory/blocks/{self._ids['block']}"),
            self._http.get(f"/memory/entries/{self._ids['entry_id']}"),
        ]
        return all(answer.is_success for answer in waiting) and bool(waiting[1].json()["items"])

    def _make(self) -> None:
        session, other = self._post("/sessions", agent="tester"), self._post("/sessions", agent="tester")
        self._say(other, "Hello")
        self._say(other, call="write_file", arguments={"path": "a.md", "content": "x"})
        run = self._say(session, call="ask_user", arguments={"question": "Well?"})
        queued = self._say(session, "And then?")
        self._until("/questions", session)
        approval = self._until("/approvals", other)
        self._http.put(f"/sessions/{session['id']}/files/content", json={"path": "notes.md", "text": "One."})
        self._ids = {
            "session_id": session["id"],
            "run_id": run["run_id"],
            "message_id": queued["message_id"],
            "question_id": self._until("/questions", session)["id"],
            "approval_id": approval["id"],
            "provider": "openai",
            "listener_id": "none",
            "delivery_id": "none",
            **self._knowledge(),
            **self._memory(),
        }

    def _knowledge(self) -> dict[str, str]:
        """Makes a collection with a document and a kept retrieval."""
        self._made += 1
        collection = self._post("/knowledge/collections", name=f"docs {self._made}")["id"]
        path = f"/knowledge/collections/{collection}"
        sent = self._http.post(f"{path}/uploads", files={"file": ("a.md", b"# Hinges\n\nForty of them.")})
        job = self._http.get(f"/jobs/{sent.json()['id']}", params={"wait_s": 60}).json()
        assert job["status"] == "completed", job
        (document,) = self._http.get(f"{path}/documents").json()["items"]
        kept = self._post("/knowledge/contexts", query="hinges", collections=[{"collection": collection}])
        return {
            "collection": collection,
            "document_id": document["id"],
            "job_id": job["id"],
            "context_id": kept["id"],
        }

    def _memory(self) -> dict[str, str]:
        """Makes a block and an entry of memory."""
        block = self._post("/memory/blocks", name=f"block {self._made}", content="Forty hinges.")
        entry = self._post("/memory/entries", content=f"Hinges, {self._made}")
        return {"block": block["id"], "entry_id": entry["id"], "user": "nobody"}

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self._http.post(path, json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _say(self, session: dict[str, Any], text: str = "", **call: Any) -> dict[str, Any]:
        part = {"type": "text", "text": text or json.dumps(call)}
        return self._post(f"/sessions/{session['id']}/runs", parts=[part])

    def _until(self, path: str, session: dict[str, Any]) -> dict[str, Any]:
        """Waits, bounded, until something of the session waits for a person."""
        wanted = {"session_id": session["id"]}
        with self._http.stream("GET", "/events/stream", params={"after": 0, **wanted}) as stream:
            for line in stream.iter_lines():
                if line.startswith("event: ") and (
                    found := self._http.get(path, params=wanted).json()["items"]
                ):
                    return dict(found[0])
        raise AssertionError(f"nothing at {path}")


if __name__ == "__main__":
    asyncio.run(main())
