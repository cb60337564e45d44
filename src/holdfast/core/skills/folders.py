"""Skills on disk: a folder read whole before it is copied, and files written into a folder of no one yet."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from holdfast.core.domain.errors import InvalidError, NotFoundError, StoreError
from holdfast.core.skills.contents import IGNORED, Contents, Names, checked, too_large, unsafe
from holdfast.core.skills.limits import MAX_BYTES, MAX_DEPTH, MAX_FILES

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def collected(folder: Path) -> Contents:
    """Returns the files below a folder by their paths.

    Raises `InvalidError` (`unsafe_archive`) for links, devices and names that clash, `TooLargeError`,
    `NotFoundError` for a folder that cannot be read.
    """
    names, found, total = Names(), dict[str, bytes](), 0
    try:
        for count, (name, path, is_folder) in enumerate(_walk(folder, ""), 1):
            if count > MAX_FILES:
                raise too_large(f"{folder} has more than {MAX_FILES} files and folders.")
            names.add(name, is_folder=is_folder)
            if is_folder:
                continue
            found[name] = _content(path, name, MAX_BYTES - total)
            total += len(found[name])
    except OSError as error:
        raise NotFoundError(f"{folder} cannot be read: {error.strerror}.", code="no_such_file") from error
    return found


def written(contents: Contents, folder: Path) -> None:
    """Writes files into a folder that exists and is empty, each of them its owner's alone and none of them
    executable. Raises `StoreError`, `InvalidError` for a name that leads out."""
    try:
        for name, data in contents.items():
            *parents, last = checked(name)
            at = folder
            for part in parents:
                at = at / part
                at.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(at / last, _WRITE, 0o600), "wb") as file:
                file.write(data)
    except OSError as error:
        raise StoreError(
            f"The skill cannot be written: {error.strerror}.", code="skill_not_written"
        ) from error


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path, bool]]:
    """Yields what is below a folder with its name from there on; whatever is no file and no folder is
    refused."""
    if prefix.count("/") > MAX_DEPTH:
        raise unsafe(prefix, f"it is more than {MAX_DEPTH} folders deep")
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name in IGNORED:
            continue
        name = f"{prefix}{entry.name}"
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield name, Path(entry.path), True
            yield from _walk(Path(entry.path), f"{name}/")
        elif stat.S_ISREG(mode):
            yield name, Path(entry.path), False
        else:
            raise unsafe(name, "it is a link" if stat.S_ISLNK(mode) else "it is no file and no folder")


def _content(path: Path, name: str, room: int) -> bytes:
    with os.fdopen(os.open(path, _READ), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise InvalidError(f"{name} was exchanged while it was read.", code="unsafe_archive")
        data = file.read(room + 1)
    if len(data) > room:
        raise too_large(f"The skill has more than {MAX_BYTES // 2**20} MiB.")
    return data
