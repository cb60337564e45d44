"""One listener on TCP: its socket, its certificate, the door behind it, and its end."""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import socket
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from holdfast.core.config.settings import ServerSettings
from holdfast.core.domain.errors import ConflictError, ForbiddenError, HoldfastError, InvalidError
from holdfast.core.domain.status import Listener, ListenOptions
from holdfast.core.domain.values import new_id, utc_now
from holdfast.server.access import AccessLog
from holdfast.server.app import composed_apis
from holdfast.server.connections import Acceptor, Config, Patience, room_for
from holdfast.server.dialects.every import load_dialects
from holdfast.server.kit.meter import Meter, Metered
from holdfast.server.listener import Server
from holdfast.server.lock import BACKLOG
from holdfast.server.native.routes import HostSource
from holdfast.server.security import HostNames, Rates, TcpDoor
from holdfast.server.through import RunsThrough

_DRAIN_POLL_S = 0.1
_CUT_S = 1.0
_LAST_WORDS_S = 0.25
"""For the last events of a run to reach those who follow it, before their streams end."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener is, or is to be."""

    family: socket.AddressFamily
    address: str
    sockaddr: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Behind:
    """What is behind every listener of an engine."""

    host: HostSource
    log: logging.Logger
    settings: ServerSettings
    patience: Patience
    logs: Path
    """The folder of access logs."""
    meter: Meter = field(default_factory=Meter)
    """Counts the requests of all doors."""


