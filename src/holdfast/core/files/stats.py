"""How much there is in workspaces."""

from __future__ import annotations

import time
from collections.abc import Callable

from holdfast.core.domain.files import FileStat, Workspace, WorkspaceStats
from holdfast.core.files.entries import moment

MAX_ENTRIES = 100_000
"""Files and folders of one workspace that are counted."""


def count(
    workspace: Workspace,
    sessions: tuple[str, ...],
    deadline: float,
    clock: Callable[[], float] = time.monotonic,
) -> WorkspaceStats:
    """Returns what is in a workspace, as far as it can be counted until `deadline`, a time of `clock`.

    Hidden files count, the folders that a walk skips do not. Blocks.
    """
    files = folders = total = seen = 0
    largest: FileStat | None = None
    changed_ns = 0
    complete = True
    for stat in workspace.walk(hidden=True):
        if seen >= MAX_ENTRIES or clock() > deadline:
            complete = False
            break
        seen += 1
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
        complete=complete,
    )
