"""Messages that wait until a session is no longer busy."""

from __future__ import annotations

from holdfast.core.domain.errors import NotFoundError
from holdfast.server.dialects.dexto.choosing import turn_options
from holdfast.server.dialects.dexto.errors import not_here
from holdfast.server.dialects.dexto.mapping_messages import queued_out
from holdfast.server.dialects.dexto.places import known
from holdfast.server.dialects.dexto.supplying import parts_in
from holdfast.server.dialects.dexto.wire_messages import (
    Queue,
    QueueBody,
    QueueCleared,
    Queued,
    QueueRemoved,
)
from holdfast.server.kit.operations import Call, Operation


async def get_queue(call: Call) -> Queue:
    """Lists the messages that wait, oldest first."""
    session = await known(call.workbench, call.path["sessionId"])
    waiting = await call.workbench.sessions.queue(session.id)
    return Queue(messages=[queued_out(each) for each in waiting], count=len(waiting))


async def queue_message(call: Call) -> Queued:
    """Lets a message wait for the run under way, or for the next one."""
    body: QueueBody = call.body
    session = await known(call.workbench, call.path["sessionId"])
    parts = await parts_in(call.workbench, session.id, body.content)
    options = await turn_options(call.workbench, session)
    queued = await call.workbench.runs.follow_up(session.id, parts, body.kind, options)
    waiting = [each.id for each in await call.workbench.sessions.queue(session.id)]
    # It may have entered the run already.
    return Queued(id=queued.id, position=waiting.index(queued.id) + 1 if queued.id in waiting else 1)


async def clear_queue(call: Call) -> QueueCleared:
    """Takes all messages out of the queue."""
    session = await known(call.workbench, call.path["sessionId"])
    return QueueCleared(count=len(await call.workbench.sessions.empty_queue(session.id)))


async def remove_queued_message(call: Call) -> QueueRemoved:
    """Takes one message out of the queue."""
    session = await known(call.workbench, call.path["sessionId"])
    try:
        gone = await call.workbench.sessions.pull_back(session.id, call.path["messageId"])
    except NotFoundError:
        raise not_here("Message not found in queue") from None
    return QueueRemoved(id=gone.id)


_ALL, _ONE = "/api/queue/{sessionId}", "/api/queue/{sessionId}/{messageId}"

OPERATIONS = (
    Operation("get_queue", "GET", _ALL, get_queue, result=Queue),
    Operation("queue_message", "POST", _ALL, queue_message, 201, result=Queued, body=QueueBody),
    Operation("clear_queue", "DELETE", _ALL, clear_queue, result=QueueCleared),
    Operation("remove_queued_message", "DELETE", _ONE, remove_queued_message, result=QueueRemoved),
)
