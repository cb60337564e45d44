"""Sessions of agents, what was said in them, and contexts that are kept."""

from __future__ import annotations

from functools import partial

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import EventFilter
from holdfast.core.domain.runs import Run, Session
from holdfast.core.domain.values import all_items
from holdfast.server.dialects.powabase.mapping_retrieved import (
    CONTEXT_TOKENS,
    context_line,
    context_out,
    retrieved_of,
    uses_of,
)
from holdfast.server.dialects.powabase.mapping_sessions import (
    in_count,
    is_wanted,
    messages_of,
    run_line,
    session_line,
)
from holdfast.server.dialects.powabase.wire_runs import (
    ContextCreate,
    ContextList,
    ContextOut,
    MessageList,
    MessageOut,
    MessagesQuery,
    PageQuery,
    RetrievedContext,
    RunList,
    SessionDeleted,
    SessionLine,
    SessionList,
    SessionMade,
    SessionOut,
    SessionsQuery,
)
from holdfast.server.kit.answers import state_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.paging import window

MOST = 100
MOST_SESSIONS = 200


async def _agent(call: Call) -> AgentInfo:
    return await call.workbench.agents.get(str(call.path["id"]))


async def _session(call: Call, agent: str | None = None) -> Session:
    session = await call.workbench.sessions.get(call.path["session_id"])
    if agent is not None and session.agent != agent:
        raise NotFoundError("The agent has no such session.", code="session_not_found")
    return session


async def _runs(call: Call, session_id: str) -> tuple[Run, ...]:
    return await all_items(partial(call.workbench.runs.list, session_id))


async def list_sessions(call: Call) -> SessionList:
    """Lists the caller's sessions with an agent, latest first."""
    query: SessionsQuery = call.query
    name = (await _agent(call)).name
    found = await all_items(partial(call.workbench.sessions.list, f"agent:{name} archived:yes"))
    wanted = [session for session in found if session.agent == name and is_wanted(session, query)]
    if query.min_runs is not None or query.max_runs is not None:
        counts = {each.id: len(await _runs(call, each.id)) for each in wanted}
        wanted = [session for session in wanted if in_count(counts[session.id], query)]
    part = window(wanted, query.offset, min(query.limit, MOST_SESSIONS))
    lines = tuple([await _line(call, session) for session in part.items])
    return SessionList(sessions=lines, total=part.total, limit=part.limit, offset=part.offset)


async def _line(call: Call, session: Session) -> SessionLine:
    runs = await _runs(call, session.id)
    begun = EventFilter(run_id=runs[-1].id, deltas=False) if runs else None
    first = await call.workbench.events.read(begun, runs[-1].first_event_id - 1, 5) if begun else None
    return session_line(session, len(runs), first.items if first else ())


async def create_session(call: Call) -> SessionMade:
    """Makes a session with an agent."""
    session = await call.workbench.sessions.create((await _agent(call)).name)
    return SessionMade(session_id=session.id)


async def delete_agent_session(call: Call) -> None:
    """Deletes a session of an agent."""
    session = await _session(call, (await _agent(call)).name)
    await call.workbench.sessions.delete(session.id)


async def get_session(call: Call) -> SessionOut:
    """Returns a session."""
    session = await _session(call)
    return SessionOut(
        id=session.id,
        session_id=session.id,
        agent_id=await _agent_id(call, session.agent),
        user_id=session.owner,
        session_data={},
        metadata={},
        created_at=session.created_at,
        updated_at=session.updated_at,
    )


async def _agent_id(call: Call, name: str) -> str | None:
    """Returns None for an agent that was deleted."""
    try:
        return (await call.workbench.agents.get(name)).id
    except NotFoundError:
        return None


async def delete_session(call: Call) -> SessionDeleted:
    """Deletes a session."""
    session = await _session(call)
    await call.workbench.sessions.delete(session.id)
    return SessionDeleted(session_id=session.id)


