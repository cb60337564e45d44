"""WebSockets on uvicorn's side of a door. Imported with the first one: most engines see none."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from holdfast.core.domain.errors import ErrorInfo, ErrorKind
from holdfast.core.domain.values import new_id
from holdfast.server.kit.errors import error_response

if TYPE_CHECKING:
    from uvicorn.server import ServerState

    from holdfast.server.connections import Config

_CLOSED_FOR_TEXT = 1007

# What clients do wrong is no news for the engine's log: only errors of ours go there.
_QUIET = logging.getLogger("uvicorn.error.sockets")
_QUIET.setLevel(logging.ERROR)


class SocketProtocol(WebSocketsSansIOProtocol):
    """A connection whose request has asked for a WebSocket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = _QUIET

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            self._refuse(400)  # a head that is longer than this library reads

    def handle_connect(self, event: Request) -> None:
        """Hands a sound handshake to the application."""
        status = self.conn.accept(event).status_code
        if status == 101:
            return super().handle_connect(event)
        return self._refuse(status)

    def _refuse(self, status: int) -> None:
        """Answers what is no handshake in the shape of all errors."""
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        info = ErrorInfo(
            kind=ErrorKind.INVALID, code="malformed_request", message="This is no handshake of a WebSocket"
        )
        self.transport.write(_as_bytes(error_response(info, new_id(), status=status)))
        self.transport.close()

    async def send(self, message: Any) -> None:
        """Sends what the application says."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # it was refused, and that is no mistake of the application

    def pause_writing(self) -> None:
        """Reads no more while the client takes nothing: pings are answered whether the answers are taken or
        not."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Goes on reading, unless a message waits for the application."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def send_receive_event_to_app(self) -> None:
        """Passes a message on, unless it says to be text and is none."""
        if self.curr_msg_data_type == "text" and not _is_text(self.frames):
            self.frames = []
            self.conn.fail(_CLOSED_FOR_TEXT, "this is not UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def shutdown(self) -> None:
        """Ends the connection, and tells the client why."""
        if not self.transport.is_closing():
            super().shutdown()


class PatientSocket(SocketProtocol):
    """One from the network: who does not take what is sent is cut off, as `Patience` says."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self._take_s = config.patience.take_s
        self._held = config.held
        self._timer: asyncio.TimerHandle | None = None
        self._over = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._over:
            self._stop_waiting()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        self._over = True
        if not self.disconnected:
            self._wait()  # for it to take what is left, and to be gone

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()  # nobody is there who would take what is left

    def _wait(self) -> None:
        if self._timer is None:
            self._held.add(self, self.transport.abort)
            self._timer = self.loop.call_later(self._take_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._held.remove(self)


def _is_text(frames: list[bytes]) -> bool:
    try:
        b"".join(frames).decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_bytes(answer: Response) -> bytes:
    headers = [*answer.raw_headers, (b"connection", b"close")]
    head = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"HTTP/1.1 %d Refused\r\n%s\r\n%s" % (answer.status_code, head, bytes(answer.body))
