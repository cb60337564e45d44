"""Answers to messages: a run, heard together with what becomes of its session meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from starlette.types import ASGIApp

from holdfast.core.domain.errors import ErrorInfo, HoldfastError, ModelError, from_info
from holdfast.core.domain.events import (
    ApprovalRequested,
    ApprovalResolved,
    ChildRunStarted,
    EventFilter,
    LoggedEvent,
    MessageDequeued,
    MessageQueued,
    QuestionAnswered,
    QuestionAsked,
    SessionRenamed,
)
from holdfast.core.domain.runs import RunOptions
from holdfast.server.dialects.dexto.encoder import TurnEncoder
from holdfast.server.dialects.dexto.mapping_messages import is_models
from holdfast.server.dialects.dexto.mapping_providers import dexto_model
from holdfast.server.kit.answers import RunAnswer
from holdfast.server.kit.errors import plain_message
from holdfast.server.kit.operations import Call
from holdfast.server.kit.stream import FrameStream

OPTIONS = RunOptions(approvals="wait", hand_over=False)
"""Of every run: it waits for a person, and stays with its agent."""
_GONE = ("session.trashed", "session.deleted", "session.cleared")
_ASKED = (ApprovalRequested, ApprovalResolved, QuestionAsked, QuestionAnswered)
"""What is told of the runs of sub-agents: a person has to answer."""
_AHEAD = 256
"""Events that are read before somebody takes them."""
_HEADERS = {"cache-control": "no-cache"}
_STREAM = "text/event-stream"

Heard = LoggedEvent | HoldfastError | None
"""An event; or why there are no more, None where the log has closed."""


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
        heard: asyncio.Queue[Heard] = asyncio.Queue(_AHEAD)
        readers = [self._reader(self._session_id, run.first_event_id - 1, heard)]
        state = self._encoder.state
        try:
            while (logged := await heard.get()) is not None:
                if isinstance(logged, HoldfastError):
                    raise logged
                if logged.event.type in _GONE and logged.event.session_id == self._session_id:
                    state.status = "cancelled"
                elif isinstance(logged.event, ChildRunStarted):
                    readers.append(self._reader(logged.event.child_session_id, logged.id, heard))
                elif self._is_heard(logged):
                    yield logged
                if state.ended:
                    return
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    def _reader(self, session_id: str, after: int, heard: asyncio.Queue[Heard]) -> asyncio.Task[None]:
        return asyncio.create_task(self._read_session(session_id, after, heard))

    async def _read_session(self, session_id: str, after: int, heard: asyncio.Queue[Heard]) -> None:
        """Hears what happens in the session, or in one that a sub-agent works in for it."""
        wanted = EventFilter(session_id=session_id, deltas=session_id == self._session_id)
        following = self._call.workbench.events.follow(wanted, after)
        try:
            async with aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events:
                async for logged in events:
                    await heard.put(logged)
        except HoldfastError as error:
            await heard.put(error)
        await heard.put(None)

    def _is_heard(self, logged: LoggedEvent) -> bool:
        event = logged.event
        if event.session_id != self._session_id:
            return isinstance(event, _ASKED)
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
    if not is_models(error):
        return from_info(error)
    provider, name = dexto_model(model)
    context = {"details": {"error": plain_message(error), "provider": provider, "model": name}}
    return ModelError(error.message, code="llm_generation_failed", details={"context": context})
