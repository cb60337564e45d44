"""Copying a session's files, for a fork."""

from __future__ import annotations

from holdfast.core.files.jail import WorkspaceJail

_ONLY_OURS = frozenset({"__pycache__"})


def copy_tree(source: WorkspaceJail, target: WorkspaceJail) -> int:
    """Copies all files of `source`, hidden ones and kept outputs included, and returns how many.

    Links and special files are not copied, permission bits are.
    Raises `StoreError` when the disk is full, and `ConflictError` where `target` has a file already.
    """
    copied = 0
    for stat in source.walk(hidden=True, skip=_ONLY_OURS):
        if stat.is_dir:
            continue
        target.write_chunks(stat.path, source.chunks(stat.path), expected=None, mode=stat.mode)
        copied += 1
    return copied