async def list_messages(call: Call) -> MessageList:
    """Lists what was said in a session, oldest first."""
    query: MessagesQuery = call.query
    session = await _session(call)
    said: list[MessageOut] = []
    for run in await _runs(call, session.id):  # latest first
        said[:0] = messages_of(await state_of(call.workbench, run))
        if query.limit is not None and len(said) >= query.limit:
            break
    return MessageList(session_id=session.id, messages=tuple(said[-(query.limit or 0) :]))


async def list_runs(call: Call) -> RunList:
    """Lists the runs of a session, latest first."""
    session = await _session(call)
    part = window(await _runs(call, session.id), call.query.offset, min(call.query.limit, MOST))
    return RunList(
        session_id=session.id,
        runs=tuple(map(run_line, part.items)),
        total=part.total,
        limit=part.limit,
        offset=part.offset,
    )


async def run_context(call: Call) -> RetrievedContext:
    """Returns what was retrieved for a run."""
    run = await call.workbench.runs.get(call.path["run_id"])
    if run.session_id != call.path["session_id"]:
        raise NotFoundError("The session has no such run.", code="run_not_found")
    state = await state_of(call.workbench, run)
    return RetrievedContext(run_id=run.id, retrieved_context=retrieved_of(state.lookups))


# --- contexts


async def create_context(call: Call) -> ContextOut:
    """Searches knowledge bases, and keeps what is found for runs."""
    asked: ContextCreate = call.body
    kept = await call.workbench.knowledge.keep(
        asked.query,
        uses_of(asked.knowledge_bases),
        max_tokens=asked.max_context_tokens or CONTEXT_TOKENS,
    )
    return context_out(kept, asked.knowledge_bases)


async def list_contexts(call: Call) -> ContextList:
    """Lists the kept contexts, latest first."""
    query: PageQuery = call.query
    found = await all_items(call.workbench.knowledge.contexts)
    part = window(tuple(map(context_line, found)), query.offset, min(query.limit, MOST))
    return ContextList(context_handlers=part.items, total=part.total, limit=part.limit, offset=part.offset)


async def get_context(call: Call) -> ContextOut:
    """Returns a kept context."""
    return context_out(await call.workbench.knowledge.context(str(call.path["id"])), ())


_AGENT = "/api/agents/{id:uuid}/sessions"
_SESSION = "/api/sessions/{session_id}"

OPERATIONS = (
    Operation("list_agent_sessions", "GET", _AGENT, list_sessions, result=SessionList, query=SessionsQuery),
    Operation("create_agent_session", "POST", _AGENT, create_session, 201, result=SessionMade),
    Operation("delete_agent_session", "DELETE", _AGENT + "/{session_id}", delete_agent_session, 204),
    Operation("get_session", "GET", _SESSION, get_session, result=SessionOut),
    Operation("delete_session", "DELETE", _SESSION, delete_session, result=SessionDeleted),
    Operation(
        "list_session_messages",
        "GET",
        _SESSION + "/messages",
        list_messages,
        result=MessageList,
        query=MessagesQuery,
    ),
    Operation("list_session_runs", "GET", _SESSION + "/runs", list_runs, result=RunList, query=PageQuery),
    Operation(
        "get_retrieved_context",
        "GET",
        _SESSION + "/runs/{run_id}/retrieved-context",
        run_context,
        result=RetrievedContext,
    ),
    Operation(
        "create_context_handler",
        "POST",
        "/api/context-handlers",
        create_context,
        201,
        result=ContextOut,
        body=ContextCreate,
    ),
    Operation(
        "list_context_handlers",
        "GET",
        "/api/context-handlers",
        list_contexts,
        result=ContextList,
        query=PageQuery,
    ),
    Operation(
        "get_context_handler", "GET", "/api/context-handlers/{id:uuid}", get_context, result=ContextOut
    ),
)
