"""What the engine says of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

from pydantic import AwareDatetime

from holdfast.core.domain.confinement import Protection
from holdfast.core.domain.values import Value


class ListenOptions(Value):
    """What a listener on TCP is to be."""

    host: str = "127.0.0.1"
    port: int = 8700
    """0: one that is free."""
    root: tuple[str, ...] = ("holdfast",)
    """Names of the APIs that also answer without their prefix, the first one that fits."""
    tls_cert: str | None = None
    """Path of a PEM file with the certificate and those behind it, on the engine's machine."""
    tls_key: str | None = None
    """Path of its key; None when it stands in the same file."""
    no_auth: bool = False
    """Whether whoever reaches it is the local user: on a loopback address only."""
    allow_hosts: tuple[str, ...] = ()
    """Names in a request's `Host` that are taken beside the listener's own."""
    lease_s: float | None = None
    """Seconds without a reader of its access lines after which it closes; None: it stays."""


class Listener(Value):
    """An open door of the engine on TCP."""

    id: str
    url: str
    host: str
    port: int
    """The real one, also where 0 was asked for."""
    tls: bool
    auth: bool
    """Whether a key is asked for."""
    root: tuple[str, ...]
    started_at: AwareDatetime
    log: str = ""
    """Path of the file of its access lines; empty where they go to who opened it."""
    leased: bool = False
    """Whether it closes when who opened it goes away."""
    tls_cert: str | None = None
    tls_key: str | None = None
    allow_hosts: tuple[str, ...] = ()
    closing: bool = False
    """Whether it takes no new connections and ends when its requests do."""


class AccessLine(Value):
    """One request that a listener has answered. Query, headers and body are never in it."""

    at: AwareDatetime
    """When it came."""
    client: str
    """The address that it came from."""
    method: str
    path: str
    """Cut when long, without control characters."""
    status: int
    """0 when the client went away before there was an answer."""
    ms: float
    """From its head to the end of the answer, in milliseconds."""
    principal: str = ""
    """Name of the user; empty when nobody was let in."""


class Listeners(Protocol):
    """The engine's doors on TCP: whoever serves HTTP implements it."""

    async def open(self, wanted: ListenOptions) -> Listener:
        """Raises `InvalidError`, `ConflictError` or `ForbiddenError`; then nothing is left open."""
        ...

    def all(self) -> tuple[Listener, ...]:
        """Returns the listeners, oldest first."""
        ...

    async def close(self, id: str, drain_s: float = 0) -> None:
        """Returns when no new connection is taken. Raises `NotFoundError`."""
        ...

    def access(self, id: str) -> AsyncIterator[AccessLine]:
        """Yields its access lines from now on, until it has closed. Raises `NotFoundError` at once."""
        ...


class EngineStatus(Value):
    version: str
    pid: int
    started_at: AwareDatetime
    home: str
    address: str
    """Path of the unix socket, or empty when in process."""
    log: str
    """Path of the log file."""
    sessions: int
    active_runs: int
    active_jobs: int = 0
    """Jobs that have not ended, of all users. A stop interrupts them; the next engine takes them up."""
    waiting: int
    """Approvals and questions that wait."""
    last_event_id: int
    listeners: tuple[Listener, ...] = ()
    """Its doors on TCP; empty for who may not open them."""
    sandbox: Protection | None = None
    """How the programs of agents are confined; None while that was not tried: the first program, or a check,
    tries it."""


CheckState = Literal["ok", "warning", "error", "repaired"]


class CheckResult(Value):
    """One line of `holdfast doctor`."""

    name: str
    state: CheckState
    message: str
    hint: str = ""
