"""Answers to messages: a run, heard together with what becomes of its session meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from starlette.types import ASGIApp

from holdfast.core.domain.errors import ErrorInfo, HoldfastError, ModelError, from_info
from holdfast.core.domain.events import (
    EventFilter,
    LoggedEvent,
    MessageDequeued,
    MessageQueued,
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


class TurnAnswer(RunAnswer[bytes]):
    """The answer to a message that has started a run. The run goes on when the caller leaves; the answer ends
    where its session is deleted or reset."""

    def __init__(self, call: Call, core_id: str, run_id: str, encoder: TurnEncoder) -> None:
        """`core_id` is our id of the session."""
        super().__init__(call, run_id, encoder, "detach")
        self._session_id = core_id

    async def _events(self) -> AsyncGenerator[LoggedEvent, None]:
        run = await self._call.workbench.runs.get(self._run_id)
        wanted = EventFilter(session_id=self._session_id)
        following = self._call.workbench.events.follow(wanted, run.first_event_id - 1)
        state = self._encoder.state
        async with aclosing(cast("AsyncGenerator[LoggedEvent, None]", following)) as events:
            async for logged in events:
                if logged.event.type in _GONE:
                    state.status = "cancelled"
                elif self._is_heard(logged):
                    yield logged
                if state.ended:
                    return

    def _is_heard(self, logged: LoggedEvent) -> bool:
        event = logged.event
        queue = isinstance(event, MessageQueued | MessageDequeued | SessionRenamed)
        return queue or event.run_id == self._run_id


def refused(call: Call, encoder: TurnEncoder, error: HoldfastError) -> ASGIApp:
    """Returns a stream that tells why a run could not begin."""

    async def frames() -> AsyncGenerator[bytes, None]:
        for frame in encoder.refused(error.info):
            yield frame

    return FrameStream(frames(), closing=call.door.closing, ping_s=call.door.ping_s)


def failed(error: ErrorInfo, model: str) -> HoldfastError:
    """Returns what a caller is told who has waited for a run that has failed."""
    if not is_models(error):
        return from_info(error)
    provider, name = dexto_model(model)
    context = {"details": {"error": plain_message(error), "provider": provider, "model": name}}
    return ModelError(error.message, code="llm_generation_failed", details={"context": context})
