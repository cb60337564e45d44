"""Conversations between Sage's words and ours. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.conversations import (
    Conversation,
    SaidMessage,
    SessionOrder,
    SessionsFound,
    SharedConversation,
)
from holdfast.core.domain.messages import ImagePart, TextPart, UserPart, text_of, without_results
from holdfast.core.domain.runs import QueuedMessage, Session
from holdfast.core.domain.tools import PlanItem
from holdfast.server.dialects.sage.encoder import (
    agent_called,
    failed_result,
    guidance_ids,
    message_id,
    told_call,
)
from holdfast.server.dialects.sage.mapping_times import local_time
from holdfast.server.dialects.sage.sessions import SESSIONS
from holdfast.server.dialects.sage.wire_conversations import (
    ConversationInfo,
    ConversationLine,
    ConversationList,
    ConversationsQuery,
    Guidance,
    Messages,
    Task,
    Tasks,
)
from holdfast.server.dialects.sage.words import Locale, worded
from holdfast.server.kit.errors import plain_message

Told = dict[str, Any]

NEW_TITLE = "新会话"
_ORDERS: dict[str, SessionOrder] = {"title": "title", "messages": "messages"}
_OK = ("ok", "client")
_STEP_LIMIT = "step_limit"


# --- lists


def order_of(asked: ConversationsQuery) -> tuple[SessionOrder, bool]:
    """Returns what is sorted by, and whether the last of that comes first."""
    order = _ORDERS.get(asked.sort_by, "updated")
    return order, order != "title"


def list_of(
    found: SessionsFound, asked: ConversationsQuery, agents: Sequence[AgentInfo], user_id: str
) -> ConversationList:
    """Returns a page of conversations."""
    pages = -(-found.total // asked.page_size)
    by_name = {each.name: each for each in agents}
    return ConversationList(
        list=tuple(
            _line(each, found.user_messages[each.id], by_name.get(each.agent)) for each in found.items
        ),
        total=found.total,
        page=asked.page,
        page_size=asked.page_size,
        total_pages=pages,
        has_next=asked.page < pages,
        has_prev=asked.page > 1,
        user_id=user_id,
    )


def _line(session: Session, by_people: int, agent: AgentInfo | None) -> ConversationLine:
    called = SESSIONS.called(session)
    return ConversationLine(
        session_id=called,
        agent_id=agent.id if agent else "",
        agent_name=shown_agent(agent, session.agent),
        title=session.title or NEW_TITLE,
        message_count=session.messages,
        user_count=by_people,
        agent_count=max(0, session.messages - by_people),
        created_at=local_time(session.created_at),
        updated_at=local_time(session.updated_at),
        user_id=session.owner,
        trace_id=hashlib.md5(called.encode(), usedforsecurity=False).hexdigest(),
    )


def shown_agent(agent: AgentInfo | None, name: str) -> str:
    """Returns what people are shown of an agent; of one that is gone its name."""
    return (agent.display_name if agent is not None else "") or name


# --- messages


def messages_of(
    found: Conversation,
    waiting: Sequence[QueuedMessage],
    images: Mapping[str, str],
    below: Mapping[str, Sequence[SaidMessage]],
    agent: AgentInfo | None,
    index: int,
    locale: Locale,
) -> Messages:
    """Returns a conversation. `waiting` are messages that no run has yet, `images` the contents of images, in
    base64 by their digests, `below` is what sub-agents have said, by their sessions, and `index` is where the
    stream is resumed."""
    session, called = found.session, SESSIONS.called(found.session)
    told = [*told_messages(found.messages, called, images, locale, below)]
    told += [_waiting(each, called, images) for each in waiting]
    return Messages(
        conversation_id=called,
        messages=tuple(told),
        message_count=len(told),
        next_stream_index=index,
        conversation_info=ConversationInfo(
            session_id=called,
            agent_id=agent.id if agent else "",
            agent_name=shown_agent(agent, session.agent),
            title=session.title or NEW_TITLE,
            created_at=local_time(session.created_at),
            updated_at=local_time(session.updated_at),
        ),
    )


def shared_messages(found: SharedConversation, called: str, locale: Locale) -> Messages:
    """Returns a shared conversation, as everybody may see it."""
    told = tuple(told_messages(found.messages, called, {}, locale))
    info = ConversationInfo(
        session_id=called,
        agent_id="",
        agent_name=found.agent,
        title=found.title or NEW_TITLE,
        created_at=local_time(found.created_at),
        updated_at=local_time(found.updated_at),
    )
    return Messages(
        conversation_id=called,
        messages=told,
        message_count=len(told),
        next_stream_index=0,
        conversation_info=info,
    )


def told_messages(
    messages: Sequence[SaidMessage],
    called: str,
    images: Mapping[str, str],
    locale: Locale,
    below: Mapping[str, Sequence[SaidMessage]] | None = None,
) -> list[Told]:
    """Returns messages as Sage's clients read them: before what a call has given that a sub-agent has worked
    for, what that one has said."""
    told: list[Told] = []
    for message in messages:
        for each in (below or {}).get(message.child, ()):
            child = _told(each, f"{called}_sub_{message.child_number}", images, locale)
            told.append({**child, "agent_name": each.agent})
        told.append(_told(message, called, images, locale))
    return told


def said_below(found: Conversation) -> list[SaidMessage]:
    """Returns what a sub-agent has said, by its name, without what it was told."""
    child = found.session.child_of
    name = child.described.name if child and child.described else found.session.agent
    return [each.model_copy(update={"agent": name}) for each in found.messages if each.role != "user"]


def _told(message: SaidMessage, called: str, images: Mapping[str, str], locale: Locale) -> Told:
    match message.role:
        case "user":
            metadata = guidance_ids(message.id, message.follow_ups) if message.steered else {}
            content = content_of(message.parts, images) if message.parts else message.text
            kind = "guide" if message.steered else "user_input"
            return _whole(
                "user", message.id, kind, message.at, called, {"content": content}, metadata=metadata
            )
        case "tool":
            ok = message.outcome in _OK
            text = message.text if ok else failed_result(message.outcome, message.text)
            said = {"content": text, "tool_call_id": message.id, **_agent(message)}
            id = message_id(message.run_id, message.id)
            metadata = {"tool_execution_status": "success" if ok else "error"}
            return _whole("tool", id, "tool_call_result", message.at, called, said, metadata=metadata)
    return _reply(message, called, locale)


def _reply(message: SaidMessage, called: str, locale: Locale) -> Told:
    if message.error is not None:
        limit = message.error.code == _STEP_LIMIT
        words = "loop_limit" if limit else "run_failed"
        said: Told = {"content": worded(words, locale, {"error": plain_message(message.error)})}
        id, kind = message_id(message.run_id, "failed"), "loop_break" if limit else "final_answer"
        return _whole("assistant", id, kind, message.at, called, {**said, **_agent(message)})
    said = {"content": message.text, **_agent(message)}
    if message.reasoning:
        said["reasoning_content"] = message.reasoning
    if message.calls:
        said["tool_calls"] = [
            told_call(each.call_id, index, each.name, each.arguments)
            for index, each in enumerate(message.calls)
        ]
    kind = "tool_call" if message.calls else "do_subtask_result" if message.text else "reasoning_content"
    id = message_id(message.run_id, int(message.id))
    return _whole("assistant", id, kind, message.at, called, said)


def _agent(message: SaidMessage) -> Told:
    return {"agent_name": agent_called(message.called, message.mode)}


def _whole(
    role: str, id: str, kind: str, at: datetime, called: str, said: Told, *, metadata: Told | None = None
) -> Told:
    return {
        "role": role,
        **said,
        "message_id": id,
        "type": kind,
        "message_type": kind,
        "timestamp": at.timestamp(),
        "chunk_id": str(uuid5(NAMESPACE_URL, f"sage:{id}:whole")),
        "is_final": False,
        "is_chunk": False,
        "metadata": metadata or {},
        "session_id": called,
    }


def _waiting(message: QueuedMessage, called: str, images: Mapping[str, str]) -> Told:
    said = {"content": content_of(message.parts, images)}
    return _whole("user", message.id, "user_input", message.queued_at, called, said)


def content_of(parts: Sequence[UserPart], images: Mapping[str, str]) -> str | list[Told]:
    """Returns what a person's message says: a text, or OpenAI's parts where it has images."""
    said = without_results(parts)
    if not any(isinstance(part, ImagePart) and part.blob in images for part in said):
        return text_of(said)
    return [_part(part, images) for part in said]


def _part(part: Any, images: Mapping[str, str]) -> Told:
    if isinstance(part, ImagePart) and part.blob in images:
        return {
            "type": "image_url",
            "image_url": {"url": f"data:{part.media_type};base64,{images[part.blob]}"},
        }
    return {"type": "text", "text": part.text if isinstance(part, TextPart) else text_of((part,))}


def images_in(messages: Sequence[SaidMessage], waiting: Sequence[QueuedMessage] = ()) -> list[str]:
    """Returns the digests of the images in people's messages, each once, oldest first."""
    said = [each.parts for each in messages] + [each.parts for each in waiting]
    images = (part.blob for parts in said for part in parts if isinstance(part, ImagePart))
    return list(dict.fromkeys(images))


def last_asked(messages: Sequence[SaidMessage]) -> SaidMessage | None:
    """Returns the message that has begun the last run; None where nobody has said anything."""
    return next((each for each in reversed(messages) if each.role == "user" and not each.steered), None)


# --- what else is told


def tasks_of(plan: Sequence[PlanItem]) -> Tasks:
    """Returns a plan as tasks."""
    return Tasks(
        tasks=tuple(
            Task(task_id=str(number), title=item.text, status=item.status)
            for number, item in enumerate(plan, start=1)
        )
    )


def guidance_of(message: QueuedMessage) -> Guidance:
    """Returns a message that waits to enter a run."""
    return Guidance(
        guidance_id=message.id,
        content=text_of(without_results(message.parts)),
        metadata={},
        timestamp=message.queued_at.timestamp(),
    )
