"""Reads the bytes of a file, with all that can be wrong with a file."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError, TooLargeError
from holdfast.core.knowledge.parsing.opening import open_real

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a file, and what they are known by."""

    data: bytes
    digest: str
    """SHA-256, in hexadecimal."""
    modified_at: datetime | None

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.data)


def read_source(path: Path, name: str, max_bytes: int) -> Source:
    """Returns the content of a regular file of at most `max_bytes`; messages call it `name`.

    `path` is a real one: no link in it is followed.
    Raises `NotFoundError` (`file_not_found`), `InvalidError` (`not_a_file`, `document_unreadable`,
    `document_empty`), `TooLargeError` (`document_too_large`), and `ConflictError` (`document_changed`) for a
    file that changes while it is read.
    """
    with _opened(path, name) as fd:
        before = os.fstat(fd)
        if not stat.S_ISREG(before.st_mode):
            raise InvalidError(
                f"{name} is not a regular file: name a document or a folder of documents",
                code="not_a_file",
            )
        if before.st_size > max_bytes:
            raise _too_large(name, before.st_size, max_bytes)
        data = _read(fd, name, max_bytes)
        _same(name, before, os.fstat(fd), len(data))
    if not data:
        raise InvalidError(f"{name} is empty: there is nothing to take in", code="document_empty")
    return Source(data, hashlib.sha256(data).hexdigest(), _modified(before))


@contextmanager
def _opened(path: Path, name: str) -> Iterator[int]:
    try:
        fd = open_real(path)
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {name} any more", code="file_not_found") from error
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    try:
        yield fd
    finally:
        os.close(fd)


def _read(fd: int, name: str, max_bytes: int) -> bytes:
    blocks: list[bytes] = []
    total = 0
    while True:
        try:
            block = os.read(fd, _BLOCK)
        except OSError as error:
            raise _unreadable(name, error) from error
        if not block:
            return b"".join(blocks)
        total += len(block)
        if total > max_bytes:  # it has grown since it was looked at
            raise _too_large(name, total, max_bytes)
        blocks.append(block)


def _same(name: str, before: os.stat_result, after: os.stat_result, read: int) -> None:
    if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size) and read == after.st_size:
        return
    raise ConflictError(
        f"{name} changed while it was read: try again when it is written",
        code="document_changed",
        retryable=True,
    )


def _too_large(name: str, size: int, max_bytes: int) -> TooLargeError:
    return TooLargeError(
        f"{name} has {size / 2**20:,.1f} MiB, more than the {max_bytes / 2**20:,.1f} MiB that are "
        "taken in: divide it, or raise knowledge.max_file_mb in the settings",
        code="document_too_large",
        details={"size": size, "max_bytes": max_bytes},
    )


def _unreadable(name: str, error: OSError | ValueError) -> InvalidError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InvalidError(
        f"{name} cannot be read: {reason}. Check that it exists and that you may read it",
        code="document_unreadable",
    )


def _modified(info: os.stat_result) -> datetime | None:
    try:
        return datetime.fromtimestamp(info.st_mtime, UTC)
    except (OverflowError, ValueError, OSError):
        return None
