from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.events import RUN_ENDS, EventFilter, LoggedEvent
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import (
    Finished,
    ModelChoice,
    ModelDelta,
    ModelInfo,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.identity.passwords import PasswordCost
from holdfast.core.models.catalog import Catalog
from holdfast.core.models.credentials import Addresses
from holdfast.core.models.own import OwnModels
from holdfast.core.models.providers import PROVIDERS
from holdfast.core.models.scripted import ScriptedModel
from holdfast.core.sandbox.environment import child_environment
from holdfast.core.sandbox.process import ChildProcesses
from holdfast.core.services.library import DATABASE
from holdfast.core.services.local import LocalWorkbench, Parts
from holdfast.core.services.workbench import Workbench
from holdfast.core.tools.buckets.desk import BucketDesk
from holdfast.core.tools.builtin.catalog import builtin_tools
from holdfast.core.tools.builtin.generate_image import GenerateImage
from holdfast.core.tools.registry import ToolRegistry
from holdfast.core.tools.web import WebFetcher
from holdfast.server.formats import format_of
from holdfast.server.kit.auth import LocalDoor
from holdfast.server.listener import listen
from holdfast.server.lock import bind_socket
from holdfast.server.native.client import RemoteWorkbench
from holdfast.server.native.routes import native_app

AGENT = """
version: 1
name: tester
model: scripted
fallback_models: [second]
instructions: You are a test.
tools: [read_file, list_files, write_file, edit_file, run_command, ask_user, update_plan]
workspace: session
limits: {{ max_steps: {max_steps}, approval_expires_s: {expires} }}
approvals:
  allow: ["write_file(free*)"]
  deny: ["write_file(forbidden*)"]
"""


class FakeCatalog:
    """Knows every model; the window can be set, and the price of each model."""

    def __init__(self) -> None:
        self.window: int | None = None
        self.prices: dict[str, float] = {}

    async def list(self, owner: str = "") -> tuple[ModelInfo, ...]:
        return (await self.get("scripted"),)

    async def get(self, model: str, owner: str = "") -> ModelInfo:
        price = self.prices.get(model)
        return ModelInfo(
            name=model,
            provider="test",
            context_window=self.window,
            max_output_tokens=100,
            input_usd_per_million=price,
            output_usd_per_million=price,
        )

    async def choose(
        self,
        *,
        flag: str | None,
        session: str | None,
        agent: str | None,
        settings: str | None,
        owner: str = "",
    ) -> ModelChoice:
        return ModelChoice(model=flag or session or agent or "scripted", source="agent")


@dataclass
class Bench:
    """A workbench on a scripted model, with what tests do again and again."""

    workbench: Workbench
    model: ScriptedModel
    catalog: FakeCatalog
    home: Path
    project: Path
    blobs: FileBlobs

    async def session(self, **more: Any) -> Session:
        return await self.workbench.sessions.create("tester", str(self.project), **more)

    async def send(self, session: Session, text: str = "Hello", **options: Any) -> str:
        submitted = await self.workbench.runs.send(session.id, (TextPart(text=text),), RunOptions(**options))
        assert submitted.run_id is not None
        return submitted.run_id

    async def until(
        self, wanted: str | tuple[str, ...], *, run_id: str | None = None, after: int = 0
    ) -> list[LoggedEvent]:
        """Returns the events up to the first of a wanted type."""
        wanted = (wanted,) if isinstance(wanted, str) else wanted
        seen: list[LoggedEvent] = []
        async with asyncio.timeout(20):
            async for logged in self.workbench.events.follow(EventFilter(run_id=run_id), after):
                seen.append(logged)
                if logged.event.type in wanted:
                    return seen
        raise AssertionError(f"no {wanted}")

    async def end(self, run_id: str) -> list[LoggedEvent]:
        """Returns all events of a run when it has ended."""
        return await self.until(RUN_ENDS, run_id=run_id)

    async def approval(self, count: int = 1) -> Approval:
        """Returns the oldest approval that waits, when there are `count`."""
        return (await self.approvals(count))[0]

    async def approvals(self, count: int) -> tuple[Approval, ...]:
        async with asyncio.timeout(20):
            async for _ in self.workbench.events.follow(EventFilter(), 0):
                waiting = (await self.workbench.approvals.list()).items
                if len(waiting) >= count:
                    return waiting
        raise AssertionError("no approval")


def text(*texts: str) -> list[ModelDelta]:
    return [*(TextDelta(text=each) for each in texts), Finished(reason="stop")]


def calls(*wanted: tuple[str, str]) -> list[ModelDelta]:
    deltas = [
        ToolCallDelta(key=str(index), name=name, arguments=arguments)
        for index, (name, arguments) in enumerate(wanted)
    ]
    return [*deltas, Finished(reason="tool_calls")]


@pytest.fixture
def say() -> Callable[..., list[ModelDelta]]:
    """Makes a step that says texts."""
    return text


@pytest.fixture
def call() -> Callable[..., list[ModelDelta]]:
    """Makes a step that asks for calls, each a name and the JSON of its arguments."""
    return calls


@pytest.fixture
def usage() -> UsageReport:
    """What a model call took."""
    return UsageReport(input_tokens=7, output_tokens=3)


OpenBench = Callable[..., Any]


@pytest.fixture
def door() -> str:
    """How tests reach the workbench: `local`; a module may ask for `remote` too."""
    return "local"


@asynccontextmanager
async def served(workbench: LocalWorkbench, socket: Path) -> AsyncIterator[RemoteWorkbench]:
    """Puts the native API before a workbench, on a unix socket in this loop."""

    async def ready() -> LocalWorkbench:
        return workbench

    stop = asyncio.Event()
    app = native_app(ready, log=logging.getLogger("holdfast.tests"), closing=stop)
    server = asyncio.create_task(listen(LocalDoor(app), bind_socket(socket), stop))
    remote = RemoteWorkbench(socket)
    try:
        yield remote
    finally:
        await remote.close()
        stop.set()
        async with asyncio.timeout(10):
            await server


@pytest.fixture
def open_bench(tmp_path: Path, door: str) -> OpenBench:
    """Opens a workbench on the test's home, which a second one may open again later."""
    home, project = tmp_path / "home", tmp_path / "project"
    project.mkdir()
    paths = Paths.resolve({"HOLDFAST_HOME": str(home)})

    def put_agent(name: str, text: str) -> None:
        paths.agents.mkdir(parents=True, exist_ok=True)
        (paths.agents / f"{name}.yaml").write_text(text)

    @asynccontextmanager
    async def opened(
        steps: Sequence[Any] = (),
        *,
        retries: int = 2,
        max_steps: int = 20,
        expires: str = "null",
        environment: dict[str, str] | None = None,
        stop: Callable[[], None] | None = None,
        knowledge: Any = None,
        agent: str = "",
        web: WebFetcher | None = None,
        more_settings: dict[str, Any] | None = None,
        painter: GenerateImage | None = None,
        known_models: bool = False,
    ) -> AsyncIterator[Bench]:
        paths.make()
        put_agent("tester", AGENT.format(max_steps=max_steps, expires=expires) + agent)
        if knowledge is not None:
            paths.knowledge.mkdir(parents=True, exist_ok=True)
            (paths.knowledge / DATABASE).touch()
        settings = Settings.model_validate({"models": {"retries": retries}, **(more_settings or {})})
        blobs = FileBlobs(paths.blobs)
        buckets = BucketDesk(lambda: settings.buckets.places, {}.get, WorkspaceJail)
        model, catalog = ScriptedModel(steps), FakeCatalog()
        environment = environment or {"PATH": "/usr/bin:/bin"}
        keys = ProviderKeys(paths, environment, {name: p.key_variables for name, p in PROVIDERS.items()})
        own = OwnModels(paths.own_models, keys.models, Addresses(None), keys.get)
        real = Catalog(keys.get, settings.models, environment, addresses=Addresses(None), own=own)
        parts = Parts(
            paths=paths,
            settings=lambda project: settings,
            blobs=blobs,
            client=model,
            catalog=real if known_models else catalog,
            tools=ToolRegistry(builtin_tools(ChildProcesses(), painter=painter, buckets=buckets)),
            keys=keys,
            own_models=own,
            environment=child_environment(environment),
            sleep=lambda seconds: asyncio.sleep(0),
            stop=stop,
            knowledge=knowledge,
            web=web or WebFetcher(),
            formats=format_of,
            password_cost=PasswordCost(rounds=1, memory_kib=8, lanes=1),
        )
        workbench = await LocalWorkbench.open(parts)
        try:
            if door == "local":
                yield Bench(workbench, model, catalog, home, project, blobs)
                return
            async with served(workbench, paths.socket) as remote:
                yield Bench(remote, model, catalog, home, project, blobs)
        finally:
            await workbench.close()

    opened.home, opened.paths, opened.put_agent = home, paths, put_agent  # type: ignore[attr-defined]
    return opened
