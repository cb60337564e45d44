"""A program in a pseudo-terminal, timed from outside by what it writes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class Terminal:
    """Starts a program in a terminal of its own; what it has written is `output`."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int = 200, rows: int = 50
    ) -> None:
        self.output = bytearray()
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(
                command[0], list(command), {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            )
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        modes = termios.tcgetattr(self.fd)
        modes[3] &= ~termios.ECHO  # what comes back was drawn by the program, not by the line discipline
        termios.tcsetattr(self.fd, termios.TCSANOW, modes)
        os.set_blocking(self.fd, False)

    def pump(self, seconds: float) -> bool:
        """Reads what comes within `seconds`; says whether anything came."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.fd, 1 << 20)
        except OSError:
            return False
        self.output += data
        # A terminal answers some questions, and programs may wait for the answer.
        if b"\x1b[6n" in data:
            self.send(b"\x1b[1;1R")
        return True

    def wait(self, text: bytes, timeout: float = 30.0, start: int = 0) -> float:
        """Reads until `text` was written behind offset `start`; returns the moment. Raises `TimeoutError`."""
        deadline = time.monotonic() + timeout
        seen = start
        while True:
            at = self.output.find(text, max(start, seen - len(text)))
            if at >= 0:
                return time.monotonic()
            seen = len(self.output)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} did not come; last: {bytes(self.output[-300:])!r}")
            self.pump(0.005)

    def send(self, data: bytes) -> None:
        os.write(self.fd, data)

    def echo_time(self, key: bytes = b"Z", timeout: float = 30.0) -> float:
        """Returns the seconds from the start until a typed key is drawn; types it until it is."""
        self.wait(b"\x1b[?1049h", timeout)
        start = len(self.output)
        deadline = time.monotonic() + timeout
        while key not in self.output[start:]:
            self.send(key)
            self.pump(0.01)
            if time.monotonic() > deadline:
                raise TimeoutError("no key came back")
        return time.monotonic() - self.started

    def cpu_seconds(self) -> float:
        """CPU that the program itself has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory of the program itself."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise ValueError("no VmRSS")

    def settle(self, quiet: float = 0.4, timeout: float = 20.0) -> None:
        """Reads until nothing has come for `quiet` seconds."""
        deadline = time.monotonic() + timeout
        while self.pump(quiet) and time.monotonic() < deadline:
            continue

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
