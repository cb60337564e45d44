"""Request bodies, read under a limit."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.requests import Request

from holdfast.core.domain.errors import InvalidError, TooLargeError
from holdfast.core.domain.text import shorten

MAX_BODY = 8 * 1024 * 1024
"""Largest body of a request, in bytes; a pasted message of 5 MB fits."""


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

    Raises `HTTPException` (415) for another type, and what `read_body` raises.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind in ("", "application/json") or kind.endswith("+json")
    if not is_json and _has_body(request):
        shown = shorten(kind, 100)
        raise HTTPException(
            415, f"The body must be JSON: send `Content-Type: application/json`, not `{shown}`"
        )
    return await read_body(request, limit)


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def _too_large(limit: int, advice: str) -> TooLargeError:
    return TooLargeError(
        f"The request is larger than {limit // 1024} KiB; {advice}",
        code="body_too_large",
        details={"limit_bytes": limit},
    )
