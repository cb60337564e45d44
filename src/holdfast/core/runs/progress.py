"""Output of a call while it executes: all of it at first, then its tail now and then.

The log keeps what is sent, so that it must not grow with what a command writes: beyond a budget only the last
lines go out, some times a second, with how much was left out before them. The whole output is the tool's to
keep.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

WHOLE_CHARS = 200_000
"""Characters of a call's output that are sent as they come."""
TAIL_CHARS = 2_000
"""Characters of one tail."""
TAIL_S = 0.25
"""Seconds between two tails …"""
LATER_S = 1.0
"""… and when there were `MANY` already."""
MANY = 100

Send = Callable[[str, int], None]
"""Takes a text and how many characters before it were left out."""


class Tail:
    """Keeps the last lines of what comes, and sends them at intervals."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._text = ""
        self._skipped = 0
        self._times = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def add(self, text: str) -> None:
        """Takes a text; what is not among the last characters is counted only."""
        kept = (self._text + text[-TAIL_CHARS:])[-TAIL_CHARS:]
        self._skipped += len(self._text) + len(text) - len(kept)
        self._text = kept
        if self._timer is None:
            self._timer = self._loop.call_at(max(self._due, self._loop.time()), self.flush)

    def flush(self) -> None:
        """Sends what waits, from the start of a line on where something was left out before it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._text:
            return
        start = self._text.find("\n") + 1 if self._skipped else 0
        text, skipped = self._text[start:], self._skipped + start
        if not text:  # a single line end: the line before it is longer than the tail
            text, skipped = self._text, self._skipped
        self._text, self._skipped = "", 0
        self._times += 1
        self._due = self._loop.time() + (LATER_S if self._times > MANY else TAIL_S)
        self._send(text, skipped)
