"""The workbench in this process: every service, wired to one home."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.agents.trust import TrustStore
from holdfast.core.approvals.policy_file import PolicyFile
from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import Settings
from holdfast.core.domain.models import ModelCatalog, ModelClient
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.identity.redaction import Redactor, StreamRedactor
from holdfast.core.runs.broker import Broker
from holdfast.core.runs.compaction import Compactor
from holdfast.core.runs.executor import Executor
from holdfast.core.runs.loop import Loop
from holdfast.core.runs.steps import Stepper
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.catalog import AgentService, KeyService, ModelService
from holdfast.core.services.engine import EngineService
from holdfast.core.services.files import FileService
from holdfast.core.services.prepare import Preparation
from holdfast.core.services.runs import ApprovalService, EventService, RunService
from holdfast.core.services.sessions import SessionService
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.store.log import EventLog
from holdfast.core.tools.registry import ToolRegistry


@dataclass(frozen=True, slots=True)
class Parts:
    """What a workbench is made of; `bootstrap` and tests choose them."""

    paths: Paths
    settings: Callable[[Path | None], Settings]
    """Loads the settings that hold in a folder."""
    blobs: FileBlobs
    client: ModelClient
    catalog: ModelCatalog
    tools: ToolRegistry
    keys: ProviderKeys
    environment: Mapping[str, str]
    """For child processes of tools: without keys."""
    address: str = ""
    """The engine's socket; empty when in process."""
    stop: Callable[[], None] | None = None
    """Asks the engine to stop; None when in process."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits before a model call is made again."""


class LocalWorkbench:
    """A `Workbench` that runs everything itself. Made by `open`, ended by `close`."""

    def __init__(self, parts: Parts, log: EventLog, redactor: Redactor) -> None:
        self._parts = parts
        self._log = log
        self._sweep: asyncio.Task[None] | None = None
        settings = parts.settings(None)
        trust = TrustStore(parts.paths.trust)
        policy = PolicyFile(parts.paths.policy)
        registry = AgentRegistry(parts.paths, parts.tools.names, trust)
        workspaces = Workspaces(parts.paths, parts.blobs)
        broker = Broker(policy)

        executor = Executor(
            broker,
            parts.blobs,
            parts.environment,
            lambda run: workspaces.watch(run.workspace),
            command_timeout_s=settings.tools.command_timeout_s,
            allow_private_hosts=settings.tools.allow_private_hosts,
        )
        stepper = Stepper(
            parts.client,
            parts.blobs,
            redactor.redact,
            retries=settings.models.retries,
            sleep=parts.sleep,
        )
        loop = Loop(stepper, executor, Compactor(parts.client), parts.catalog)
        prepare = Preparation(
            log,
            registry,
            trust,
            parts.catalog,
            parts.tools,
            workspaces,
            broker,
            policy,
            lambda: StreamRedactor(redactor),
            parts.settings,
        )
        self._supervisor = Supervisor(log, loop, broker, prepare)
        self.agents = AgentService(registry, trust)
        self.sessions = SessionService(
            log, self._supervisor, registry, parts.catalog, workspaces, parts.blobs
        )
        self.runs = RunService(log, self._supervisor, broker)
        self.approvals = ApprovalService(log, broker, policy)
        self.events = EventService(log)
        self.files = FileService(log, self._supervisor, workspaces, parts.blobs)
        self.models = ModelService(parts.catalog, registry, parts.settings)
        self.keys = KeyService(parts.keys)
        self.engine = EngineService(
            log,
            self._supervisor,
            parts.catalog,
            registry,
            parts.blobs,
            parts.paths,
            address=parts.address,
            stop=parts.stop,
            settings=parts.settings,
        )

    @classmethod
    async def open(cls, parts: Parts) -> LocalWorkbench:
        """Opens the home's database and takes up the runs that wait. Raises `StoreError`."""
        await asyncio.to_thread(
            parts.keys.secrets
        )  # the first look may ask a keyring, which may take a while
        redactor = Redactor(parts.keys.secrets)
        log = await EventLog.open(parts.paths.database, parts.blobs, redactor.redact)
        workbench = cls(parts, log, redactor)
        await workbench._supervisor.recover()
        # Contents that were kept for an undo and never needed, or whose session is gone.
        workbench._sweep = asyncio.create_task(workbench._remove_unused_blobs())
        return workbench

    async def _remove_unused_blobs(self) -> None:
        used = await self._log.reader.all_blobs()
        await asyncio.to_thread(self._parts.blobs.sweep, used)

    async def close(self) -> None:
        """Stops the runs (those that wait for a person stay as they are) and closes the database."""
        if self._sweep is not None:
            self._sweep.cancel()
        await self._supervisor.close()
        await self._parts.client.close()
        await self._log.close()
