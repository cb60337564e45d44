"""A person at a terminal: a real pseudo-terminal, its screen as text, keys, and waits that are bounded."""

from __future__ import annotations

import os
import re
import select
import signal
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import pexpect
import pyte

KEYS = {
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f6": "\x1b[17~",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}
PASTE = ("\x1b[200~", "\x1b[201~")
WAIT_S = 20.0
"""Longest wait for something to be on the screen; only a failing test waits that long."""
_SLICE_S = 0.05

Wanted = str | re.Pattern[str]


class Terminal:
    """One program in a terminal of its own; a context manager that leaves nothing running."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        folder: Path,
        *,
        columns: int = 120,
        rows: int = 40,
    ) -> None:
        self.received = bytearray()
        """Everything that the program wrote, escapes included."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        with warnings.catch_warnings():
            # A fake server has threads in this process; the child executes at once and never sees them.
            warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
            self._child = pexpect.spawn(
                command[0],
                list(command[1:]),
                env=environment,  # type: ignore[arg-type]  # stubs want os._Environ
                cwd=str(folder),
                dimensions=(rows, columns),
                echo=False,
            )
        self._child.delaybeforesend = None
        self._child.ptyproc.delayafterclose = 0.02
        self._child.ptyproc.delayafterterminate = 0.02

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child.isalive():
            self.kill()
        self._child.close(force=True)

    # --- looking

    @property
    def text(self) -> str:
        """What is on the screen, one line a row; spaces that hold words together are spaces."""
        return "\n".join(row.rstrip() for row in self._screen.display).replace("\xa0", " ")

    def shows(self, wanted: Wanted) -> bool:
        """Says whether `wanted`, a text or a regular expression, is on the screen."""
        return wanted in self.text if isinstance(wanted, str) else wanted.search(self.text) is not None

    def wait_for(self, *wanted: Wanted, timeout: float = WAIT_S) -> str:
        """Waits until all of `wanted` are on the screen together; returns the screen."""
        self.wait_until(lambda: all(map(self.shows, wanted)), f"{wanted} to be shown", timeout)
        return self.text

    def wait_gone(self, *unwanted: Wanted, timeout: float = WAIT_S) -> str:
        """Waits until none of `unwanted` is on the screen; returns the screen."""
        self.wait_until(lambda: not any(map(self.shows, unwanted)), f"{unwanted} to be gone", timeout)
        return self.text

    def wait_until(self, condition: Callable[[], object], what: str, timeout: float = WAIT_S) -> None:
        """Reads the screen until `condition()` holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {timeout:g} s for {what}; the screen is\n{self.text}")
            if not self._read():
                assert condition(), f"the program has ended before {what}; the screen is\n{self.text}"
                return

    def watch(self, seconds: float) -> str:
        """Reads the screen for a while, as a person who thinks; for what must *not* happen, and for the
        time in which the keys of a new approval do nothing."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read()
        return self.text

    def _read(self) -> bool:
        """Takes what has come, waiting a moment for it; False when the program has ended."""
        try:
            data = self._child.read_nonblocking(1 << 16, timeout=_SLICE_S)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.received += data
        self._stream.feed(data)
        return True

    # --- doing

    def press(self, *keys: str) -> None:
        """Presses keys one after the other: names of `KEYS`, or characters."""
        for key in keys:
            self._send(KEYS.get(key, key).encode())

    def press_until(self, key: str, wanted: Wanted) -> None:
        """Presses a key that does no harm twice until `wanted` is shown, as a person would who is faster
        than a dialog that has just opened."""
        deadline = time.monotonic() + WAIT_S
        while not self.shows(wanted):
            assert time.monotonic() < deadline, f"{key} does not show {wanted}; the screen is\n{self.text}"
            self.press(key)
            self.watch(0.3)

    def type(self, text: str) -> None:
        """Types a text."""
        self._send(text.encode())

    def paste(self, text: str) -> None:
        """Pastes a text as a terminal does, reading meanwhile."""
        self._send(f"{PASTE[0]}{text}{PASTE[1]}".encode())

    def _send(self, data: bytes) -> None:
        """Writes without ever blocking: a program that draws while it is written to must be read."""
        handle = self._child.child_fd
        os.set_blocking(handle, False)
        deadline = time.monotonic() + WAIT_S
        while data:
            try:
                data = data[os.write(handle, data[:4096]) :]
            except BlockingIOError:
                assert time.monotonic() < deadline, "the program does not read what is typed"
                readable, _, _ = select.select([handle], [handle], [], _SLICE_S)
                if readable:
                    self._read()

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    # --- the end

    def wait_end(self, timeout: float = WAIT_S) -> int:
        """Waits until the program has ended; returns its exit status, or minus the signal."""
        deadline = time.monotonic() + timeout
        while self._read():
            assert time.monotonic() < deadline, f"the program does not end; the screen is\n{self.text}"
        self._child.wait()
        status = self._child.exitstatus
        return -self._child.signalstatus if status is None else status

    def kill(self) -> None:
        """Ends the program by SIGKILL, as a closed laptop lid or a full memory does."""
        os.kill(self._child.pid, signal.SIGKILL)
        self._child.wait()
