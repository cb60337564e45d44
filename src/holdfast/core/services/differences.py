"""How a folder differs from what a collection has of it, without reading any file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.knowledge import Document, IngestResult
from holdfast.core.domain.values import all_items
from holdfast.core.services.sources import FoundFile, Walk, Walked, is_below

_TICK = timedelta(seconds=0.1)
"""A file that was changed less than this before it was taken in may have changed again within the same tick
of the clock of files."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a folder and a collection have of each other."""

    same: tuple[FoundFile, ...]
    """Files that are what was taken in, by size and time."""
    other: tuple[FoundFile, ...]
    """Files that are new, or may have changed."""
    gone: tuple[Document, ...]
    """Documents whose files are not there any more, as far as that is known."""
    failures: tuple[IngestResult, ...]
    """What could not be looked at."""

    @property
    def any(self) -> bool:
        """Whether there is something to do."""
        return bool(self.other or self.gone)


async def difference(index: KnowledgeIndex, walk: Walk, collection_id: str, folder: str) -> Difference:
    """Compares a folder with a collection. Raises `TooLargeError` for too many files, and what the index
    raises."""
    walked = await asyncio.to_thread(walk, folder)
    documents = await all_items(lambda limit, at: index.documents(collection_id, "", limit, at))
    known = {each.source: each for each in documents if is_below(each.source, folder)}
    same = {file for file in walked.files if file.path in known and _is_same(file, known[file.path])}
    other = tuple(file for file in walked.files if file not in same)
    return Difference(tuple(same), other, tuple(_gone(walked, known)), tuple(walked.failures))


def _is_same(file: FoundFile, document: Document) -> bool:
    return (
        document.size == file.size
        and document.modified_at == file.modified_at
        and document.added_at - file.modified_at > _TICK
    )


def _gone(walked: Walked, known: dict[str, Document]) -> list[Document]:
    there = {file.path for file in walked.files}
    return [
        document
        for source, document in known.items()
        if source not in there and not any(is_below(source, folder) for folder in walked.unread)
    ]
