"""What a parser may take of the machine. A fuse against hostile documents, which keeps its worker whole."""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

MEMORY = 2 * 2**30
"""Bytes of address space."""
FILE_SIZE = 16 * 2**20
"""Bytes of a file that it writes: compiled modules, and no more."""
OPEN_FILES = 64
CONVERTED_SIZE = 512 * 2**20
"""Bytes of a file that a converter of old documents writes."""
CONVERTER_MEMORY = 4 * 2**30
CONVERTER_FILES = 1_024

_NETWORK = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"),
        *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "urllib.Request"),
    }
)


def apply_limits(memory: int = MEMORY) -> None:
    """Limits this process. The hard limits stay, so that a converter can be given more."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, FILE_SIZE)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    os.nice(5)
    sys.addaudithook(_refuse_network)


@contextmanager
def for_converter() -> Iterator[None]:
    """Raises the limits for as long as a converter runs, which inherits them."""
    wider = (
        (resource.RLIMIT_AS, CONVERTER_MEMORY),
        (resource.RLIMIT_FSIZE, CONVERTED_SIZE),
        (resource.RLIMIT_NOFILE, CONVERTER_FILES),
    )
    before = [(which, resource.getrlimit(which)[0]) for which, _ in wider]
    for (which, now), (_, value) in zip(before, wider, strict=True):
        if now != resource.RLIM_INFINITY and now < value:
            _limit(which, value)
    try:
        yield
    finally:
        for which, value in before:
            _limit(which, value)


def end_with_parent(pipe: int) -> None:
    """Ends this process and what it started as soon as nobody holds the other end of `pipe`."""
    threading.Thread(target=_watch, args=(pipe,), daemon=True).start()


def end_after(seconds: float) -> None:
    """Ends this process if it is still at work after `seconds`; 0 takes that back.

    Its worker ends it earlier; this is for a worker that cannot any more.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    limited = hard != resource.RLIM_INFINITY
    wanted = min(value, hard) if limited and value != resource.RLIM_INFINITY else value
    try:
        resource.setrlimit(which, (wanted, hard))
    except (OSError, ValueError) as error:  # macOS has names of limits that it does not keep
        print(f"limit {which} cannot be set: {error}", file=sys.stderr)


def _watch(pipe: int) -> NoReturn:
    poll = select.poll()
    poll.register(pipe, 0)  # only what is always told: that the other end is closed
    while True:
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
            os.killpg(0, signal.SIGKILL)


def _refuse_network(event: str, _: tuple[Any, ...]) -> None:
    if event in _NETWORK:
        raise PermissionError(f"a document is read without the network ({event})")
