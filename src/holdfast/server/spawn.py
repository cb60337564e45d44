"""Finding the engine of a home, and starting it.

This module imports the standard library only: it is the first thing that the terminal app does.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence

from holdfast.core.config.paths import Paths
from holdfast.server.lock import EngineAddress, answers, is_held, read_address

EXIT_BUSY = 75
"""Exit status of an engine that found another one on its data directory."""

START_TIMEOUT_S = 15.0
_POLL_S = 0.01
_LOG_TAIL = 400


def find_engine(paths: Paths) -> EngineAddress | None:
    """Returns the engine that runs on this home and takes connections, or None."""
    address = read_address(paths.lock)
    if address is None or not is_held(paths.lock) or not answers(address.socket):
        return None
    return address


def start_engine(paths: Paths, argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts `argv` as an engine that outlives this process and its terminal; does not wait for it.

    It gets this process's environment and folder; what it prints goes to the engine's log. When an engine
    runs already, the new one ends with `EXIT_BUSY` and nothing is changed. Raises `OSError`.
    """
    paths.make()
    with open(paths.engine_log, "ab", opener=_private) as log:
        engine = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    # Takes the exit status whenever it ends, so that no zombie is left in a long session.
    threading.Thread(target=engine.wait, name="engine-reaper", daemon=True).start()
    return engine


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def wait_engine(
    paths: Paths, timeout: float = START_TIMEOUT_S, *, started: subprocess.Popen[bytes] | None = None
) -> EngineAddress:
    """Returns the engine as soon as it takes connections; waits at most `timeout` seconds.

    The early end of `started`, a process from `start_engine`, ends the wait, unless it left because
    another engine was faster. Raises `UnavailableError` with the end of the engine's log.
    """
    deadline = time.monotonic() + timeout
    while True:
        failed = started is not None and started.poll() not in (None, EXIT_BUSY)
        if (address := find_engine(paths)) is not None:
            return address
        if failed or time.monotonic() > deadline:
            raise _no_engine(paths, failed=failed)
        time.sleep(_POLL_S)


def ensure_engine(
    paths: Paths,
    argv: Sequence[str],
    timeout: float = START_TIMEOUT_S,
    *,
    started: subprocess.Popen[bytes] | None = None,
) -> EngineAddress:
    """Returns the running engine, or starts `argv` and waits for it, at most `timeout` seconds.

    `started` is a process from `start_engine` that is waited for first. Of several that start one at the
    same time, all get the same engine. Raises `UnavailableError`.
    """
    deadline = time.monotonic() + timeout
    while True:
        status = EXIT_BUSY if started is None else started.poll()
        if (address := find_engine(paths)) is not None:
            return address
        if status not in (None, EXIT_BUSY) or time.monotonic() > deadline:
            raise _no_engine(paths, failed=status not in (None, EXIT_BUSY))
        # A held lock is an engine that starts or stops: one to wait for, until it is either.
        if status == EXIT_BUSY and not is_held(paths.lock):
            try:
                started = start_engine(paths, argv)
            except OSError as error:
                raise _unavailable(f"The engine could not be started: {error}") from error
        time.sleep(_POLL_S)


def _no_engine(paths: Paths, *, failed: bool) -> Exception:
    what = "ended at once" if failed else "does not answer yet"
    try:
        tail = paths.engine_log.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip()
    except OSError:
        tail = ""
    shown = f":\n{tail}" if tail else ""
    return _unavailable(f"The engine {what}; its log is {paths.engine_log}{shown}")


def _unavailable(message: str) -> Exception:
    # Only a failure pays for the domain types.
    from holdfast.core.domain.errors import UnavailableError

    return UnavailableError(message, code="engine_not_started")
