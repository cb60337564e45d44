"""The whole of Holdfast for a benchmark: a model server, an engine that is warm, the app in a terminal."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engines import HOLDFAST, home, start_engine
from terminal import Terminal

from holdfast.core.domain.events import RUN_ENDS, EventFilter, LoggedEvent
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions
from holdfast.server.native.client import RemoteWorkbench

HERE = Path(__file__).parent
MODEL = "openai/gpt-4o"


@contextmanager
def provider() -> Iterator[dict[str, str]]:
    """Yields what must be in the environment to use a model server of its own."""
    server = subprocess.Popen(
        [sys.executable, str(HERE / "provider.py")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline())
        yield {"OPENAI_API_KEY": "sk-benchmark-0000", "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"}
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


class Stage:
    """A home with a running engine. `environment` is what programs on it are started with."""

    def __init__(self, environment: dict[str, str], engine: int) -> None:
        self.environment = environment
        self.engine = engine
        """The engine's process id."""

    def workbench(self) -> RemoteWorkbench:
        return RemoteWorkbench(Path(self.environment["HOLDFAST_HOME"], "engine.sock"))

    @contextmanager
    def app(self, *arguments: str, command: list[str] = HOLDFAST) -> Iterator[Terminal]:
        """Yields the app in a terminal once it takes keys."""
        terminal = Terminal([*command, *arguments], self.environment)
        try:
            terminal.echo_time()
            terminal.settle()
            terminal.send(b"\x7f" * 80)  # the keys that were typed meanwhile are deleted
            terminal.settle()
            yield terminal
        finally:
            terminal.close()

    def events(self, run_id: str) -> list[LoggedEvent]:
        """Returns all events of a run that has ended, deltas included."""
        return asyncio.run(self._events(run_id))

    async def _events(self, run_id: str) -> list[LoggedEvent]:
        workbench = self.workbench()
        found = []
        async for logged in workbench.events.follow(EventFilter(run_id=run_id), 0):
            found.append(logged)
            if logged.event.type in RUN_ENDS:
                break
        await workbench.close()
        return found

    def last_run(self) -> str:
        """Returns the id of the run that began last."""
        return asyncio.run(self._last_run())

    async def _last_run(self) -> str:
        workbench = self.workbench()
        session = (await workbench.sessions.list()).items[0]
        page = await workbench.events.page_before(session.id, limit=200)
        await workbench.close()
        return next(e.event.run_id for e in reversed(page.items) if e.event.type == "run.started")

    async def warm(self) -> None:
        """Returns when the model's library is loaded: an answer has come."""
        workbench = self.workbench()
        session = await workbench.sessions.create("general", self.environment["HOLDFAST_HOME"], model=MODEL)
        sent = await workbench.runs.send(session.id, (TextPart(text="hello"),), RunOptions())
        async for logged in workbench.events.follow(EventFilter(run_id=sent.run_id), 0):
            if logged.event.type in RUN_ENDS:
                break
        await workbench.sessions.delete(session.id)
        await workbench.close()


@contextmanager
def stage(**settings: str) -> Iterator[Stage]:
    """Yields a stage whose model server has answered once; `settings` are more variables."""
    with provider() as given, home() as environment:
        environment |= {**given, "HOLDFAST_APPROVE": "all", **settings}
        engine = start_engine(environment)
        made = Stage(environment, engine.pid)
        asyncio.run(made.warm())
        yield made


def row(name: str, value: float, unit: str, goal: str, ok: bool | None, **more: Any) -> dict[str, Any]:
    """Returns a row of the table."""
    return {"name": name, "value": value, "unit": unit, "goal": goal, "ok": ok, **more}


def ratio_row(name: str, value: float, unit: str, reference: float, goal: float) -> dict[str, Any]:
    """Returns a row whose goal is a ratio to what was measured beside it."""
    ratio = value / reference
    return row(name, value, unit, f"≤ {goal:g}", ratio <= goal, reference=reference, ratio=ratio)


def figure(name: str, value: float, unit: str) -> dict[str, Any]:
    """Returns a row without a goal."""
    return row(name, value, unit, "", None)


def median(values: list[float]) -> float:
    return statistics.median(values)
