"""A collector, and a workbench that sends its traces there."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from collector import Collector

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.traces import EventSource, Span, Tracing
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.scripted import ScriptedModel, Step
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.telemetry.tracing import LogTracing
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.registry import ToolRegistry

AGENT = """
version: 1
name: tester
model: scripted/x
fallback_models: [scripted/y]
tools: [read_file, write_file]
workspace: session
"""


class Kept:
    """An exporter that keeps the spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.closed = False

    def export(self, span: Span) -> None:
        self.spans.append(span)

    async def close(self, within_s: float) -> None:
        self.closed = True


class Traced:
    """Opens workbenches on one home, one after the other, whose traces go to `exporter`."""

    def __init__(self, home: Path) -> None:
        self.paths = Paths.resolve({"HOLDFAST_HOME": str(home)})
        self.paths.make()
        self.paths.agents.mkdir()
        (self.paths.agents / "tester.yaml").write_text(AGENT)
        self.contents = False

    async def open(self, exporter: Callable[[], Any] | None, *steps: Step) -> LocalWorkbench:
        """Opens a workbench on a model that says `steps`; without an exporter it makes no traces."""
        settings = Settings()
        keys = ProviderKeys(self.paths, {}, {})

        def tracing(source: EventSource) -> Tracing:
            assert exporter is not None
            return LogTracing(source, exporter, contents=self.contents)

        async def at_once(seconds: float) -> None:
            await asyncio.sleep(0)

        return await LocalWorkbench.open(
            Parts(
                paths=self.paths,
                settings=lambda project: settings,
                blobs=FileBlobs(self.paths.blobs),
                client=ScriptedModel(steps),
                catalog=Catalog(keys.get, settings.models, {}, scripted=True),
                tools=ToolRegistry(builtin_tools(ChildProcesses())),
                keys=keys,
                environment={},
                tracing=tracing if exporter else None,
                sleep=at_once,
            )
        )

    async def ask(self, workbench: LocalWorkbench, until: str = "run.") -> list[LoggedEvent]:
        """Sends a message in a new session; returns the run's events up to one of the type `until`, or the
        end of the run."""
        session = await workbench.sessions.create("tester", title="t")
        sent = await workbench.runs.send(session.id, (TextPart(text="Tell me a secret"),))
        seen: list[LoggedEvent] = []
        ends = ("run.completed", "run.failed", "run.cancelled")
        async with asyncio.timeout(20):
            async for logged in workbench.events.follow(EventFilter(run_id=sent.run_id), 0):
                seen.append(logged)
                if logged.event.type in (until, *ends):
                    break
        return seen


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine of the test says to OpenTelemetry is not meant for it."""
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    return Traced(tmp_path / "home")


@pytest.fixture
def collector() -> Iterator[Collector]:
    with contextlib.closing(Collector()) as opened:
        yield opened


@pytest.fixture
async def closing() -> AsyncIterator[contextlib.AsyncExitStack]:
    """Closes what a test leaves open."""
    async with contextlib.AsyncExitStack() as stack:
        yield stack
