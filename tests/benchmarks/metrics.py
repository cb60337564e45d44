"""How good a ranking is, and whether one is better than another."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Quality:
    """One figure for each question, in the order of the questions."""

    recall_at_5: tuple[float, ...]
    ndcg_at_10: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    mean: float
    low: float
    """The interval holds 95 % of the resampled means."""
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def quality(ranks: Sequence[int | None]) -> Quality:
    """Returns the figures of rankings whose one right answer stands at these ranks, from 1; None: nowhere."""
    return Quality(
        recall_at_5=tuple(float(rank is not None and rank <= 5) for rank in ranks),
        ndcg_at_10=tuple(
            1 / math.log2(rank + 1) if rank is not None and rank <= 10 else 0.0 for rank in ranks
        ),
    )


def mean(figures: Sequence[float]) -> float:
    return sum(figures) / len(figures)


def difference(ours: Sequence[float], theirs: Sequence[float], resamples: int = RESAMPLES) -> Difference:
    """Returns how much larger ours are, by a paired bootstrap over the questions; always the same one."""
    pairs = [one - other for one, other in zip(ours, theirs, strict=True)]
    drawn = random.Random(1)
    means = sorted(mean(drawn.choices(pairs, k=len(pairs))) for _ in range(resamples))
    return Difference(mean(pairs), means[int(0.025 * resamples)], means[int(0.975 * resamples) - 1])
