"""The files of a session as a listing: what is on disk, folded with what the log says of changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, Protocol

from holdfast.core.domain.files import Change, FileEntry, FileStat


class ChangeRecord(Protocol):
    """What is needed of a `file.changed` event."""

    @property
    def path(self) -> str: ...

    @property
    def change(self) -> Change: ...

    @property
    def before(self) -> str | None: ...

    @property
    def after(self) -> str | None: ...

    @property
    def run_id(self) -> str | None: ...

    @property
    def origin(self) -> str: ...


def entries(changes: Iterable[ChangeRecord], on_disk: Iterable[FileStat]) -> list[FileEntry]:
    """Returns the files by path, each with its state against the session's start.

    `changes` come in the order of the log. Files that were deleted are listed, those that came and went
    are not; nor are folders.
    """
    first: dict[str, ChangeRecord] = {}
    last: dict[str, ChangeRecord] = {}
    for change in changes:
        first.setdefault(change.path, change)
        last[change.path] = change
    found = {stat.path: stat for stat in on_disk if not stat.is_dir}
    listed = [_entry(stat, first.get(path), last.get(path)) for path, stat in found.items()]
    gone = [
        FileEntry(path=path, size=0, state="deleted", run_id=last[path].run_id)
        for path, change in first.items()
        if path not in found and change.change is not Change.CREATED
    ]
    return sorted(listed + gone, key=lambda entry: entry.path)


def made(changes: Iterable[ChangeRecord], on_disk: Iterable[FileStat]) -> list[FileEntry]:
    """Returns the files by path that runs have made and that are there; `changes` come in the order of the
    log."""
    makers: dict[str, str | None] = {}
    for change in changes:
        made_by = change.run_id if change.change is Change.CREATED and change.origin == "run" else None
        makers.setdefault(change.path, made_by)
    found = [stat for stat in on_disk if not stat.is_dir and makers.get(stat.path) is not None]
    return [
        FileEntry(
            path=stat.path,
            size=stat.size,
            modified_at=moment(stat.modified_ns),
            state="created",
            run_id=makers[stat.path],
        )
        for stat in sorted(found, key=lambda stat: stat.path)
    ]


def moment(nanoseconds: int) -> datetime | None:
    """Returns a file's time; None for one that no calendar has: programs set what they like."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _entry(stat: FileStat, first: ChangeRecord | None, last: ChangeRecord | None) -> FileEntry:
    state = _state(first, last)
    return FileEntry(
        path=stat.path,
        size=stat.size,
        modified_at=moment(stat.modified_ns),
        state=state,
        run_id=last.run_id if last is not None and state != "unchanged" else None,
    )


def _state(
    first: ChangeRecord | None, last: ChangeRecord | None
) -> Literal["unchanged", "created", "modified"]:
    if first is None or last is None:
        return "unchanged"
    if first.change is Change.CREATED:
        return "created"
    restored = first.before is not None and first.before == last.after
    return "unchanged" if restored else "modified"
