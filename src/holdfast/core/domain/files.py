"""Files of a session: the workspace port, and what is known of each file and change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

from pydantic import AwareDatetime

from holdfast.core.domain.values import Value


class Change(StrEnum):
    CREATED = "created"
    MODIFIED = "modified"
    DELETED = "deleted"


class FileChange(Value):
    """One file before and after. A missing digest on a side that exists means: too large to keep."""

    path: str
    """Relative to the workspace, with forward slashes."""
    change: Change
    before: str | None = None
    """SHA-256 of the content before; a blob."""
    after: str | None = None
    """SHA-256 of the content after; a blob."""
    size: int = 0
    """In bytes, after the change."""


class FileEntry(Value):
    """One file as the files pane lists it."""

    path: str
    size: int
    modified_at: AwareDatetime | None = None
    state: Literal["unchanged", "created", "modified", "deleted"] = "unchanged"
    """Against the session's start."""
    run_id: str | None = None
    """The run that changed it last."""


class FileContent(Value):
    """A file's content for a preview."""

    path: str
    kind: Literal["text", "markdown", "csv", "json", "image", "binary"]
    media_type: str
    size: int
    text: str = ""
    """For text kinds, shortened to what a preview needs; invalid UTF-8 is replaced."""
    truncated: bool = False
    data: str = ""
    """Base64, for images only."""
    digest: str | None = None
    """SHA-256 of the file, what `files.write` takes as `expected`; None when only a part of it is here."""


class WrittenFile(Value):
    """A file as a write has left it."""

    path: str
    size: int
    digest: str
    """SHA-256 of the content, in hexadecimal."""
    change: Change | None
    """None: it had this content already."""


class FileVersion(Value):
    """One content that a file of a session had, or its absence."""

    at: AwareDatetime | None
    """When it came to be; None where only what followed is known."""
    origin: Literal["run", "undo", "redo", "api", "other"]
    """What made it: a run, its undoing or redoing, a client (`api`); `other`: found, made by none of them."""
    run_id: str | None = None
    change: Change | None = None
    """Against the version before; None for a content that was found."""
    size: int | None = None
    """In bytes; None when it is not known, or the file was deleted."""
    digest: str | None = None
    """SHA-256 of the content; None for a deleted file, and for a content that was too large to keep."""
    kept: bool = False
    """Whether it can be downloaded."""


class FoundFile(Value):
    """A file or a folder of a workspace, as the file system tells of it."""

    path: str
    """Relative to the workspace, with forward slashes."""
    folder: bool = False
    size: int = 0
    """In bytes; 0 for a folder."""
    mode: int = 0
    """Permission bits."""
    modified_at: AwareDatetime | None = None
    changed_at: AwareDatetime | None = None
    """When its content, its name or its mode changed last."""


class WorkspaceStats(Value):
    """What is in one workspace, without the folders that listings pass by (`.git`, `node_modules` …)."""

    workspace: str
    """The folder."""
    sessions: tuple[str, ...]
    """Ids of the user's sessions that work there."""
    files: int = 0
    folders: int = 0
    total_bytes: int = 0
    largest: str | None = None
    """Path of the largest file."""
    largest_bytes: int = 0
    changed_at: AwareDatetime | None = None
    """When a file was changed last."""
    names: tuple[str, ...] = ()
    """What is at its top: a thousand names at most."""
    mode: int = 0
    """Permission bits of the folder."""
    contents: tuple[FoundFile, ...] = ()
    """All that is in it, where that is asked for: ten thousand at most."""
    complete: bool = True
    """False: there is more than was counted, for it would have taken too long."""


@dataclass(frozen=True, slots=True)
class FileStat:
    """One file on disk, as a directory walk finds it."""

    path: str
    size: int
    modified_ns: int
    is_dir: bool = False
    inode: int = 0
    changed_ns: int = 0
    """When content, name or mode changed last (`ctime`), which no program can set back."""
    mode: int = 0
    """Permission bits."""


class Workspace(Protocol):
    """The jail around a session's folder: nothing outside it can be named, read or written.

    Paths are relative, with forward slashes; an absolute path inside the root is taken too. Every
    method raises `OutsideWorkspace` for a path that leads out (through `..`, a link, a mount or a race),
    `NotFoundError` for a missing file, `InvalidError` for a directory where a file is needed and the
    other way round, and `ConflictError` where `expected` does not fit.
    """

    @property
    def root(self) -> Path: ...

    def relative(self, path: str) -> str: ...

    def check_name(self, path: str) -> None: ...

    def read(self, path: str, limit: int | None = None) -> bytes: ...

    def chunks(self, path: str) -> Iterator[bytes]: ...

    def digest(self, path: str) -> str | None: ...

    def write(self, path: str, data: bytes, *, expected: str | None = "any") -> None: ...

    def write_chunks(
        self, path: str, chunks: Iterable[bytes], *, expected: str | None = "any", mode: int | None = None
    ) -> None: ...

    def delete(self, path: str) -> None: ...

    def stat(self, path: str) -> FileStat: ...

    def walk(
        self, path: str = "", *, hidden: bool = False, skip: frozenset[str] = ...
    ) -> Iterator[FileStat]: ...
