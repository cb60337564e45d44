"""What was read from files, kept while they stay as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

SETTLED_NS = 1_000_000_000
"""A file that was changed less than this ago is read again: a second change may have the same time."""

_Stamp = tuple[int, int, int, int]


class Kept(Generic[K, T]):
    """Values by keys, each with the files that it was made of."""

    def __init__(self) -> None:
        self._kept: dict[K, tuple[list[_Stamp | None], T]] = {}

    def get(self, key: K, files: Sequence[Path], read: Callable[[], T]) -> T:
        """Returns what `read` returned when `files` were as they are now, else what it returns. Raises what
        it raises, which is not kept."""
        try:
            stamps = [_stamp(file) for file in files]
        except OSError:  # a link to itself, a folder that cannot be entered: for `read` to say
            return read()
        kept = self._kept.get(key)
        if kept is not None and kept[0] == stamps:
            return kept[1]
        value = read()
        now = time.time_ns()
        if all(stamp is None or now - max(stamp[0], stamp[1]) > SETTLED_NS for stamp in stamps):
            self._kept[key] = (stamps, value)
        return value


def _stamp(file: Path) -> _Stamp | None:
    """Returns what tells a file's contents apart; None where there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size
