"""The jail around a session's folder.

The root is opened once; from it every component of a path is opened by descriptor, never following a link.
A path is thereby looked up in the very directories that were checked: swapping a directory for a link in
between changes nothing. What remains: a hard link inside to a file outside is an ordinary file (making one
needs a program, and writing replaces the name, not the file behind it); and between comparing a file with
`expected` and replacing it, another *process* can still write to it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    NotFoundError,
    OutsideWorkspace,
    StoreError,
    TooLargeError,
)
from holdfast.core.domain.files import FileStat
from holdfast.core.domain.paths import real_path
from holdfast.core.domain.text import is_utf8, sanitize_line, shorten

MAX_FILE_BYTES = 64 * 2**20
"""Largest file that is read or written whole."""
MAX_DEPTH = 100
"""Folders under folders; deeper ones are not looked into."""
SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".holdfast", ".venv", "node_modules", "__pycache__"}
    | {".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox"}
)
"""Folders that a walk passes by: they hold what programs make, not what people or agents write."""
_CHUNK = 2**20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class WorkspaceJail:
    """The `Workspace` on a real folder. May be used from several threads at once.

    Raises `NotFoundError` when there is no folder at `root`.
    """

    def __init__(
        self, root: Path, *, closed: Iterable[Path] = (), max_file_bytes: int = MAX_FILE_BYTES
    ) -> None:
        """`closed` are folders that are not entered when they are below `root`."""
        self._root = real_path(root) if ".." in root.parts else root.absolute()
        self._roots = tuple({str(self._root), str(real_path(self._root))})
        self._max = max_file_bytes
        self._writing = threading.Lock()
        try:
            self._fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise NotFoundError(f"There is no folder at {self._root}: {error.strerror}") from error
        self._close = weakref.finalize(self, os.close, self._fd)
        self._mount = _mount_of(self._fd)
        self._closed = frozenset(filter(None, map(_identity_at, closed)))

    @property
    def root(self) -> Path:
        return self._root

    def close(self) -> None:
        """Lets go of the folder; the jail cannot be used after."""
        self._close()

    def relative(self, path: str) -> str:
        """Returns `path` relative to the root, in its one plain form; the root itself is empty."""
        return "/".join(self._components(path))

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Returns a file's content, or its first `limit` bytes. Raises `TooLargeError`."""
        with self._opened(path) as fd:
            if limit is not None:
                return _read_up_to(fd, limit)
            data = _read_up_to(fd, self._max + 1)
        if len(data) > self._max:
            raise TooLargeError(f"{path} is larger than {self._max} bytes")
        return data

    def open_file(self, path: str) -> BinaryIO:
        """Opens a file for reading, whatever its size. What replaces it later is not seen."""
        with self._opened(path) as fd:
            return os.fdopen(os.dup(fd), "rb")

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yields a file's content piece by piece, whatever its size."""
        with self._opened(path) as fd:
            while chunk := os.read(fd, _CHUNK):
                yield chunk

    def digest(self, path: str) -> str | None:
        """Returns the SHA-256 of a file's content in hexadecimal; None when there is no such file."""
        total = hashlib.sha256()
        try:
            for chunk in self.chunks(path):
                total.update(chunk)
        except NotFoundError:
            return None
        return total.hexdigest()

    def write(self, path: str, data: bytes, *, expected: str | None = "any") -> None:
        """Replaces or makes a file at one stroke, with the folders it needs; an existing file keeps its mode.

        `expected` is the digest that the file must have now; None: it must not exist; "any": no matter.
        """
        if len(data) > self._max:
            raise TooLargeError(
                f"{path}: {len(data)} bytes are more than the {self._max} that a file may have"
            )
        self.check_name(path)
        self.write_chunks(path, (data,), expected=expected)

    def check_name(self, path: str) -> None:
        """Raises `InvalidError` for a path that no new file may have, `OutsideWorkspace` for one outside."""
        for part in self._components(path):
            if sanitize_line(part) != part:
                raise InvalidError(f"{path!r}: a name must not have control characters", code="invalid_name")

    def write_chunks(
        self, path: str, chunks: Iterable[bytes], *, expected: str | None = "any", mode: int | None = None
    ) -> None:
        """Writes like `write`, piece by piece, of any size and under any name: for copies of what is there.
        `mode` is for a new file."""
        parents, name = self._split(path)
        with self._writing, _translated(path), self._directory(parents, path, make=True) as folder:
            present = self._present(folder, name, path)
            self._compare(folder, name, path, present is not None, expected)
            kept = stat.S_IMODE(present.st_mode) & 0o777 if present else mode
            temporary = _write_temporary(folder, chunks, kept)
            try:
                _put_in_place(folder, temporary, name, new=expected is None)
            except FileExistsError as error:
                raise ConflictError(f"{path} exists already", code="file_changed") from error
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)

    def delete(self, path: str) -> None:
        """Deletes a file; the folder stays, even when it is empty now."""
        parents, name = self._split(path)
        with self._writing, _translated(path), self._directory(parents, path) as folder:
            if self._present(folder, name, path) is None:
                raise NotFoundError(f"There is no file {path}")
            os.unlink(name, dir_fd=folder)

    def delete_folder(self, path: str) -> None:
        """Deletes a folder in which nothing is; else nothing happens."""
        parents, name = self._split(path)
        try:
            with self._writing, self._directory(parents, path) as folder:
                os.rmdir(name, dir_fd=folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise _error(error, path) from error

    def stat(self, path: str) -> FileStat:
        """Returns what is known of a file or folder. Raises `NotFoundError`."""
        components = self._components(path)
        if not components:
            return _file_stat("", os.fstat(self._fd))
        with _translated(path), self._directory(components[:-1], path) as folder:
            found = os.lstat(components[-1], dir_fd=folder)
            if not stat.S_ISDIR(found.st_mode):
                _check_regular(found, path)
            if found.st_dev != self._mount[0]:
                raise OutsideWorkspace(f"{path} is on another file system")
        return _file_stat("/".join(components), found)

    def walk(
        self, path: str = "", *, hidden: bool = False, skip: frozenset[str] = SKIPPED
    ) -> Iterator[FileStat]:
        """Yields folders and files under `path`, depth first, by name.

        Links, other mounts, special files and names that are no UTF-8 are left out, as are the folders
        in `skip` and, unless `hidden`, all names that begin with a dot.
        """
        pending = self._listing(self._components(path), hidden, skip)
        while pending:
            entry = pending.pop()
            yield entry
            if not entry.is_dir:
                continue
            # It may have gone, or been swapped, since its parent was listed: then it has nothing to show.
            with suppress(NotFoundError, ForbiddenError, InvalidError):
                pending.extend(self._listing(entry.path.split("/"), hidden, skip))

    def _listing(self, components: list[str], hidden: bool, skip: frozenset[str]) -> list[FileStat]:
        """Returns what a walk shows of one folder, last name first."""
        path = "/".join(components)
        prefix = f"{path}/" if path else ""
        found: list[tuple[str, FileStat]] = []
        with (
            _translated(path),
            self._directory(components, path) as folder,
            os.scandir(folder) as entries,
        ):
            for entry in entries:
                if entry.name in skip or (not hidden and entry.name.startswith(".")):
                    continue
                facts = self._visible(entry)
                if facts is None or (stat.S_ISDIR(facts.st_mode) and len(components) + 1 >= MAX_DEPTH):
                    continue
                found.append((entry.name, _file_stat(prefix + entry.name, facts)))
        return [facts for _, facts in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def _visible(self, entry: os.DirEntry[str]) -> os.stat_result | None:
        try:
            entry.name.encode()
            facts = entry.stat(follow_symlinks=False)
        except (UnicodeEncodeError, FileNotFoundError):
            return None
        ordinary = stat.S_ISDIR(facts.st_mode) or stat.S_ISREG(facts.st_mode)
        seen = ordinary and facts.st_dev == self._mount[0] and _identity(facts) not in self._closed
        return facts if seen else None

    def _components(self, path: str) -> list[str]:
        if "\0" in path or not is_utf8(path):
            raise InvalidError(f"{shorten(path, 200)!r} is not a path", code="invalid_name")
        if path.startswith("/"):
            path = self._inside(path)
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise OutsideWorkspace(
                f"{shorten(path, 200)}: '..' is not allowed; give a path from the workspace's root"
            )
        if len(parts) > MAX_DEPTH:
            raise InvalidError(f"A path of {len(parts)} names is too deep (at most {MAX_DEPTH})")
        return parts

    def _inside(self, path: str) -> str:
        for root in self._roots:
            start = root.rstrip("/") + "/"
            if path == root or path.startswith(start):
                return path[len(start) :]
        raise OutsideWorkspace(
            f"{shorten(path, 200)} is outside of the workspace; give a path from the workspace's root"
        )

    def _split(self, path: str) -> tuple[list[str], str]:
        components = self._components(path)
        if not components:
            raise InvalidError("The workspace itself is a folder; name a file in it")
        return components[:-1], components[-1]

    @contextmanager
    def _directory(self, components: list[str], path: str, *, make: bool = False) -> Iterator[int]:
        """Opens a folder of the workspace, name by name."""
        fd = os.dup(self._fd)
        try:
            for name in components:
                below = self._enter(fd, name, path, make)
                os.close(fd)
                fd = below
            yield fd
        finally:
            os.close(fd)

    def _enter(self, folder: int, name: str, path: str, make: bool) -> int:
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=folder)
        try:
            below = os.open(name, _DIRECTORY, dir_fd=folder)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            if stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
                raise OutsideWorkspace(f"{path}: {name} is a link; links are not followed") from error
            raise InvalidError(f"{path}: {name} is not a folder") from error
        try:
            self._check_mount(below, path)
            if self._closed and _identity(os.fstat(below)) in self._closed:
                raise ForbiddenError(
                    f"{path}: {name} is a folder of Holdfast's own, which agents do not look into.",
                    code="own_folder",
                )
        except HoldfastError:
            os.close(below)
            raise
        return below

    @contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        """Opens a regular file for reading."""
        parents, name = self._split(path)
        with _translated(path):
            with self._directory(parents, path) as folder:
                if self._present(folder, name, path) is None:
                    raise NotFoundError(f"There is no file {path}")
                fd = os.open(name, _FILE, dir_fd=folder)
            try:
                self._check_mount(fd, path)
                _check_regular(os.fstat(fd), path)
                yield fd
            finally:
                os.close(fd)

    def _check_mount(self, fd: int, path: str) -> None:
        if _mount_of(fd) != self._mount:
            raise OutsideWorkspace(f"{path} is on another mount")

    def _present(self, folder: int, name: str, path: str) -> os.stat_result | None:
        """Returns the facts of a file that is to be read or replaced; None when there is none."""
        try:
            facts = os.lstat(name, dir_fd=folder)
        except FileNotFoundError:
            return None
        _check_regular(facts, path)
        return facts

    def _compare(self, folder: int, name: str, path: str, exists: bool, expected: str | None) -> None:
        if expected == "any" or (expected is None and not exists):
            return
        if expected is None:
            raise ConflictError(f"{path} exists already", code="file_changed", details={"path": path})
        if not exists or _digest_at(folder, name) != expected:
            raise ConflictError(
                f"{path} was changed meanwhile; read it again", code="file_changed", details={"path": path}
            )


def _check_regular(facts: os.stat_result, path: str) -> None:
    if stat.S_ISREG(facts.st_mode):
        return
    if stat.S_ISLNK(facts.st_mode):
        raise OutsideWorkspace(f"{path} is a link; links are not followed")
    if stat.S_ISDIR(facts.st_mode):
        raise InvalidError(f"{path} is a folder, not a file")
    raise InvalidError(f"{path} is a pipe, a socket or a device, not a file")


def _identity(facts: os.stat_result) -> tuple[int, int]:
    return facts.st_dev, facts.st_ino


def _identity_at(folder: Path) -> tuple[int, int] | None:
    try:
        return _identity(folder.stat())
    except OSError:  # it is not there, so nothing is in it
        return None


def _mount_of(fd: int) -> tuple[int, str]:
    """Returns the device and, where the system tells it, the mount: a bind mount has the same device."""
    try:
        with Path(f"/proc/self/fdinfo/{fd}").open(encoding="ascii") as facts:
            mount = next((line for line in facts if line.startswith("mnt_id:")), "")
    except FileNotFoundError:  # no /proc: the device alone must do
        mount = ""
    return os.fstat(fd).st_dev, mount


def _file_stat(path: str, facts: os.stat_result) -> FileStat:
    return FileStat(
        path=path,
        size=0 if stat.S_ISDIR(facts.st_mode) else facts.st_size,
        modified_ns=facts.st_mtime_ns,
        is_dir=stat.S_ISDIR(facts.st_mode),
        inode=facts.st_ino,
        changed_ns=facts.st_ctime_ns,
        mode=stat.S_IMODE(facts.st_mode) & 0o777,
    )


def _read_up_to(fd: int, limit: int) -> bytes:
    pieces = []
    left = limit
    while left > 0 and (piece := os.read(fd, min(left, _CHUNK))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _digest_at(folder: int, name: str) -> str:
    fd = os.open(name, _FILE, dir_fd=folder)
    with os.fdopen(fd, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_temporary(folder: int, chunks: Iterable[bytes], mode: int | None) -> str:
    """Writes a file of a name nobody has in `folder` and returns the name; leaves nothing when it fails."""
    name = f".holdfast-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(name, flags, 0o666, dir_fd=folder)
    try:
        with os.fdopen(fd, "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.writelines(chunks)
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise
    return name


def _put_in_place(folder: int, temporary: str, name: str, *, new: bool) -> None:
    if new:
        try:
            # Unlike a rename, a link never replaces what somebody else made in this moment.
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except PermissionError:  # a file system without hard links
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Turns the system's errors into ours."""
    try:
        yield
    except OSError as error:
        raise _error(error, path or "The workspace") from error


def _error(error: OSError, path: str) -> HoldfastError:
    reason, path = error.strerror or str(error), shorten(path, 200)
    match error.errno:
        case errno.ENOENT:
            return NotFoundError(f"There is no file {path}")
        case errno.ELOOP:
            return OutsideWorkspace(f"{path} is a link; links are not followed")
        case errno.ENOTDIR | errno.EISDIR | errno.ENAMETOOLONG | errno.ENXIO | errno.EINVAL:
            return InvalidError(f"{path}: {reason}", code="invalid_name")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return ForbiddenError(f"{path}: {reason}", code="permission_denied")
        case errno.ENOSPC | errno.EDQUOT:
            return StoreError(f"{path} cannot be written: {reason}", code="disk_full")
        case _:
            return StoreError(f"{path}: {reason}", code="file_system")
