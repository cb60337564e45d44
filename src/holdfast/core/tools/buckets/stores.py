"""What a bucket can do, and folders that are one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from holdfast.core.domain.errors import NotFoundError, ToolError
from holdfast.core.domain.files import Workspace

MAX_BYTES = 50 * 2**20
"""Of one object that is read or written."""
MAX_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a bucket."""

    key: str
    """Behind the bucket's prefix."""
    size: int
    modified: datetime
    version: str = ""
    """Another one where the content is."""


class ObjectStore(Protocol):
    """A bucket behind its prefix. Methods block: call them from a thread. They raise `ToolError`."""

    def list(self, prefix: str, after: str, limit: int) -> tuple[list[StoredObject], bool]:
        """Returns objects by their keys, those behind `after`, and whether there are more."""
        ...

    def find(self, key: str) -> StoredObject | None: ...

    def read(self, key: str) -> bytes:
        """Returns an object's content, of `MAX_BYTES` at most."""
        ...

    def write(self, key: str, data: bytes) -> None: ...


class FolderStore:
    """A folder as a bucket: its files are the objects, their paths the keys."""

    def __init__(self, folder: Workspace) -> None:
        self._folder = folder

    def list(self, prefix: str, after: str, limit: int) -> tuple[list[StoredObject], bool]:
        every = self._folder.walk(hidden=True, skip=frozenset())  # as every one can be read
        found = (each for each in every if not each.is_dir)
        wanted = (each for each in found if each.path.startswith(prefix) and each.path > after)
        ordered = sorted(wanted, key=lambda each: each.path)
        objects = [
            StoredObject(each.path, each.size, _moment(each.modified_ns), str(each.changed_ns))
            for each in ordered[:limit]
        ]
        return objects, len(ordered) > limit

    def find(self, key: str) -> StoredObject | None:
        try:
            found = self._folder.stat(key)
        except NotFoundError:
            return None
        return StoredObject(key, found.size, _moment(found.modified_ns), str(found.changed_ns))

    def read(self, key: str) -> bytes:
        found = self.find(key)
        if found is None:
            raise no_object(key)
        if found.size > MAX_BYTES:
            raise too_large(key)
        return self._folder.read(key, MAX_BYTES)

    def write(self, key: str, data: bytes) -> None:
        self._folder.write(key, data)


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


def no_object(key: str) -> ToolError:
    """Returns the error of a key that nothing has."""
    return ToolError(f"There is no {key} in the bucket.", code="object_not_found")


def too_large(key: str) -> ToolError:
    """Returns the error of an object that is not read."""
    return ToolError(f"{key} is larger than {MAX_BYTES // 2**20} MiB, and is not read.", code="too_large")
