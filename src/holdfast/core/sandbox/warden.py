"""Runs one command and sees to it that nothing of it is left. A program: the engine never imports it.

    python -I -S warden.py FD GRACE CPU FILE CONFINED COMMAND…

FD is a socket to the engine. On it the warden writes the command's process id (`pid N`) and, at the end, its
exit code (`exit N`). When it reads the end of the stream there, because the engine cancels or is no more, the
command is ended: first asked to (SIGTERM), then, GRACE seconds later, killed. CPU and FILE are its limits of
CPU time in seconds and of the size of a file in bytes. CONFINED is empty, or `bubblewrap` when COMMAND begins
with it, or the rules of Landlock (`landlock.Rules` as JSON), which hold before the command starts.

On Linux the warden is a "subreaper": what the command leaves behind becomes the warden's child, even after
`setsid`, so that it can be found and killed. Elsewhere the command's process group is all it can reach.
The hole: a command that kills the warden itself, which runs as the same user, can leave processes of other
sessions behind; its first process dies with the warden (PR_SET_PDEATHSIG), and the engine kills its group.

This file imports little, for it is read before every command.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_LEFTOVER_GRACE_S = 0.2
_KILL_FOR_S = 5.0
"""Seconds for which killing is repeated, against programs that multiply."""


class Limits:
    """How long the command has when asked to end, and its limits of CPU seconds and bytes a file."""

    def __init__(self, grace_s: str, cpu_s: str, file_bytes: str) -> None:
        self.grace_s = float(grace_s)
        self.cpu_s = int(cpu_s)
        self.file_bytes = int(file_bytes)


class Warden:
    """The life of one command."""

    def __init__(self, engine: socket.socket, limits: Limits, confined: str, command: list[str]) -> None:
        self._engine = engine
        self._limits = limits
        self._boxed = confined == "bubblewrap"
        self._rules = "" if self._boxed else confined
        self._command = command
        self._linux = sys.platform == "linux"
        self._pid = 0
        self._code: int | None = None
        self._alone = False

    def run(self) -> int:
        """Runs the command to its end and returns its exit code."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._leave)
        if self._linux:
            _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._pid = self._start()
        self._tell(f"pid {self._pid}")
        self._watch(wake_read)
        if self._code is None:
            self._end(self._limits.grace_s)
        elif not self._reap():
            self._end(_LEFTOVER_GRACE_S)
        code = 128 + signal.SIGKILL if self._code is None else self._code
        self._tell(f"exit {code}")
        return code

    def _leave(self, *_: object) -> None:
        self._alone = True

    def _watch(self, wake: int) -> None:
        """Returns when the command has ended, or is to be ended."""
        while not self._alone:
            ready, _, _ = select.select([wake, self._engine.fileno()], [], [])
            if wake in ready:
                os.read(wake, 4096)
            if self._engine.fileno() in ready and not _more(self._engine):
                return
            self._reap()
            if self._code is not None:
                return

    def _start(self) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        try:
            self._become_command(parent)
        except OSError as error:
            os.write(2, f"{self._command[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(127)  # whatever happened, the child must not go on as a second warden

    def _become_command(self, parent: int) -> None:
        signal.set_wakeup_fd(-1)
        for number in (
            signal.SIGCHLD,
            signal.SIGTERM,
            signal.SIGINT,
            signal.SIGHUP,
            signal.SIGPIPE,
            signal.SIGXFSZ,
        ):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        if self._linux:
            _prctl(_PR_SET_NO_NEW_PRIVS, 1)
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # the warden died before the line above
                os._exit(127)
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_CPU, self._limits.cpu_s)
        _limit(resource.RLIMIT_FSIZE, self._limits.file_bytes)
        if self._rules:
            _restrict(self._rules)
        os.execvpe(self._command[0], self._command, os.environ)

    def _reap(self) -> bool:
        """Buries all children that have ended; says whether none is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            if pid == self._pid:
                code = os.waitstatus_to_exitcode(status)
                self._code = code if code >= 0 else 128 - code

    def _end(self, grace_s: float) -> None:
        self._signal_all(signal.SIGTERM)
        until = time.monotonic() + grace_s
        while time.monotonic() < until:
            if self._reap():
                return
            time.sleep(0.01)
        until = time.monotonic() + _KILL_FOR_S
        while not self._reap() and time.monotonic() < until:
            self._signal_all(signal.SIGKILL)
            time.sleep(0.005)

    def _signal_all(self, number: int) -> None:
        # When bubblewrap itself ends, all that it watches is killed, and could not tidy up before.
        spared = self._pid if self._boxed and number != signal.SIGKILL else 0
        if not spared:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)
        for pid in _descendants(os.getpid()) if self._linux else []:
            if pid == spared:
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _tell(self, line: str) -> None:
        # The engine may be gone: then nobody is left to be told.
        with contextlib.suppress(OSError):
            self._engine.sendall(f"{line}\n".encode())


def _more(engine: socket.socket) -> bool:
    try:
        return bool(engine.recv(64))
    except OSError:
        return False


def _descendants(root: int) -> list[int]:
    """Returns the ids of all processes below `root`, from /proc."""
    children: dict[int, list[int]] = {}
    with os.scandir("/proc") as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    for pid in pids:
        parent = _parent(pid)
        if parent is not None:
            children.setdefault(parent, []).append(pid)
    found: list[int] = []
    pending = [root]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += below
    return found


def _parent(pid: int) -> int | None:
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        facts = os.read(fd, 4096)
    except OSError:
        return None
    finally:
        os.close(fd)
    return int(facts[facts.rindex(b")") + 2 :].split()[1])


def _prctl(option: int, value: int) -> None:
    import ctypes  # only where there is prctl

    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _restrict(rules: str) -> None:
    """Applies the rules of Landlock to this process. Raises `OSError`."""
    import json  # only where there are rules
    import types
    from importlib.machinery import SourceFileLoader

    module = types.ModuleType("landlock")
    path = f"{__file__.removesuffix('warden.py')}landlock.py"
    SourceFileLoader("landlock", path).exec_module(module)
    module.restrict(json.loads(rules))


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def main() -> int:
    """Runs the command that the arguments name."""
    engine = socket.socket(fileno=int(sys.argv[1]))
    engine.set_inheritable(False)
    return Warden(engine, Limits(*sys.argv[2:5]), sys.argv[5], sys.argv[6:]).run()


if __name__ == "__main__":
    sys.exit(main())
