"""Request bodies, read under a limit."""

from __future__ import annotations

import asyncio
import errno
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from starlette.exceptions import HTTPException
from starlette.requests import Request

from holdfast.core.domain.errors import InvalidError, StoreError, TooLargeError
from holdfast.core.domain.text import shorten

MAX_BODY = 8 * 1024 * 1024
"""Largest body of a request, in bytes; a pasted message of 5 MB fits."""

MOST_VALUES = 100_000
"""Most values in a body of JSON: millions of them fit into few bytes, but take gigabytes when they are read,
and hold up everybody else for as long as they are checked."""

_IN_MEMORY = 256 * 1024
"""Smaller bodies never touch the disk on their way in, in bytes."""
_PIECE = 128 * 1024

_MARKS = (b",", b"[", b"{")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


@asynccontextmanager
async def spooled(request: Request, limit: int, advice: str) -> AsyncIterator[IO[bytes]]:
    """Gives the body as a file, as `kept` does. Raises `TooLargeError` with `advice` as soon as it is known
    to be over `limit` bytes."""
    async with kept(read_chunks(request, limit, advice)) as file:
        yield file


@asynccontextmanager
async def kept(chunks: AsyncIterator[bytes]) -> AsyncIterator[IO[bytes]]:
    """Gives what comes as a file that stands at its start, and removes it afterwards.

    What is more than a little waits on disk: a client may take its time with it, on hundreds of connections.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, prefix="holdfast-") as file:
        async for piece in _joined(chunks):
            try:
                if file.tell() + len(piece) <= _IN_MEMORY:
                    file.write(piece)
                else:
                    await asyncio.to_thread(file.write, piece)
            except OSError as error:
                raise not_stored(error) from error
        file.seek(0)
        yield file


def not_stored(error: OSError) -> StoreError:
    """Returns the error for a body that the disk does not take."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StoreError(f"The body cannot be taken in: {error.strerror}.", code="disk_full" if full else None)


async def _joined(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields a body in pieces that are worth a write."""
    piece = bytearray()
    async for chunk in chunks:
        piece += chunk
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


async def read_chunks(request: Request, limit: int, advice: str) -> AsyncIterator[bytes]:
    """Yields the body as it comes. Raises `TooLargeError` with `advice` as soon as it is known to be over
    `limit` bytes."""
    declared = request.headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit():
        raise InvalidError("Content-Length is not a number", code="invalid_request")
    if int(declared) > limit:
        raise too_large(limit, advice)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large(limit, advice)
        yield chunk


async def read_json(request: Request, limit: int = MAX_BODY) -> bytes:
    """Returns the body, which is empty or JSON by its `Content-Type`; who names none means JSON.

    Raises `HTTPException` (415) for another type, and `TooLargeError` for one of more than `limit` bytes or
    of too many values.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind in ("", "application/json") or kind.endswith("+json")
    if not is_json and _has_body(request):
        shown = shorten(kind, 100)
        raise HTTPException(
            415, f"The body must be JSON: send `Content-Type: application/json`, not `{shown}`"
        )
    async with spooled(request, limit, "send large content as a file") as file:
        body = file.read()
    check_values(body)
    return body


def check_values(body: bytes) -> None:
    """Raises `TooLargeError` for JSON of too many values."""
    if _has_too_many_values(body):
        raise TooLargeError(
            f"The body has more than {MOST_VALUES} values; send large content as a file",
            code="body_too_large",
            details={"limit_values": MOST_VALUES},
        )


def _has_too_many_values(body: bytes) -> bool:
    """Looks at what stands between values, outside of strings; quick, and nothing is read for it."""
    if _marks_in(body) <= MOST_VALUES:
        return False
    most_strings = 2 * MOST_VALUES  # a name and a value each
    rest, strings = _STRING.subn(b"", body, count=most_strings)
    return strings == most_strings or _marks_in(rest) > MOST_VALUES


def _marks_in(text: bytes) -> int:
    return sum(map(text.count, _MARKS))


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def too_large(limit: int, advice: str) -> TooLargeError:
    """Returns the error for a body of more than `limit` bytes."""
    return TooLargeError(
        f"The request is larger than {limit // 1024} KiB; {advice}",
        code="body_too_large",
        details={"limit_bytes": limit},
    )
