"""A file's content on its way out: as it is now, or as one of its versions was."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from functools import partial
from typing import BinaryIO

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import FileChanged
from holdfast.core.domain.media import media_type
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.transfer import CHUNK, Download
from holdfast.core.files.jail import WorkspaceJail

_EXECUTED = ("text/html", "application/xml")
"""Types that a browser does more with than show them."""


def fetch_file(workspace: WorkspaceJail, path: str) -> Download:
    """Returns the content of a file as it is now. Raises what `Workspace.read` raises."""
    return as_download(workspace.open_file(path), path)


def fetch_version(blobs: BlobStore, changes: Iterable[FileChanged], path: str, digest: str) -> Download:
    """Returns a content that the file had, by its digest; `changes` are the session's.

    Raises `NotFoundError` for one that this file of this session never had, whoever else has it, and for
    one that is not kept.
    """
    had = {side for change in changes if change.path == path for side in (change.before, change.after)}
    if digest not in had:
        raise NotFoundError(
            f"{path} has no version {digest[:80]!r}; its versions are listed with their digests.",
            code="version_not_found",
        )
    try:
        return as_download(blobs.path(digest).open("rb"), path)
    except FileNotFoundError as error:
        raise NotFoundError(f"This version of {path} is not kept.", code="version_not_kept") from error


def as_download(file: BinaryIO, path: str) -> Download:
    """Returns an open file as a download, which closes it at its end; `path` gives its name."""
    name = sanitize_line(path.rpartition("/")[2]) or "file"
    size = os.fstat(file.fileno()).st_size
    kind = media_type(file.read(CHUNK), name)
    file.seek(0)
    return Download(
        name=name,
        media_type="text/plain" if kind in _EXECUTED else kind,
        size=size,
        read=partial(asyncio.to_thread, file.read, CHUNK),
        close=partial(_close, file),
    )


async def _close(file: BinaryIO) -> None:
    file.close()
