"""One worker on a folder at a time: a new one waits for an old one that is still ending."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from holdfast.core.domain.errors import KnowledgeUnavailable

PATIENCE_S = 20.0
"""Seconds to wait for another worker."""

_PAUSE_S = 0.05


class FolderLock:
    """Held while this process has the index."""

    def __init__(self, folder: Path, patience_s: float = PATIENCE_S) -> None:
        """Waits for the lock. Raises `KnowledgeUnavailable` (`knowledge_busy`) after `patience_s`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + patience_s
        while not self._taken():
            if time.monotonic() > until:
                os.close(self._file)
                raise KnowledgeUnavailable(
                    f"Another process holds the index of documents in {folder}; it may still be ending. "
                    "Try again in a moment.",
                    code="knowledge_busy",
                )
            time.sleep(_PAUSE_S)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        os.close(self._file)
