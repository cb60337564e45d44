"""What a listener tells of its requests: to whoever follows it, or to a file."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from pathlib import Path

from holdfast.core.domain.logs import without_keys
from holdfast.core.domain.status import AccessLine
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.server.log import PrivateFile

_WAITING_LINES = 1000
_LONGEST_PATH = 300


class AccessLog:
    """The access lines of one listener. A follower that does not read loses the oldest; nobody waits."""

    def __init__(self, file: Path | None) -> None:
        self._file = PrivateFile(file) if file is not None else None
        self._followers: list[deque[AccessLine]] = []
        self._told = asyncio.Event()
        self._ended = False

    @property
    def followed(self) -> bool:
        """Whether somebody follows."""
        return bool(self._followers)

    def tell(self, line: AccessLine) -> None:
        """Takes a line."""
        if self._file is not None and not self._ended:
            self._file.handle(logging.makeLogRecord({"msg": as_text(line)}))
        for waiting in self._followers:
            waiting.append(line)
        self._wake()

    def end(self) -> None:
        """Ends what is followed; no line comes after it."""
        self._ended = True
        self._wake()
        if self._file is not None:
            self._file.close()

    async def follow(self) -> AsyncGenerator[AccessLine, None]:
        """Yields lines from now on, until the end."""
        waiting: deque[AccessLine] = deque(maxlen=_WAITING_LINES)
        self._followers.append(waiting)
        self._wake()
        try:
            while waiting or not self._ended:
                told = self._told
                while waiting:
                    yield waiting.popleft()
                if not self._ended:
                    await told.wait()
        finally:
            self._followers.remove(waiting)
            self._wake()

    async def changed(self) -> None:
        """Waits until a line was told or a follower came or went."""
        await self._told.wait()

    def _wake(self) -> None:
        self._told.set()
        self._told = asyncio.Event()


def shown_path(path: str) -> str:
    """Returns a request's path as it may be kept: one word, of bounded length, without keys."""
    plain = sanitize_line(without_keys(path)).replace(" ", "%20")
    return shorten(plain, _LONGEST_PATH)


def as_text(line: AccessLine) -> str:
    """Returns the line of a log file."""
    at = line.at.isoformat(timespec="milliseconds")
    who = line.principal or "-"
    return f"{at} {line.client} {who!r} {line.method} {line.path} {line.status} {line.ms:.1f}ms"
