"""The lock that makes one engine of a data directory, and the socket that it listens on.

This module imports the standard library only: starters read it before the first paint.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

BACKLOG = 1024
"""Connections that may wait to be accepted: hundreds of clients come back at once to a new engine."""

_MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """An engine, as its lock file names it."""

    pid: int
    socket: str
    version: str
    started_at: str
    """ISO 8601, UTC."""


class EngineLock:
    """An exclusive lock on a file. The system lets go of it when the process ends, however it ends.

    The file itself stays: removing it would let two engines lock two files of one name. Its contents name
    the holder and are a hint only; the lock is the fact.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def try_acquire(self) -> bool:
        """Takes the lock, or returns False when somebody else has it. Raises `OSError`."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _lock(file, fcntl.LOCK_EX) or not _same_file(file, self._path):
            os.close(file)
            return False
        os.ftruncate(file, 0)
        self._file = file
        return True

    def describe(self, address: EngineAddress) -> None:
        """Writes who holds the lock; only the holder may."""
        assert self._file is not None, "the lock is not held"
        os.pwrite(self._file, json.dumps(asdict(address)).encode(), 0)

    def release(self) -> None:
        """Lets go of the lock."""
        if self._file is None:
            return
        os.ftruncate(self._file, 0)
        os.close(self._file)
        self._file = None


def read_address(path: Path) -> EngineAddress | None:
    """Returns what the lock file says, or None when it says nothing; it may be out of date."""
    try:
        with path.open("rb") as file:
            return EngineAddress(**json.loads(file.read(_MOST_BYTES)))
    except (OSError, ValueError, TypeError):
        return None


def is_held(path: Path) -> bool:
    """Says whether a living process holds the lock."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _lock(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def answers(path: str) -> bool:
    """Says whether a process of this user takes connections at the socket `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1.0)
        try:
            client.connect(path)
        except (BlockingIOError, TimeoutError):
            return True  # it lives, with its hands full
        except OSError:
            return False
        return _peer_uid(client) in (None, os.geteuid())


def bind_socket(path: Path) -> socket.socket:
    """Returns a listening unix socket at `path`, for this user alone from its first instant.

    Removes a socket that an ended engine left there, so only the holder of the lock may call it.
    Raises `PermissionError` when another user could put a socket of his own in its place, and `OSError`.
    """
    _make_private(path.parent)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.setblocking(False)
    return listener


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    me = os.geteuid()
    for place in (folder, folder.parent):
        if me != 0 and place.stat().st_uid not in (me, 0):
            raise PermissionError(
                f"{place} belongs to another user; set HOLDFAST_HOME to a folder of your own"
            )
    found = folder.stat()
    if found.st_uid == me and stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same_file(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _peer_uid(connected: socket.socket) -> int | None:
    """Returns the user at the other end, or None where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, option, size))
    return int(uid)
