"""Connections from the network: how many there may be, and how long each has for what it does.

uvicorn trusts whoever connects to send a request, to go on with it, and to take the answer. Here a timer runs
whenever it is the client's turn, so that connections which are held without being used end by themselves; and
where there are too many, the one that has been held longest makes room, so that nobody can shut others out.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import resource
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.values import new_id
from holdfast.server.kit.errors import error_response
from holdfast.server.listener import OPTIONS, PING_S, PONG_S, STOP_GRACE_S

OVERLOADED = "overloaded"
"""In the state of requests on connections over the limit."""

_RESERVED_FILES = 256
"""Open files that the engine needs for everything but connections."""

_SOCKET_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")

_AT_ONCE = 64
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE_S = 0.5

# What clients do wrong is no news for the engine's log: only errors of ours go there.
_QUIET = logging.getLogger("uvicorn.error.tcp")
_QUIET.setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a connection has; after them it is closed."""

    head_s: float = 10
    """For the TLS handshake, and for the whole head of a request from its first byte on."""
    body_s: float = 30
    """For the next piece of a body."""
    idle_s: float = 75
    """Between requests: longer than clients keep a connection, so that none is closed as it is used again."""
    take_s: float = 60
    """To take some more of an answer that waits to be sent."""
    linger_s: float = 2
    """To take an answer that came before the end of its request."""
    dead_s: int = 120
    """Without a sign of life of the other machine."""
    ping_s: float = PING_S
    """Between two pings on a WebSocket."""
    pong_s: float = PONG_S
    """To answer a ping."""
    grace_s: int = STOP_GRACE_S
    """To take what is left of an answer when the listener closes."""


class Held:
    """Connections for which nothing is to be done but to wait for their client, the longest first."""

    def __init__(self) -> None:
        self._ends: dict[object, Callable[[], object]] = {}

    def add(self, connection: object, end: Callable[[], object]) -> None:
        """Notes one that is held from now on; `end` ends it."""
        self.remove(connection)
        self._ends[connection] = end

    def remove(self, connection: object) -> None:
        """Forgets one that is used, or gone."""
        self._ends.pop(connection, None)

    def make_room(self) -> bool:
        """Ends the one that has been held longest; says whether there was one."""
        for connection, end in self._ends.items():
            self.remove(connection)
            end()
            return True
        return False


class Config(uvicorn.Config):
    """uvicorn's configuration with the limits of connections."""

    def __init__(self, app: Any, *, patience: Patience, most: int, **options: Any) -> None:
        options = {
            **OPTIONS,
            "ws": _open_socket,
            "ws_ping_interval": patience.ping_s,
            "ws_ping_timeout": patience.pong_s,
            "timeout_graceful_shutdown": patience.grace_s,
            **options,
        }
        super().__init__(app, http=PatientProtocol, timeout_keep_alive=86_400, **options)
        self.patience = patience
        self.most = most
        """Connections that get an answer; those over it are told that there are too many."""
        self.held = Held()


