"""Conversations read for Sage's clients, and their last messages said anew."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.conversations import Conversation, SaidMessage
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.messages import UserPart
from holdfast.core.domain.runs import QueuedMessage, Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_conversations import (
    content_of,
    images_in,
    last_asked,
    messages_of,
    said_below,
)
from holdfast.server.dialects.sage.sessions import SESSIONS
from holdfast.server.dialects.sage.supplying import parts_in
from holdfast.server.dialects.sage.talking import Begun, begin, next_stream_index
from holdfast.server.dialects.sage.wire_conversations import Messages, RerunIn
from holdfast.server.dialects.sage.wire_streams import MessageIn, StreamRequest
from holdfast.server.dialects.sage.words import Locale
from holdfast.server.kit.named_sessions import busy

_MOST_CHILDREN = 50
"""Sub-agents whose words are read for one conversation: the latest."""
_MOST_IMAGES = 20
"""Contents of images that one conversation has; others are only named."""


async def known(workbench: Workbench, called: str, code: int = 500) -> Session:
    """Returns the session that a client calls so. Raises `InvalidError` in Sage's words, with this code."""
    session = await SESSIONS.found(workbench, called)
    if session is None:
        raise failure("conversation_not_there", code, id=called[:128])
    return session


async def agent_of(workbench: Workbench, session: Session) -> AgentInfo | None:
    """Returns the agent of a session, None where it is gone."""
    with suppress(NotFoundError):
        return await workbench.agents.get(session.agent)
    return None


async def told(workbench: Workbench, session: Session, locale: Locale) -> Messages:
    """Returns all that was said in a session."""
    found = await workbench.sessions.conversation(session.id)
    waiting = await _waiting(workbench, found.session)
    index = await next_stream_index(workbench, found.session, found.last_event_id)
    images = await _images(workbench, session, found.messages, waiting)
    below = await _below(workbench, found.messages)
    agent = await agent_of(workbench, session)
    return messages_of(found, waiting, images, below, agent, index, locale)


async def _below(workbench: Workbench, messages: Sequence[SaidMessage]) -> dict[str, list[SaidMessage]]:
    """Returns what sub-agents have said, by their sessions. One that still works is left out: its stream
    tells what it says."""
    found: dict[str, list[SaidMessage]] = {}
    children = dict.fromkeys(each.child for each in messages if each.child)
    for child in list(children)[-_MOST_CHILDREN:]:
        with suppress(NotFoundError):
            below = await workbench.sessions.conversation(child)
            if not busy(below.session):
                found[child] = said_below(below)
    return found


async def _waiting(workbench: Workbench, session: Session) -> tuple[QueuedMessage, ...]:
    """Returns what was said while no run was under way, and waits for one."""
    if busy(session):
        return ()
    queue = await workbench.sessions.queue(session.id)
    return tuple(each for each in queue if each.kind == "default")


async def _images(
    workbench: Workbench,
    session: Session,
    messages: Sequence[SaidMessage],
    waiting: Sequence[QueuedMessage] = (),
) -> dict[str, str]:
    """Returns the contents of the latest images, in base64 by their digests; of none that are too large."""
    found: dict[str, str] = {}
    for digest in images_in(messages, waiting)[-_MOST_IMAGES:]:
        with suppress(NotFoundError):
            found[digest] = (await workbench.files.image(session.id, digest)).data
    return {digest: data for digest, data in found.items() if data}


async def edited(workbench: Workbench, session: Session, content: str | list[dict[str, Any]]) -> Session:
    """Puts another message in the place of the last one, which is gone with what was answered: it waits until
    it is answered itself. Raises `InvalidError` in Sage's words."""
    if busy(session):
        raise failure("session_running")
    found = await workbench.sessions.conversation(session.id)
    waiting, last = await _waiting(workbench, session), last_asked(found.messages)
    if not waiting and last is None:
        raise failure("no_user_message", id=SESSIONS.called(session)[:128])
    message = MessageIn(role="user", content=content)
    parts = await parts_in(workbench, session.id, [message])
    await _taken_out(workbench, found, waiting)
    await workbench.runs.follow_up(session.id, parts)
    return await workbench.sessions.get(session.id)


async def _taken_out(
    workbench: Workbench, found: Conversation, waiting: Sequence[QueuedMessage]
) -> tuple[UserPart, ...]:
    """Takes the last message out of a conversation, with what was answered to it, and returns its parts: one
    that waits, or else the one that has begun the last run."""
    if waiting:
        for each in waiting:
            await workbench.sessions.pull_back(found.session.id, each.id)
        return tuple(part for each in waiting for part in each.parts)
    last = last_asked(found.messages)
    if last is None:
        raise failure("no_user_message", id=SESSIONS.called(found.session)[:128])
    try:
        await workbench.sessions.clear(found.session.id, since=last.run_id)
    except ConflictError:
        raise failure("session_running") from None
    return last.parts


async def rerun(workbench: Workbench, session: Session, asked: RerunIn) -> Begun:
    """Starts a run that answers the last message of a session anew. Raises `InvalidError` in Sage's words;
    the message waits then."""
    if busy(session):
        raise failure("session_running")
    found = await workbench.sessions.conversation(session.id)
    waiting = await _waiting(workbench, session)
    images = await _images(workbench, session, found.messages, waiting)
    parts = await _taken_out(workbench, found, waiting)
    messages = [MessageIn(role="user", content=content_of(parts, images))]
    if asked.guidance_content:
        messages.append(MessageIn(role="user", content=asked.guidance_content, message_id=asked.guidance_id))
    given = asked.model_dump(exclude={"guidance_content", "guidance_id"}, exclude_none=True)
    wanted = {**given, "messages": messages, "session_id": SESSIONS.called(session)}
    try:
        return await begin(workbench, StreamRequest.model_validate(wanted), progress=True, stays=True)
    except HoldfastError:
        await workbench.runs.follow_up(session.id, parts)  # it is not lost
        raise
