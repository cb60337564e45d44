"""The folders that collections are kept in step with, as the index remembers them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.indexing import KnowledgeIndex
from holdfast.core.domain.knowledge import Collection, Folder
from holdfast.core.domain.text import sanitize_line


class Folders:
    """Changes what collections say of their folders; one change at a time, for each begins with a look."""

    def __init__(self, index: KnowledgeIndex) -> None:
        self._index = index
        self._changing = asyncio.Lock()

    async def remember(self, collection_id: str, paths: Sequence[str]) -> None:
        """Keeps folders in mind."""
        await self._change(
            collection_id, lambda known: {**{path: Folder(path=path) for path in paths}, **known}
        )

    async def synced(self, collection_id: str, paths: Sequence[str], at: datetime) -> None:
        """Notes when folders were last gone through, of those that are kept in mind."""
        await self._change(
            collection_id,
            lambda known: {
                path: folder.model_copy(update={"synced_at": at}) if path in paths else folder
                for path, folder in known.items()
            },
        )

    async def watch(self, collection: Collection, path: str, *, on: bool) -> Collection:
        """Watches a folder, or no longer. Raises `NotFoundError` for one that was not watched."""

        def change(known: dict[str, Folder]) -> dict[str, Folder]:
            if not on and path not in known:
                raise NotFoundError(
                    f"{collection.name} does not watch {sanitize_line(path)}.", code="folder_not_found"
                )
            folder = known.get(path, Folder(path=path))
            return {**known, path: folder.model_copy(update={"watched": on})}

        return await self._change(collection.id, change)

    async def _change(
        self, collection_id: str, change: Callable[[dict[str, Folder]], dict[str, Folder]]
    ) -> Collection:
        async with self._changing:
            collection = await self._index.collection(collection_id)
            changed = tuple(change({each.path: each for each in collection.folders}).values())
            if changed == collection.folders:
                return collection
            return await self._index.update(collection_id, folders=changed)
