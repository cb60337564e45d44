"""Uploads that wait to be taken in: what clients do in two steps, bytes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import NotFoundError, TooLargeError
from holdfast.core.domain.ext import Ext, checked_ext
from holdfast.core.domain.knowledge import StagedUpload
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.transfer import Upload
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.services.naming import checked_document_name
from holdfast.core.store.log import EventLog
from holdfast.core.store.uploads import UploadTable

KEPT = timedelta(hours=24)
"""How long an upload waits at most."""
MOST = 1_000
"""Uploads of one user that wait."""
MOST_BYTES = 4 * 2**30
"""Bytes in them."""


class Staging:
    """The uploads of all users of one engine."""

    def __init__(
        self,
        log: EventLog,
        blobs: FileBlobs,
        settings: Callable[[Path | None], Settings],
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._table = UploadTable(log.writer, log.reader, KEPT)
        self._reader = log.reader
        self.blobs = blobs
        """Where their bytes are."""
        self._settings = settings
        self._now = now
        self._keeping = 0
        self._left: set[str] = set()
        """Digests of what is to be removed when nothing is being kept."""
        self._removing = asyncio.Lock()

    async def put(self, owner: str, name: str, data: Upload, ext: Ext | None = None) -> StagedUpload:
        """Keeps bytes until they are taken in, or `KEPT` is over. Raises `InvalidError`, `TooLargeError`
        (`document_too_large`, `too_many_uploads`)."""
        plain, said = checked_document_name(name), checked_ext(ext)
        await self.tidy()
        async with self.keeping():
            blob = await self.keep(plain, data)
            at = self._now()
            upload = StagedUpload(
                id=new_id(),
                owner=owner,
                name=plain,
                blob=blob,
                size=(await asyncio.to_thread(self.blobs.path(blob).stat)).st_size,
                ext=said,
                created_at=at,
                expires_at=at + KEPT,
            )
            if not await self._table.add(upload, MOST, MOST_BYTES):
                await self._forget([blob])
                raise TooLargeError(
                    f"There are {MOST} uploads that wait to be taken in, or {MOST_BYTES >> 30} GiB in them; "
                    "take them in, or drop some.",
                    code="too_many_uploads",
                )
        return upload

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Surrounds `keep` and what names the bytes for good: nothing is removed before its end, which could
        be the very same bytes."""
        async with self._removing:
            self._keeping += 1
        try:
            yield
        finally:
            self._keeping -= 1
            if not self._keeping:
                left, self._left = self._left, set()
                await self._forget(left)

    async def keep(self, name: str, data: Upload) -> str:
        """Keeps a document's bytes, inside of `keeping`, and returns their digest. Raises `TooLargeError`
        (`document_too_large`)."""
        limit = (await asyncio.to_thread(self._settings, None)).knowledge.max_file_mb
        try:
            return await asyncio.to_thread(self.blobs.put_all, data, limit * 2**20)
        except TooLargeError as error:
            raise TooLargeError(
                f"{name} is larger than {limit} MiB, the setting `knowledge.max_file_mb`.",
                code="document_too_large",
                details={"limit_bytes": limit * 2**20},
            ) from error

    async def list(self, owner: str) -> tuple[StagedUpload, ...]:
        """Returns a user's uploads, oldest first."""
        await self.tidy()
        return await self._table.of(owner)

    async def find(self, owner: str, ids: Iterable[str]) -> tuple[StagedUpload, ...]:
        """Returns uploads by their ids, each once. Raises `NotFoundError` (`upload_not_found`)."""
        await self.tidy()
        found = []
        for id in dict.fromkeys(ids):
            upload = await self._table.find(owner, id)
            if upload is None:
                raise _missing(id)
            found.append(upload)
        return tuple(found)

    async def drop(self, owner: str, id: str) -> None:
        """Drops an upload. Raises `NotFoundError` (`upload_not_found`)."""
        digests = await self._table.remove(owner, [id])
        if not digests:
            raise _missing(id)
        await self._forget(digests)

    async def taken(self, uploads: Sequence[StagedUpload]) -> None:
        """Forgets uploads that a job has now."""
        for owner in {upload.owner for upload in uploads}:
            await self._table.remove(owner, [upload.id for upload in uploads])

    async def tidy(self) -> None:
        """Drops what has waited for too long, of all users."""
        await self._forget(await self._table.remove_before(self._now() - KEPT))

    async def forget_user(self, user_id: str) -> None:
        """Drops all of a user who is gone."""
        await self._forget(await self._table.remove_all(user_id))

    async def _forget(self, digests: Collection[str]) -> None:
        if not digests:
            return
        async with self._removing:
            if self._keeping:
                self._left.update(digests)
                return
            for digest in await self._reader.unused_blobs(set(digests)):
                await asyncio.to_thread(self.blobs.path(digest).unlink, missing_ok=True)


def _missing(id: str) -> NotFoundError:
    shown = shorten(sanitize_line(id), 100)
    return NotFoundError(
        f"There is no upload {shown}; it was taken in, dropped, or has waited for over a day.",
        code="upload_not_found",
    )
