"""Child processes: bounded in time, output and reach, and never left behind.

Every command runs under a warden (`warden.py`), a small process of its own that ends the command and all it
started as soon as the engine says so, or is no more. Programs see the environment they are given and nothing
else, have no standard input, no core dumps, and cannot gain privileges. What they reach is for the `Sandbox`
to say; without one they can do what the user can, which is why running them is asked for.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from holdfast.core.domain.confinement import Protection
from holdfast.core.domain.errors import SandboxRequired, UnavailableError
from holdfast.core.domain.processes import Confined, Ending, ProcessResult, ProcessSpec
from holdfast.core.sandbox.output import OutputKeeper
from holdfast.core.sandbox.sandbox import UNCONFINED, Launch, Sandbox, plain_launch
from holdfast.core.sandbox.tidying import to_its_end

_WARDEN = str(Path(__file__).with_name("warden.py"))
_READ = 2**20
_PIPE_BYTES = 2**20
_BUSY_BYTES = 2**16
_BATCH_S = 0.025
"""After little output this long nothing is read, so that a line at a time does not cost a wake-up each."""
_SET_PIPE_SIZE = 1031
_LAST_WORDS_S = 1.0
_WARDEN_S = 8.0
"""Seconds that a warden has beyond the grace; it kills for five at most."""
_ENDLESS_S = 10**9
"""Seconds of CPU time for who goes on for as long as he is needed."""
_MAX_FILE_BYTES = 4 * 2**30


class ChildProcesses:
    """The `ProcessRunner` on real processes. `grace_s` is the time between SIGTERM and SIGKILL; `sandbox`
    confines them, None: nothing does."""

    def __init__(self, sandbox: Sandbox | None = None, *, grace_s: float = 2.0) -> None:
        self._grace_s = grace_s
        self._sandbox = sandbox

    async def run(
        self,
        spec: ProcessSpec,
        *,
        on_output: Callable[[str], None] | None = None,
        spool: BinaryIO | None = None,
    ) -> ProcessResult:
        """Runs the child to its end; see `ProcessRunner`."""
        began = time.monotonic()
        if self._sandbox is None:
            launch = plain_launch(spec)
        else:
            launch = await self._sandbox.launch(spec, self._try)
        return await self._run(spec, launch, OutputKeeper(spec.keep_chars, on_output, spool), began)

    async def confined(self, spec: ProcessSpec) -> Confined:
        """Returns how to start a confined program; see `ProcessRunner`."""
        launch = plain_launch(spec) if self._sandbox is None else await self._sandbox.launch(spec, self._try)
        if not launch.confined:
            why = await self.protection()
            raise SandboxRequired(f"Nothing confines programs here. {why.reason} {why.hint}".strip())
        line, warden_line = socket.socketpair()
        fd = warden_line.fileno()
        warden = (_WARDEN, fd, self._grace_s, _ENDLESS_S, _MAX_FILE_BYTES, launch.confined)
        return Confined(
            command=(sys.executable, "-I", "-S", *map(str, warden), *launch.command),
            environment=launch.environment,
            passed=(fd,),
            started=warden_line.close,
            end=line.close,
        )

    async def protection(self, *, anew: bool = False) -> Protection:
        """Returns how children are confined; see `ProcessRunner`."""
        if self._sandbox is None:
            return UNCONFINED
        return await self._sandbox.protection(self._try, anew=anew)

    @property
    def known_protection(self) -> Protection | None:
        return UNCONFINED if self._sandbox is None else self._sandbox.known

    async def _try(self, spec: ProcessSpec, launch: Launch) -> ProcessResult:
        return await self._run(spec, launch, OutputKeeper(spec.keep_chars, None, None), time.monotonic())

    async def _run(
        self, spec: ProcessSpec, launch: Launch, keeper: OutputKeeper, began: float
    ) -> ProcessResult:
        child = _Child(spec, launch, keeper, self._grace_s)
        try:
            await child.start()
            ending = await child.watch()
        finally:
            await child.end()
        head, tail, omitted = keeper.finish()
        return ProcessResult(
            ending=ending,
            exit_code=child.exit_code,
            head=head,
            tail=tail,
            total_bytes=keeper.total_bytes,
            duration_s=time.monotonic() - began,
            omitted=omitted,
        )


class _Child:
    """One command from its start to the moment when nothing of it is left."""

    def __init__(self, spec: ProcessSpec, launch: Launch, keeper: OutputKeeper, grace_s: float) -> None:
        self._spec = spec
        self._launch = launch
        self._keeper = keeper
        self._grace_s = grace_s
        self._process: asyncio.subprocess.Process | None = None
        self._line, self._warden_line = socket.socketpair()
        self._output, self._output_write = os.pipe()
        self._pump: asyncio.Task[bool] | None = None
        self._gone: asyncio.Task[int] | None = None
        self._told = b""

    @property
    def exit_code(self) -> int:
        """As the warden told it, else as the warden's own end says."""
        for line in self._told.split(b"\n"):
            if line.startswith(b"exit "):
                return int(line[5:])
        code = self._process.returncode if self._process is not None else None
        return 128 + signal.SIGKILL if code is None or code < 0 else code

    async def start(self) -> None:
        cpu_s = math.ceil(self._spec.timeout_s * (os.cpu_count() or 1)) + 5
        line = self._warden_line.fileno()
        warden = (_WARDEN, line, self._grace_s, cpu_s, _MAX_FILE_BYTES, self._launch.confined)
        os.set_blocking(self._output, False)
        _widen(self._output)
        try:
            with _stdin(self._spec.stdin) as stdin:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", *map(str, warden)),
                    *self._launch.command,
                    stdin=stdin,
                    stdout=self._output_write,
                    stderr=self._output_write,
                    cwd=self._spec.cwd,
                    env=dict(self._launch.environment),
                    pass_fds=(line, *self._spec.passed),
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:  # no such folder, no more processes, a NUL in an argument
            raise UnavailableError(f"Cannot run {self._spec.command[0]}: {error}") from error
        finally:
            self._warden_line.close()
            os.close(self._output_write)

    async def watch(self) -> Ending:
        """Returns when the command has ended, its time is over, or it wrote too much."""
        assert self._process is not None
        self._pump = asyncio.create_task(self._read_all())
        self._gone = asyncio.create_task(self._process.wait())
        # Both, because a process that outlives its warden can hold the pipe open.
        done, _ = await asyncio.wait(
            {self._pump, self._gone},
            timeout=self._spec.timeout_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not done:
            return Ending.TIMED_OUT
        if self._pump in done and not self._pump.result():
            return Ending.OUTPUT_LIMIT
        return Ending.EXITED

    async def end(self) -> None:
        """Ends whatever is left, and is not kept from it by being cancelled meanwhile."""
        ending = asyncio.create_task(self._end())
        await to_its_end(ending)
        ending.result()

    async def _end(self) -> None:
        try:
            if self._process is not None:
                # The warden reads the end of the stream; what it writes back still arrives.
                with suppress(OSError):
                    self._line.shutdown(socket.SHUT_WR)
                await self._wait_for_warden(self._process)
            if self._pump is not None:
                await asyncio.wait({self._pump}, timeout=_LAST_WORDS_S)
                self._pump.cancel()
                await asyncio.gather(self._pump, return_exceptions=True)
        finally:
            self._line.close()
            os.close(self._output)

    async def _wait_for_warden(self, process: asyncio.subprocess.Process) -> None:
        gone = self._gone or asyncio.create_task(process.wait())
        done, _ = await asyncio.wait({gone}, timeout=self._grace_s + _WARDEN_S)
        self._listen()
        if not done or b"exit " not in self._told:
            self._kill_hard(process)
        await gone

    def _listen(self) -> None:
        self._line.setblocking(False)
        with suppress(BlockingIOError, ConnectionError):
            while heard := self._line.recv(4096):
                self._told += heard

    def _kill_hard(self, process: asyncio.subprocess.Process) -> None:
        """For a warden that was killed, or hangs."""
        for line in self._told.split(b"\n"):
            if line.startswith(b"pid "):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(int(line[4:]), signal.SIGKILL)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()

    async def _read_all(self) -> bool:
        """Reads to the end of the output; says whether the end was reached before the limit."""
        while self._keeper.total_bytes <= self._spec.max_output_bytes:
            try:
                data = os.read(self._output, _READ)
            except BlockingIOError:
                await self._readable()
                continue
            if not data:
                return True
            self._keeper.take(data)
            await asyncio.sleep(0 if len(data) >= _BUSY_BYTES else _BATCH_S)
        return False

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._output, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._output)


@contextmanager
def _stdin(data: bytes) -> Iterator[int | BinaryIO]:
    if not data:
        yield asyncio.subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


def _widen(pipe: int) -> None:
    """Makes room in the pipe, so that a chatty child seldom waits. Linux only; elsewhere it stays small."""
    if sys.platform != "linux":
        return
    import fcntl  # not on every system

    with suppress(OSError):
        fcntl.fcntl(pipe, _SET_PIPE_SIZE, _PIPE_BYTES)
