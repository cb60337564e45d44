"""Tells a server that sends too much."""

from __future__ import annotations

import time
from collections.abc import Callable

from holdfast.core.domain.errors import ToolError
from holdfast.core.tools.mcp.limits import FLOOD_S, MAX_FLOOD_BYTES, MAX_MESSAGE_BYTES, MAX_MESSAGES


class Flood:
    """Counts what a server sends, in windows of `FLOOD_S`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._messages = 0
        self._bytes = 0

    def count(self, size: int, messages: int = 1) -> None:
        """Notes that `size` bytes came. Raises `ToolError` when it is too much."""
        now = self._clock()
        if now - self._began > FLOOD_S:
            self._began, self._messages, self._bytes = now, 0, 0
        self._messages += messages
        self._bytes += size
        if self._messages > MAX_MESSAGES or self._bytes > MAX_FLOOD_BYTES:
            raise ToolError("it sent far more than anybody asked for", code="mcp_flood")


def too_long() -> ToolError:
    """Returns the error for a message that is larger than any may be."""
    return ToolError(f"it sent a message of more than {MAX_MESSAGE_BYTES // 2**20} MiB", code="mcp_flood")
