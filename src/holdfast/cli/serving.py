"""`holdfast serve` in the foreground: a listener that lives as long as this process follows it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from holdfast.cli.calling import open_workbench
from holdfast.cli.doors import doors
from holdfast.cli.listening import warnings
from holdfast.cli.output import advise, json_line, warn
from holdfast.core.domain.errors import HoldfastError, UnavailableError
from holdfast.core.domain.text import sanitize

if TYPE_CHECKING:
    from holdfast.core.domain.status import AccessLine, Listener
    from holdfast.core.services.workbench import Workbench

LEASE_S = 3.0
"""How long the engine keeps the listener when this process is gone without a word."""
COMES_BACK_S = 5.0
"""How long a stopped engine may stay away, after its end, to be taken for one that restarts."""
ENDS_WITHIN_S = 30.0
"""How long an engine may take to end."""
_LEFT_S = 10.0
"""How long the engine has to say that a listener has closed, beyond its drain."""
_POLL_S = 0.1
_SHORT_S = 10.0
_MOST_SHORT = 4
_PAUSE_S = 0.05


class _End(Enum):
    CLOSED = auto()
    """Somebody has closed the listener: a signal here, or a person elsewhere."""
    STOPPED = auto()
    """The engine has stopped in good order."""
    LOST = auto()
    """The engine is gone without a word."""


class Foreground:
    """Opens the listener that `options` of `engine.listen` say, prints its log, and closes it at a signal.

    When the engine dies it is started again, and so is the listener, on the same port; when it is stopped,
    this ends too, unless another engine comes soon.
    """

    def __init__(self, options: Mapping[str, Any], drain_s: float, *, as_json: bool = False) -> None:
        self._options = dict(options)
        self._drain_s = drain_s
        self._as_json = as_json
        self._signals = 0
        self._signalled = asyncio.Event()
        self._engine_pid = 0

    async def run(self) -> None:
        """Serves until a signal, or until listener or engine are closed by somebody else."""
        short = 0
        with self._catching():
            while True:
                begun = asyncio.get_running_loop().time()
                end = await self._serve() if not short else await self._serve_again()
                if end is _End.CLOSED or self._signals:
                    if self._signals:
                        warn("holdfast: the port is closed; the engine goes on")
                    return
                if end is _End.STOPPED:
                    warn("holdfast: the engine has stopped; waiting a moment for another one")
                    if not await self._comes_back():
                        return
                    continue
                short = short + 1 if asyncio.get_running_loop().time() - begun < _SHORT_S else 1
                if short > _MOST_SHORT:
                    raise UnavailableError("the engine ends again and again")
                warn("holdfast: the engine went away; it is started again")
                await asyncio.sleep(_PAUSE_S * 2**short)

    async def _serve(self) -> _End:
        async with open_workbench(own=True) as workbench:
            running = doors().find_engine()
            self._engine_pid = running.pid if running is not None else 0
            listener = await workbench.engine.listen(**self._options, lease_s=LEASE_S)
            self._options["port"] = listener.port  # the same one when the engine has to be started again
            self._say(f"Listening at {listener.url}; ctrl+c ends it.", listener)
            for warning in await warnings(workbench, listener):
                advise(warning)
            following = asyncio.create_task(self._follow(workbench, listener))
            try:
                await self._until_closed(workbench, listener, following)
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
            return await self._why(workbench, following)

    async def _serve_again(self) -> _End:
        try:
            return await self._serve()
        except UnavailableError:  # what was found is the end of the one that is gone
            return _End.LOST

    async def _follow(self, workbench: Workbench, listener: Listener) -> None:
        async for line in workbench.engine.access(listener.id):
            self._say(as_text(line), line)

    def _say(self, text: str, value: Listener | AccessLine) -> None:
        print(json_line(value.model_dump_json()) if self._as_json else sanitize(text), flush=True)

    async def _until_closed(
        self, workbench: Workbench, listener: Listener, following: asyncio.Task[None]
    ) -> None:
        """Waits for the end of the lines; a first signal closes with the drain, a second one at once."""
        seen = 0
        patience: float | None = None
        while not following.done():
            signalled = asyncio.create_task(self._signalled.wait())
            done, _ = await asyncio.wait(
                {following, signalled}, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            signalled.cancel()
            if not done:
                return  # the lease does the rest
            if self._signals > seen:
                drain_s = self._drain_s if self._signals == 1 else 0
                seen, patience = self._signals, drain_s + _LEFT_S
                self._signalled.clear()
                await self._close(workbench, listener, drain_s)

    async def _close(self, workbench: Workbench, listener: Listener, drain_s: float) -> None:
        if drain_s:
            advise(f"holdfast: closing; runs have {drain_s:g} s to end, a second signal closes at once")
        try:
            await workbench.engine.unlisten(listener.id, drain_s)
        except HoldfastError as error:  # it has closed meanwhile, or the engine has
            warn(f"holdfast: {error.message}")

    async def _why(self, workbench: Workbench, following: asyncio.Task[None]) -> _End:
        if self._signals or following.cancelled():
            return _End.CLOSED
        error = following.exception()
        if isinstance(error, UnavailableError):
            return _End.LOST
        if error is not None:
            raise error
        try:
            await workbench.engine.listeners()
        except UnavailableError:
            return _End.STOPPED
        warn("holdfast: the listener was closed")
        return _End.CLOSED

    async def _comes_back(self) -> bool:
        """Says whether another engine takes the place of the one that has stopped."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ENDS_WITHIN_S
        while _is_alive(self._engine_pid) and loop.time() < deadline and not self._signals:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        deadline = loop.time() + COMES_BACK_S
        while loop.time() < deadline and not self._signals:
            found = doors().find_engine()
            if found is not None and found.pid != self._engine_pid:
                return True
            await asyncio.sleep(_POLL_S)
        return False

    @contextmanager
    def _catching(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        # What `nohup` and shells have set aside stays so.
        numbers = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]
        for number in numbers:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        self._signals += 1
        self._signalled.set()


def as_text(line: AccessLine) -> str:
    """Returns an access line as a person reads it."""
    status = line.status or "left"
    took = f"{line.ms:.0f} ms" if line.ms < 10_000 else f"{line.ms / 1000:.0f} s"
    who = line.principal or "-"
    return f"{line.at.astimezone():%H:%M:%S}  {status:<4}  {took:>7}  {who:<8}  {line.method:<6}  {line.path}"


def _is_alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