def _open_socket(**options: Any) -> asyncio.Protocol:
    from holdfast.server.sockets import PatientSocket  # start-up time: with the first that is asked for

    return PatientSocket(**options)


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with a time for each thing that the client has to do."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _QUIET
        self._patience = config.patience
        self._most = config.most
        self._held = config.held
        self._waits_for = ""
        self._timer: asyncio.TimerHandle | None = None
        self._upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._most:
            self.app_state = {**self.app_state, OVERLOADED: True}
        self._wait_for("head")

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for("")
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def _should_upgrade(self) -> bool:
        """What asks for a WebSocket in a way that is none is an ordinary request."""
        return super()._should_upgrade() and _is_handshake(self.scope["method"], self.headers)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leaves the connection to the protocol of WebSockets."""
        self._upgraded = True
        self._wait_for("")
        super().handle_websocket_upgrade(event)

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP in the shape of all errors, where there is still an answer to give."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # who was to answer need not any more
            self.cycle.message_event.set()
        info = ErrorInfo(kind=ErrorKind.INVALID, code="malformed_request", message="This is not HTTP/1.1")
        answer = error_response(info, new_id())
        headers = [*answer.raw_headers, (b"connection", b"close")]
        head = h11.Response(status_code=answer.status_code, headers=headers, reason=b"Bad Request")
        for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def shutdown(self) -> None:
        """Lets a request under way end; a connection without one ends at once."""
        if not self.transport.is_closing():
            super().shutdown()

    def _look(self) -> None:
        """Finds out whose turn it is."""
        if self._upgraded:
            return
        if self.transport.is_closing():
            self._wait_for("take" if self.transport.get_write_buffer_size() else "")
        elif self.flow.write_paused:
            self._wait_for("take")
        elif self.conn.their_state is h11.IDLE:
            begun = bool(self.conn.trailing_data[0])
            self._wait_for("head" if begun else "idle")
        elif self.cycle is not None and self.cycle.response_complete:
            self._wait_for("linger")
        else:
            self._wait_for("")

    def _wait_for(self, what: str) -> None:
        if what == self._waits_for:
            return
        self._waits_for = what
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._held.remove(self)
        if what:
            self._held.add(self, self.transport.abort)
            seconds = getattr(self._patience, f"{what}_s")
            self._timer = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if self._waits_for == "idle":
            self.timeout_keep_alive_handler()
            self._look()
        else:
            self.transport.abort()


def _is_handshake(method: str, headers: list[tuple[bytes, bytes]]) -> bool:
    keys = [value for name, value in headers if name == b"sec-websocket-key"]
    versions = [value for name, value in headers if name == b"sec-websocket-version"]
    return method == "GET" and versions == [b"13"] and len(keys) == 1 and bool(_SOCKET_KEY.fullmatch(keys[0]))


class Acceptor:
    """Takes the connections of one listening socket; has of an asyncio server what uvicorn uses.

    An asyncio server would leave a TLS handshake a minute, and count a connection only after it.
    """

    def __init__(
        self, listener: socket.socket, server: uvicorn.Server, config: Config, tls: ssl.SSLContext | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._server = server
        self._config = config
        self._tls = tls
        self._opening: set[asyncio.Task[None]] = set()
        self._paused: asyncio.TimerHandle | None = None
        self._open = True
        self._loop.add_reader(listener.fileno(), self._accept)

    def close(self) -> None:
        """Takes no more connections; those that are there go on."""
        if not self._open:
            return
        self._open = False
        if self._paused is not None:
            self._paused.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        for task in self._opening:
            task.cancel()

    async def wait_closed(self) -> None:
        """Waits for connections that were being opened."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._pause(error)
                    return
                continue  # one that was gone before it was taken
            self._begin(connection)

    def _pause(self, error: OSError) -> None:
        logging.getLogger(__name__).warning("no more connections for a moment: %s", error)
        self._loop.remove_reader(self._listener.fileno())
        self._paused = self._loop.call_later(_PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _begin(self, connection: socket.socket) -> None:
        most, held = self._config.most, self._config.held
        open_now = len(self._server.server_state.connections) + len(self._opening)
        spare = max(8, most // 10)  # for those who are told that there are too many
        if open_now >= most and not held.make_room() and open_now >= most + spare:
            connection.close()
            return
        set_up(connection, self._config.patience.dead_s)
        task = self._loop.create_task(self._connect(connection))
        self._opening.add(task)
        held.add(task, task.cancel)
        task.add_done_callback(self._opening.discard)
        task.add_done_callback(held.remove)

    async def _connect(self, connection: socket.socket) -> None:
        limits = {}
        if self._tls is not None:
            head_s = self._config.patience.head_s
            limits = {"ssl_handshake_timeout": head_s, "ssl_shutdown_timeout": head_s}
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection, ssl=self._tls, **limits)
        except OSError:  # no handshake: the client hears nothing, as it wants something else
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    def _make_protocol(self) -> asyncio.Protocol:
        return PatientProtocol(self._config, self._server.server_state, {}, self._loop)


def set_up(connection: socket.socket, dead_s: int) -> None:
    """Sends what is written at once, and lets the system end the connection when the other machine has said
    nothing for `dead_s` seconds."""
    options = {
        "TCP_KEEPIDLE": dead_s // 2,
        "TCP_KEEPINTVL": max(1, dead_s // 8),
        "TCP_KEEPCNT": 4,
        "TCP_USER_TIMEOUT": dead_s * 1000,
    }
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in options.items():
        if hasattr(socket, name):  # not every system has all
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def room_for(connections: int) -> int:
    """Lets the process open files for so many connections; returns for how many it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _RESERVED_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, allowed - _RESERVED_FILES)
