"""Answers to messages: a run, heard together with what becomes of its session meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.types import ASGIApp

from holdfast.core.domain.errors import ErrorInfo, HoldfastError, from_info
from holdfast.core.domain.events import (
    RUN_ENDS,
    LoggedEvent,
    MessageDequeued,
    MessageQueued,
    SessionRenamed,
)
from holdfast.core.domain.runs import RunOptions
from holdfast.server.dialects.dexto.encoder import TurnEncoder
from holdfast.server.dialects.dexto.hearing import Hearing
from holdfast.server.dialects.dexto.mapping_messages import of_model
from holdfast.server.kit.answers import RunAnswer
from holdfast.server.kit.operations import Call
from holdfast.server.kit.stream import FrameStream

OPTIONS = RunOptions(approvals="wait", hand_over=False)
"""Of every run: it waits for a person, and stays with its agent."""
_GONE = ("session.trashed", "session.deleted", "session.cleared")
_HEADERS = {"cache-control": "no-cache"}
_STREAM = "text/event-stream"


class TurnAnswer(RunAnswer[bytes]):
    """The answer to a message that has started a run. The run goes on when the caller leaves; the answer ends
    where its session is deleted or reset."""

    def __init__(self, call: Call, core_id: str, run_id: str, encoder: TurnEncoder) -> None:
        """`core_id` is our id of the session."""
        super().__init__(call, run_id, encoder, "detach")
        self._session_id = core_id

    def told(self) -> FrameStream:
        """Returns the response that streams it."""
        return self.stream(headers=_HEADERS, media_type=_STREAM)

    async def _events(self) -> AsyncGenerator[LoggedEvent, None]:
        run = await self._call.workbench.runs.get(self._run_id)
        hearing = Hearing(self._call.workbench, self._session_id, run.first_event_id - 1)
        state = self._encoder.state
        try:
            while not state.ended and (logged := await hearing.next()) is not None:
                event = logged.event
                if event.type in _GONE and event.session_id == self._session_id:
                    state.status = "cancelled"
                if event.type in RUN_ENDS and event.run_id == self._run_id:
                    for late in await hearing.rest():
                        yield late
                if self._is_told(logged):
                    yield logged
        finally:
            await hearing.close()

    def _is_told(self, logged: LoggedEvent) -> bool:
        event = logged.event
        if event.session_id != self._session_id:
            return True  # a sub-agent asks a person
        queue = isinstance(event, MessageQueued | MessageDequeued | SessionRenamed)
        return queue or event.run_id == self._run_id


def refused(call: Call, encoder: TurnEncoder, error: HoldfastError) -> ASGIApp:
    """Returns a stream that tells why a run could not begin."""

    async def frames() -> AsyncGenerator[bytes, None]:
        for frame in encoder.refused(error.info):
            yield frame

    return FrameStream(
        frames(), closing=call.door.closing, ping_s=call.door.ping_s, headers=_HEADERS, media_type=_STREAM
    )


def failed(error: ErrorInfo, model: str) -> HoldfastError:
    """Returns what a caller is told who has waited for a run that has failed."""
    return from_info(of_model(error, model) or error)
