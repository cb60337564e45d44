"""Two rankings as one: their scores, made comparable and weighted."""

from __future__ import annotations

from collections.abc import Mapping

LEXICAL_WEIGHT = 0.65
"""What the words count for; the rest is the vectors'. With the bundled model words are the better guide.
Chosen on one half of the benchmark's questions, see `docs/performance.md`."""

_CANDIDATES = 50
"""Passages that each side looks at: with 20 there is less to lift, more than 50 change nothing."""


def candidates(top_k: int) -> int:
    """Returns how many passages each side looks at, to give the best `top_k` of both."""
    return max(_CANDIDATES, 2 * top_k)


def fuse(vector: Mapping[int, float], lexical: Mapping[int, float], wanted: int) -> dict[int, float]:
    """Returns a score for each id that has one in either; 1 for what is best in both, 0 at worst.

    `wanted`: how many candidates each side was asked for.
    """
    near = _relative(vector, _lowest(vector))
    # Fewer than were asked for are all that hold any of the words: the next one would have no score at all.
    said = _relative(lexical, _lowest(lexical) if len(lexical) >= wanted else 0.0)
    return {
        chunk_id: (1 - LEXICAL_WEIGHT) * near.get(chunk_id, 0.0) + LEXICAL_WEIGHT * said.get(chunk_id, 0.0)
        for chunk_id in {**vector, **lexical}
    }


def _lowest(scores: Mapping[int, float]) -> float:
    return min(scores.values(), default=0.0)


def _relative(scores: Mapping[int, float], low: float) -> dict[int, float]:
    """Returns the scores between `low` and the best as 0 to 1: cosines and BM25 have no scale in common."""
    width = max(scores.values(), default=0.0) - low
    return {chunk_id: (score - low) / width if width > 0 else 1.0 for chunk_id, score in scores.items()}
