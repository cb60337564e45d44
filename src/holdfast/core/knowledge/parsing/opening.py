"""Opens files as they were named: a link that took the place of one is not followed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

# Passing through a folder needs no right to list it, where the system tells the two apart.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the opening of a FIFO would wait for a writer.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


def open_real(path: Path | str) -> int:
    """Returns a descriptor for a real path, for reading. Every name on the way is opened by itself, so that
    whoever can write there leads the reading to no other place after the path was decided about.

    Raises `OSError`; of a link anywhere in the path with the number `ELOOP`.
    """
    folder, *names = Path(path).parts
    opened = os.open(folder, _FOLDER)
    try:
        for name in names[:-1]:
            opened, before = _open(name, _FOLDER, opened), opened
            os.close(before)
        return _open(names[-1] if names else ".", _FILE, opened)
    finally:
        os.close(opened)


def _open(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP) or not _is_link(name, folder):
            raise
        raise OSError(errno.ELOOP, "it is a link now, or in a folder that is one") from error


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
