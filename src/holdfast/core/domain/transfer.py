"""Bytes on their way in and out of a workspace: too many to be a value."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import IO

from holdfast.core.domain.errors import UnavailableError

CHUNK = 256 * 1024
"""Bytes that are handed on at once."""

Upload = bytes | IO[bytes]
"""Bytes, or a file open for reading that can be rewound; it is read from where it stands to its end."""


class Download:
    """The content of a file, to be read once: whole by `read`, or piece by piece by `chunks`.

    Both close it at their end. Who may do neither uses it as an asynchronous context manager.
    """

    def __init__(
        self,
        name: str,
        media_type: str,
        size: int,
        read: Callable[[], Awaitable[bytes]],
        close: Callable[[], Awaitable[object]],
    ) -> None:
        self.name = name
        """A plain file name, without folders."""
        self.media_type = media_type
        """A guess by content and name; never one that a browser would execute."""
        self.size = size
        """In bytes."""
        self._read = read
        self._close = close

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yields the content. Raises `UnavailableError` when it ends before its size."""
        left = self.size
        try:
            while left:
                chunk = (await self._read())[:left]
                if not chunk:
                    raise UnavailableError(
                        f"{self.name} ended {left} bytes before its end: it was cut while it was sent. "
                        "Download it again.",
                        code="download_cut",
                    )
                left -= len(chunk)
                yield chunk
        finally:
            await self.close()

    async def read(self) -> bytes:
        """Returns the whole content."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def close(self) -> None:
        """Lets go of the file; a second time does nothing."""
        await self._close()

    async def __aenter__(self) -> Download:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
