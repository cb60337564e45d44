"""What the program of a server writes to stderr: kept in a file of its own, which cannot grow for ever."""

from __future__ import annotations

import os
from pathlib import Path

from holdfast.core.domain.text import sanitize
from holdfast.core.tools.mcp.limits import MAX_LOG_BYTES

_PRIVATE = 0o600


class ServerLog:
    """A file and, when it is full, one that was before it. Methods block: call them from a thread."""

    def __init__(self, path: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes

    def write(self, data: bytes) -> None:
        """Adds to the log; the oldest is dropped where there is too much. Raises `OSError`."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = data[-self._max_bytes :]
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, _PRIVATE)
        with os.fdopen(handle, "ab") as stream:
            if stream.tell() + len(data) <= self._max_bytes:
                stream.write(data)
                return
        self.path.replace(self._older)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)

    def tail(self, characters: int = 4_000) -> str:
        """Returns the end of the log, safe to print; empty when there is none."""
        try:
            with self.path.open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - 4 * characters))
                text = stream.read().decode(errors="replace")
        except OSError:
            return ""
        return sanitize(text)[-characters:]

    def remove(self) -> None:
        """Removes both files; what is not there is no error."""
        self.path.unlink(missing_ok=True)
        self._older.unlink(missing_ok=True)

    @property
    def _older(self) -> Path:
        return self.path.with_name(f"{self.path.name}.1")
