"""Space kept for last words: on a full disk, a run must still be able to say that it has ended."""

from __future__ import annotations

import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

RESERVE = 1024 * 1024
"""Bytes that are kept: enough for the ends of a good number of runs."""


class Reserve:
    """A file beside the database that takes space until it is needed."""

    def __init__(self, path: Path, size: int = RESERVE) -> None:
        self._path = path
        self._size = size

    def keep(self) -> None:
        """Takes the space, when it is not taken yet and the disk has it."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(handle).st_size != self._size:
                    os.posix_fallocate(handle, 0, self._size)
            finally:
                os.close(handle)
        except OSError as error:
            logger.warning("no space could be reserved for the ends of runs: %s", error)
            self._path.unlink(missing_ok=True)

    def give(self) -> bool:
        """Gives the space back to the disk; says whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
