"""Files that are their owner's alone: written whole or not at all, mode 0600 from the first instant."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, text: str | bytes) -> None:
    """Replaces the file at `path` by `text`, durably and at once; makes its folder if need be.

    A link is followed, so that a file kept elsewhere stays there. Raises `OSError`; then the old file
    is as it was.
    """
    target = path.resolve()
    temporary = _write_beside(target, text)
    try:
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def create_private(path: Path, text: str | bytes) -> None:
    """Makes a new file at `path`, as `write_private` does. Of two at once, one wins.

    Raises `FileExistsError` when anything is there, and `OSError`.
    """
    temporary = _write_beside(path, text)
    try:
        # A second name for the same file, where a rename would replace what is there.
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write_beside(target: Path, text: str | bytes) -> Path:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # made with mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode() if isinstance(text, str) else text)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
