"""What is found: vector, lexical and hybrid search through the index, over questions with known answers."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.indexes import fill, opened, write_pages
from tests.benchmarks.labelled import Labelled, Question, labelled, summary
from tests.benchmarks.metrics import Quality, difference, mean, quality

from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.knowledge import SearchMethod
from holdfast.core.domain.options import KnowledgeUse

METHODS: tuple[SearchMethod, ...] = ("vector", "lexical", "hybrid")


def run() -> list[dict[str, Any]]:
    """Returns the rows, of the half of the questions that no constant was chosen on."""
    made = labelled()
    print(f"  {dict(summary(made))}", file=sys.stderr)
    found = asyncio.run(_measured(made, [each for each in made.questions if not each.tuning]))
    return [*_figures(found), *_differences(found)]


async def _measured(made: Labelled, questions: Sequence[Question]) -> dict[SearchMethod, Quality]:
    with tempfile.TemporaryDirectory(prefix="hf-bench-") as folder:
        async with opened(Path(folder, "index")) as index:
            files = write_pages(Path(folder, "pages"), [passage.page for passage in made.passages])
            collection, documents = await fill(index, files)
            return {
                method: await measure(index, collection, documents, questions, method) for method in METHODS
            }


async def measure(
    index: KnowledgeIndex,
    collection: str,
    documents: Sequence[str],
    questions: Sequence[Question],
    method: SearchMethod,
) -> Quality:
    """Asks all questions; `documents` are the ids of the passages' documents, in the order of the set."""
    use = KnowledgeUse(collection=collection)
    ranks: list[int | None] = []
    for question in questions:
        passages = await index.search((use,), question.text, method=method, top_k=10)
        found = list(dict.fromkeys(passage.document_id for passage in passages))
        right = documents[question.passage]
        ranks.append(found.index(right) + 1 if right in found else None)
    return quality(ranks)


def _figures(found: dict[SearchMethod, Quality]) -> list[dict[str, Any]]:
    return [
        {"name": f"{name}, {method}", "value": mean(figures), "unit": ""}
        for name, of in (("recall@5", "recall_at_5"), ("nDCG@10", "ndcg_at_10"))
        for method in METHODS
        for figures in (getattr(found[method], of),)
    ]


def _differences(found: dict[SearchMethod, Quality]) -> list[dict[str, Any]]:
    """The goals: on recall no worse than either, on nDCG better, with 95 of 100 resamples."""
    rows = []
    for other in METHODS[:2]:
        recall = difference(found["hybrid"].recall_at_5, found[other].recall_at_5)
        ndcg = difference(found["hybrid"].ndcg_at_10, found[other].ndcg_at_10)
        rows.append(
            {
                "name": f"recall@5, hybrid over {other}: {recall}",
                "value": recall.mean,
                "unit": "",
                "goal": "≥ 0",
                "ok": recall.mean >= 0,
            }
        )
        rows.append(
            {
                "name": f"nDCG@10, hybrid over {other}: {ndcg}",
                "value": ndcg.mean,
                "unit": "",
                "goal": "interval > 0",
                "ok": ndcg.low > 0,
            }
        )
    return rows
