"""Lines that a person types, or that come through a pipe or from a file."""

from __future__ import annotations

import asyncio
import os
import stat
import termios

_AT_ONCE = 65_536


class Input:
    """The lines of a file descriptor. It is the `Person` of approvals where it is a terminal."""

    def __init__(self, descriptor: int, is_seen: bool = True) -> None:
        """`is_seen` says whether who types sees what is asked."""
        self._descriptor = descriptor
        self._read = b""
        self._ended = False
        self.is_terminal = is_seen and os.isatty(descriptor)
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)

    async def next_line(self) -> str | None:
        """Returns the next line without its newline, also one that was typed before; None at the end."""
        while b"\n" not in self._read and not self._ended:
            data = await self._more()
            self._read += data
            self._ended = not data
        line, newline, self._read = self._read.partition(b"\n")
        if not line and not newline:
            self._ended = False  # a terminal can go on after ctrl+d
            return None
        return line.decode("utf-8", errors="replace").rstrip("\r")

    async def read_line(self) -> str | None:
        """Returns the next line; what was typed before the question was seen is thrown away."""
        if self.is_terminal:
            self._read = b""
            termios.tcflush(self._descriptor, termios.TCIFLUSH)
        return await self.next_line()

    async def _more(self) -> bytes:
        if self._is_file:  # always ready, and refused by epoll
            return os.read(self._descriptor, _AT_ONCE)
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._descriptor, tell)
        try:
            await ready
        finally:
            loop.remove_reader(self._descriptor)
        try:
            return os.read(self._descriptor, _AT_ONCE)
        except OSError:
            return b""  # the terminal has gone: the end of the input
