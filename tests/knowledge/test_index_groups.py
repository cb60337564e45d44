"""Small documents that wait at the same time are written together, and answer for themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.fakes.plain_index import Letters, Library

from holdfast.core.domain.errors import ContextTooLong
from holdfast.core.domain.knowledge import IngestResult

COUNT = 6


class Gated(Letters):
    """Holds the first call until all documents were read, and takes no text with `too long` in it."""

    def __init__(self) -> None:
        super().__init__()
        self.all_read = threading.Event()

    def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> Any:
        assert self.all_read.wait(10)
        made = super().embed(model, texts, query=query)
        if any("too long" in text for text in texts):
            raise ContextTooLong("The text is too long for the model.")
        return made


@pytest.fixture
def gated(libraries: Callable[..., Library]) -> Library:
    return libraries(embeddings=Gated())


def taken_in(library: Library, texts: Sequence[str]) -> list[IngestResult]:
    """Takes all texts in at once; the first is not written before the last is read."""
    parser, gate = library.parser, library.embeddings.all_read  # type: ignore[attr-defined]
    plain = parser.parse

    def parse(*arguments: Any, **more: Any) -> Any:
        parsed = plain(*arguments, **more)
        if parser.parsed == len(texts):
            gate.set()
        return parsed

    parser.parse = parse  # type: ignore[method-assign]
    with ThreadPoolExecutor(len(texts)) as threads:
        return list(threads.map(lambda i: library.add(f"{i}.md", texts[i]), range(len(texts))))


def test_those_that_wait_are_embedded_together(gated: Library) -> None:
    results = taken_in(gated, [f"an owl {number}" for number in range(COUNT)])
    assert {result.status for result in results} == {"added"}
    assert len({result.document_id for result in results}) == COUNT
    assert sum(count for _, count in gated.embeddings.calls) == COUNT
    assert len(gated.embeddings.calls) <= 3  # the first alone, and one that was read too late for the rest
    assert len(gated.names("owl", top_k=20)) == COUNT


def test_one_that_the_model_does_not_take_fails_alone(gated: Library) -> None:
    texts = [f"an owl {number}" for number in range(COUNT - 1)]
    results = taken_in(gated, [*texts[:2], "an owl that is too long", *texts[2:]])
    assert [result.status for result in results].count("failed") == 1
    assert results[2].error is not None
    assert results[2].error.message == "The text is too long for the model."
    assert len(gated.names("owl", top_k=20)) == COUNT - 1
    assert gated.index.check() == ()
