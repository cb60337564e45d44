"""Completions, and what steers them while they go on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from holdfast.core.domain.errors import ConflictError, NotFoundError, from_info
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import Run
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.h2ogpte.completing import HOLDS, Begun, begin
from holdfast.server.dialects.h2ogpte.frames import Failed, Lines
from holdfast.server.dialects.h2ogpte.mapping_messages import answer_of, failure_of
from holdfast.server.dialects.h2ogpte.wire_chats import Completion, CompletionRequest, Steering
from holdfast.server.kit.answers import stopping
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.stream import FrameStream

JSON_LINES = "application/jsonl"
EMPTY_LINE = b"\n"
"""Breaks silences: readers pass over it."""


async def get_completion(call: Call) -> Completion | FrameStream:
    """Answers a question in a chat: as one reply, or as lines of JSON while it is made."""
    asked: CompletionRequest = call.body
    begun = await begin(call.workbench, call.path["session_id"], asked)
    if asked.stream:
        settings = await call.workbench.engine.settings()
        return _stream(call, begun, Lines(begun.run_id, settings.dialects.h2ogpte_full_last_record))
    state = await begun.answer(call).whole()
    failure = failure_of(state)
    if failure is not None:
        # The run has done its work: nobody is to ask once more by himself.
        raise from_info(failure.model_copy(update={"retryable": False}))
    return Completion(message_id=begun.run_id, body=answer_of(state))


def _stream(call: Call, begun: Begun, lines: Lines) -> FrameStream:
    async def written() -> AsyncGenerator[bytes, None]:
        async with aclosing(begun.said(call)) as said:
            async for each in said:
                for line in lines(each):
                    yield line

    return FrameStream(
        written(),
        closing=call.door.closing,
        ping_s=call.door.ping_s,
        ping=EMPTY_LINE,
        media_type=JSON_LINES,
        cut=lambda: b"".join(lines(Failed(stopping().message))),
    )


async def run_of(workbench: Workbench, id: str) -> Run:
    """Returns the run of a message: that which a question has begun, or of which it is the reply. Raises
    `NotFoundError`."""
    with suppress(NotFoundError):
        return await workbench.runs.of_message(id)
    try:
        return await workbench.runs.get(id)
    except NotFoundError:
        shown = shorten(sanitize_line(id), 80)
        raise NotFoundError(f"There is no message {shown!r}.", code="message_not_found") from None


async def _going_on(call: Call) -> Run:
    """Returns the run that a message names: where that has ended, and another goes on in its chat, the other
    one. Which question of a chat is its latest, callers take from a list."""
    run = await run_of(call.workbench, call.path["question_id"])
    if not run.status.ended:
        return run
    latest = (await call.workbench.sessions.get(run.session_id)).run_id
    other = await call.workbench.runs.get(latest or run.id)
    return run if other.status.ended else other


async def pause(call: Call) -> None:
    """Holds a reply back while it is made."""
    run = await _going_on(call)
    with suppress(ConflictError):  # it has just ended: there is nothing left to pause
        await call.workbench.runs.pause(run.id)
    HOLDS.hold(run.id)  # now that the caller is known to be allowed to


async def resume(call: Call) -> None:
    """Lets a reply go on."""
    run = await _going_on(call)
    with suppress(ConflictError):
        await call.workbench.runs.resume(run.id)
    HOLDS.let_go(run.id)


async def stop(call: Call) -> None:
    """Ends a reply at once; what was said of it stays."""
    run = await _going_on(call)
    await call.workbench.runs.cancel(run.id)
    HOLDS.let_go(run.id)


async def finish(call: Call) -> None:
    """Lets a reply come to an end: an agent writes its answer in the next turn."""
    run = await _going_on(call)
    with suppress(ConflictError):
        await call.workbench.runs.finish(run.id)
    HOLDS.let_go(run.id)


async def hitl(call: Call) -> None:
    """Gives an agent a message before its next turn."""
    body: Steering = call.body
    run = await _going_on(call)
    await call.workbench.runs.steer(run.id, (TextPart(text=body.message),))


_MESSAGE = "/api/v1/messages/{question_id}"

OPERATIONS = (
    Operation(
        "get_completion",
        "POST",
        "/api/v1/chats/{session_id}/completions",
        get_completion,
        result=Completion,
        gives=JSON_LINES,
        body=CompletionRequest,
    ),
    Operation("pause_chat_message", "POST", f"{_MESSAGE}/pause", pause, 204),
    Operation("resume_chat_message", "POST", f"{_MESSAGE}/resume", resume, 204),
    Operation("stop_chat_message", "POST", f"{_MESSAGE}/stop", stop, 204),
    Operation("finish_chat_message", "POST", f"{_MESSAGE}/finish", finish, 204),
    Operation("send_hitl_message", "POST", f"{_MESSAGE}/hitl", hitl, 204, body=Steering),
)
