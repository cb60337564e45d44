"""Bodies that are files: taken in on disk, not in memory, and sent piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from holdfast.core.domain.transfer import Download
from holdfast.server.kit.body import spooled

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
    async with spooled(request, limit, _TOO_LARGE) as file:
        yield file


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
