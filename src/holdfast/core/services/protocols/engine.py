"""The noun `engine` of a workbench."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from holdfast.core.config.settings import Settings
from holdfast.core.domain.configuring import Setting, SettingsReport, SettingValue
from holdfast.core.domain.figures import EngineFigures
from holdfast.core.domain.health import EngineHealth
from holdfast.core.domain.identity import Role, Scope
from holdfast.core.domain.logs import LogLevel, LogName, LogPage, LogPlace
from holdfast.core.domain.status import AccessLine, CheckResult, EngineStatus, Listener
from holdfast.core.domain.values import Limit
from holdfast.core.services.needs import needs


class Engine(Protocol):
    """The engine itself: its state, its settings, its listeners on TCP."""

    @needs(Scope.READ)
    async def status(self) -> EngineStatus:
        """Returns what the engine says of itself."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def figures(self) -> EngineFigures:
        """Returns numbers about the whole engine and all users; `GET /metrics` has them for Prometheus."""
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def health(self) -> EngineHealth:
        """Returns what the engine's processes and files take, and the last failure with each provider."""
        ...

    @needs(Scope.READ)
    async def settings(self, project: str | None = None) -> Settings:
        """Returns the settings that hold in the folder `project`, whose own file may set a few of them; of
        `accounts` only administrators see more than the public address.

        Raises `InvalidError` for a mistake in the user's file.
        """
        ...

    @needs(Scope.READ, Role.ADMIN)
    async def describe_settings(self, project: str | None = None) -> SettingsReport:
        """Returns every setting: what it is for, what holds in the folder `project`, and where that comes
        from; and what is wrong with the files."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def set_setting(self, key: str, value: SettingValue) -> Setting:
        """Writes a setting into the user's file, whose comments and order stay, and returns it.

        A text is read as what the setting takes; null takes the setting out. Raises `NotFoundError` for a key
        that is none, and `InvalidError`, with what is expected, for a value that cannot be and for a file
        that has mistakes; then nothing is written. Raises `ForbiddenError` (`limited_key`) for a setting of
        `limits`, by a key that has some.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def unset_setting(self, key: str) -> Setting:
        """Takes a setting out of the user's file and returns what holds then. Raises as `set_setting`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def log(
        self,
        name: LogName = "engine",
        limit: Limit = 200,
        level: LogLevel = "debug",
        words: str = "",
        before: LogPlace | None = None,
        after: LogPlace | None = None,
    ) -> LogPage:
        """Returns the last lines of a log, or those before a place in it, or the first after one.

        Those of at least `level` with all `words` in them; secrets are left out. Only the last megabytes
        before the place are looked through.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def stop(self, idle_only: bool = False, drain_s: float = 0) -> None:
        """Asks the engine to stop; runs that execute become `interrupted`.

        It waits for them up to `drain_s` seconds; meanwhile no other starts (`engine_stopping`). With
        `idle_only` it raises `ConflictError` while runs execute or a listener is open, and nothing happens.
        What waits for a decision does not count: it goes on waiting in the next engine. Jobs do not either:
        the next engine takes them up where they were.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
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
        """Opens a listener on TCP; port 0 takes a free one.

        Raises `ConflictError` for a port in use, `ForbiddenError` for one that is the system's and for
        `no_auth` on an address that is not loopback, `InvalidError` for a host, a certificate or a name in
        `root` that cannot be, and `UnsupportedError` in process. Then nothing is left open.
        """
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def listeners(self) -> tuple[Listener, ...]:
        """Returns the open listeners, oldest first."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def unlisten(self, listener_id: str, drain_s: float = 0) -> None:
        """Closes a listener: it takes no new connection when this returns. Its streams end, and requests
        soon after, when no run executes that was started through it, or after `drain_s` seconds; the runs
        themselves go on. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    def access(self, listener_id: str) -> AsyncIterator[AccessLine]:
        """Yields a line for each request that the listener has answered, from now until it has closed.
        A listener with a lease stays open by this. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN, Role.ADMIN)
    async def check(self, repair: bool = False) -> tuple[CheckResult, ...]:
        """Checks database, index, files, permissions and models; repairs what it can when told."""
        ...