class OpenListener:
    """A listener that takes connections, from `open` until `task` has ended."""

    def __init__(
        self,
        wanted: ListenOptions,
        listener: socket.socket,
        place: Place,
        tls: ssl.SSLContext | None,
        behind: Behind,
    ) -> None:
        port = listener.getsockname()[1]
        self.closing = asyncio.Event()
        through = RunsThrough(behind.host)
        apis = composed_apis(
            through.host, log=behind.log, closing=self.closing, root=wanted.root, meter=behind.meter
        )
        file = behind.logs / f"access-{re.sub('[^0-9A-Za-z.-]', '_', wanted.host)}-{port}.log"
        leased = wanted.lease_s is not None
        self.access = AccessLog(None if leased else file)
        self._through = through
        most = room_for(behind.settings.max_connections)
        # One user must not be able to shut out the others; without keys there are none.
        at_once = 0 if wanted.no_auth else max(1, most * 3 // 4)
        self._door = TcpDoor(
            Metered(apis, behind.meter),
            through.host,
            HostNames(wanted.host, place.address, wanted.allow_hosts),
            Rates(behind.settings.requests_per_s, behind.settings.burst, at_once=at_once),
            self.access.tell,
            keyless=wanted.no_auth,
            body_s=behind.patience.body_s,
            navigated=apis.navigated,
        )
        config = Config(self._door, patience=behind.patience, most=most)
        self._server = _TcpServer(config, self.closing, listener, tls)
        self.state = Listener(
            id=new_id(),
            url=f"{'https' if tls else 'http'}://{_in_url(wanted.host)}:{port}",
            host=wanted.host,
            port=port,
            tls=tls is not None,
            auth=not wanted.no_auth,
            root=wanted.root,
            started_at=utc_now(),
            log="" if leased else str(file),
            leased=leased,
            tls_cert=wanted.tls_cert,
            tls_key=wanted.tls_key,
            allow_hosts=wanted.allow_hosts,
        )
        self._log = behind.log
        self._draining: asyncio.Task[None] | None = None
        self._lease = asyncio.create_task(self._keep(wanted.lease_s)) if wanted.lease_s is not None else None
        self.task = asyncio.create_task(self._serve())

    @classmethod
    async def open(cls, wanted: ListenOptions, behind: Behind) -> OpenListener:
        """Opens it. Raises `InvalidError`, `ConflictError` or `ForbiddenError`; then nothing is left open."""
        place = await resolve(wanted.host, wanted.port)
        if wanted.no_auth and not ip_address(place.address.partition("%")[0]).is_loopback:
            raise ForbiddenError(
                f"Without keys a listener may only be on a loopback address, and {wanted.host} is none: "
                "whoever reaches it could do everything. Leave --no-auth out.",
                code="auth_required",
            )
        tls = await asyncio.to_thread(tls_context, wanted.tls_cert, wanted.tls_key)
        await asyncio.to_thread(load_dialects, wanted.root)
        listener = bind(wanted, place)
        try:
            opened = cls(wanted, listener, place, tls, behind)
        except BaseException:
            listener.close()
            raise
        behind.log.info("listener %s opened at %s", opened.state.id, opened.state.url)
        return opened

    def close(self, drain_s: float = 0) -> None:
        """Takes no new connection from now on. Streams end, and requests soon after, when nothing executes
        that was started through this listener, or after `drain_s` seconds; the last call counts."""
        self._server.stop_accepting()
        self.state = self.state.model_copy(update={"closing": True})
        if self._draining is not None:
            self._draining.cancel()
        self._draining = asyncio.create_task(self._drain(drain_s))

    async def _drain(self, drain_s: float) -> None:
        if drain_s > 0:
            unused = asyncio.create_task(self._until_unused())
            try:
                await asyncio.wait({unused}, timeout=drain_s)
            finally:
                unused.cancel()
        self.closing.set()

    async def _until_unused(self) -> None:
        try:
            while self._door.answering or await self._through.executing():  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(_DRAIN_POLL_S)
        except HoldfastError as error:  # the engine itself may be at its end
            self._log.warning("listener %s: its runs are not known: %s", self.state.id, error)
        await asyncio.sleep(_LAST_WORDS_S)

    async def _serve(self) -> None:
        try:
            await self._server.serve()
        finally:
            self.closing.set()
            self._server.stop_accepting()
            for task in (self._draining, self._lease):
                if task is not None:
                    task.cancel()
            cut = self._server.server_state.tasks
            if cut:  # requests that did not end in time were cancelled, and tell of it
                await asyncio.wait(cut, timeout=_CUT_S)
            self.access.end()
            self._log.info("listener %s closed", self.state.id)

    async def _keep(self, lease_s: float) -> None:
        """Closes the listener when nobody has followed its lines for `lease_s` seconds."""
        while True:
            while self.access.followed:
                await self.access.changed()
            try:
                async with asyncio.timeout(lease_s):
                    while not self.access.followed:
                        await self.access.changed()
            except TimeoutError:
                self._log.info("listener %s: who opened it has gone", self.state.id)
                return self.close()


class _TcpServer(Server):
    """uvicorn behind an acceptor of ours."""

    def __init__(
        self,
        config: Config,
        stop: asyncio.Event,
        listener: socket.socket,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(config, stop)
        self.started = True
        self._acceptor = Acceptor(listener, self, config, tls)
        self.servers = [cast("asyncio.base_events.Server", self._acceptor)]

    def stop_accepting(self) -> None:
        """Takes no new connections."""
        self._acceptor.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Nothing is left to do: the acceptor takes connections from its first instant."""


async def resolve(host: str, port: int) -> Place:
    """Returns where `host` is on this machine, IPv4 first. Raises `InvalidError`."""
    if not 0 <= port <= 65_535:
        raise InvalidError(f"{port} is not a port: 1 to 65535, or 0 for a free one.", code="invalid_port")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError, ValueError):
        found = []
    if not found or not host:
        raise InvalidError(
            f"The host {host!r} is not known; an address of this machine is needed.", code="unknown_host"
        )
    family, _, _, _, sockaddr = min(found, key=lambda each: each[0] != socket.AF_INET)
    return Place(family, str(sockaddr[0]), sockaddr)


def bind(wanted: ListenOptions, place: Place) -> socket.socket:
    """Returns a listening socket. Raises `ConflictError` when the port is in use, `ForbiddenError` when it is
    the system's, and `InvalidError`."""
    # With its protocol named, asyncio turns Nagle's algorithm off: without, each answer waits 40 ms.
    listener = socket.socket(place.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place.sockaddr)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _not_bound(wanted, error) from error
    return listener


def _not_bound(wanted: ListenOptions, error: OSError) -> HoldfastError:
    where = f"{_in_url(wanted.host)}:{wanted.port}"
    match error.errno:
        case errno.EADDRINUSE:
            return ConflictError(
                f"{where} is in use by another program; --port takes another port.",
                code="port_in_use",
            )
        case errno.EACCES | errno.EPERM:
            return ForbiddenError(
                f"This user may not listen on {where}: ports under 1024 are the system's. Take a higher one.",
                code="port_forbidden",
            )
        case _:
            return InvalidError(
                f"{wanted.host} is no address of this machine ({error.strerror}).", code="host_not_here"
            )


def tls_context(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    """Returns the TLS side of a listener; None without a certificate. Raises `InvalidError`."""
    if cert is None:
        if key is not None:
            raise InvalidError("A key for TLS needs its certificate, too.", code="tls_invalid")
        return None
    pem = _content(cert)
    if key is not None:
        _content(key)
    elif b"PRIVATE KEY" not in pem:
        raise InvalidError(f"{cert} holds no key: --tls-key names the file that does.", code="tls_invalid")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except _Encrypted:
        raise InvalidError(
            f"The key in {key or cert} is encrypted; the engine has nobody to ask for its password. "
            "`openssl pkey -in FILE -out NEW` writes one that is not.",
            code="tls_key_encrypted",
        ) from None
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "reason", None) or error.strerror or "no certificate in it"
        raise InvalidError(
            f"{cert} and {key or cert} are no certificate with its key in PEM form ({reason}).",
            code="tls_invalid",
        ) from None
    return context


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no path"
        raise InvalidError(f"{file} cannot be read: {reason}.", code="tls_unreadable") from None


class _Encrypted(Exception):
    """A key wants a password."""


def _no_password() -> str:
    # Without an answer of ours, OpenSSL would ask on a terminal that the engine does not have.
    raise _Encrypted


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
