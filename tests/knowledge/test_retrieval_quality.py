"""Hybrid search is worth its name: on a small part of the benchmark's questions it beats both its sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.benchmarks.labelled import Labelled, labelled
from tests.benchmarks.metrics import Quality, mean, quality

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.knowledge import Chunking, Collection, IngestItem, Place, SearchMethod
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.knowledge.embedding import Bundled
from holdfast.core.knowledge.index.index import Index
from holdfast.core.knowledge.index.stopping import Stop
from holdfast.core.knowledge.parsing.model import Parsed, Piece

pytestmark = pytest.mark.thorough

if TYPE_CHECKING:
    from holdfast.core.knowledge.embedding import Vectors

PART = ("email", "http", "json", "logging")


class Offline:
    """The bundled model alone."""

    def __init__(self) -> None:
        self._bundled = Bundled()

    def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> Vectors:
        return self._bundled.embed(texts)


class Given:
    """A parser for which every passage of the set is a chunk of one document."""

    def __init__(self, made: Labelled) -> None:
        self._made = made

    def parse(
        self,
        path: Path,
        name: str,
        *,
        max_bytes: int,
        timeout_s: float,
        chunking: Chunking,
        media_type: str = "",
    ) -> Parsed:
        pieces: list[Piece] = []
        end = 0
        for passage in self._made.passages:
            start, end = end, end + len(passage.page)
            pieces.append(Piece(passage.page, Place(start=start, end=end, headings=(passage.name,))))
        return Parsed(
            text="".join(piece.text for piece in pieces),
            title="",
            media_type="text/markdown",
            pages=None,
            digest=hashlib.sha256(path.read_bytes()).hexdigest(),
            size=path.stat().st_size,
            modified_at=None,
            chunks=tuple(pieces),
        )

    def interrupt(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[SearchMethod, Quality]]:
    folder = tmp_path_factory.mktemp("quality")
    made = labelled(PART)
    file = folder / "all.md"
    file.write_text("all of it")
    index = Index(folder / "index", Offline(), Given(made))
    try:
        collection = index.create(
            Collection(id=new_id(), name="bench", created_at=utc_now(), updated_at=utc_now())
        )
        item = IngestItem(source=str(file), name=file.name, path=str(file))
        taken_in = index.ingest(collection.id, item, settings=KnowledgeSettings(), stop=Stop())
        assert taken_in.chunks == len(made.passages)
        methods: tuple[SearchMethod, ...] = ("vector", "lexical", "hybrid")
        yield {method: _quality(index, collection.id, made, method) for method in methods}
    finally:
        index.close()


def _quality(index: Index, collection: str, made: Labelled, method: SearchMethod) -> Quality:
    use = KnowledgeUse(collection=collection)
    ranks: list[int | None] = []
    for question in made.questions:
        passages = index.search((use,), question.text, method=method, top_k=10)
        found = [passage.number for passage in passages]
        ranks.append(found.index(question.passage) + 1 if question.passage in found else None)
    return quality(ranks)


@pytest.mark.parametrize("other", ["vector", "lexical"])
def test_hybrid_search_finds_no_less_and_ranks_better_than_either_side(
    measured: dict[SearchMethod, Quality], other: SearchMethod
) -> None:
    hybrid, alone = measured["hybrid"], measured[other]
    assert mean(hybrid.recall_at_5) >= mean(alone.recall_at_5)
    assert mean(hybrid.ndcg_at_10) > mean(alone.ndcg_at_10)


def test_each_side_finds_what_it_should(measured: dict[SearchMethod, Quality]) -> None:
    """Well below what they reach, so that another release of Python does not matter, and far above chance."""
    assert mean(measured["vector"].recall_at_5) > 0.4
    assert mean(measured["lexical"].recall_at_5) > 0.55
