"""What the model tests share: the fake server, requests, a store of blobs, and the two adapters."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parents[2]))  # `tests.fakes` is shared by several areas

from tests.fakes.openai_server import FakeOpenAI

from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import ModelClient, ModelDelta, ModelRequest, ModelSettings
from holdfast.core.models.litellm_client import LiteLLMClient
from holdfast.core.models.worker_client import WorkerClient

CANARY = "sk-canary-7f3d9a1b5c2e4860"


class MemoryBlobs:
    """A `BlobStore` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.kept[digest] = data
        return digest

    def get(self, digest: str) -> bytes:
        return self.kept[digest]

    def path(self, digest: str) -> Path:
        raise NotImplementedError(digest)


@pytest.fixture(scope="session")
def canary() -> str:
    """The key that both adapters use; it must never be seen again."""
    return CANARY


@pytest.fixture(scope="session")
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture(scope="session")
def running_server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


@pytest.fixture
def server(running_server: FakeOpenAI) -> FakeOpenAI:
    running_server.reset()
    return running_server


@pytest.fixture
def ask(server: FakeOpenAI) -> Callable[..., ModelRequest]:
    """Builds a request to the fake server: `ask("text", model=…, tools=…, temperature=…)`."""

    def build(text: str = "hello", **more: Any) -> ModelRequest:
        settings = {k: more.pop(k) for k in list(more) if k in ModelSettings.model_fields}
        more.setdefault("messages", (Message(role="user", parts=(TextPart(text=text),)),))
        more.setdefault("model", "openai/gpt-4o")
        return ModelRequest(settings=ModelSettings(**{"api_base": server.url, **settings}), **more)

    return build


@pytest.fixture
def collect() -> Callable[..., Any]:
    """Reads a stream to its end; on an error, `collect.got` still has what came before."""

    async def read(stream: AsyncIterator[ModelDelta]) -> list[ModelDelta]:
        read.got = []  # type: ignore[attr-defined]
        async for delta in stream:
            read.got.append(delta)  # type: ignore[attr-defined]
        return list(read.got)  # type: ignore[attr-defined]

    return read


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(blobs: MemoryBlobs, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkerClient]:
    folder = tmp_path_factory.mktemp("worker")
    client = WorkerClient(
        lambda provider: CANARY,
        blobs,
        folder / "worker.log",
        {**os.environ, "OPENAI_API_KEY": CANARY, "SOME_TOKEN": CANARY},
    )
    yield client
    await client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def in_process(blobs: MemoryBlobs) -> AsyncIterator[LiteLLMClient]:
    client = LiteLLMClient(lambda provider: CANARY, blobs.get, idle_timeout_s=1)
    yield client
    await client.close()


@pytest.fixture(params=["in_process", "worker"])
def adapter(request: pytest.FixtureRequest) -> ModelClient:
    """The real adapter, in this process and through the worker."""
    return request.getfixturevalue(request.param)
