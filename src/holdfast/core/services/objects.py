"""Objects as a service: rows in a table, contents in a folder or wherever the settings say."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from holdfast.core.config.settings import ObjectsSettings, Settings
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import (
    ConflictError,
    HoldfastError,
    NotFoundError,
    TooLargeError,
    ToolError,
)
from holdfast.core.domain.media import media_type
from holdfast.core.domain.objects import ObjectPlace, StoredObject, checked_key, plain_name, sent_type
from holdfast.core.domain.transfer import CHUNK, Download, Upload
from holdfast.core.files.object_places import FolderPlace, place_at
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.services.access import Access
from holdfast.core.store.objects import MOST, ObjectTable
from holdfast.core.tools.web import WebFetcher, WebPage

logger = logging.getLogger(__name__)

KEY_NAME = "objects"
"""What the key to the place of objects is stored as: `holdfast keys provider set objects --no-test`."""
_HEAD = 8_192
_MIB = 2**20


class ObjectContents:
    """The contents of all users' objects."""

    def __init__(
        self,
        folder: Path,
        table: ObjectTable,
        keys: ProviderKeys,
        settings: Callable[[Path | None], Settings],
    ) -> None:
        self._folder = folder
        self.table = table
        self._keys = keys
        self._settings = settings
        self._opened: tuple[tuple[str, ...], ObjectPlace] | None = None

    def settings(self) -> Settings:
        """Returns what holds now. It blocks."""
        return self._settings(None)

    def place(self, said: ObjectsSettings) -> ObjectPlace:
        """Returns where contents are. It blocks. Raises as `place_at`."""
        if not said.url:
            return FolderPlace(self._folder)
        key = self._keys.get(KEY_NAME)
        asked = (said.url, said.endpoint, said.region, key or "")
        if self._opened is None or self._opened[0] != asked:
            self._opened = asked, place_at(said.url, said.endpoint, said.region, key)
        return self._opened[1]

    async def drop(self, *names: str) -> None:
        """Deletes contents that no object has any more. What cannot be deleted now is left where it is."""
        for name in names:
            try:
                await asyncio.to_thread(self._drop, name)
            except HoldfastError as error:
                logger.warning("a content of an object is left where it is: %s", error.message)

    def _drop(self, name: str) -> None:
        self.place(self.settings().objects).delete(name)

    async def forget_user(self, owner: str) -> None:
        """Deletes what a user who is gone had."""
        await self.drop(*await self.table.forget_user(owner))


class ObjectService:
    """Implements the `Objects` of a workbench."""

    def __init__(
        self, access: Access, contents: ObjectContents, web: WebFetcher, now: Callable[[], datetime]
    ) -> None:
        self._access = access
        self._contents = contents
        self._table = contents.table
        self._web = web
        self._now = now

    async def list(self) -> tuple[StoredObject, ...]:
        return await self._table.of(self._access.owner)

    async def put(self, name: str, data: Upload, path: str = "") -> StoredObject:
        now, owner = self._now(), self._access.owner
        key = checked_key(path, name, f"{now:%Y%m%d%H%M%S}")
        content = secrets.token_hex(32)
        settings = await asyncio.to_thread(self._contents.settings)
        plain = key.rpartition("/")[2] if path.strip("/ ") else plain_name(name)
        made = await asyncio.to_thread(self._written, settings, content, data, (key, plain))
        made = made.model_copy(update={"owner": owner, "created_at": now})
        most = settings.objects.max_mb
        kept = await self._table.put(made, content, most * _MIB, new=not path.strip("/ "))
        if kept is None:
            await self._contents.drop(content)
            raise ConflictError(
                f"A user has {MOST} objects at most, and {most} MiB of them (the setting `objects.max_mb`): "
                "remove some.",
                code="objects_full",
            )
        if kept[1]:
            await self._contents.drop(kept[1])
        return kept[0]

    async def fetch(self, url: str) -> StoredObject:
        settings = await asyncio.to_thread(self._contents.settings)
        address = WebAddress.parse(url)
        most = settings.server.max_upload_mb * _MIB
        page = await self._web.fetch(
            address, max_bytes=most, allow_private=settings.tools.allow_private_hosts, any_site=True
        )
        if not isinstance(page, WebPage) or not 200 <= page.status < 300:
            status = page.status if isinstance(page, WebPage) else "a redirection"
            raise ToolError(f"{address} answered with {status}.", code="unreachable")
        if page.cut:
            raise _too_large(most)
        return await self.put(unquote(page.address.path.partition("?")[0].rpartition("/")[2]), page.data)

    async def look(self, id: str) -> StoredObject:
        return (await self._found(id))[0]

    async def open(self, id: str) -> Download:
        found, content = await self._found(id)
        settings = await asyncio.to_thread(self._contents.settings)
        file = await asyncio.to_thread(lambda: self._contents.place(settings.objects).open(content))
        return Download(
            found.name,
            sent_type(found.media_type),
            found.size,
            partial(asyncio.to_thread, file.read, CHUNK),
            partial(asyncio.to_thread, file.close),
        )

    async def remove(self, id: str) -> None:
        content = await self._table.remove(id, self._access.owner)
        if content is None:
            raise _no_object()
        await self._contents.drop(content)

    async def _found(self, id: str) -> tuple[StoredObject, str]:
        found = await self._table.find(id)
        if found is None:
            raise _no_object()
        return found

    def _written(
        self, settings: Settings, content: str, data: Upload, called: tuple[str, str]
    ) -> StoredObject:
        """Puts a content where it belongs, and returns its object, whose owner is not said yet.

        `called` are its key and its name.
        """
        most = settings.server.max_upload_mb * _MIB
        size, head = 0, b""

        def copy(target: IO[bytes]) -> None:
            nonlocal size, head
            for piece in _pieces(data):
                size += len(piece)
                if size > most:
                    raise _too_large(most)
                head = head or piece[:_HEAD]
                target.write(piece)

        self._contents.place(settings.objects).put(content, copy)
        key, name = called
        return StoredObject(
            id=secrets.token_urlsafe(32),
            owner="",
            key=key,
            name=name,
            media_type=media_type(head, name),
            size=size,
            created_at=self._now(),
        )


def _pieces(data: Upload) -> Iterator[bytes]:
    """Yields what is to be kept."""
    if isinstance(data, bytes):
        yield data
        return
    while piece := data.read(CHUNK):
        yield piece


def _too_large(most: int) -> TooLargeError:
    return TooLargeError(
        f"An object has at most {most // _MIB} MiB: the setting `server.max_upload_mb` is the largest file "
        "that is taken in.",
        code="too_large",
    )


def _no_object() -> NotFoundError:
    return NotFoundError("There is no object of this id.", code="object_not_found")
