"""Indexes of documents: in the worker as the engine has it, and in this process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.plain_index import Library

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import ModelNotFound
from holdfast.core.knowledge.client import WorkerIndex


class FakeEmbedder:
    """The provider of `fake/letters`: small vectors, made of letters."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    async def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        if model != "fake/letters":
            raise ModelNotFound(f"There is no model {model}", details={"model": model})
        self.asked += [(text, query) for text in texts]
        return [[float(text.lower().count(letter)) for letter in "abcdefgh"] for text in texts]


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
async def index(tmp_path: Path, embedder: FakeEmbedder) -> AsyncIterator[WorkerIndex]:
    """The index in its worker, which starts at the first call."""
    made = WorkerIndex(
        tmp_path / "knowledge",
        tmp_path / "logs" / "knowledge-worker.log",
        {**os.environ, "OPENAI_API_KEY": "sk-canary"},
        embedder,
        lambda digest: tmp_path / "blobs" / digest,
        lambda: KnowledgeSettings(max_file_mb=1),
    )
    yield made
    await made.close()


@pytest.fixture
def libraries(tmp_path: Path) -> Iterator[Callable[..., Library]]:
    """Makes indexes in this process; each in the same folder unless another is given."""
    made: list[Library] = []

    def make(folder: Path = tmp_path, **more: Any) -> Library:
        made.append(Library(folder, **more))
        return made[-1]

    yield make
    for library in made:
        library.close()


@pytest.fixture
def library(libraries: Callable[..., Library]) -> Library:
    """An index in this process with the collection `docs`."""
    return libraries()
