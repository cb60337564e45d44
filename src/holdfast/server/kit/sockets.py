"""WebSockets of a dialect: what its clients may open, and what is said on one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.datastructures import QueryParams
from starlette.routing import WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.identity import Principal

if TYPE_CHECKING:
    from holdfast.core.services.workbench import Workbench
    from holdfast.server.kit.operations import Door


REFUSED = "holdfast.refused"
"""The key of a message that the door counts as one too many: its value is why."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message on a socket."""

    text: str
    refused: HoldfastError | None = None
    """Why nothing may be done for it; it is here to be answered."""


@dataclass(frozen=True, slots=True)
class SocketCall:
    """A socket that a caller who was let in wants to open. Who raises before `accept` refuses it: the error
    is the answer to the request, as everywhere else."""

    socket: WebSocket
    principal: Principal
    workbench: Workbench
    """As the caller sees it."""
    door: Door
    path: dict[str, Any]
    """The parameters of the path."""

    async def accept(self) -> None:
        """Opens the socket."""
        try:
            await self.socket.accept()
        except OSError:
            raise WebSocketDisconnect(1006) from None

    async def receive(self) -> Heard | None:
        """Returns the next message; None when the other end has gone, or the door lets it in no longer.
        Raises `InvalidError` for one that is no text."""
        message: Message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text: str | None = message.get("text")
        if text is None:
            raise InvalidError("Messages must be text.", code="invalid_request")
        return Heard(text, message.get(REFUSED))

    async def send(self, text: str) -> bool:
        """Sends a message, when the other end takes it; says whether the socket is still open."""
        try:
            await self.socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):  # Starlette says the second of a socket that was closed
            return False
        return True

    async def end(self) -> None:
        """Closes the socket, unless it is closed."""
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.socket.close()


@dataclass(frozen=True, slots=True)
class Socket:
    """A WebSocket that a dialect's clients may open."""

    id: str
    """As the upstream names it; unique in its dialect. The manifest has a row for it."""
    path: str
    """Below the dialect's prefix."""
    answer: Callable[[SocketCall], Awaitable[None]]
    """Opens it, and says what is to be said on it until one end closes; the socket ends with it."""
    root: Callable[[QueryParams], bool] | None = None
    """Says by the query whether a request at the host's root is for this one, whatever is answered there
    otherwise: there are clients who leave the prefix out. None: the path is below the prefix only."""


@dataclass(frozen=True, slots=True)
class SocketRoute:
    """Where an API has a WebSocket, with the prefix."""

    route: WebSocketRoute
    root: Callable[[QueryParams], bool] | None = None
    """See `Socket.root`."""
