"""Landlock: the kernel lets a process and all that it starts reach what was listed, and nothing else.

The warden's child loads this file before it becomes the command, so it imports little. The system calls have
no wrappers in the C library: they are made by their numbers, which all architectures but one have in common.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterator
from typing import TypedDict

_LIBC = ctypes.CDLL(None, use_errno=True)
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_PR_CAPBSET_DROP = 24
_CAPABILITIES = 64
"""More than there are."""

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_ALL_FS = (1 << 15) - 1
_IOCTL_SINCE, _SCOPE_SINCE = 5, 6
_NET = (1 << 0) | (1 << 1)
"""Binding and connecting of TCP."""
_SCOPE = (1 << 0) | (1 << 1)
"""Abstract sockets and signals of processes outside."""
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_USE_DEVICE = _READ | _WRITE_FILE | _TRUNCATE | _IOCTL
_SHARED_MEMORY = "/dev/shm"
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts")


class Rules(TypedDict):
    """What a process may reach, as whole paths."""

    own: list[str]
    """May be read, but for what is hidden below."""
    writable: list[str]
    """May be changed, whatever is hidden."""
    allowed: list[str]
    """May be changed, but for what is hidden."""
    hidden: list[str]
    """May not be seen, in all that is not named elsewhere."""
    network: bool


def version() -> int:
    """Returns the version of Landlock that the kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_LIBC.syscall(_CREATE, None, ctypes.c_long(0), _VERSION_FLAG)))


def restrict(rules: Rules) -> None:
    """Confines this process for good; it must have given up gaining privileges before. The kernel's version
    must be 4 at least. Raises `OSError`."""
    known = version()
    handled = _ALL_FS | (_IOCTL if known >= _IOCTL_SINCE else 0)
    attributes = struct.pack(
        "=QQQ", handled, 0 if rules["network"] else _NET, _SCOPE if known >= _SCOPE_SINCE else 0
    )
    _give_up_capabilities()
    size = 24 if known >= _SCOPE_SINCE else 16
    ruleset = _call(_CREATE, attributes, size, 0)
    try:
        for path, rights in _grants(rules, handled):
            _allow(ruleset, path, rights)
        _call(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)


def _give_up_capabilities() -> None:
    """Takes from a process of root's what no rule stands before, when it becomes the command: reading other
    processes, loading modules. Others have no capabilities, and are refused here."""
    for capability in range(_CAPABILITIES):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def _grants(rules: Rules, everything: int) -> Iterator[tuple[str, int]]:
    hidden = [os.fsencode(each) for each in rules["hidden"]]
    for path in _around("/", hidden):
        yield path, _READ
    for name in _DEVICES:
        yield f"/dev/{name}", _USE_DEVICE & everything
    for shared in (_SHARED_MEMORY, *rules["allowed"]):
        for path in _around(shared, hidden):
            yield path, everything
    for given in rules["own"]:
        for path in _around(given, hidden):
            yield path, _READ
    for path in rules["writable"]:
        yield path, everything


def _around(path: str, hidden: list[bytes]) -> Iterator[str]:
    """Yields the fewest paths below which is everything of `path`, and nothing of what is hidden.

    A folder with something hidden in it cannot be named itself: what is named is named with all below it.
    """
    pending = [os.fsencode(os.path.realpath(path))]
    while pending:
        here = pending.pop()
        if here in hidden:
            continue
        inside = here.rstrip(b"/") + b"/"
        if not any(each.startswith(inside) for each in hidden):
            yield os.fsdecode(here)
            continue
        try:
            with os.scandir(here) as entries:
                # What a link leads to has a path of its own.
                pending += [entry.path for entry in entries if not entry.is_symlink()]
        except OSError:
            continue  # what cannot be listed cannot be let in


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # gone meanwhile
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= _OF_FILES
        _call(_ADD, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, fd), 0)
    finally:
        os.close(fd)


def _call(number: int, *arguments: int | bytes) -> int:
    # System calls take whole registers; a number by itself would be passed as half of one.
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(_LIBC.syscall(ctypes.c_long(number), *wide))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return result
