"""Request bodies, read under a limit."""

from __future__ import annotations

from starlette.requests import Request

from holdfast.core.domain.errors import InvalidError, TooLargeError

MAX_BODY = 8 * 1024 * 1024
"""Largest body of a request, in bytes; a pasted message of 5 MB fits."""


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """Returns the body. Raises `TooLargeError` as soon as it is known to be over `limit` bytes."""
    declared = request.headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit():
        raise InvalidError("Content-Length is not a number", code="invalid_request")
    if int(declared) > limit:
        raise _too_large(limit)
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        f"The request is larger than {limit // 1024} KiB; send large content as a file",
        code="body_too_large",
        details={"limit_bytes": limit},
    )
