"""The versions of one file, as a session's log tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from holdfast.core.domain.events import FileChanged
from holdfast.core.domain.files import Change, FileVersion
from holdfast.core.domain.tools import BlobStore


def versions(changes: Iterable[FileChanged], path: str, blobs: BlobStore) -> tuple[FileVersion, ...]:
    """Returns the contents that the file had, oldest first.

    One that was there before the first change, or that came to be between two others without anybody
    telling, is among them where it was kept. Looks at the disk: call it in a thread.
    """
    return tuple(_versions([change for change in changes if change.path == path], blobs))


def _versions(changes: list[FileChanged], blobs: BlobStore) -> Iterator[FileVersion]:
    last: str | None = None
    for change in changes:
        if change.before is not None and change.before != last:
            size = _size(blobs, change.before)
            yield FileVersion(at=None, origin="other", digest=change.before, size=size, kept=size is not None)
        gone = change.change is Change.DELETED
        yield FileVersion(
            at=change.at,
            origin=change.origin,
            run_id=change.run_id,
            change=change.change,
            size=None if gone else change.size,
            digest=change.after,
            kept=change.after is not None and _size(blobs, change.after) is not None,
        )
        last = change.after


def _size(blobs: BlobStore, digest: str) -> int | None:
    """Returns the size of a kept content; None when it is gone."""
    try:
        return blobs.path(digest).stat().st_size
    except FileNotFoundError:
        return None
