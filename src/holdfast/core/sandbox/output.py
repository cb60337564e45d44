"""Output of a child while it comes: decoded, kept in part, and counted."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from holdfast.core.domain.errors import StoreError


class OutputKeeper:
    """Takes bytes in and keeps the first and the last characters; memory stays bounded by `keep_chars`."""

    def __init__(
        self, keep_chars: int, on_output: Callable[[str], None] | None = None, spool: BinaryIO | None = None
    ) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._half = max(1, keep_chars // 2)
        self._on_output = on_output
        self._spool = spool
        self._head: list[str] = []
        self._head_left = self._half
        self._tail: deque[str] = deque()
        self._tail_chars = 0
        self._dropped = 0
        self.total_bytes = 0

    def take(self, data: bytes) -> None:
        """Takes the next bytes. Raises `StoreError` when the spool does not."""
        self.total_bytes += len(data)
        if self._spool is not None:
            try:
                self._spool.write(data)
            except OSError as error:
                raise StoreError(f"Cannot keep the output: {error.strerror}", code="disk_full") from error
        self._text(self._decoder.decode(data))

    def finish(self) -> tuple[str, str, int]:
        """Returns the head, the tail, and how many characters between them were dropped."""
        self._text(self._decoder.decode(b"", final=True))
        tail = "".join(self._tail)
        cut = max(0, len(tail) - self._half)
        return "".join(self._head), tail[cut:], self._dropped + cut

    def _text(self, text: str) -> None:
        if not text:
            return
        if self._on_output is not None:
            self._on_output(text)
        if self._head_left:
            head, text = text[: self._head_left], text[self._head_left :]
            self._head.append(head)
            self._head_left -= len(head)
        if not text:
            return
        self._tail.append(text)
        self._tail_chars += len(text)
        while self._tail_chars - len(self._tail[0]) >= self._half:
            gone = len(self._tail.popleft())
            self._tail_chars -= gone
            self._dropped += gone
