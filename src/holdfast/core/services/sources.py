"""Where documents come from: files and folders of the engine's machine.

Everything here blocks: call it in a thread. Names of files are a stranger's: what people see of them is one
line without control characters.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import ErrorInfo, ErrorKind, TooLargeError
from holdfast.core.domain.knowledge import IngestResult
from holdfast.core.domain.text import sanitize_line

MAX_FILES = 50_000
"""Files of one folder that are taken in."""
UNREADABLE = "source_unreadable"
"""The code of what is said of a folder that cannot be read, and of a name that cannot be told."""
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env", "__pypackages__"})
_VENV_MARK = "pyvenv.cfg"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to take in."""

    path: str
    name: str
    size: int
    modified_at: datetime
    real: str = ""
    """Where a link leads to; empty for a file that is none. The reader follows no links."""


@dataclass(slots=True)
class Walked:
    """What there is below a folder."""

    files: list[FoundFile] = field(default_factory=list)
    """By name."""
    failures: list[IngestResult] = field(default_factory=list)
    """Folders that cannot be read, and names that cannot be told."""
    unread: list[str] = field(default_factory=list)
    """Folders of which it is not known what they hold."""


class Walk:
    """Finds the files below a folder that are taken in.

    Left out are hidden files and folders, empty files, environments and installed packages, `closed`
    folders, and what `takes_in` refuses by name. A link to a folder is not followed, so there are no loops;
    one to a file only when that lies in the folder as well, and in nothing that is left out.
    """

    def __init__(
        self,
        takes_in: Callable[[str], bool],
        closed: Sequence[Path] = (),
        most: int = MAX_FILES,
    ) -> None:
        self._takes_in = takes_in
        self._closed = frozenset(str(path.resolve()) for path in closed)
        self._most = most

    def __call__(self, folder: str) -> Walked:
        """Returns what there is. Raises `TooLargeError` for more files than are taken in."""
        walked = Walked()
        if not is_folder(folder) or os.path.realpath(folder) != folder:
            self._unreadable(walked, folder, "the folder is gone, or is a link now")
            return walked
        for entry in self._entries(folder, walked):
            self._add(entry, folder, walked)
            if len(walked.files) > self._most:
                raise TooLargeError(
                    f"{sanitize_line(folder)} has more than {self._most} files; name folders in it instead.",
                    code="too_many_files",
                    details={"folder": folder, "limit": self._most},
                )
        walked.files.sort(key=lambda file: file.name)
        return walked

    def _entries(self, root: str, walked: Walked) -> Iterator[os.DirEntry[str]]:
        pending = [root]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(folder) as found:
                    entries = list(found)
            except OSError as error:
                self._unreadable(walked, folder, error.strerror or "it cannot be read")
                continue
            if folder != root and any(entry.name == _VENV_MARK for entry in entries):
                continue
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    yield entry
                elif entry.name not in _SKIPPED and entry.path not in self._closed:
                    pending.append(entry.path)

    def _add(self, entry: os.DirEntry[str], root: str, walked: Walked) -> None:
        if not self._takes_in(entry.name):
            return
        try:
            real = str(Path(entry.path).resolve(strict=True)) if entry.is_symlink() else ""
            if real and not self._reaches(real, root):
                return
            status = Path(real).lstat() if real else entry.stat(follow_symlinks=False)
        except (OSError, RuntimeError):  # a link to nothing or to itself, or the file is gone already
            return
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            return
        relative = os.path.relpath(entry.path, root)
        if not _is_text(entry.path):
            walked.failures.append(_failed(entry.path, relative, "its name is not valid UTF-8"))
            return
        walked.files.append(
            FoundFile(entry.path, sanitize_line(relative), status.st_size, modified(status.st_mtime), real)
        )

    def _reaches(self, real: str, root: str) -> bool:
        """Says whether the walk comes to a file by its real path, too: a link leads to nothing else."""
        if not is_below(real, root) or not _is_text(real):
            return False
        below = Path(real).relative_to(root).parts
        if any(part.startswith(".") for part in below) or not _SKIPPED.isdisjoint(below[:-1]):
            return False
        return not any(is_below(closed, root) and is_below(real, closed) for closed in self._closed)

    def _unreadable(self, walked: Walked, folder: str, reason: str) -> None:
        walked.unread.append(folder)
        walked.failures.append(_failed(folder, folder, reason))


def folder_walk(paths: Paths) -> Callable[[], Walk]:
    """Returns what makes walks that stay out of Holdfast's own folders, where keys and the log are."""

    def make() -> Walk:
        from holdfast.core.knowledge.parsing.media import takes_in  # what it knows is not needed at the start

        return Walk(takes_in, (paths.config, paths.data, paths.cache, paths.logs))

    return make


def modified(seconds: float) -> datetime:
    """Returns the time of a change of a file, as documents have it."""
    return datetime.fromtimestamp(seconds, UTC)


def is_folder(path: str) -> bool:
    """Says whether a folder is there; one that may not be reached is not."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def is_below(source: str, folder: str) -> bool:
    """Says whether a source is a file below a folder."""
    return source.startswith(folder.rstrip("/") + "/")


def _failed(path: str, name: str, reason: str) -> IngestResult:
    shown = sanitize_line(name).encode("utf-8", "replace").decode()
    return IngestResult(
        source=path.encode("utf-8", "replace").decode(),
        name=shown,
        status="failed",
        error=ErrorInfo(kind=ErrorKind.INVALID, code=UNREADABLE, message=f"{shown} is left out: {reason}."),
    )


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
