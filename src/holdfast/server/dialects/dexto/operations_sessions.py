"""Sessions of Dexto's users: made, listed, named, read, cancelled and deleted."""

from __future__ import annotations

import uuid
from contextlib import suppress

from holdfast.core.domain.errors import NotFoundError
from holdfast.server.dialects.dexto.active import active_agent
from holdfast.server.dialects.dexto.errors import not_here
from holdfast.server.dialects.dexto.history import history
from holdfast.server.dialects.dexto.mapping_sessions import (
    LONGEST_TITLE,
    greeting_of,
    loaded,
    meta,
    with_history,
)
from holdfast.server.dialects.dexto.places import (
    all_sessions,
    cleared,
    deleted,
    found,
    known,
    reached,
)
from holdfast.server.dialects.dexto.wire_messages import ResetDone, SessionBody
from holdfast.server.dialects.dexto.wire_sessions import (
    CancelBody,
    Cancelled,
    CreateBody,
    Deleted,
    Greeting,
    GreetingQuery,
    History,
    OneLoaded,
    OneSession,
    OneWithHistory,
    Sessions,
    Title,
    TitleBody,
)
from holdfast.server.kit.named_sessions import busy, cancelled
from holdfast.server.kit.operations import Call, Operation


async def list_sessions(call: Call) -> Sessions:
    """Lists the caller's sessions."""
    return Sessions(sessions=[meta(each) for each in await all_sessions(call.workbench)])


async def create_session(call: Call) -> OneSession:
    """Makes a session; one that there is already is given as it is."""
    body: CreateBody = call.body
    wanted = str(uuid.uuid4()) if body.session_id is None else body.session_id
    return OneSession(session=meta(await reached(call.workbench, wanted)))


async def get_session(call: Call) -> OneWithHistory:
    """Gives a session, with the number of its messages."""
    session = await known(call.workbench, call.path["sessionId"])
    messages = await history(call.workbench, session, images=False)
    return OneWithHistory(session=with_history(session, len(messages)))


async def update_session(call: Call) -> OneSession:
    """Gives a session another title, cut to 80 characters."""
    session = await known(call.workbench, call.path["sessionId"])
    title = call.body.title.strip()[:LONGEST_TITLE]
    return OneSession(session=meta(await call.workbench.sessions.rename(session.id, title)))


async def delete_session(call: Call) -> Deleted:
    """Deletes a session, and ends what goes on in it; one that is gone already is no mistake."""
    session = await found(call.workbench, call.path["sessionId"])
    if session is not None:
        with suppress(NotFoundError):  # another request was quicker
            await deleted(call.workbench, session)
    return Deleted(session_id=call.path["sessionId"])


async def get_session_history(call: Call) -> History:
    """Gives what was said in a session, oldest first."""
    session = await known(call.workbench, call.path["sessionId"])
    messages = await history(call.workbench, session)
    return History(history=[each.message for each in messages], is_busy=busy(session))


async def load_session(call: Call) -> OneLoaded:
    """Gives a session, and says whether it is busy."""
    wanted = call.path["sessionId"]
    session = await found(call.workbench, wanted)
    if session is None:
        raise not_here(f"Session not found: {wanted}")
    return OneLoaded(session=loaded(session))


async def cancel_session(call: Call) -> Cancelled:
    """Cancels the run of a session. What waits in its queue is sent then, unless it is to be cleared."""
    clear, wanted = call.body.clear_queue, call.path["sessionId"]
    session = await found(call.workbench, wanted)
    done, gone = False, 0
    if session is not None:
        gone = len(await call.workbench.sessions.empty_queue(session.id)) if clear else 0
        done = await cancelled(call.workbench, session)
    return Cancelled(cancelled=done, session_id=wanted, queue_cleared=clear, cleared_count=gone)


async def post_reset(call: Call) -> ResetDone:
    """Deletes what was said in a session, which stays with its title and its model."""
    body: SessionBody = call.body
    await cleared(call.workbench, await known(call.workbench, body.session_id))
    return ResetDone(session_id=body.session_id)


async def generate_session_title(call: Call) -> Title:
    """Gives the title of a session; one that has none is given one by its model."""
    session = await known(call.workbench, call.path["sessionId"])
    titled = meta(await call.workbench.sessions.entitle(session.id))
    return Title(title=titled.title, session_id=titled.id)


async def get_greeting(call: Call) -> Greeting:
    """Gives what the agent says before anybody has said something."""
    wanted: str = call.query.session_id
    session = await found(call.workbench, wanted) if wanted else None
    workbench = call.workbench
    agent = await (active_agent(workbench) if session is None else workbench.agents.get(session.agent))
    return Greeting(greeting=greeting_of(agent))


_ALL, _ONE = "/api/sessions", "/api/sessions/{sessionId}"

OPERATIONS = (
    Operation("list_sessions", "GET", _ALL, list_sessions, result=Sessions),
    Operation(
        "create_session",
        "POST",
        _ALL,
        create_session,
        201,
        result=OneSession,
        body=CreateBody,
        required=False,
    ),
    Operation("get_session", "GET", _ONE, get_session, result=OneWithHistory),
    Operation("update_session", "PATCH", _ONE, update_session, result=OneSession, body=TitleBody),
    Operation("delete_session", "DELETE", _ONE, delete_session, result=Deleted),
    Operation("get_session_history", "GET", _ONE + "/history", get_session_history, result=History),
    Operation("load_session", "GET", _ONE + "/load", load_session, result=OneLoaded),
    Operation(
        "cancel_session",
        "POST",
        _ONE + "/cancel",
        cancel_session,
        result=Cancelled,
        body=CancelBody,
        required=False,
    ),
    Operation("post_reset", "POST", "/api/reset", post_reset, result=ResetDone, body=SessionBody),
    Operation(
        "generate_session_title", "POST", _ONE + "/generate-title", generate_session_title, result=Title
    ),
    Operation("get_greeting", "GET", "/api/greeting", get_greeting, result=Greeting, query=GreetingQuery),
)
