"""A folder of a workspace, or texts, as a zip."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, BinaryIO, cast

from holdfast.core.domain.errors import ForbiddenError, InvalidError, NotFoundError, TooLargeError
from holdfast.core.domain.files import FileStat
from holdfast.core.domain.transfer import CHUNK, Download
from holdfast.core.files.fetch import as_download
from holdfast.core.files.jail import WorkspaceJail

MOST_BYTES = 2**30
"""Of all files of a zip together."""
MOST_FILES = 20_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Zips know no earlier time; the same folder gives the same zip."""


def pack(workspace: WorkspaceJail, path: str, name: str) -> Download:
    """Returns the files of a folder as a zip, called `name`; hidden ones are left out, links not followed.

    Raises `TooLargeError`, and what `Workspace.walk` raises.
    """
    entries = _checked(workspace, path)
    spool = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (the download closes it)
    try:
        with zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry in entries:
                # A file that has gone meanwhile, or is another thing now, is not in it.
                with suppress(NotFoundError, ForbiddenError, InvalidError):
                    _add(archive, workspace, entry, entry.path[len(path) :].lstrip("/"))
        spool.seek(0)
        return as_download(spool, f"{name}.zip")
    except BaseException:
        spool.close()
        raise


def pack_texts(texts: Mapping[str, str], name: str) -> Download:
    """Returns texts, by the names of their files, as a zip that is called `name`. Blocks."""
    spool = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (the download closes it)
    try:
        with zipfile.ZipFile(spool, "w") as archive:
            for file, text in texts.items():
                info = zipfile.ZipInfo(file, _EPOCH)
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(info, text.encode("utf-8", "replace"))
        spool.seek(0)
        return as_download(spool, f"{name}.zip")
    except BaseException:
        spool.close()
        raise


def _checked(workspace: WorkspaceJail, path: str) -> list[FileStat]:
    found: list[FileStat] = []
    total = 0
    for entry in workspace.walk(path):
        found.append(entry)
        total += entry.size
        if len(found) > MOST_FILES or total > MOST_BYTES:
            raise TooLargeError(
                f"The folder has more than {MOST_FILES} files or {MOST_BYTES // 2**20} MiB. Download a "
                "folder of it, or single files.",
                code="folder_too_large",
            )
    return found


def _add(archive: zipfile.ZipFile, workspace: WorkspaceJail, entry: FileStat, name: str) -> None:
    if entry.is_dir:
        archive.writestr(zipfile.ZipInfo(f"{name}/", _EPOCH), b"")
        return
    with workspace.open_file(entry.path) as source:
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        with archive.open(info, "w", force_zip64=True) as target:
            for piece in _pieces(source, entry.size):
                target.write(piece)


def _pieces(source: IO[bytes], size: int) -> Iterator[bytes]:
    """Yields a file as far as it went when it was looked at: one that grows has no end."""
    while size > 0 and (piece := source.read(min(CHUNK, size))):
        size -= len(piece)
        yield piece
