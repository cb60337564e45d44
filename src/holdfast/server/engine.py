"""The engine process: one per data directory, behind a unix socket, until it is stopped or idle.

The order of its acts makes it quick to reach: lock, socket, then everything that takes time. A client
that connects while the workbench is made waits for it, and gets the error when it cannot be made.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from holdfast import __version__
from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import ConflictError, ForbiddenError, HoldfastError, UnavailableError
from holdfast.server.activity import Activity
from holdfast.server.lock import EngineAddress, EngineLock, answers, bind_socket, read_address
from holdfast.server.log import open_log
from holdfast.server.spawn import EXIT_BUSY

if TYPE_CHECKING:
    from holdfast.core.services.workbench import Host
    from holdfast.server.listeners import TcpListeners

MakeWorkbench = Callable[[], Awaitable["Host"]]
"""Opens the workbench; called once, in the engine's loop."""

LOCK_WAIT_S = 5.0
"""How long a new engine waits for one that is starting or stopping."""

READY_WAIT_S = 30.0
"""How long a request waits for the workbench."""

FAILED_LINGER_S = 2.0
"""How long an engine that cannot start stays to say why."""

CLOSE_WAIT_S = 15.0
"""How long the workbench has to close."""

_IDLE_POLL_S = 5.0


def run_engine(
    make_workbench: MakeWorkbench,
    paths: Paths,
    *,
    idle_stop_s: float,
    stop: asyncio.Event | None = None,
    listeners: TcpListeners | None = None,
) -> int:
    """Is the engine process, from its log to its exit status; see `serve_engine`."""
    gc.disable()
    paths.make()
    log = open_log(paths.engine_log)
    # The folder it was started in may be removed or unmounted while it runs.
    os.chdir(paths.data)
    try:
        asyncio.run(
            serve_engine(
                make_workbench, paths, idle_stop_s=idle_stop_s, log=log, stop=stop, listeners=listeners
            )
        )
    except (HoldfastError, OSError) as error:
        log.error("engine %d not started: %s", os.getpid(), error)
        if sys.stderr.isatty():
            print(error, file=sys.stderr)
        return EXIT_BUSY if isinstance(error, ConflictError) else 1
    return 0


async def serve_engine(
    make_workbench: MakeWorkbench,
    paths: Paths,
    *,
    idle_stop_s: float,
    log: logging.Logger,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[], None] | None = None,
    listeners: TcpListeners | None = None,
) -> None:
    """Serves the native API on `paths.socket` until `stop` is set, a signal comes, or it is idle.

    `make_workbench` is called once the socket takes connections; it may take its time, but what it
    imports should leave the loop free. `idle_stop_s` seconds without client, run and job end the engine (0:
    never), unless one of `listeners` is open. `stop` is what `engine.stop` of the workbench has to set.
    `on_ready` is called when the workbench is there. At the end the workbench is closed and the socket
    removed.

    Raises `ConflictError` when another engine has the data directory, `ForbiddenError` when the socket
    would not be safe, and what `make_workbench` raises.
    """
    gc.disable()
    stop = stop or asyncio.Event()
    with _signals(stop, log):
        lock = await _take_lock(paths)
        try:
            await _serve_locked(
                lock, make_workbench, paths, idle_stop_s, log, stop, on_ready, listeners=listeners
            )
        finally:
            lock.release()


async def _serve_locked(
    lock: EngineLock,
    make_workbench: MakeWorkbench,
    paths: Paths,
    idle_stop_s: float,
    log: logging.Logger,
    stop: asyncio.Event,
    on_ready: Callable[[], None] | None,
    *,
    listeners: TcpListeners | None,
) -> None:
    with closing(_bind(paths)) as listener:
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        lock.describe(EngineAddress(os.getpid(), str(paths.socket), __version__, started_at))
        log.info("engine %d started, version %s, socket %s", os.getpid(), __version__, paths.socket)
        engine = _Engine(make_workbench, listener, idle_stop_s, log, stop, listeners)
        try:
            await engine.run(on_ready)
        finally:
            paths.socket.unlink(missing_ok=True)
            log.info("engine %d stopped", os.getpid())


@contextmanager
def _signals(stop: asyncio.Event, log: logging.Logger) -> Iterator[None]:
    """Makes SIGTERM and SIGINT set `stop`."""
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        log.info("engine %d got %s", os.getpid(), number.name)
        stop.set()

    handled = (signal.SIGTERM, signal.SIGINT)
    for number in handled:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


