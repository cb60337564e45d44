"""Two rankings as one: reciprocal ranks, weighted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

K = 10.0
"""The smaller, the more the first ranks count."""
VECTOR_WEIGHT = 1.0
LEXICAL_WEIGHT = 1.5
"""Words are the better guide on technical text; see `docs/performance.md`."""

HEADING_WEIGHT = 1.0
"""What a word in a heading counts in BM25, where one in the text counts 1."""


def candidates(top_k: int) -> int:
    """Returns how many passages each side looks at, to give the best `top_k` of both."""
    return max(50, 4 * top_k)


def ranks(ids: Iterable[int]) -> dict[int, int]:
    """Returns the rank of each id, from 1; `ids` are best first."""
    return {chunk_id: rank for rank, chunk_id in enumerate(ids, start=1)}


def fuse(vector: Mapping[int, int], lexical: Mapping[int, int]) -> dict[int, float]:
    """Returns a score for each id that has a rank in either; 1 for what is first in both."""
    best = (VECTOR_WEIGHT + LEXICAL_WEIGHT) / (K + 1)
    return {
        chunk_id: (_part(VECTOR_WEIGHT, vector.get(chunk_id)) + _part(LEXICAL_WEIGHT, lexical.get(chunk_id)))
        / best
        for chunk_id in {**vector, **lexical}
    }


def _part(weight: float, rank: int | None) -> float:
    return 0.0 if rank is None else weight / (K + rank)
