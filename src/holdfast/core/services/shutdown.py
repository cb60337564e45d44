"""The end of the engine as somebody asks for it: at once, or when its runs have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from holdfast.core.domain.errors import UnsupportedError
from holdfast.core.runs.supervisor import Supervisor

_POLL_S = 0.1


class Shutdown:
    """Shared by all views of one engine. `stop` asks the process to stop; None when there is no engine."""

    def __init__(self, supervisor: Supervisor, stop: Callable[[], None] | None) -> None:
        self._supervisor = supervisor
        self._stop = stop
        self._draining: asyncio.Task[None] | None = None

    def begin(self, drain_s: float) -> None:
        """Stops the engine when no run executes, at the latest after `drain_s` seconds; no run starts
        meanwhile. The last call counts, so that a second one can shorten the wait. Raises `UnsupportedError`.
        """
        if self._stop is None:
            raise UnsupportedError("This engine lives inside the app; close the app to stop it.")
        self.cancel()
        self._supervisor.refuse_new_runs()
        if drain_s and self._supervisor.executing_runs:
            self._draining = asyncio.create_task(self._drain(drain_s, self._stop))
        else:
            self._stop()

    def cancel(self) -> None:
        """Ends the wait; what is closing now needs no word to stop."""
        if self._draining is not None:
            self._draining.cancel()

    async def _drain(self, drain_s: float, stop: Callable[[], None]) -> None:
        deadline = asyncio.get_running_loop().time() + drain_s
        while self._supervisor.executing_runs and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        stop()
