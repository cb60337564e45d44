"""Files of the web: fetched under the same guard as the tool `fetch_url`, and kept as they came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from holdfast.core.config.settings import Settings
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import TooLargeError, ToolError
from holdfast.core.domain.knowledge import IngestItem
from holdfast.core.domain.tools import BlobStore
from holdfast.core.tools.web import WebFetcher, WebPage

AT_ONCE = 4
"""Addresses that are fetched at once."""


class DocumentFetcher:
    """Turns addresses into items whose contents are kept; `AT_ONCE` for all jobs together, for what comes is
    held in memory."""

    def __init__(
        self, fetcher: WebFetcher, blobs: BlobStore, settings: Callable[[Path | None], Settings]
    ) -> None:
        self._fetcher = fetcher
        self._blobs = blobs
        self._settings = settings
        self._room = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, url: str) -> IngestItem:
        """Returns an item with what the address answers. Raises `InvalidError`, `ForbiddenError` for what is
        not public, `TooLargeError`, `ToolError` when it cannot be fetched, `StoreError`."""
        async with self._room:
            return await self._fetched(url)

    async def _fetched(self, url: str) -> IngestItem:
        settings = await asyncio.to_thread(self._settings, None)
        limit = settings.knowledge.max_file_mb * 2**20
        page = await fetched(self._fetcher, url, limit, settings)
        if page.cut:
            raise TooLargeError(
                f"{url} is larger than {limit // 2**20} MiB, the setting `knowledge.max_file_mb`.",
                code="document_too_large",
                details={"limit_bytes": limit},
            )
        blob = await asyncio.to_thread(self._blobs.put, page.data)
        return IngestItem(source=url, name=url, blob=blob, media_type=page.content_type)


async def fetched(fetcher: WebFetcher, url: str, max_bytes: int, settings: Settings) -> WebPage:
    """Returns what an address answers, as far as it has `max_bytes`. Raises `InvalidError`, `ForbiddenError`
    for what is not public, `ToolError` when it cannot be fetched."""
    page = await fetcher.fetch(
        WebAddress.parse(url),
        max_bytes=max_bytes,
        allow_private=settings.tools.allow_private_hosts,
        any_site=True,
    )
    assert isinstance(page, WebPage)  # other sites are followed
    if page.status >= 400:
        raise ToolError(f"{url} answered with status {page.status}.", code="unreachable")
    return page
