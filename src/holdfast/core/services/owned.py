"""Collections and documents by what their owner calls them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from holdfast.core.config.mistakes import nearest
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.knowledge import Collection, ContextRecord, Document
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.services.library import Library


class OwnedKnowledge:
    """What one user has. A thing of somebody else is answered like one that does not exist."""

    def __init__(self, library: Library, owner: str) -> None:
        self._library = library
        self._owner = owner

    async def collections(self) -> tuple[Collection, ...]:
        """Returns the user's collections, by name."""
        return await self._library.index.collections(self._owner) if self._library.exists else ()

    async def collection(self, named: str) -> Collection:
        """Returns a collection by its id or its name. Raises `NotFoundError` with the nearest names."""
        return _found(named, await self.collections())

    async def named(self, names: Sequence[str]) -> tuple[Collection, ...]:
        """Returns the collection of each id or name. Raises `NotFoundError`."""
        own = await self.collections() if names else ()
        return tuple(_found(name, own) for name in names)

    async def document(self, document_id: str) -> Document:
        """Returns a document. Raises `NotFoundError`."""
        if self._library.exists:
            with suppress(NotFoundError):  # answered as if it were somebody else's
                document = await self._library.index.document(document_id)
                if (await self._library.index.collection(document.collection_id)).owner == self._owner:
                    return document
        raise _no_document(document_id)

    async def documents(self, ids: Sequence[str]) -> tuple[Document, ...]:
        """Returns documents, each once. Raises `NotFoundError`."""
        own = {each.id for each in await self.collections()} if ids else set()
        found = []
        for id in dict.fromkeys(ids):
            document = None
            if own:
                with suppress(NotFoundError):
                    document = await self._library.index.document(id)
            if document is None or document.collection_id not in own:
                raise _no_document(id)
            found.append(document)
        return tuple(found)

    async def context(self, context_id: str) -> ContextRecord:
        """Returns a kept retrieval. Raises `NotFoundError`."""
        if self._library.exists:
            with suppress(NotFoundError):
                record = await self._library.index.context(context_id)
                if record.owner == self._owner:
                    return record
        raise NotFoundError(f"There is no context {_shown(context_id)}.", code="context_not_found")


def _found(named: str, own: Sequence[Collection]) -> Collection:
    for collection in own:
        if collection.id == named:
            return collection
    for collection in own:
        if collection.name == named:
            return collection
    near = nearest(named, [collection.name for collection in own])
    listed = "`holdfast knowledge list` shows yours." if own else "`holdfast knowledge create` makes one."
    hint = f"Did you mean {near}?" if near else listed
    raise NotFoundError(
        f"There is no collection {_shown(named)}. {hint}",
        code="collection_not_found",
        details={"nearest": near} if near else None,
    )


def _no_document(id: str) -> NotFoundError:
    return NotFoundError(f"There is no document {_shown(id)}.", code="document_not_found")


def _shown(named: str) -> str:
    return shorten(sanitize_line(named), 200)
