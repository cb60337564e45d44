"""Request bodies, read under a limit."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.requests import Request

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.text import shorten

MAX_BODY = 8 * 1024 * 1024
"""Largest body of a request, in bytes; a pasted message of 5 MB fits."""

MOST_VALUES = 100_000
"""Most values in a body of JSON: millions of them fit into few bytes, but take gigabytes when they are read,
and hold up everybody else for as long as they are checked."""

_MARKS = (b",", b"[", b"{")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """Returns the body. Raises `TooLargeError` as soon as it is known to be over `limit` bytes."""
    return b"".join([chunk async for chunk in read_chunks(request, limit)])


async def read_chunks(
    request: Request, limit: int, advice: str = "send large content as a file"
) -> AsyncIterator[bytes]:
    """Yields the body as it comes. Raises `TooLargeError` with `advice` as soon as it is known to be over
    `limit` bytes."""
    declared = request.headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit():
        raise InvalidError("Content-Length is not a number", code="invalid_request")
    if int(declared) > limit:
        raise _too_large(limit, advice)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit, advice)
        yield chunk


async def read_json(request: Request, limit: int = MAX_BODY) -> bytes:
    """Returns the body, which is empty or JSON by its `Content-Type`; who names none means JSON.

    Raises `HTTPException` (415) for another type, `TooLargeError` for one of too many values, and what
    `read_body` raises.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind in ("", "application/json") or kind.endswith("+json")
    if not is_json and _has_body(request):
        shown = shorten(kind, 100)
        raise HTTPException(
            415, f"The body must be JSON: send `Content-Type: application/json`, not `{shown}`"
        )
    body = await read_body(request, limit)
    if _has_too_many_values(body):
        raise TooLargeError(
            f"The body has more than {MOST_VALUES} values; send large content as a file",
            code="body_too_large",
            details={"limit_values": MOST_VALUES},
        )
    return body


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


def _too_large(limit: int, advice: str) -> TooLargeError:
    return TooLargeError(
        f"The request is larger than {limit // 1024} KiB; {advice}",
        code="body_too_large",
        details={"limit_bytes": limit},
    )
