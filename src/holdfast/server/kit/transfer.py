"""Bodies that are files: taken in on disk, not in memory, and sent piece by piece."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.transfer import Download
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.body import not_stored, read_chunks, spooled, too_large

# Its parser says of each broken form what is wrong with it, which the client is told anyway.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

_TOO_LARGE = "the setting `server.max_upload_mb` is the largest file that is taken in"
_MOST_FIELDS = 100
_MOST_FILES = 100
_LONGEST_FIELD = 128 * 1024
_FORM_OVERHEAD = 256 * 1024
"""Bytes of a form beside its file."""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that came with a request."""

    file: IO[bytes]
    """It stands at its start, and is gone when the request has ended."""
    name: str = ""
    """What the sender calls it; empty when the body is the file itself."""
    fields: tuple[tuple[str, str], ...] = ()
    """What else stands in a form."""


async def upload_limit(workbench: Workbench) -> int:
    """Returns the size of the largest file that is taken in, in bytes."""
    return (await workbench.engine.settings()).server.max_upload_mb * 2**20


def is_form(request: Request) -> bool:
    """Says whether the body is a form with a file in it."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "multipart/form-data"


@asynccontextmanager
async def received_file(request: Request, limit: int) -> AsyncIterator[ReceivedFile]:
    """Gives the file that is the body, or that stands in it as the one file of a form.

    Raises `TooLargeError` as soon as it is known to be over `limit` bytes, `InvalidError` for a form that is
    none or has not one file, `HTTPException` (415) for parts of another kind.
    """
    if not is_form(request):
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            raise HTTPException(415, "Send the file itself as the body, or a form (curl: -F file=@FILE)")
        async with spooled(request, limit, _TOO_LARGE) as file:
            yield ReceivedFile(file)
        return
    form = await _form(request, limit + _FORM_OVERHEAD)
    try:
        files = [each for _, each in form.multi_items() if isinstance(each, UploadFile)]
        if len(files) != 1:
            raise _bad_form("it must have one file (curl: -F file=@FILE)")
        if (files[0].size or 0) > limit:
            raise too_large(limit, _TOO_LARGE)
        fields = tuple((name, each) for name, each in form.multi_items() if isinstance(each, str))
        yield ReceivedFile(files[0].file, files[0].filename or "", fields)
    finally:
        await form.close()


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """A form that may have a file in it."""

    fields: dict[str, str]
    file: ReceivedFile | None


@asynccontextmanager
async def received_form(request: Request, limit: int) -> AsyncIterator[ReceivedForm]:
    """Gives the fields of a form, and its one file where it has one. Raises as `received_file` does."""
    if not is_form(request):
        raise _bad_form("it must be `multipart/form-data`")
    form = await _form(request, limit + _FORM_OVERHEAD)
    try:
        fields = {name: each for name, each in form.multi_items() if isinstance(each, str)}
        files = [each for _, each in form.multi_items() if isinstance(each, UploadFile)]
        if files and (files[0].size or 0) > limit:
            raise too_large(limit, _TOO_LARGE)
        yield ReceivedForm(fields, ReceivedFile(files[0].file, files[0].filename or "") if files else None)
    finally:
        await form.close()


@dataclass(frozen=True, slots=True)
class ReceivedFiles:
    """A form with any number of files in it."""

    fields: dict[str, str]
    files: tuple[ReceivedFile, ...]


@asynccontextmanager
async def received_files(request: Request, limit: int) -> AsyncIterator[ReceivedFiles]:
    """Gives the fields of a form, and its files, of `limit` bytes together. Raises as `received_file` does,
    but not for a form without files."""
    if not is_form(request):
        raise _bad_form("it must be `multipart/form-data`")
    form = await _form(request, limit + _FORM_OVERHEAD, files=_MOST_FILES)
    try:
        fields = {name: each for name, each in form.multi_items() if isinstance(each, str)}
        files = [each for _, each in form.multi_items() if isinstance(each, UploadFile)]
        yield ReceivedFiles(fields, tuple(ReceivedFile(each.file, each.filename or "") for each in files))
    finally:
        await form.close()


async def form_values(request: Request, limit: int) -> dict[str, Any]:
    """Returns the parts of a form that stands where JSON is meant, each as its text, files too; of a name
    that is there several times, a list.

    Raises what `received_file` raises, and `InvalidError` for a part that is no text.
    """
    form = await _form(request, limit, files=_MOST_FIELDS)
    try:
        parts: dict[str, list[str]] = {}
        for name, each in form.multi_items():
            text = each if isinstance(each, str) else (await each.read()).decode()
            parts.setdefault(name, []).append(text)
    except UnicodeDecodeError:
        raise _bad_form("its parts must be text in UTF-8") from None
    finally:
        await form.close()
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in parts.items()}


async def _form(request: Request, limit: int, files: int = 1) -> FormData:
    # Its parser is loaded when the first form comes.
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def chunks() -> AsyncGenerator[bytes, None]:
        async for chunk in read_chunks(request, limit, _TOO_LARGE):
            yield chunk

    parser = MultiPartParser(
        request.headers, chunks(), max_files=files, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise _bad_form(error.message) from error
    except OSError as error:
        raise not_stored(error) from error


def _bad_form(reason: str) -> InvalidError:
    return InvalidError(f"The form cannot be taken in: {reason}", code="invalid_form")


async def whole(download: Download, limit: int) -> bytes:
    """Returns the content of a file, which is closed then. Raises `TooLargeError` for more than `limit`
    bytes: all of it is taken into memory."""
    async with download:
        if download.size > limit:
            raise TooLargeError(
                f"{download.name} has more than {limit // 2**20} MiB; {_TOO_LARGE}",
                code="too_large",
                details={"limit_bytes": limit},
            )
        return await download.read()


class SentFile:
    """A response that sends a file for saving: no browser executes it, or shows it, unless it is `shown`."""

    def __init__(self, download: Download, *, shown: bool = False) -> None:
        """`shown` is for pictures of which nothing is executed."""
        self._download = download
        self._shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            "Content-Type": self._download.media_type,
            "Content-Length": str(self._download.size),
            "Content-Disposition": "inline" if self._shown else disposition(self._download.name),
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
