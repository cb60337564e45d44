"""Chats, and what was said in them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from holdfast.core.domain.errors import HoldfastError, KnowledgeUnavailable
from holdfast.core.domain.events import QuestionsSuggested
from holdfast.core.domain.messages import text_of
from holdfast.core.domain.runs import Run, Session
from holdfast.core.domain.values import all_items, utc_now
from holdfast.server.dialects.h2ogpte.completing import collection_named, collection_of
from holdfast.server.dialects.h2ogpte.mapping_chats import chat_of, collection_id_of, with_collection
from holdfast.server.dialects.h2ogpte.mapping_ext import EXT
from holdfast.server.dialects.h2ogpte.mapping_jobs import job_of
from holdfast.server.dialects.h2ogpte.mapping_messages import answer_of, messages_of
from holdfast.server.dialects.h2ogpte.operations_completions import run_of
from holdfast.server.dialects.h2ogpte.operations_messages import IN_LISTINGS, entries, reply_of
from holdfast.server.dialects.h2ogpte.wire import Count, PageQuery
from holdfast.server.dialects.h2ogpte.wire_chats import (
    Chat,
    ChatCreate,
    ChatCreateQuery,
    ChatMessage,
    ChatsDelete,
    ChatsOfQuery,
    ChatUpdate,
    CollectionChange,
    Fork,
    QuestionsQuery,
    SuggestedQuestion,
)
from holdfast.server.dialects.h2ogpte.wire_ingest import JobDetails
from holdfast.server.kit.answers import events_of, state_of
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.paging import Fetch, first_items

MOST_SUGGESTED = 10
_LOOKED_AT = 5
"""Runs in which the latest text is looked for: some say nothing."""


async def list_chat_sessions(call: Call) -> tuple[Chat, ...]:
    """Lists the chats, latest first."""
    query: PageQuery = call.query
    return await _chats(call, await first_items(_sessions(call), query.offset, query.limit))


async def create_chat_session(call: Call) -> Chat:
    """Makes a chat, with a collection that it looks into or without."""
    query: ChatCreateQuery = call.query
    body: ChatCreate = call.body
    kept = {} if body.workspace is None else {"workspace": body.workspace}
    if query.collection_id is not None:
        kept["collection_id"] = (await collection_named(call.workbench, query.collection_id)).id
    agent = (await call.workbench.engine.settings()).default_agent
    session = await call.workbench.sessions.create(agent, ext={EXT: kept} if kept else {})
    return await _chat(call, session)


async def get_chat_session_count(call: Call) -> Count:
    """Counts the chats."""
    return Count(count=(await call.workbench.sessions.counts()).sessions)


async def get_chat_session(call: Call) -> Chat:
    """Returns a chat."""
    return await _chat(call, await _session(call))


async def update_chat_session(call: Call) -> Chat:
    """Gives a chat another name."""
    body: ChatUpdate = call.body
    return await _chat(call, await call.workbench.sessions.rename(call.path["session_id"], body.name))


async def delete_chat_session(call: Call) -> None:
    """Deletes a chat; what goes on in it ends."""
    session = await _session(call)
    if session.run_id is not None and session.status is not None and not session.status.ended:
        await call.workbench.runs.cancel(session.run_id)
    await call.workbench.sessions.delete(session.id)


async def create_delete_chat_session_job(call: Call) -> JobDetails:
    """Deletes chats, as a job."""
    body: ChatsDelete = call.body
    return job_of(await call.workbench.jobs.delete_sessions(body.session_ids), utc_now())


async def fork_chat_session(call: Call) -> Chat:
    """Makes a chat that goes on from another one."""
    body: Fork = call.body
    session = await _session(call)
    run = None if body.message_id is None else await run_of(call.workbench, body.message_id)
    before = None if run is None else run.last_event_id + 1
    return await _chat(call, await call.workbench.sessions.fork(session.id, before))


async def archive_chat_session(call: Call) -> None:
    """Puts a chat into the archive."""
    await call.workbench.sessions.archive(call.path["session_id"])


async def unarchive_chat_session(call: Call) -> None:
    """Takes a chat out of the archive."""
    await call.workbench.sessions.archive(call.path["session_id"], False)


# --- its collection


async def update_chat_session_collection(call: Call) -> Chat:
    """Lets a chat look into another collection."""
    body: CollectionChange = call.body
    session = await _session(call)
    collection = await collection_named(call.workbench, body.collection_id)
    kept = with_collection(session, collection.id)
    return await _chat(call, await call.workbench.sessions.annotate(session.id, kept))


async def delete_chat_session_collection(call: Call) -> Chat:
    """Lets a chat look into no collection any more."""
    session = await _session(call)
    kept = with_collection(session, None)
    return await _chat(call, await call.workbench.sessions.annotate(session.id, kept))


async def list_chat_sessions_for_collection(call: Call) -> tuple[Chat, ...]:
    """Lists the chats that look into a collection, latest first."""
    query: ChatsOfQuery = call.query
    found = await _of_collection(call)
    if query.username not in (None, principal_of(call.request).name):
        found = ()  # those of others are not seen here
    return await _chats(call, found[query.offset : query.offset + query.limit])


async def get_chat_session_count_for_collection(call: Call) -> Count:
    """Counts the chats that look into a collection."""
    return Count(count=len(await _of_collection(call)))


async def _of_collection(call: Call) -> tuple[Session, ...]:
    collection = await collection_named(call.workbench, call.path["collection_id"])
    found = await all_items(_sessions(call))
    return tuple(session for session in found if collection_id_of(session) == collection.id)


# --- what was said


async def get_chat_session_messages(call: Call) -> tuple[ChatMessage, ...]:
    """Lists what was said, oldest first; a question is there as soon as it was asked."""
    query: PageQuery = call.query
    runs = await all_items(partial(call.workbench.runs.list, (await _session(call)).id))
    username, found = principal_of(call.request).name, list[ChatMessage]()
    for run in reversed(runs):
        if len(found) >= query.offset + query.limit:
            break
        reply = await reply_of(call.workbench, run)
        found += messages_of(reply.state, username, await entries(reply, IN_LISTINGS))
    return tuple(found[query.offset : query.offset + query.limit])


async def list_questions_for_chat_session(call: Call) -> tuple[SuggestedQuestion, ...]:
    """Suggests questions that could follow; beside them those that the documents of the chat answer."""
    query: QuestionsQuery = call.query
    session = await _session(call)
    asked = (*await _suggested(call, session, query.limit), *await _of_documents(call, session))
    return tuple(SuggestedQuestion(question=each) for each in tuple(dict.fromkeys(asked))[: query.limit])


async def _suggested(call: Call, session: Session, limit: int) -> tuple[str, ...]:
    """Returns what was suggested behind the latest reply; where nothing was, the model is asked, once."""
    if session.run_id is None or not limit:
        return ()
    run = await call.workbench.runs.get(session.run_id)
    told = [each.event for each in await events_of(call.workbench, run)]
    if known := next((each.questions for each in told if isinstance(each, QuestionsSuggested)), ()):
        return known
    with suppress(HoldfastError):  # a reply is being made, or the model has nothing to suggest
        return await call.workbench.runs.suggest(session.id, min(limit, MOST_SUGGESTED))
    return ()


async def _of_documents(call: Call, session: Session) -> tuple[str, ...]:
    with suppress(HoldfastError):  # the collection is gone, or cannot be reached
        collection = await collection_of(call.workbench, session)
        if collection is not None:
            documents = await call.workbench.knowledge.documents(collection.id)
            return tuple(question for each in documents.items for question in each.questions)
    return ()


# --- chats as they are told


def _sessions(call: Call) -> Fetch[Session]:
    return partial(call.workbench.sessions.list, "")


async def _session(call: Call) -> Session:
    return await call.workbench.sessions.get(call.path["session_id"])


async def _chat(call: Call, session: Session) -> Chat:
    return (await _chats(call, (session,)))[0]


async def _chats(call: Call, sessions: Iterable[Session]) -> tuple[Chat, ...]:
    found, names = tuple(sessions), dict[str, str]()
    if any(map(collection_id_of, found)):
        with suppress(KnowledgeUnavailable):
            names = {each.id: each.name for each in await call.workbench.knowledge.list()}
    username = principal_of(call.request).name
    return tuple([chat_of(each, username, await _latest(call, each), names) for each in found])


async def _latest(call: Call, session: Session) -> str:
    """Returns what was said last in a chat."""
    if session.run_id is None:
        return ""
    runs: Iterable[Run] = (await call.workbench.runs.list(session.id, _LOOKED_AT)).items
    for run in runs:
        state = await state_of(call.workbench, run)
        if text := answer_of(state) or text_of(state.asked):
            return text
    return ""


_CHATS = "/api/v1/chats"
_CHAT = _CHATS + "/{session_id}"
_OF_COLLECTION = "/api/v1/collections/{collection_id}/chats"

OPERATIONS = (
    Operation(
        "list_chat_sessions", "GET", _CHATS, list_chat_sessions, result=tuple[Chat, ...], query=PageQuery
    ),
    Operation(
        "create_chat_session",
        "POST",
        _CHATS,
        create_chat_session,
        201,
        result=Chat,
        query=ChatCreateQuery,
        body=ChatCreate,
        required=False,
    ),
    Operation("get_chat_session_count", "GET", f"{_CHATS}/count", get_chat_session_count, result=Count),
    Operation(
        "create_delete_chat_session_job",
        "POST",
        f"{_CHATS}/delete_job",
        create_delete_chat_session_job,
        201,
        result=JobDetails,
        body=ChatsDelete,
    ),
    Operation("get_chat_session", "GET", _CHAT, get_chat_session, result=Chat),
    Operation("update_chat_session", "PATCH", _CHAT, update_chat_session, result=Chat, body=ChatUpdate),
    Operation("delete_chat_session", "DELETE", _CHAT, delete_chat_session, 204),
    Operation(
        "fork_chat_session",
        "POST",
        f"{_CHAT}/fork",
        fork_chat_session,
        201,
        result=Chat,
        body=Fork,
        required=False,
    ),
    Operation("archive_chat_session", "POST", f"{_CHAT}/archive", archive_chat_session, 204),
    Operation("unarchive_chat_session", "POST", f"{_CHAT}/unarchive", unarchive_chat_session, 204),
    Operation(
        "update_chat_session_collection",
        "PUT",
        f"{_CHAT}/collection",
        update_chat_session_collection,
        result=Chat,
        body=CollectionChange,
    ),
    Operation(
        "delete_chat_session_collection",
        "DELETE",
        f"{_CHAT}/collection",
        delete_chat_session_collection,
        result=Chat,
    ),
    Operation(
        "list_chat_sessions_for_collection",
        "GET",
        _OF_COLLECTION,
        list_chat_sessions_for_collection,
        result=tuple[Chat, ...],
        query=ChatsOfQuery,
    ),
    Operation(
        "get_chat_session_count_for_collection",
        "GET",
        f"{_OF_COLLECTION}/count",
        get_chat_session_count_for_collection,
        result=Count,
    ),
    Operation(
        "get_chat_session_messages",
        "GET",
        f"{_CHAT}/messages",
        get_chat_session_messages,
        result=tuple[ChatMessage, ...],
        query=PageQuery,
    ),
    Operation(
        "list_questions_for_chat_session",
        "GET",
        f"{_CHAT}/questions",
        list_questions_for_chat_session,
        result=tuple[SuggestedQuestion, ...],
        query=QuestionsQuery,
    ),
)
