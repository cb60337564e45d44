"""Joins what several searches have found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdfast.core.domain.knowledge import Passage

_K = 10
"""How much the first ranks count for more than later ones; few lists are joined, so it is small."""


def distinct(passages: Iterable[Passage]) -> list[Passage]:
    """Returns each passage once, the first of those with the same chunk or the same text: one document may
    be in several collections."""
    chunks: set[int] = set()
    texts: set[str] = set()
    kept: list[Passage] = []
    for passage in passages:
        if passage.chunk_id in chunks or passage.text in texts:
            continue
        chunks.add(passage.chunk_id)
        texts.add(passage.text)
        kept.append(passage)
    return kept


def fused(lists: Sequence[Sequence[Passage]]) -> list[Passage]:
    """Returns the passages of several ranked lists as one, by their ranks; one list stays as it is.

    Scores of different methods, or of different queries, cannot be compared: the score of what is fused is
    that of the ranks, 1 at best.
    """
    filled = [distinct(each) for each in lists if each]
    if len(filled) < 2:
        return filled[0] if filled else []
    scores: dict[int, float] = {}
    first: dict[int, Passage] = {}
    for passages in filled:
        for rank, passage in enumerate(passages, 1):
            scores[passage.chunk_id] = scores.get(passage.chunk_id, 0.0) + (_K + 1) / (_K + rank)
            first.setdefault(passage.chunk_id, passage)
    best = sorted(scores, key=lambda chunk_id: -scores[chunk_id])  # stable: equals stay in order
    most = float(len(filled))
    return distinct(first[each].model_copy(update={"score": round(scores[each] / most, 6)}) for each in best)


def groups(passages: Iterable[Passage]) -> list[list[Passage]]:
    """Returns passages as runs of neighbouring chunks of one document, each in its order.

    Documents come in the order in which they are first met, runs in that of the document.
    """
    documents: dict[str, dict[int, Passage]] = {}
    for passage in passages:
        documents.setdefault(passage.document_id, {}).setdefault(passage.number, passage)
    found: list[list[Passage]] = []
    for chunks in documents.values():
        for number in sorted(chunks):
            if number - 1 in chunks:
                found[-1].append(chunks[number])
            else:
                found.append([chunks[number]])
    return found
