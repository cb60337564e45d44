"""Taking changes of files back, and bringing them back again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from holdfast.core.domain.errors import ConflictError, HoldfastError
from holdfast.core.domain.files import Change, FileChange, Workspace
from holdfast.core.domain.tools import BlobStore

_OPPOSITE = {
    Change.CREATED: Change.DELETED,
    Change.DELETED: Change.CREATED,
    Change.MODIFIED: Change.MODIFIED,
}


@dataclass(frozen=True, slots=True)
class _Step:
    """One file from what it must be now to what it shall be; None: it does not exist."""

    path: str
    now: str | None
    then: str | None


def undo(workspace: Workspace, blobs: BlobStore, changes: Sequence[FileChange]) -> list[FileChange]:
    """Takes `changes`, in the order they happened, back and returns the changes that this made.

    First everything is checked; nothing is touched unless every file is as its last change left it.
    Modes and folders that become empty are not part of a change. Blocks while it reads and writes.

    Raises:
        ConflictError: a file was changed since (code `file_changed`), or a content is not kept
            (code `not_undoable`); `details["paths"]` names the files.
    """
    steps = _steps(changes)
    _check_kept(blobs, steps)
    _check_present(workspace, steps)
    done: list[_Step] = []
    try:
        # What is deleted first makes room where a folder became a file.
        for step in sorted(steps, key=lambda s: s.then is not None):
            _apply(workspace, blobs, step)
            done.append(step)
    except HoldfastError as error:
        for step in reversed(done):
            _apply(workspace, blobs, _Step(step.path, step.then, step.now))
        raise ConflictError(
            f"Nothing was changed: {error.message}", code=error.code, details={"paths": [step.path]}
        ) from error
    return [_made(blobs, step) for step in steps]


def redo(workspace: Workspace, blobs: BlobStore, changes: Sequence[FileChange]) -> list[FileChange]:
    """Makes `changes`, which were taken back, again; as `undo` does."""
    return undo(workspace, blobs, [_inverted(change) for change in reversed(changes)])


def _inverted(change: FileChange) -> FileChange:
    return FileChange(
        path=change.path, change=_OPPOSITE[change.change], before=change.after, after=change.before
    )


def _steps(changes: Iterable[FileChange]) -> list[_Step]:
    """Returns one step for each file, from after its last change to before its first."""
    unkept = sorted({c.path for c in changes if not _kept(c)})
    if unkept:
        raise _not_undoable(unkept)
    chains: dict[str, list[FileChange]] = {}
    for change in changes:
        chains.setdefault(change.path, []).append(change)
    torn = [
        path
        for path, chain in chains.items()
        if any(earlier.after != later.before for earlier, later in pairwise(chain))
    ]
    if torn:
        raise _changed(torn)
    steps = (_Step(path, chain[-1].after, chain[0].before) for path, chain in chains.items())
    return [step for step in steps if step.now != step.then]


def _kept(change: FileChange) -> bool:
    """Whether both sides that exist have a content."""
    before = change.before is not None or change.change is Change.CREATED
    after = change.after is not None or change.change is Change.DELETED
    return before and after


def _check_kept(blobs: BlobStore, steps: list[_Step]) -> None:
    missing = [s.path for s in steps if s.then is not None and not blobs.path(s.then).is_file()]
    if missing:
        raise _not_undoable(missing)


def _check_present(workspace: Workspace, steps: list[_Step]) -> None:
    changed = []
    for step in steps:
        try:
            present = workspace.digest(step.path)
        except HoldfastError:  # a folder, a link or something unreadable is there now
            changed.append(step.path)
            continue
        if present != step.now:
            changed.append(step.path)
    if changed:
        raise _changed(changed)


def _apply(workspace: Workspace, blobs: BlobStore, step: _Step) -> None:
    if step.then is None:
        workspace.delete(step.path)
        return
    workspace.write(step.path, blobs.get(step.then), expected=step.now)


def _made(blobs: BlobStore, step: _Step) -> FileChange:
    if step.then is None:
        return FileChange(path=step.path, change=Change.DELETED, before=step.now)
    change = Change.CREATED if step.now is None else Change.MODIFIED
    size = blobs.path(step.then).stat().st_size
    return FileChange(path=step.path, change=change, before=step.now, after=step.then, size=size)


def _changed(paths: list[str]) -> ConflictError:
    return ConflictError(
        f"Changed since: {', '.join(paths)}. Nothing was touched.",
        code="file_changed",
        details={"paths": paths},
    )


def _not_undoable(paths: list[str]) -> ConflictError:
    return ConflictError(
        f"The earlier content is not kept: {', '.join(paths)}. Nothing was touched.",
        code="not_undoable",
        details={"paths": paths},
    )
