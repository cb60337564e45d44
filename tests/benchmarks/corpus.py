"""As much text as is wanted, of real sentences: the passages of the labelled set, put together anew."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from tests.benchmarks.labelled import Labelled, labelled

CHARS = 800
"""Of a passage, about; a chunk has 1,200 at most."""


@cache
def made() -> Labelled:
    """Returns the labelled set; it takes some seconds to make."""
    return labelled()


def passages(count: int, seed: int = 1) -> Iterator[str]:
    """Yields texts of some `CHARS` characters, no two alike, the same ones for the same seed."""
    texts = [" ".join(passage.text.split()) for passage in made().passages]
    drawn = random.Random(seed)
    for number in range(count):
        parts, size = [f"Passage {number}."], 0
        while size < CHARS:
            parts.append(drawn.choice(texts)[:400])
            size += len(parts[-1])
        yield " ".join(parts)[:1_150]


def pages(count: int, seed: int = 1) -> Iterator[str]:
    """Yields one small document a passage."""
    for number, text in enumerate(passages(count, seed)):
        yield f"# Page {number}\n\n{text}\n"


def book(count: int, seed: int = 1) -> str:
    """Returns one large document of so many passages, each a section of its own."""
    return "\n".join(f"## Section {number}\n\n{text}\n" for number, text in enumerate(passages(count, seed)))
