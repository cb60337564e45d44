"""Messages of A2A clients: they answer what waits in a session, steer what goes on, or start something."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from holdfast.core.domain.errors import ConflictError, HoldfastError
from holdfast.core.domain.events import EventFilter, LoggedEvent
from holdfast.core.domain.runs import Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.choosing import turn_options
from holdfast.server.dialects.dexto.encoder_a2a import RpcEncoder, TaskEncoder
from holdfast.server.dialects.dexto.mapping_a2a import said_in, task_of
from holdfast.server.dialects.dexto.mapping_sessions import called
from holdfast.server.dialects.dexto.places import reached, tool_names
from holdfast.server.dialects.dexto.turns import failed
from holdfast.server.dialects.dexto.wire_a2a import MessageIn, SendBody, TaskOut
from holdfast.server.kit.answers import while_there
from holdfast.server.kit.named_sessions import busy
from holdfast.server.kit.operations import Call
from holdfast.server.kit.starting import start_in_turn
from holdfast.server.kit.stream import FrameStream
from holdfast.server.tasks.desk import parts_of, settle, waiting_in
from holdfast.server.tasks.following import Following
from holdfast.server.tasks.turns import turns_of

_BETWEEN = " "
"""Stands between the texts of a message."""
_LATEST = 200
"""Events of a session that its task is read from where many are listed."""
KEEPALIVE, KEEPALIVE_S = b": keepalive\n\n", 30.0


@dataclass(frozen=True, slots=True)
class Begun:
    """What a message has started, or gone into."""

    session: Session
    following: Following
    new: bool = False
    """Whether the message has started a run."""

    @property
    def task_id(self) -> str:
        return called(self.session)


async def begin(call: Call, body: SendBody) -> Begun:
    """Takes a message. Raises what the services raise, and `InvalidError`."""
    said = said_in(body.message)
    wanted = body.message.task_id or body.message.context_id or str(uuid.uuid4())
    session = await reached(call.workbench, wanted)
    if busy(session) and session.run_id is not None:
        following = Following(call.workbench, await call.workbench.runs.get(session.run_id))
        await following.catch_up()
        if await _entered(call.workbench, session, following, body.message):
            return Begun(session, following)
    parts = await parts_of(call.workbench, session.id, said, _BETWEEN)
    options = await turn_options(call.workbench, session)
    run_id = await start_in_turn(call, session, parts, options)
    following = Following(call.workbench, await call.workbench.runs.get(run_id))
    await following.begin()
    return Begun(session, following, new=True)


async def _entered(workbench: Workbench, session: Session, following: Following, message: MessageIn) -> bool:
    """Lets a message answer what waits, or enter what goes on; says whether that has not ended meanwhile. An
    agent's own words answer nothing."""
    said, waiting = said_in(message), await waiting_in(workbench, session.id)
    if waiting:
        key = (following.run_id, message.message_id)
        settled = None if message.role == "agent" else await settle(workbench, waiting, said, key)
        if settled is not None:
            following.settle(settled)
        return True
    parts = await parts_of(workbench, session.id, said, _BETWEEN)
    try:
        await workbench.runs.steer(following.run_id, parts)
    except ConflictError:
        return False
    return True


async def answered(call: Call, begun: Begun) -> TaskOut:
    """Waits until the run has ended, or waits for a person; returns the task. Raises what the run has failed
    with."""
    await while_there(call, _until_over(begun.following))
    state = begun.following.state
    if state.error is not None:
        raise failed(state.error, state.model)
    return await task_in(call.workbench, begun.session)


async def _until_over(following: Following) -> None:
    async with aclosing(following.events()) as events:
        async for _ in events:
            continue


async def task_in(workbench: Workbench, session: Session, *, whole: bool = True) -> TaskOut:
    """Returns a session as a task, as it is now; without `whole` with the latest of what was said."""
    session = await workbench.sessions.get(session.id)
    events = await (_events if whole else _latest)(workbench, session)
    waiting = await waiting_in(workbench, session.id) if session.pending else ()
    return task_of(session, turns_of(events), waiting)


async def _events(workbench: Workbench, session: Session) -> list[LoggedEvent]:
    wanted, cursor = EventFilter(session_id=session.id, deltas=False), "0"
    found: list[LoggedEvent] = []
    while True:
        page = await workbench.events.read(wanted, int(cursor))
        found += page.items
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


async def _latest(workbench: Workbench, session: Session) -> list[LoggedEvent]:
    return list((await workbench.events.page_before(session.id, limit=_LATEST)).items)


# --- streams


async def own_stream(call: Call, begun: Begun) -> ASGIApp:
    """Returns the stream of a task with Dexto's own events."""
    encoder = TaskEncoder(begun.task_id, await tool_names(call.workbench))
    return _stream(call, _own_frames(call.workbench, begun, encoder))


async def _own_frames(
    workbench: Workbench, begun: Begun, encoder: TaskEncoder
) -> AsyncGenerator[bytes, None]:
    following = begun.following
    for frame in encoder.begin():
        yield frame
    for logged in following.known:
        frames = encoder.take(logged)
        for frame in frames if begun.new else ():  # else an earlier stream has told it
            yield frame
    try:
        async with aclosing(following.events()) as events:
            async for heard in events:
                if heard.logged.event.run_id == following.run_id:
                    for frame in encoder.take(heard.logged):
                        yield frame
        if following.waits and not following.ended:
            yield encoder.asks(await waiting_in(workbench, begun.session.id))
    except HoldfastError as error:
        for frame in encoder.cut(error.info):
            yield frame


async def rpc_stream(call: Call, begun: Begun, rpc_id: Any) -> ASGIApp:
    """Returns the stream of a task as version 0.3 of the protocol has it."""
    encoder = RpcEncoder(begun.task_id, rpc_id, begun.following)
    task = await task_in(call.workbench, begun.session)
    return _stream(call, _rpc_frames(call.workbench, begun, encoder, task))


async def _rpc_frames(
    workbench: Workbench, begun: Begun, encoder: RpcEncoder, task: TaskOut
) -> AsyncGenerator[bytes, None]:
    following = begun.following
    yield encoder.task(task)
    try:
        async with aclosing(following.events()) as events:
            async for heard in events:
                for frame in encoder.heard(heard):
                    yield frame
        if following.ended:
            for frame in encoder.end():
                yield frame
        else:
            yield encoder.asks(await waiting_in(workbench, begun.session.id))
    except HoldfastError as error:
        yield encoder.cut(error.info)


def _stream(call: Call, frames: AsyncGenerator[bytes, None]) -> ASGIApp:
    return FrameStream(frames, closing=call.door.closing, ping_s=KEEPALIVE_S, ping=KEEPALIVE)
