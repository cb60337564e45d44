"""The port to child processes: what tools that run programs are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from holdfast.core.domain.confinement import Protection


class Ending(StrEnum):
    """Why a child process is no more."""

    EXITED = "exited"
    TIMED_OUT = "timed_out"
    OUTPUT_LIMIT = "output_limit"
    """It wrote more than is kept."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a confined child reaches beside the system and its own folder, which it can read, and a private
    folder for temporary files."""

    writable: tuple[Path, ...] = ()
    """Folders and files that it may change."""
    readable: tuple[Path, ...] = ()
    """Folders and files that it needs though they are in the folder for temporary files, or hidden."""
    network: bool = False
    """Whether it has the network that the user allows to commands; without this it has none."""
    keeps_temporary: bool = False
    """Whether it finds the temporary files of those that ran before it in the same folder."""
    bare: bool = False
    """Whether it sees of the machine little more than an interpreter needs: nobody's home, no data."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run, and within which bounds."""

    command: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    """The whole environment of the child: nothing is added to it."""
    timeout_s: float
    """Seconds of wall-clock time."""
    stdin: bytes = b""
    """What the child can read; empty is /dev/null."""
    keep_chars: int = 30_000
    """Characters of output kept in memory: half from its beginning, half from its end."""
    max_output_bytes: int = 32 * 2**20
    """Bytes of output after which the child is ended."""
    reach: Reach | None = None
    """What the child is let to where programs are confined; None: what a command is, which may change its
    folder and has the network that the user allows."""
    passed: tuple[int, ...] = ()
    """File descriptors of the engine's that the child has too, under the same numbers."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """How it ended, and the beginning and the end of what it wrote (stdout and stderr interleaved)."""

    ending: Ending
    exit_code: int
    """As a shell gives it: 128 + the signal's number when a signal ended it."""
    head: str
    tail: str
    """Empty when `head` is all there is."""
    total_bytes: int
    duration_s: float

    @property
    def complete(self) -> bool:
        """Whether `head` and `tail` together are the whole output."""
        return not self.omitted

    omitted: int = 0
    """Characters between `head` and `tail` that are not kept."""


@dataclass(frozen=True, slots=True)
class Confined:
    """How a confined program is started by somebody who talks to it himself."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    passed: tuple[int, ...]
    """File descriptors that it must be given."""
    started: Callable[[], None]
    """To be called when it was started, or could not be."""
    end: Callable[[], None]
    """Ends it with all that it has started; also when the engine is no more."""


class ProcessRunner(Protocol):
    """Runs programs. Whatever happens, cancellation included, nothing that it started goes on running."""

    async def run(
        self,
        spec: ProcessSpec,
        *,
        on_output: Callable[[str], None] | None = None,
        spool: BinaryIO | None = None,
    ) -> ProcessResult:
        """Runs the child to its end.

        `on_output` gets the output as text while it comes, `spool` all of its bytes.
        Raises `UnavailableError` when it cannot be started, and `SandboxRequired` when it may not be started
        without a confinement that there is not.
        """
        ...

    async def confined(self, spec: ProcessSpec) -> Confined:
        """Returns how to start a program that goes on for as long as it is needed; time and output of `spec`
        do not count. Raises `SandboxRequired` where nothing confines programs."""
        ...

    async def protection(self, *, anew: bool = False) -> Protection:
        """Returns how children are confined, which is tried out the first time, and with `anew` again."""
        ...

    @property
    def known_protection(self) -> Protection | None:
        """What `protection` returns, without trying anything: None when it was not tried yet."""
        ...
