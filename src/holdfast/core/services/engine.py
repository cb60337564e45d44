"""The engine as a service: what it says of itself, and its health checks."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path

from holdfast import __version__
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.config.paths import Paths
from holdfast.core.config.settings import AccountSettings, Settings
from holdfast.core.config.settings_file import SettingsFile
from holdfast.core.domain.configuring import Setting, SettingsReport, SettingValue
from holdfast.core.domain.errors import ConflictError, InvalidError, UnsupportedError
from holdfast.core.domain.figures import EngineFigures
from holdfast.core.domain.health import EngineHealth
from holdfast.core.domain.logs import LogLevel, LogName, LogPage
from holdfast.core.domain.models import ModelCatalog
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.status import (
    AccessLine,
    CheckResult,
    EngineStatus,
    Listener,
    Listeners,
    ListenOptions,
)
from holdfast.core.domain.tools import BlobStore
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.access import Access
from holdfast.core.services.budgets import Budgets, check_unlimited
from holdfast.core.services.checks import check_home, check_sandbox
from holdfast.core.services.health import read_health
from holdfast.core.services.library import Library
from holdfast.core.services.logs import LogReader
from holdfast.core.services.shutdown import Shutdown
from holdfast.core.store.failures import last_failures
from holdfast.core.store.log import EventLog

LONGEST_LEASE_S = 3600
"""For how long a listener waits for who opened it, in seconds."""
LONGEST_DRAIN_S = 86_400
"""For how long the end of a listener or of the engine may wait for runs, in seconds."""


class EngineService:
    """Implements the `Engine` of a workbench."""

    def __init__(  # noqa: PLR0913 (it speaks of all that there is)
        self,
        access: Access,
        log: EventLog,
        supervisor: Supervisor,
        catalog: ModelCatalog,
        registry: AgentRegistry,
        blobs: BlobStore,
        paths: Paths,
        library: Library,
        *,
        address: str,
        shutdown: Shutdown,
        listeners: Listeners | None,
        settings: Callable[[Path | None], Settings],
        started_at: datetime,
        figures: Callable[[], Awaitable[EngineFigures]],
        file: SettingsFile,
        logs: LogReader,
        purge: Callable[[], Awaitable[int]],
        processes: ProcessRunner,
        budgets: Budgets,
    ) -> None:
        self._access = access
        self._log = log
        self._supervisor = supervisor
        self._catalog = catalog
        self._registry = registry
        self._blobs = blobs
        self._paths = paths
        self._library = library
        self._address = address
        self._shutdown = shutdown
        self._listeners = listeners
        self._settings = settings
        self._started_at = started_at
        self._figures = figures
        self._file = file
        self._logs = logs
        self._purge = purge
        self._processes = processes
        self._budgets = budgets

    async def status(self) -> EngineStatus:
        sessions, waiting = await self._log.reader.counts(self._access.owner)
        admin = self._access.principal.is_admin
        return EngineStatus(
            version=__version__,
            pid=os.getpid(),
            started_at=self._started_at,
            home=str(self._paths.data) if admin else "",
            address=self._address if admin else "",
            log=str(self._paths.engine_log) if self._address and admin else "",
            sessions=sessions,
            active_runs=self._supervisor.executing_runs,
            active_jobs=self._library.jobs.active,
            waiting=waiting,
            last_event_id=await self._log.reader.last_event_id(),
            listeners=self._listeners.all() if self._listeners and admin else (),
            sandbox=await asyncio.to_thread(lambda: self._processes.known_protection),
        )

    async def figures(self) -> EngineFigures:
        return await self._figures()

    async def health(self) -> EngineHealth:
        failures = await last_failures(self._log.reader, self._access.owner)
        return await asyncio.to_thread(read_health, self._paths, self._started_at, failures)

    async def settings(self, project: str | None = None) -> Settings:
        found = await asyncio.to_thread(self._settings, self._access.folder(project))
        if self._access.principal.is_admin:
            return found
        # How people sign in is told by `accounts.ways`; who may do what there is for administrators.
        shown = AccountSettings(public_url=found.accounts.public_url)
        return found.model_copy(update={"accounts": shown})

    async def describe_settings(self, project: str | None = None) -> SettingsReport:
        return await asyncio.to_thread(self._file.report, self._access.folder(project))

    async def set_setting(self, key: str, value: SettingValue) -> Setting:
        self._check_limits(key)
        return await asyncio.to_thread(self._file.set, key, value)

    async def unset_setting(self, key: str) -> Setting:
        self._check_limits(key)
        return await asyncio.to_thread(self._file.unset, key)

    def _check_limits(self, key: str) -> None:
        """Raises `ForbiddenError` for who has limits and would change what they mean."""
        if key.split(".")[0].strip() == "limits":
            check_unlimited(self._budgets, self._access.principal)

    async def log(
        self,
        name: LogName = "engine",
        limit: int = 200,
        level: LogLevel = "debug",
        words: str = "",
        before: str | None = None,
        after: str | None = None,
    ) -> LogPage:
        return await asyncio.to_thread(self._logs.read, name, limit, level, words, before, after)

    async def stop(self, idle_only: bool = False, drain_s: float = 0) -> None:
        _check_drain(drain_s)
        if idle_only and (busy := self._supervisor.executing_runs):
            raise ConflictError(
                f"The engine is busy with {busy} run{'s' if busy > 1 else ''}; try again when it is idle.",
                code="engine_busy",
            )
        if idle_only and self._listeners and (open_now := self._listeners.all()):
            raise ConflictError(
                f"The engine listens at {open_now[0].url}, where others may rely on it; "
                "`holdfast engine restart` brings its listeners back.",
                code="engine_busy",
            )
        self._shutdown.begin(drain_s)

    async def listen(
        self,
        host: str = "127.0.0.1",
        port: int = 8700,
        root: tuple[str, ...] = ("holdfast",),
        tls_cert: str | None = None,
        tls_key: str | None = None,
        no_auth: bool = False,
        allow_hosts: tuple[str, ...] = (),
        lease_s: float | None = None,
    ) -> Listener:
        if lease_s is not None and not 0 < lease_s <= LONGEST_LEASE_S:
            raise InvalidError(
                f"A lease is longer than 0 and at most {LONGEST_LEASE_S} seconds.", code="invalid_lease"
            )
        return await self._doors().open(
            ListenOptions(
                host=host,
                port=port,
                root=root,
                tls_cert=tls_cert,
                tls_key=tls_key,
                no_auth=no_auth,
                allow_hosts=allow_hosts,
                lease_s=lease_s,
            )
        )

    async def listeners(self) -> tuple[Listener, ...]:
        return self._doors().all()

    async def unlisten(self, listener_id: str, drain_s: float = 0) -> None:
        _check_drain(drain_s)
        await self._doors().close(listener_id, drain_s)

    def access(self, listener_id: str) -> AsyncIterator[AccessLine]:
        return self._doors().access(listener_id)

    def _doors(self) -> Listeners:
        if self._listeners is None:
            raise UnsupportedError(
                "This engine lives inside the app and opens no listeners; leave --in-process out.",
                code="no_listeners",
            )
        return self._listeners

    async def check(self, repair: bool = False) -> tuple[CheckResult, ...]:
        results = [*await asyncio.to_thread(check_home, self._paths, repair=repair)]
        results.append(await self._check_index(repair))
        results.append(await self._library.check(repair=repair))
        results.append(await self._check_blobs())
        results.append(await self._empty_old_trash())
        results.append(await self._check_models())
        results.append(await asyncio.to_thread(self._check_agents))
        results.append(check_sandbox(await self._processes.protection(anew=True)))
        return tuple(results)

    async def _empty_old_trash(self) -> CheckResult:
        gone = await self._purge()
        message = f"{gone} old things were deleted for good." if gone else "Nothing in it is too old."
        return CheckResult(name="trash", state="repaired" if gone else "ok", message=message)

    async def _check_index(self, repair: bool) -> CheckResult:
        try:
            problems = await self._log.writer.run(index_problems)
        except sqlite3.Error as error:
            return CheckResult(name="index", state="error", message=f"It cannot be read: {error}.")
        if not problems:
            return CheckResult(name="index", state="ok", message="The index agrees with the log.")
        text = "; ".join(problems)
        if not repair:
            hint = "`holdfast doctor --repair` makes it anew from the log."
            return CheckResult(name="index", state="error", message=f"{text}.", hint=hint)
        events = await self._log.rebuild_index()
        return CheckResult(name="index", state="repaired", message=f"{text}; made anew from {events} events.")

    async def _check_blobs(self) -> CheckResult:
        missing = [
            digest for digest in await self._log.reader.all_blobs() if not self._blobs.path(digest).is_file()
        ]
        if not missing:
            return CheckResult(name="blobs", state="ok", message="Every kept content is there.")
        return CheckResult(
            name="blobs",
            state="warning",
            message=f"{len(missing)} kept contents are missing: some changes cannot be undone.",
        )

    async def _check_models(self) -> CheckResult:
        choice = await self._catalog.choose(
            flag=None, session=None, agent=None, settings=self._settings(None).models.default
        )
        state = "warning" if choice.model == "offline" else "ok"
        return CheckResult.model_validate(
            {
                "name": "models",
                "state": state,
                "message": f"Agents that name no model use {choice.model} ({choice.source}).",
                "hint": choice.hint,
            }
        )

    def _check_agents(self) -> CheckResult:
        infos = self._registry.list()
        broken = [info for info in infos if info.spec is None]
        if not broken:
            return CheckResult(name="agents", state="ok", message=f"{len(infos)} agents, all valid.")
        names = ", ".join(info.path for info in broken)
        return CheckResult(
            name="agents",
            state="warning",
            message=f"{len(broken)} of {len(infos)} agent files have mistakes: {names}.",
            hint="`holdfast agents validate FILE` shows them.",
        )


def _check_drain(drain_s: float) -> None:
    if not 0 <= drain_s <= LONGEST_DRAIN_S:
        raise InvalidError(f"A drain takes 0 to {LONGEST_DRAIN_S} seconds.", code="invalid_drain")


def index_problems(db: sqlite3.Connection) -> list[str]:
    """Returns where the index tables differ from the log; runs on the writer's connection."""
    problems = []
    integrity = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if integrity != "ok":
        problems.append(f"the database is damaged ({integrity})")
    pairs = (
        ("session.created", "SELECT COUNT(*) FROM sessions", "sessions"),
        ("run.started", "SELECT COUNT(*) FROM runs", "runs"),
        ("approval.requested", "SELECT COUNT(*) FROM approvals", "approvals"),
        ("question.asked", "SELECT COUNT(*) FROM questions", "questions"),
        # Two who forget a job at the same time both stand in the log.
        (
            "job.started",
            "SELECT (SELECT COUNT(*) FROM jobs) + COUNT(DISTINCT json_extract(body, '$.job_id'))"
            " FROM events WHERE type = 'job.forgotten'",
            "jobs",
        ),
    )
    for event_type, sql, name in pairs:
        logged = db.execute("SELECT COUNT(*) FROM events WHERE type = ?", (event_type,)).fetchone()[0]
        indexed = db.execute(sql).fetchone()[0]
        if logged != indexed:
            problems.append(f"{indexed} {name} are indexed, the log has {logged}")
    ended = db.execute(
        "SELECT COUNT(*) FROM runs r WHERE (r.ended_at IS NULL) = EXISTS (SELECT 1 FROM events e"
        " WHERE e.run_id = r.id AND e.type IN ('run.completed', 'run.failed', 'run.cancelled'))"
    ).fetchone()[0]
    if ended:
        problems.append(f"{ended} runs have a wrong status")
    # The log of runs may know more, too: those that say nothing outlive their sessions.
    unlisted = db.execute(
        "SELECT COUNT(*) FROM runs r LEFT JOIN run_log l ON l.run_id = r.id"
        " WHERE l.run_id IS NULL OR l.status <> r.status"
    ).fetchone()[0]
    if unlisted:
        problems.append(f"{unlisted} runs are not in the log of runs as they are")
    # The table of usage may know more than the log, never less; a fork's copies are not counted in it.
    uncounted = db.execute(
        "SELECT COUNT(*) FROM events e JOIN sessions s ON s.id = e.session_id"
        " WHERE e.type = 'usage.recorded' AND s.forked_from IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM usage u WHERE u.event_id = e.id)"
    ).fetchone()[0]
    if uncounted:
        problems.append(f"the usage of {uncounted} model calls is not counted")
    return problems
