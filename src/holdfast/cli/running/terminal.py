"""Reads what a person types, a line at a time, without blocking the event loop."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from typing import Protocol

_LONGEST_LINE = 65_536


class Person(Protocol):
    """Somebody who can be asked."""

    async def read_line(self) -> str | None:
        """Returns what was typed after this was called, without the newline; None at the end of input."""
        ...


class Terminal:
    """A terminal's file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def read_line(self) -> str | None:
        """Returns the next line. What was typed before the question was seen is thrown away."""
        termios.tcflush(self._descriptor, termios.TCIFLUSH)
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[bytes] = loop.create_future()

        def read() -> None:
            try:
                data = os.read(self._descriptor, _LONGEST_LINE)
            except OSError:
                data = b""  # the terminal has gone: the end of the input
            if not ready.done():
                ready.set_result(data)

        loop.add_reader(self._descriptor, read)
        try:
            data = await ready
        finally:
            loop.remove_reader(self._descriptor)
        return data.decode("utf-8", errors="replace").rstrip("\r\n") if data else None


def find_terminal(stdin_is_message: bool) -> Terminal | None:
    """Returns the terminal of a person who sees stderr and can answer; None when there is none.

    A message from a pipe leaves stdin without a person; then the controlling terminal is asked.
    """
    if not sys.stderr.isatty():
        return None
    if sys.stdin.isatty():
        return Terminal(sys.stdin.fileno())
    if not stdin_is_message:
        return None
    try:
        return Terminal(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return None  # no controlling terminal: nobody can be asked