async def _take_lock(paths: Paths) -> EngineLock:
    lock = EngineLock(paths.lock)
    deadline = time.monotonic() + LOCK_WAIT_S
    while not lock.try_acquire():
        holder = read_address(paths.lock)
        if holder is not None and answers(holder.socket):
            raise ConflictError(
                f"An engine (process {holder.pid}, since {holder.started_at}) already runs on {paths.data}; "
                "`holdfast engine stop` ends it",
                code="engine_running",
                details={"pid": holder.pid, "socket": holder.socket},
            )
        if time.monotonic() > deadline:
            raise ConflictError(
                f"Another engine is starting or stopping on {paths.data} and holds {paths.lock}; "
                "try again in a moment",
                code="engine_busy",
                retryable=True,
            )
        await asyncio.sleep(0.02)
    return lock


def _bind(paths: Paths) -> socket.socket:
    try:
        return bind_socket(paths.socket)
    except PermissionError as error:
        raise ForbiddenError(f"The engine's socket cannot be made: {error}", code="socket_refused") from error


class _Engine:
    """One engine that has its lock and its socket."""

    def __init__(
        self,
        make_workbench: MakeWorkbench,
        listener: socket.socket,
        idle_stop_s: float,
        log: logging.Logger,
        stop: asyncio.Event,
        listeners: TcpListeners | None,
    ) -> None:
        self._begun = time.monotonic()
        self._listener = listener
        self._idle_stop_s = idle_stop_s
        self._log = log
        self._stop = stop
        self._listeners = listeners
        self._opening = asyncio.ensure_future(make_workbench())
        self._stopped = asyncio.create_task(stop.wait())

    async def run(self, on_ready: Callable[[], None] | None) -> None:
        """Serves until the stop, then closes the workbench."""
        # The socket takes connections already; clients wait in its queue while this is imported.
        from holdfast.server.app import engine_app
        from holdfast.server.kit.auth import LocalDoor
        from holdfast.server.kit.meter import Meter
        from holdfast.server.listener import listen
        from holdfast.server.native.routes import LIVE_PATH

        meter = Meter()
        app = engine_app(self._workbench, log=self._log, closing=self._stop, meter=meter)
        if self._listeners is not None:
            self._listeners.attach(self._workbench, self._log, meter)
        activity = Activity(LocalDoor(app), quiet_path=LIVE_PATH)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(listen(activity, self._listener, self._stop))
                tasks.create_task(self._watch(activity, on_ready))
                tasks.create_task(self._close_listeners())
        finally:
            self._stopped.cancel()
            meter.lag.stop()
            await self._close()

    async def _workbench(self) -> Host:
        """Returns the workbench, waiting for it; raises why there is none."""
        await asyncio.wait(
            {self._opening, self._stopped}, timeout=READY_WAIT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if self._stop.is_set():
            raise UnavailableError("The engine is stopping", code="engine_stopping")
        if not self._opening.done():
            raise UnavailableError("The engine is still starting; try again", code="engine_starting")
        return self._opening.result()

    async def _close_listeners(self) -> None:
        await asyncio.wait({self._stopped})
        if self._listeners is not None:
            await self._listeners.close_all()

    async def _watch(self, activity: Activity, on_ready: Callable[[], None] | None) -> None:
        await asyncio.wait({self._opening, self._stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not self._opening.done():
            return
        if (error := self._opening.exception()) is not None:
            self._log.error("the workbench could not be opened: %s", error, exc_info=error)
            await self._until_stop(FAILED_LINGER_S)
            self._stop.set()
            return
        # What was loaded stays for ever: the collector need not look at it again.
        gc.freeze()
        gc.enable()
        self._log.info("engine %d ready after %.3f s", os.getpid(), time.monotonic() - self._begun)
        if on_ready is not None:
            on_ready()
        if self._idle_stop_s > 0:
            await self._stop_when_idle(activity, self._opening.result())

    async def _stop_when_idle(self, activity: Activity, workbench: Host) -> None:
        while not self._stop.is_set():
            left = self._idle_stop_s - activity.idle_s
            if left > 0:
                await self._until_stop(min(left, _IDLE_POLL_S))
            elif (self._listeners and self._listeners.all()) or await self._has_work(workbench):
                activity.touch()
            elif activity.idle_s >= self._idle_stop_s:
                self._log.info("engine %d idle for %.0f s", os.getpid(), activity.idle_s)
                self._stop.set()

    async def _has_work(self, workbench: Host) -> bool:
        try:
            status = await workbench.engine.status()
            return status.active_runs + status.active_jobs > 0
        except HoldfastError as error:
            self._log.warning("the engine's status is not known: %s", error)
            return True

    async def _until_stop(self, seconds: float) -> None:
        await asyncio.wait({self._stopped}, timeout=seconds)

    async def _close(self) -> None:
        if not self._opening.done():
            self._opening.cancel()
            await asyncio.wait({self._opening})
        if self._opening.cancelled():
            return
        workbench = self._opening.result()
        try:
            async with asyncio.timeout(CLOSE_WAIT_S):
                await workbench.close()
        except TimeoutError:
            self._log.error("the workbench did not close within %.0f s", CLOSE_WAIT_S)
