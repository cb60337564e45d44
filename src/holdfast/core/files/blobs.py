"""Bytes by their SHA-256, as files: `ab/cd/abcd…`."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import tempfile
import time
from collections.abc import Container
from pathlib import Path
from typing import IO

from holdfast.core.domain.errors import NotFoundError, StoreError, TooLargeError
from holdfast.core.domain.transfer import CHUNK, Upload

_DIGEST = re.compile(r"\A[0-9a-f]{64}\Z")


class FileBlobs:
    """A `BlobStore` in a folder. Files are readable by their owner alone and appear whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> str:
        """Keeps `data` and returns its digest. Raises `StoreError` when the disk does not take it."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        try:
            # A size that differs is what a power cut left; it is written again.
            if target.is_file() and target.stat().st_size == len(data):
                return digest
            self._write(target, data)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise StoreError(
                f"Cannot keep {len(data)} bytes in {self._folder}: {error.strerror}",
                code="disk_full" if full else None,
            ) from error
        return digest

    def put_all(self, data: Upload, limit: int) -> str:
        """Keeps bytes, or a file from where it stands to its end, piece by piece; returns the digest.

        Raises `TooLargeError` for more than `limit` bytes, `StoreError` when the disk does not take it.
        """
        source = io.BytesIO(data) if isinstance(data, bytes) else data
        try:
            return self._taken(source, limit)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise StoreError(
                f"Cannot keep a file in {self._folder}: {error.strerror}", code="disk_full" if full else None
            ) from error

    def _taken(self, source: IO[bytes], limit: int) -> str:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".tmp")  # made with mode 0600
        temporary, total, size = Path(name), hashlib.sha256(), 0
        try:
            with os.fdopen(fd, "wb") as file:
                while piece := source.read(CHUNK):
                    size += len(piece)
                    if size > limit:
                        raise TooLargeError(f"More than {limit} bytes")
                    total.update(piece)
                    file.write(piece)
            target = self.path(total.hexdigest())
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return target.name

    def get(self, digest: str) -> bytes:
        """Returns the bytes. Raises `NotFoundError`, or `StoreError` when they are damaged."""
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"There is no blob {digest}", code="blob_not_found") from error
        except OSError as error:
            raise StoreError(f"Cannot read blob {digest}: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise StoreError(f"Blob {digest} is damaged", code="blob_damaged")
        return data

    def path(self, digest: str) -> Path:
        """Returns where the blob is, or would be. Raises `NotFoundError` for what is no digest."""
        if not _DIGEST.match(digest):
            raise NotFoundError(f"{digest[:80]!r} is not the name of a blob", code="blob_not_found")
        return self._folder / digest[:2] / digest[2:4] / digest

    def sweep(self, used: Container[str], older_than_s: float = 86_400) -> int:
        """Removes blobs that are not in `used` and at least so old; returns how many. Blocks."""
        limit = time.time() - older_than_s
        removed = 0
        for path in self._folder.glob("??/??/*"):
            if path.name in used or path.stat().st_mtime > limit:
                continue
            path.unlink(missing_ok=True)
            removed += 1
        return removed

    def _write(self, target: Path, data: bytes) -> None:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")  # made with mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
