"""Answers that are runs: as a stream of frames, or as what they have come to. Both are one encoder, so that
they cannot differ."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Generic, Literal, Protocol, TypeVar, cast

from starlette.requests import Request

from holdfast.core.domain.errors import ErrorInfo, HoldfastError, UnavailableError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.runs import Run
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.operations import Call, Door
from holdfast.server.kit.run_state import RunState
from holdfast.server.kit.sockets import SocketCall
from holdfast.server.kit.sse import PING
from holdfast.server.kit.stream import EVENT_STREAM, FrameStream, when_gone

F = TypeVar("F")
R = TypeVar("R")

OnDisconnect = Literal["detach", "cancel"]
"""What becomes of a run whose caller has gone: it goes on, or it is cancelled."""

_LOG = logging.getLogger(__name__)


class EventEncoder(ABC, Generic[F]):
    """Turns the events of a run into frames of one upstream. Pure: it only looks at `state`, which has taken
    the event already, and remembers what it has said."""

    def __init__(self) -> None:
        self.state = RunState()

    def begin(self) -> Iterable[F]:
        """Returns the frames before everything else."""
        return ()

    def take(self, logged: LoggedEvent) -> list[F]:
        """Takes the next event; returns its frames."""
        self.state.take(logged)
        return list(self.frames(logged))  # a generator that nobody reads would remember nothing

    @abstractmethod
    def frames(self, logged: LoggedEvent) -> Iterable[F]:
        """Returns the frames of the event that `state` has just taken."""

    @abstractmethod
    def cut(self, error: ErrorInfo) -> Iterable[F]:
        """Returns the frames that end the stream of a run whose end was not heard."""


class RunAnswer(Generic[F]):
    """The answer to a request that has started a run, while the run goes on."""

    def __init__(
        self,
        call: Call | SocketCall,
        run_id: str,
        encoder: EventEncoder[F],
        on_disconnect: OnDisconnect,
        behind: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`call` is the request that gets the answer, or the socket that its frames go to. `behind` is done
        when nothing more is answered, however that came; the run may go on then."""
        self._behind = behind
        self._call = call
        self._run_id = run_id
        self._encoder = encoder
        self._on_disconnect = on_disconnect

    async def frames(self) -> AsyncGenerator[F, None]:
        """Yields frames up to the run's end. When it is closed before, the run is cancelled or goes on, as
        the operation says; so it does where the door closes."""
        encoder = self._encoder
        try:
            for frame in encoder.begin():
                yield frame
            async with aclosing(self._events()) as events:
                async for logged in events:
                    for frame in encoder.take(logged):
                        yield frame
            if not encoder.state.ended:  # the log has closed
                raise stopping()
        except HoldfastError as error:
            for frame in encoder.cut(error.info):
                yield frame
        finally:
            await self._leave()

    def stream(
        self: RunAnswer[bytes],
        *,
        media_type: str = EVENT_STREAM,
        ping: bytes = PING,
        ping_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> FrameStream:
        """Returns the response that streams the frames. `ping` breaks silences of `ping_s` seconds."""
        door = self._call.door
        return FrameStream(
            self.frames(),
            closing=door.closing,
            ping_s=door.ping_s if ping_s is None else ping_s,
            ping=ping,
            headers=headers,
            media_type=media_type,
            cut=lambda: b"".join(self._encoder.cut(stopping().info)),
        )

    async def whole(self) -> RunState:
        """Waits for the run's end; returns what it has come to. Raises `UnavailableError` when the door
        closes before. A caller who goes away ends the wait."""
        assert isinstance(self._call, Call)  # nobody waits on a socket
        try:
            await while_there(self._call, self._read())
        finally:
            await self._leave()
        return self._encoder.state

    async def _read(self) -> None:
        async with aclosing(self._events()) as events:
            async for logged in events:
                self._encoder.take(logged)
        if not self._encoder.state.ended:
            raise stopping()

    async def _events(self) -> AsyncGenerator[LoggedEvent, None]:
        following = self._call.workbench.events.follow(EventFilter(run_id=self._run_id), 0)
        # An iterator that is no generator has nothing to close.
        async with aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events:
            async for logged in events:
                yield logged
                if self._encoder.state.ended:
                    return

    async def _leave(self) -> None:
        try:
            if not self._encoder.state.ended and self._on_disconnect == "cancel":
                await self._call.workbench.runs.cancel(self._run_id)
        except HoldfastError as error:
            _LOG.warning("run %s could not be cancelled: %s", self._run_id, error.message)
        finally:
            if self._behind is not None:
                await self._behind()


class Asking(Protocol):
    """Who may go away: a call, or what others have in its place."""

    @property
    def request(self) -> Request: ...

    @property
    def door(self) -> Door: ...


async def while_there(call: Asking, work: Coroutine[Any, Any, R]) -> R:
    """Returns what `work` gives. It is cancelled where the caller goes away or the door closes; then this
    raises `UnavailableError`."""
    working = asyncio.create_task(work)
    leaving = [
        asyncio.create_task(when_gone(call.request.receive)),
        asyncio.create_task(call.door.closing.wait()),
    ]
    try:
        await asyncio.wait({working, *leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, *leaving):
            task.cancel()
        await asyncio.gather(working, *leaving, return_exceptions=True)
    if working.cancelled():
        # Read only by a caller who is still there: then it is the door that closes.
        raise stopping()
    return working.result()


async def events_of(workbench: Workbench, run: Run) -> list[LoggedEvent]:
    """Returns the events of a run so far, without its deltas."""
    wanted, after = EventFilter(run_id=run.id, deltas=False), run.first_event_id - 1
    found: list[LoggedEvent] = []
    while True:
        page = await workbench.events.read(wanted, after)
        found += page.items
        if page.next_cursor is None:
            return found
        after = int(page.next_cursor)


async def state_of(workbench: Workbench, run: Run) -> RunState:
    """Returns what a run has come to so far."""
    state = RunState()
    for logged in await events_of(workbench, run):
        state.take(logged)
    return state


def stopping() -> UnavailableError:
    """Returns what is said to who asks while the door closes."""
    return UnavailableError("The engine is stopping", code="engine_stopping", retryable=True)
