"""The documents that a run may read, whole or in part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from holdfast.core.domain.errors import NotFoundError, TooLargeError
from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.knowledge import Document, Retrieved
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import MAX_LIMIT, all_items
from holdfast.core.runs.knowledge.assigned import Assigned
from holdfast.core.tools.registry import near_names

_NAMES = 20
"""Documents that are named where there is no such one."""
_MOST_DOCUMENTS = 10_000
_PAGE_CHARS = 100_000


class Reading:
    """Reads documents of a run's collections; `sources` is what was retrieved in its session."""

    def __init__(
        self, index: KnowledgeIndex, there: Sequence[Assigned], sources: Mapping[int, Retrieved]
    ) -> None:
        self._index = index
        self._there = there
        self._sources = sources

    async def part(self, document: str, start: int, characters: int) -> tuple[Document, str]:
        """Returns a document, by id or name, and a part of its text. Raises `NotFoundError`."""
        found = await self._document(document)
        return found, await self._index.text(found.id, start, characters)

    async def texts(self, documents: Sequence[str], max_chars: int) -> tuple[tuple[Document, str], ...]:
        """Returns documents, by id or name, or all, with their texts. Raises `NotFoundError`,
        `TooLargeError`."""
        chosen = [await self._document(each) for each in documents] or await self._all()
        if sum(each.characters for each in chosen) > max_chars:
            raise TooLargeError(
                f"{len(chosen)} documents have more than {max_chars:,} characters in all; name some of them."
            )
        return tuple([(each, await self._whole(each)) for each in chosen])

    async def _document(self, wanted: str) -> Document:
        by_id = await self._by_id(wanted)
        if by_id is not None and any(self._may_read(by_id, each) for each in self._there):
            return by_id
        like: list[Document] = []
        for each in self._there:
            page = await self._index.documents(each.collection.id, wanted, MAX_LIMIT)
            like += [one for one in page.items if self._may_read(one, each)]
        exact = [one for one in like if wanted in (one.name, one.title)]
        ends = [one for one in like if one.name.endswith(f"/{wanted}")]
        if exact or len(ends) == 1:
            return (exact or ends)[0]
        names = list(dict.fromkeys(sanitize_line(one.name) for one in (*ends, *like)))
        raise NotFoundError(
            f"There is no document {shorten(wanted, 80)!r} in the collections of this run."
            f"{near_names(wanted, names[:_NAMES])}",
            code="document_not_found",
        )

    async def _by_id(self, document_id: str) -> Document | None:
        try:
            return await self._index.document(document_id)
        except NotFoundError:
            return None

    def _may_read(self, document: Document, each: Assigned) -> bool:
        """Says whether a document is among what the run may see of a collection. Only a search can tell what
        a filter leaves: then what it has shown may be read."""
        if document.collection_id != each.collection.id:
            return False
        if each.use.documents is not None and document.id not in each.use.documents:
            return False
        if each.use.where is None:
            return True
        passages = (item.passage for item in self._sources.values())
        return any(passage is not None and passage.document_id == document.id for passage in passages)

    async def _all(self) -> list[Document]:
        found: list[Document] = []
        for each in self._there:
            fetch = partial(self._index.documents, each.collection.id, "")
            found += [one for one in await all_items(fetch, _MOST_DOCUMENTS) if self._may_read(one, each)]
        return found

    async def _whole(self, document: Document) -> str:
        texts: list[str] = []
        length = 0
        while length < document.characters:
            text = await self._index.text(document.id, length, _PAGE_CHARS)
            if not text:
                break
            texts.append(text)
            length += len(text)
        return "".join(texts)
