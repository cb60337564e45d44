"""The engine's listeners on TCP. What they need is imported with the first one: most engines open none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import ConflictError, NotFoundError, UnsupportedError
from holdfast.core.domain.status import AccessLine, Listener, ListenOptions

if TYPE_CHECKING:
    from holdfast.core.config.settings import ServerSettings
    from holdfast.server.connections import Patience
    from holdfast.server.kit.meter import Meter
    from holdfast.server.native.routes import HostSource
    from holdfast.server.tcp import OpenListener

CLOSE_WAIT_S = 5.0
"""How long all listeners have to close when the engine stops."""


class TcpListeners:
    """Implements `Listeners`. The engine brings the workbench by `attach`, and ends all by `close_all`.

    `logs` is the folder of access logs; `settings` are looked at whenever a listener is opened.
    """

    def __init__(
        self, logs: Path, settings: Callable[[], ServerSettings], patience: Patience | None = None
    ) -> None:
        self._logs = logs
        self._settings = settings
        self._patience = patience
        self._engine: tuple[HostSource, logging.Logger, Meter] | None = None
        self._open: dict[str, OpenListener] = {}
        self._stopped = False

    def attach(self, host: HostSource, log: logging.Logger, meter: Meter) -> None:
        """Says what is behind the doors, and what counts their requests."""
        self._engine = (host, log, meter)

    async def open(self, wanted: ListenOptions) -> Listener:
        if self._engine is None:
            raise UnsupportedError("No engine is behind these listeners.", code="no_listeners")
        from holdfast.server.connections import Patience  # start-up time: see above
        from holdfast.server.tcp import Behind, OpenListener

        host, log, meter = self._engine
        settings = await asyncio.to_thread(self._settings)
        behind = Behind(host, log, settings, self._patience or Patience(), self._logs, meter)
        try:
            opened = await OpenListener.open(wanted, behind)
        except ConflictError as error:
            raise self._in_use(wanted, error) from error
        if self._stopped:
            opened.close()
            await asyncio.wait({opened.task})
            raise ConflictError(
                "The engine is stopping and starts nothing more; try again in a moment.",
                code="engine_stopping",
                retryable=True,
            )
        self._open[opened.state.id] = opened
        opened.task.add_done_callback(partial(self._gone, opened.state.id))
        return opened.state

    def _in_use(self, wanted: ListenOptions, error: ConflictError) -> ConflictError:
        """Returns `error`, in other words when the port is one of this engine's own."""
        own = next((each.state for each in self._open.values() if each.state.port == wanted.port), None)
        if own is None or error.code != "port_in_use":
            return error
        return ConflictError(
            f"The engine listens at {own.url} already: `holdfast serve stop {own.port}` closes it, "
            "--port takes another port.",
            code="port_in_use",
        )

    def _gone(self, id: str, task: asyncio.Task[None]) -> None:
        del self._open[id]
        if not task.cancelled() and (error := task.exception()) is not None:
            logging.getLogger(__name__).error("listener %s ended by a bug", id, exc_info=error)

    def all(self) -> tuple[Listener, ...]:
        return tuple(opened.state for opened in self._open.values())

    async def close(self, id: str, drain_s: float = 0) -> None:
        self._named(id).close(drain_s)

    def access(self, id: str) -> AsyncIterator[AccessLine]:
        return self._named(id).access.follow()

    async def close_all(self) -> None:
        """Closes every listener, and waits until they have; no other is opened after."""
        self._stopped = True
        tasks = {opened.task for opened in self._open.values()}
        for opened in self._open.values():
            opened.close()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_WAIT_S)

    def _named(self, id: str) -> OpenListener:
        found = self._open.get(id)
        if found is None:
            raise NotFoundError(f"There is no listener {id}.", code="listener_not_found")
        return found
