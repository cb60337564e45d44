"""A workbench in memory, for tests of the server; also the engine of the tests that need a process.

As a script it is an engine on the home of `HOLDFAST_HOME`: `python server_fakes.py [IDLE_S] [MODE]`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import StoreTooNew, UnauthenticatedError
from holdfast.core.domain.events import EventFilter, LoggedEvent, SessionRenamed
from holdfast.core.domain.identity import Principal
from holdfast.core.domain.status import EngineStatus
from holdfast.server.native.operation import workbench_methods

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


class FakeNoun:
    """Has the methods of one noun; each notes its call and gives what the test has put there."""


class FakeWorkbench:
    """Answers with `results[name]`: a value, an exception to raise, or a function of the arguments."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.results: dict[str, Any] = {
            "engine.status": self.status,
            "engine.stop": self._stop,
            "engine.settings": Settings(),
        }
        self.principals: list[Principal] = []
        self.secrets: dict[str, Principal] = {}
        self._revoked = asyncio.Event()
        self.log: list[LoggedEvent] = []
        self.stop = asyncio.Event()
        self.active_runs = 0
        self.active_jobs = 0
        self.following = 0
        self.closed = False
        self._added = asyncio.Event()
        for name in workbench_methods():
            noun, verb = name.split(".")
            if not hasattr(self, noun):
                setattr(self, noun, FakeNoun())
            method = self.follow if name == "events.follow" else partial(self._answer, name)
            setattr(getattr(self, noun), verb, method)

    async def _answer(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        if "data" in kwargs:  # a file that is gone when the request has ended
            kwargs["data"] = kwargs["data"].read()
        self.calls.append((name, args, kwargs))
        result = self.results[name]
        if isinstance(result, BaseException):
            raise result
        if isinstance(result, Callable):  # type: ignore[arg-type]
            result = result(*args, **kwargs)
        return result

    def status(self) -> EngineStatus:
        return EngineStatus(
            version="1",
            pid=os.getpid(),
            started_at=AT,
            home="/home",
            address="",
            log="",
            sessions=0,
            active_runs=self.active_runs,
            active_jobs=self.active_jobs,
            waiting=0,
            last_event_id=self.log[-1].id if self.log else 0,
        )

    def _stop(self) -> None:
        self.stop.set()

    def add(self, count: int = 1, session_id: str = "s1", title: str = "Title") -> None:
        """Commits events."""
        for _ in range(count):
            event = SessionRenamed(session_id=session_id, title=title, at=AT)
            self.log.append(LoggedEvent(id=len(self.log) + 1, event=event))
        self._added.set()
        self._added = asyncio.Event()

    async def follow(self, filter: EventFilter, after: int | None = None) -> AsyncIterator[LoggedEvent]:
        self.calls.append(("events.follow", (filter, after), {}))
        cursor = self.status().last_event_id if after is None else after
        self.following += 1
        try:
            while True:
                added = self._added
                for logged in self.log[cursor:]:
                    cursor = logged.id
                    if filter.admits(logged.event):
                        yield logged
                if "events.follow" in self.results:
                    raise self.results["events.follow"]
                await added.wait()
        finally:
            self.following -= 1

    async def authenticate(self, secret: str) -> Principal:
        self.calls.append(("authenticate", (secret,), {}))
        if secret not in self.secrets:
            raise UnauthenticatedError("This key is not valid", code="invalid_key")
        return self.secrets[secret]

    async def until_refused(self, secret: str) -> None:
        while secret in self.secrets:
            await self._revoked.wait()

    def revoke(self, secret: str) -> None:
        """Lets `secret` in no longer."""
        del self.secrets[secret]
        self._revoked.set()
        self._revoked = asyncio.Event()

    def as_principal(self, principal: Principal) -> FakeWorkbench:
        self.principals.append(principal)
        return self

    async def close(self) -> None:
        self.closed = True


def main() -> int:
    from holdfast.server.engine import run_engine

    idle_s = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    mode = sys.argv[2] if len(sys.argv) > 2 else ""
    stop = asyncio.Event()

    async def make() -> FakeWorkbench:
        if mode == "too-new":
            raise StoreTooNew("The database was written by a newer Holdfast; update Holdfast")
        if mode == "slow":
            await asyncio.sleep(0.3)
        workbench = FakeWorkbench()
        workbench.stop = stop
        workbench.add(5)
        return workbench

    return run_engine(make, Paths.resolve(os.environ), idle_stop_s=idle_s, stop=stop)


if __name__ == "__main__":
    sys.exit(main())
