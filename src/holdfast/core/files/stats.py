"""How much there is in workspaces."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from stat import S_IMODE

from holdfast.core.domain.files import FileStat, FoundFile, Workspace, WorkspaceStats
from holdfast.core.files.entries import moment

MAX_ENTRIES = 100_000
"""Files and folders of one workspace that are counted."""
MAX_NAMES = 1_000
MAX_CONTENTS = 10_000


def count(
    workspace: Workspace,
    sessions: tuple[str, ...],
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
    *,
    contents: bool = False,
) -> WorkspaceStats:
    """Returns what is in a workspace, as far as it can be counted until `deadline`, a time of `clock`; with
    `contents` also each file and folder.

    Hidden files count, the folders that a walk skips do not. Blocks.
    """
    files = folders = total = seen = 0
    largest: FileStat | None = None
    changed_ns = 0
    complete = True
    names: list[str] = []
    found: list[FoundFile] = []
    for stat in workspace.walk(hidden=True):
        if seen >= MAX_ENTRIES or clock() > deadline:
            complete = False
            break
        seen += 1
        if "/" not in stat.path and len(names) < MAX_NAMES:
            names.append(stat.path)
        if contents and len(found) < MAX_CONTENTS:
            found.append(_found(stat))
        if stat.is_dir:
            folders += 1
            continue
        files += 1
        total += stat.size
        changed_ns = max(changed_ns, stat.modified_ns)
        if largest is None or stat.size > largest.size:
            largest = stat
    return WorkspaceStats(
        workspace=str(workspace.root),
        sessions=sessions,
        files=files,
        folders=folders,
        total_bytes=total,
        largest=None if largest is None else largest.path,
        largest_bytes=0 if largest is None else largest.size,
        changed_at=moment(changed_ns) if files else None,
        names=tuple(names),
        mode=_mode_of(workspace.root),
        contents=tuple(found),
        complete=complete,
    )


def _mode_of(folder: Path) -> int:
    """Returns the permission bits of a folder; 0 when it is gone."""
    try:
        return S_IMODE(folder.stat().st_mode)
    except OSError:
        return 0


def _found(stat: FileStat) -> FoundFile:
    return FoundFile(
        path=stat.path,
        folder=stat.is_dir,
        size=0 if stat.is_dir else stat.size,
        mode=stat.mode,
        modified_at=moment(stat.modified_ns),
        changed_at=moment(stat.changed_ns),
    )
