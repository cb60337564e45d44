"""Messages to sessions: fire and forget, with the answer, and as a stream."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp

from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.runs import Session
from holdfast.server.dialects.dexto.choosing import turn_options
from holdfast.server.dialects.dexto.encoder import TurnEncoder
from holdfast.server.dialects.dexto.mapping_messages import reply_of
from holdfast.server.dialects.dexto.places import reached, tool_names
from holdfast.server.dialects.dexto.supplying import parts_in
from holdfast.server.dialects.dexto.turns import TurnAnswer, failed, refused
from holdfast.server.dialects.dexto.wire_messages import Accepted, Busy, MessageBody, SyncReply
from holdfast.server.kit.operations import Call, Operation, written
from holdfast.server.kit.starting import start_in_turn, start_now

_LOG = logging.getLogger(__name__)


async def post_message(call: Call) -> Accepted:
    """Sends a message and returns at once; the answer is in the session's history."""
    body: MessageBody = call.body
    session = await reached(call.workbench, body.session_id)
    try:
        parts = await parts_in(call.workbench, session.id, body.content)
        options = await turn_options(call.workbench, session)
        await call.workbench.runs.send(session.id, parts, options)
    except HoldfastError as error:
        _LOG.info("a message of session %s was not taken: %s", session.id, error.message)
    return Accepted(session_id=body.session_id)


async def post_message_sync(call: Call) -> SyncReply:
    """Sends a message when the session is idle, and waits for the answer."""
    body: MessageBody = call.body
    session = await reached(call.workbench, body.session_id)
    parts = await parts_in(call.workbench, session.id, body.content)
    options = await turn_options(call.workbench, session)
    run_id = await start_in_turn(call, session, parts, options)
    encoder = TurnEncoder(body.session_id, await tool_names(call.workbench))
    state = await TurnAnswer(call, session.id, run_id, encoder).whole()
    if state.error is not None:
        raise failed(state.error, state.model)
    return reply_of(state, body.session_id)


async def post_message_stream(call: Call) -> ASGIApp:
    """Sends a message and streams what the agent does; a busy session takes none."""
    body: MessageBody = call.body
    session = await reached(call.workbench, body.session_id)
    encoder = TurnEncoder(body.session_id, await tool_names(call.workbench))
    try:
        parts = await parts_in(call.workbench, session.id, body.content)
        options = await turn_options(call.workbench, session)
        run_id = await start_now(call.workbench, session, parts, options)
    except ConflictError as error:
        return await _busy(call, session, body.session_id, error)
    except NotFoundError:
        raise
    except HoldfastError as error:
        return refused(call, encoder, error)
    return TurnAnswer(call, session.id, run_id, encoder).told()


async def _busy(call: Call, session: Session, session_id: str, error: ConflictError) -> ASGIApp:
    """Returns the answer that a session is busy. Raises `error` where that is not what it says."""
    if error.code != "busy":
        raise error
    waiting = await call.workbench.sessions.queue(session.id)
    hint = f"The session is busy. Use POST /api/queue/{session_id} to queue the message for it."
    said = Busy(session_id=session_id, queue_length=len(waiting), hint=hint)
    return written(Busy, said, 202)


OPERATIONS = (
    Operation("post_message", "POST", "/api/message", post_message, 202, result=Accepted, body=MessageBody),
    Operation(
        "post_message_sync",
        "POST",
        "/api/message-sync",
        post_message_sync,
        result=SyncReply,
        body=MessageBody,
    ),
    Operation(
        "post_message_stream",
        "POST",
        "/api/message-stream",
        post_message_stream,
        also=((202, Busy),),
        gives="text/event-stream",
        body=MessageBody,
    ),
)
