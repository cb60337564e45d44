"""Puts passages into a better order by asking a model."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.domain.indexing import Asker
from holdfast.core.domain.knowledge import Passage
from holdfast.core.knowledge.retrieval.prompts import RERANK, SYSTEM, numbered, numbers_in

MAX_CHARS = 60_000
"""Characters of passages that the model is shown at most; those behind stay where they are."""


class ModelReranker:
    """A `Reranker` that asks a model once. An answer that cannot be read leaves the order as it is."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    async def rerank(self, query: str, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Returns the passages, those that the model named first, with a score from 1 down to 0. Raises
        `ModelError`, `UnsupportedError`."""
        if len(passages) < 2:
            return tuple(passages)
        prompt = RERANK.format(question=query, passages=numbered(([each] for each in passages), MAX_CHARS))
        order = numbers_in(await self._ask(prompt, system=SYSTEM), len(passages))
        if not order:
            return tuple(passages)
        rest = [number for number in range(1, len(passages) + 1) if number not in order]
        scores = {number: round(1 - index / len(order), 4) for index, number in enumerate(order)}
        return tuple(
            passages[number - 1].model_copy(update={"rerank_score": scores.get(number, 0.0)})
            for number in (*order, *rest)
        )
