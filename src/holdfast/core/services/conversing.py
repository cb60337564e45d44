"""Conversations read whole: by their owner, and by everybody where he has shared them."""

from __future__ import annotations

import asyncio

from holdfast.core.domain.conversations import Conversation, SaidMessage, SharedConversation
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.events import EventFilter, LoggedEvent, ToolCallCompleted
from holdfast.core.domain.runs import Session
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import PlanBlock, PlanItem
from holdfast.core.sessions.conversation import said_in
from holdfast.core.store.log import EventLog
from holdfast.core.store.session_pages import SessionPages


class Conversations:
    """What was said in sessions. It knows no principals: who asks has checked the owner."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._pages = SessionPages(log.reader)

    async def of(self, session: Session) -> Conversation:
        """Returns all that was said in a session."""
        events = await self._events(session)
        last = events[-1].id if events else 0
        messages = await asyncio.to_thread(said_in, events)
        return Conversation(session=session, messages=messages, last_event_id=last)

    async def _events(self, session: Session) -> list[LoggedEvent]:
        """Returns the events of a session; those of a run that is under way with what is not whole yet."""
        going_on = session.run_id is not None and session.status is not None and not session.status.ended
        events = await self._log.read_all(EventFilter(session_id=session.id, deltas=False))
        if not going_on:
            return events
        before = [logged for logged in events if logged.event.run_id != session.run_id]
        run = await self._log.read_all(EventFilter(run_id=session.run_id))
        return sorted((*before, *run), key=lambda logged: logged.id)

    async def plan(self, session: Session) -> tuple[PlanItem, ...]:
        """Returns the plan that the agents of a session have written down last; empty where none has."""
        for logged in reversed(await self._log.read_all(EventFilter(session_id=session.id, deltas=False))):
            event = logged.event
            if isinstance(event, ToolCallCompleted) and event.outcome == "ok":
                for block in event.display:
                    if isinstance(block, PlanBlock):
                        return block.items
        return ()

    async def shared(self, session_id: str, path: str | None) -> SharedConversation:
        """Returns a session that its owner has shared, by its id, or the one that stands at `path` in its
        `ext`. Raises `NotFoundError`, whether there is one that is not shared or none."""
        session = await self._pages.shared(session_id, path)
        if session is None:
            shown = shorten(sanitize_line(session_id), 128)
            raise NotFoundError(f"There is no shared session {shown}.", code="session_not_found")
        return SharedConversation(
            id=session.id,
            title=session.title,
            agent=session.agent,
            created_at=session.created_at,
            updated_at=session.updated_at,
            messages=tuple(map(_for_everybody, (await self.of(session)).messages)),
        )


def _for_everybody(message: SaidMessage) -> SaidMessage:
    """Returns a message without what names files, or tells more than was said."""
    error = message.error.model_copy(update={"details": {}}) if message.error is not None else None
    return message.model_copy(update={"parts": (), "error": error})
