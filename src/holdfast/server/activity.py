"""Knows when an engine was used last."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class Activity:
    """Passes requests on to `app` and notes them. An open stream is a request that goes on.

    Requests for `quiet_path` do not count, so that a probe keeps no engine alive.
    """

    def __init__(self, app: ASGIApp, *, quiet_path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._quiet_path = quiet_path
        self._clock = clock
        self._open = 0
        self._last = clock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == self._quiet_path:
            return await self._app(scope, receive, send)
        self._open += 1
        try:
            return await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self.touch()

    def touch(self) -> None:
        """Counts as a use now."""
        self._last = self._clock()

    @property
    def idle_s(self) -> float:
        """Seconds since the last request ended; 0 while one goes on."""
        return 0.0 if self._open else self._clock() - self._last
