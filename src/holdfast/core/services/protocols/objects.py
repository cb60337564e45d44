"""The noun `objects` of a workbench."""

from __future__ import annotations

from typing import Protocol

from holdfast.core.domain.identity import Scope
from holdfast.core.domain.objects import StoredObject
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.services.needs import needs


class Objects(Protocol):
    """Files that are kept to be fetched by their address alone, by browsers and by models."""

    @needs(Scope.READ)
    async def list(self) -> tuple[StoredObject, ...]:
        """Returns the user's own, the newest first."""
        ...

    @needs(Scope.CHAT)
    async def put(self, name: str, data: Upload, path: str = "") -> StoredObject:
        """Keeps a file. `path` is its key, or where it ends with a slash or has no extension, the folder that
        it is put into; one of that key is replaced, and keeps its address. Without it the key is new.

        Raises `TooLargeError` for more than the setting `server.max_upload_mb` says, `ConflictError`
        (`objects_full`) for more than `objects.max_mb` of one user, or more than ten thousand objects,
        `UnavailableError` where nothing is kept.
        """
        ...

    @needs(Scope.CHAT)
    async def fetch(self, url: str) -> StoredObject:
        """Keeps what an address of the web answers. Raises as `put`, `InvalidError`, and `ToolError` and
        `ForbiddenError` for what cannot be fetched."""
        ...

    @needs(Scope.READ)
    async def look(self, id: str) -> StoredObject:
        """Returns an object: anybody's who has its id. Raises `NotFoundError` (`object_not_found`)."""
        ...

    @needs(Scope.READ)
    async def open(self, id: str) -> Download:
        """Returns the content of an object: anybody's who has its id. Raises `NotFoundError`
        (`object_not_found`), `UnavailableError`."""
        ...

    @needs(Scope.CHAT)
    async def remove(self, id: str) -> None:
        """Removes an object of the user's own. Raises `NotFoundError`."""
        ...
