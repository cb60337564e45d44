"""Operations of Sage's API: conversations, shared ones, and what is said to agents while they work."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from starlette.types import ASGIApp

from holdfast.core.domain.conversations import SessionsFound
from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.identity import Scope
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.conversing import edited, known, rerun, told
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_conversations import (
    guidance_of,
    list_of,
    order_of,
    shared_messages,
    tasks_of,
)
from holdfast.server.dialects.sage.sessions import EXT, SESSIONS
from holdfast.server.dialects.sage.supplying import parts_in
from holdfast.server.dialects.sage.talking import attached
from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.wire_conversations import (
    ContentIn,
    ConversationList,
    ConversationsQuery,
    Edited,
    Guidance,
    GuidanceChanged,
    GuidanceDeleted,
    GuidanceIn,
    Guidances,
    Guided,
    Interrupted,
    InterruptIn,
    Messages,
    OneSession,
    RerunIn,
    TasksStatus,
    Titled,
    TitleIn,
)
from holdfast.server.dialects.sage.wire_streams import MessageIn
from holdfast.server.dialects.sage.words import locale_of
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.guessing import guessing
from holdfast.server.kit.named_sessions import busy, idly, stilled
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.transfer import SentFile


async def list_conversations(call: Call) -> Envelope[ConversationList]:
    """Lists the caller's conversations."""
    asked: ConversationsQuery = call.query
    user = _user(call)
    agents = await call.workbench.agents.list()
    found = SessionsFound(items=(), total=0, user_messages={})
    agent = next((each.name for each in agents if asked.agent_id in (each.id, each.name)), None)
    if (not asked.agent_id or agent is not None) and asked.user_id in (None, user):
        (order, descending), offset = order_of(asked), (asked.page - 1) * asked.page_size
        found = await call.workbench.sessions.browse(
            asked.search[:1000], agent, order, descending, offset, asked.page_size, EXT
        )
    return ok(call, list_of(found, asked, agents, user), "conversations_listed")


async def conversation_messages(call: Call) -> Envelope[Messages]:
    """Returns what was said in a conversation, message by message."""
    session = await known(call.workbench, _called(call), 404)
    found = await told(call.workbench, session, locale_of(call.request.headers))
    return ok(call, found, "messages_read")


async def shared_conversation_messages(call: Call) -> Envelope[Messages]:
    """Returns what was said in a conversation that its owner has shared, to anybody."""
    try:
        with guessing(call.request):
            found = await call.workbench.sessions.shared(_called(call), EXT)
    except NotFoundError:
        raise failure("conversation_not_there", 404, id=_called(call)[:128]) from None
    told_as = shared_messages(found, _called(call), locale_of(call.request.headers))
    return ok(call, told_as, "shared_messages_read")


async def set_conversation_title(call: Call) -> Envelope[Titled]:
    """Gives a conversation another title."""
    asked: TitleIn = call.body
    session = await known(call.workbench, _called(call))
    renamed = await call.workbench.sessions.rename(session.id, asked.title)
    return ok(call, Titled(session_id=_called(call), title=renamed.title), "titled", id=_called(call))


async def delete_conversation(call: Call) -> Envelope[OneSession]:
    """Puts a conversation into the trash, whatever goes on in it."""
    session = await known(call.workbench, _called(call))
    await idly(call.workbench, session, call.workbench.sessions.delete)
    return ok(call, OneSession(session_id=_called(call)), "conversation_deleted", id=_called(call))


async def interrupt_session(call: Call) -> Envelope[Interrupted]:
    """Ends what goes on in a session; where nothing does, and where there is none, that is no mistake."""
    session = await SESSIONS.found(call.workbench, _called(call))
    if session is not None:
        await stilled(call.workbench, session)
    said = Interrupted(session_id=_called(call), user_id=_user(call))
    return ok(call, said, "interrupted", id=_called(call))


async def tasks_status(call: Call) -> Envelope[TasksStatus]:
    """Returns the plan that a session's agent has written down last, as tasks."""
    session = await SESSIONS.found(call.workbench, _called(call))
    if session is None:
        raise failure("session_over", id=_called(call)[:128])
    tasks = tasks_of(await call.workbench.sessions.plan(session.id))
    said = TasksStatus(session_id=_called(call), tasks_status=tasks, user_id=_user(call))
    return ok(call, said, "tasks_read")


async def download_session(call: Call) -> ASGIApp:
    """Gives what was said in a session as a zip."""
    session = await known(call.workbench, _called(call))
    return SentFile(await call.workbench.sessions.bundle(session.id))


# --- what is said to agents while they work


async def inject_user_message(call: Call) -> Envelope[Guided]:
    """Says something to an agent while it works: it enters the run before its next step."""
    asked: GuidanceIn = call.body
    session = await SESSIONS.found(call.workbench, _called(call))
    if session is None or not busy(session):
        raise failure("nothing_to_guide")
    parts = await parts_in(call.workbench, session.id, [MessageIn(role="user", content=asked.content)])
    try:
        queued = await call.workbench.runs.follow_up(session.id, parts, message_id=asked.guidance_id)
    except ConflictError:
        raise failure("guidance_exists", id=asked.guidance_id) from None
    said = Guided(session_id=_called(call), guidance_id=queued.id, user_id=_user(call))
    return ok(call, said)


