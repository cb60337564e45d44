"""Bodies that are files: taken in on disk, not in memory, and sent piece by piece."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.transfer import CHUNK, Download
from holdfast.server.kit.body import read_chunks

_IN_MEMORY = 1024 * 1024
"""Smaller files never touch the disk on their way in, in bytes."""

_TOO_LARGE = "the setting `server.max_upload_mb` is the largest file that is taken in"


@asynccontextmanager
async def received_file(request: Request, limit: int) -> AsyncIterator[IO[bytes]]:
    """Gives the body as a file that stands at its start, and removes it afterwards.

    Raises `TooLargeError` as soon as it is known to be over `limit` bytes, `HTTPException` (415) for a form.
    """
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise HTTPException(
            415, "Send the file itself as the body, not a form (curl: --data-binary @FILE, or -T FILE)"
        )
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, prefix="holdfast-") as file:
        async for piece in _joined(request, limit):
            try:
                await asyncio.to_thread(file.write, piece)
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                raise StoreError(
                    f"The file cannot be taken in: {error.strerror}.", code="disk_full" if full else None
                ) from error
        file.seek(0)
        yield file


async def _joined(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Yields the body in pieces that are worth a write."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in read_chunks(request, limit, _TOO_LARGE):
        pieces.append(chunk)
        size += len(chunk)
        if size >= CHUNK:
            yield b"".join(pieces)
            pieces, size = [], 0
    yield b"".join(pieces)


class SentFile:
    """A response that sends a file for saving: no browser shows or executes it."""

    def __init__(self, download: Download) -> None:
        self._download = download

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            "Content-Type": self._download.media_type,
            "Content-Length": str(self._download.size),
            "Content-Disposition": disposition(self._download.name),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "private, no-cache",
        }
        async with self._download as download:
            response: Response
            if scope["method"] == "HEAD":
                response = Response(headers=headers)
            else:
                response = StreamingResponse(download.chunks(), headers=headers)
            await response(scope, receive, send)


def disposition(name: str) -> str:
    """Returns the header that says: save it under `name`."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
