"""What a run changed: manifests of a workspace, the differences between two, and their undoing.

A manifest knows every file by size, times and digest; contents are kept as blobs, so that a change can be
taken back. Files over the limits are known by size and times alone: their changes are seen, but cannot be
undone. Links, other mounts and the folders that a walk skips are not part of a manifest.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from holdfast.core.domain.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from holdfast.core.domain.files import Change, FileChange, FileStat, Workspace
from holdfast.core.domain.tools import BlobStore

_SETTLED_NS = 2_000_000_000
"""A file changed this shortly before a scan is read again by the next: within one tick of the file system's
clock (up to 2 s) a second change of the same size would look the same."""


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """Up to where contents are kept."""

    file_bytes: int = 10 * 2**20
    files: int = 20_000
    workspace_bytes: int = 500 * 2**20
    entries: int = 100_000
    """Files after which a scan ends. What comes after is not watched."""


@dataclass(frozen=True, slots=True)
class FileState:
    """One file in a manifest."""

    stat: FileStat
    digest: str | None
    """None: not kept."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a workspace at one moment."""

    files: Mapping[str, FileState] = field(default_factory=dict)
    scanned_ns: int = 0
    """Wall-clock time at which the scan began."""
    last: tuple[str, ...] | None = None
    """The last path that was seen, when the scan ended early; None: it is complete."""


def scan(
    workspace: Workspace,
    blobs: BlobStore,
    previous: Manifest | None = None,
    limits: WatchLimits | None = None,
) -> Manifest:
    """Returns the manifest of the workspace as it is. Files that are as in `previous` are not read again.

    Blocks for as long as reading takes. Raises `StoreError` when contents cannot be kept.
    """
    limits = limits or WatchLimits()
    previous = previous or Manifest()
    began = time.time_ns()
    files: dict[str, FileState] = {}
    kept = kept_bytes = 0
    for stat in workspace.walk(hidden=True):
        if stat.is_dir:
            continue
        if len(files) >= limits.entries:
            return Manifest(files, began, _order(next(reversed(files))))
        digest = None
        if (
            stat.size <= limits.file_bytes
            and kept < limits.files
            and kept_bytes + stat.size <= limits.workspace_bytes
        ):
            digest = _unchanged(stat, previous) or _keep(workspace, blobs, stat.path, limits.file_bytes)
        if digest is not None:
            kept += 1
            kept_bytes += stat.size
        files[stat.path] = FileState(stat, digest)
    return Manifest(files, began)


def _unchanged(stat: FileStat, previous: Manifest) -> str | None:
    known = previous.files.get(stat.path)
    if known is None or known.stat != stat:
        return None
    settled = max(stat.modified_ns, stat.changed_ns) < previous.scanned_ns - _SETTLED_NS
    return known.digest if settled else None


def _keep(workspace: Workspace, blobs: BlobStore, path: str, limit: int) -> str | None:
    try:
        data = workspace.read(path, limit + 1)
    except (NotFoundError, ForbiddenError, InvalidError):
        return None  # gone or made unreadable since the walk saw it: known by its facts alone
    return blobs.put(data) if len(data) <= limit else None


def diff(old: Manifest, new: Manifest) -> list[FileChange]:
    """Returns what differs, by path. Paths that only one of the two could see are left out."""
    ends = [manifest.last for manifest in (old, new) if manifest.last is not None]
    paths = sorted(old.files.keys() | new.files.keys(), key=_order)
    if ends:
        paths = [path for path in paths if _order(path) <= min(ends)]
    changes = (_change(path, old.files.get(path), new.files.get(path)) for path in paths)
    return [change for change in changes if change is not None]


def _order(path: str) -> tuple[str, ...]:
    """The order of a walk."""
    return tuple(path.split("/"))


def _change(path: str, old: FileState | None, new: FileState | None) -> FileChange | None:
    match old, new:
        case None, FileState():
            return FileChange(path=path, change=Change.CREATED, after=new.digest, size=new.stat.size)
        case FileState(), None:
            return FileChange(path=path, change=Change.DELETED, before=old.digest)
        case FileState(), FileState() if not _same(old, new):
            return FileChange(
                path=path, change=Change.MODIFIED, before=old.digest, after=new.digest, size=new.stat.size
            )
    return None


def _same(old: FileState, new: FileState) -> bool:
    if old.digest is not None and new.digest is not None:
        return old.digest == new.digest
    return (old.stat.size, old.stat.modified_ns, old.stat.inode) == (
        new.stat.size,
        new.stat.modified_ns,
        new.stat.inode,
    )


class WorkspaceWatch:
    """Tells what changed in a workspace since it was last asked, and keeps what calls change apart from what
    clients change. `look` and `changes` block: call them in a thread."""

    def __init__(self, workspace: Workspace, blobs: BlobStore, limits: WatchLimits | None = None) -> None:
        self._workspace = workspace
        self._blobs = blobs
        self._limits = limits or WatchLimits()
        self._manifest = Manifest()
        self._calls = 0
        self._writing = asyncio.Lock()
        self._scanning = threading.Lock()

    @property
    def manifest(self) -> Manifest:
        """The workspace as it was last seen; empty before the first look."""
        return self._manifest

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Surrounds a call that may change files, and looks before it. Several may be under way; none begins
        while a client writes. Beside another call nothing is looked at: what that one has changed until then
        must be found after it, or after this one."""
        async with self._writing:
            if not self._calls:
                await asyncio.to_thread(self.look)
            self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Surrounds what a client changes, so that no call is taken for its author. Raises `ConflictError`
        while one is under way."""
        async with self._writing:
            if self._calls:
                raise ConflictError(
                    "A tool is working on the files at this moment. Try again when its call has ended.",
                    code="busy",
                    retryable=True,
                )
            yield

    def look(self) -> None:
        """Takes the present state as seen, whatever changed."""
        with self._scanning:
            self._scan()

    def _scan(self) -> None:
        self._manifest = scan(self._workspace, self._blobs, self._manifest, self._limits)

    def changes(self) -> list[FileChange]:
        """Returns what is different from the last look, which this one replaces."""
        with self._scanning:
            before = self._manifest
            self._scan()
            return diff(before, self._manifest)