async def list_injected_messages(call: Call) -> Envelope[Guidances]:
    """Lists what was said and has not entered a run yet."""
    session = await SESSIONS.found(call.workbench, _called(call))
    waiting = () if session is None else await call.workbench.sessions.queue(session.id)
    items: tuple[Guidance, ...] = tuple(guidance_of(each) for each in waiting if each.kind == "default")
    return ok(call, Guidances(session_id=_called(call), items=items))


async def change_injected_message(call: Call) -> Envelope[GuidanceChanged]:
    """Changes what was said and has not entered a run yet."""
    asked: ContentIn = call.body
    session, id = await _guided(call), str(call.path["guidance_id"])
    parts = await parts_in(call.workbench, session, [MessageIn(role="user", content=asked.content)])
    await _withdrawn(call, session, id)
    await call.workbench.runs.follow_up(session, parts, message_id=id)
    return ok(call, GuidanceChanged(session_id=_called(call), guidance_id=id))


async def delete_injected_message(call: Call) -> Envelope[GuidanceDeleted]:
    """Takes back what was said and has not entered a run yet."""
    id = str(call.path["guidance_id"])
    await _withdrawn(call, await _guided(call), id)
    return ok(call, GuidanceDeleted(session_id=_called(call), guidance_id=id))


async def _guided(call: Call) -> str:
    session = await SESSIONS.found(call.workbench, _called(call))
    if session is None:
        raise failure("guidance_gone", id=str(call.path["guidance_id"])[:200])
    return session.id


async def _withdrawn(call: Call, session_id: str, id: str) -> None:
    with suppress(NotFoundError):
        await call.workbench.sessions.pull_back(session_id, id)
        return
    raise failure("guidance_gone", id=id[:200])


# --- the last message anew


async def edit_last_user_message(call: Call) -> Envelope[Edited]:
    """Puts another message in the place of the last one; what was answered to that is gone."""
    asked: ContentIn = call.body
    session = await edited(call.workbench, await known(call.workbench, _called(call)), asked.content)
    found = await told(call.workbench, session, locale_of(call.request.headers))
    said = Edited(
        session_id=_called(call),
        title=found.conversation_info.title,
        message_count=found.message_count,
        last_user_message=found.messages[-1],
    )
    return ok(call, said)


async def rerun_stream(call: Call) -> ASGIApp:
    """Lets an agent answer the last message anew, line by line; the run is cancelled when the client goes
    away."""
    session = await known(call.workbench, _called(call))
    begun = await rerun(call.workbench, session, call.body)
    return attached(call, call.workbench, begun, locale_of(call.request.headers), progress=True)


def _called(call: Call) -> str:
    return str(call.path["session_id"])


def _user(call: Call) -> str:
    return principal_of(call.request).user_id


_ALL = "/api/conversations"
_ONE, _SESSION = f"{_ALL}/{{session_id}}", "/api/sessions/{session_id}"
_INJECT = f"{_SESSION}/inject-user-message"
_GUIDANCE = f"{_INJECT}/{{guidance_id}}"


def _act(id: str, method: str, path: str, answer: Any, result: Any, **more: Any) -> Operation:
    return Operation(id, method, path, answer, result=Envelope[result], least=Scope.CHAT, **more)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_conversations",
        "GET",
        _ALL,
        list_conversations,
        result=Envelope[ConversationList],
        query=ConversationsQuery,
    ),
    Operation(
        "conversation_messages", "GET", f"{_ONE}/messages", conversation_messages, result=Envelope[Messages]
    ),
    Operation(
        "shared_conversation_messages",
        "GET",
        "/api/share/conversations/{session_id}/messages",
        shared_conversation_messages,
        result=Envelope[Messages],
        public=True,
    ),
    _act("set_conversation_title", "POST", f"{_ONE}/title", set_conversation_title, Titled, body=TitleIn),
    _act("delete_conversation", "DELETE", _ONE, delete_conversation, OneSession),
    _act(
        "interrupt_session",
        "POST",
        f"{_SESSION}/interrupt",
        interrupt_session,
        Interrupted,
        body=InterruptIn,
        required=False,
    ),
    Operation("download_session", "GET", f"{_SESSION}/download", download_session, gives="application/zip"),
    Operation("tasks_status", "POST", f"{_SESSION}/tasks_status", tasks_status, result=Envelope[TasksStatus]),
    _act(
        "inject_user_message", "POST", _INJECT, inject_user_message, Guided, body=GuidanceIn, holds_file=True
    ),
    Operation("list_injected_messages", "GET", _INJECT, list_injected_messages, result=Envelope[Guidances]),
    _act(
        "change_injected_message",
        "PATCH",
        _GUIDANCE,
        change_injected_message,
        GuidanceChanged,
        body=ContentIn,
        holds_file=True,
    ),
    _act("delete_injected_message", "DELETE", _GUIDANCE, delete_injected_message, GuidanceDeleted),
    _act(
        "edit_last_user_message",
        "POST",
        f"{_ONE}/edit-last-user-message",
        edit_last_user_message,
        Edited,
        body=ContentIn,
        holds_file=True,
    ),
    Operation(
        "rerun_stream",
        "POST",
        f"{_ONE}/rerun-stream",
        rerun_stream,
        gives="text/plain",
        body=RerunIn,
        holds_file=True,
        required=False,
        least=Scope.CHAT,
    ),
)
