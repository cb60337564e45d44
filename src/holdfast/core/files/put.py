"""Writing and deleting a file by a client's word, with the change that this is.

What was there before is kept as a blob, as far as contents are kept at all: so the change can be told, and
the content be had again. All of it blocks: call it in a thread.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.files import Change, FileChange, WrittenFile
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.transfer import CHUNK, Upload
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.versions import WatchLimits

ABSENT = ""
"""As `expected`: there must be no such file."""
_KEPT_BYTES = WatchLimits().file_bytes


@dataclass(frozen=True, slots=True)
class _Content:
    size: int
    digest: str | None
    """None for one that was not read, for it is too large to keep."""
    kept: str | None
    """The digest again, when the content is a blob now."""


def put(
    workspace: WorkspaceJail, blobs: BlobStore, path: str, data: Upload, expected: str | None = None
) -> tuple[WrittenFile, FileChange | None]:
    """Makes or replaces a file; returns what it is now, and the change unless its content was this already.

    `expected` is the digest that the file must have now, `ABSENT`, or None where that is no matter.
    Raises what `Workspace.write` raises.
    """
    path = workspace.relative(path)
    workspace.check_name(path)
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    start = source.tell()
    new, digest = _taken(source, blobs)
    source.seek(start)
    before = _present(workspace, blobs, path)
    workspace.write_chunks(path, _pieces(source), expected=_expected(expected, before))
    if before is not None and before.digest == digest:
        return WrittenFile(path=path, size=new.size, digest=digest, change=None), None
    change = FileChange(
        path=path,
        change=Change.CREATED if before is None else Change.MODIFIED,
        before=None if before is None else before.kept,
        after=new.kept,
        size=new.size,
    )
    return WrittenFile(path=path, size=new.size, digest=digest, change=change.change), change


def remove(workspace: WorkspaceJail, blobs: BlobStore, path: str) -> FileChange:
    """Deletes a file. Raises `NotFoundError`, and what else `Workspace.delete` raises."""
    path = workspace.relative(path)
    before = _present(workspace, blobs, path)
    workspace.delete(path)
    return FileChange(path=path, change=Change.DELETED, before=None if before is None else before.kept)


def remove_all(
    workspace: WorkspaceJail, blobs: BlobStore, paths: Iterable[str], done: list[FileChange]
) -> None:
    """Deletes files, and the folders that are empty then. What is gone already is passed over; `done` gets
    each change when it was made. Raises what `Workspace.delete` raises."""
    folders: set[str] = set()
    for path in paths:
        with suppress(NotFoundError):
            done.append(remove(workspace, blobs, path))
        parts = path.split("/")[:-1]
        folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    for folder in sorted(folders, reverse=True):  # what is inside before what it is in
        with suppress(NotFoundError):
            workspace.delete_folder(folder)


def _expected(asked: str | None, before: _Content | None) -> str | None:
    """Returns what the jail is to compare with: what was asked for, else what was just seen, so that the
    change that is told is the one that happened."""
    if asked is not None:
        return None if asked == ABSENT else asked
    if before is None:
        return None
    return before.digest or "any"


def _present(workspace: WorkspaceJail, blobs: BlobStore, path: str) -> _Content | None:
    try:
        with workspace.open_file(path) as file:
            size = file.seek(0, os.SEEK_END)
            if size > _KEPT_BYTES:
                return _Content(size, None, None)
            file.seek(0)
            return _taken(file, blobs)[0]
    except NotFoundError:
        return None


def _taken(source: IO[bytes], blobs: BlobStore) -> tuple[_Content, str]:
    """Reads to the end; keeps the content unless it is larger than what is kept of a run's files."""
    total = hashlib.sha256()
    size = 0
    head: list[bytes] = []
    for piece in _pieces(source):
        total.update(piece)
        size += len(piece)
        if size <= _KEPT_BYTES:
            head.append(piece)
        else:
            head.clear()
    digest = total.hexdigest()
    kept = blobs.put(b"".join(head)) if size <= _KEPT_BYTES else None
    return _Content(size, digest, kept), digest


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(CHUNK):
        yield piece
