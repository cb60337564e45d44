"""Sessions and what is found in them, on Dexto's wire. Pure."""

from __future__ import annotations

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.runs import Session, TextMatch
from holdfast.server.dialects.dexto.active import EXT
from holdfast.server.dialects.dexto.mapping_agent_text import GREETING
from holdfast.server.dialects.dexto.mapping_messages import Recalled
from holdfast.server.dialects.dexto.times import millis
from holdfast.server.dialects.dexto.wire_sessions import (
    Hit,
    SearchedSession,
    SessionLoaded,
    SessionMeta,
    SessionWithHistory,
)
from holdfast.server.kit.named_sessions import NamedSessions, busy

LONGEST_TITLE = 80
NAMED = NamedSessions(EXT)
called = NAMED.called


def meta(session: Session) -> SessionMeta:
    """Returns what is told of a session; a title that is made of its first message is none."""
    return SessionMeta(
        id=called(session),
        created_at=millis(session.created_at),
        last_activity=millis(session.updated_at),
        message_count=session.turns,
        title=session.title if session.titled and session.title else None,
    )


def loaded(session: Session) -> SessionLoaded:
    """Returns the same, and whether it is busy."""
    return SessionLoaded(**meta(session).model_dump(), is_busy=busy(session))


def with_history(session: Session, messages: int) -> SessionWithHistory:
    """Returns the same, and how many messages it has."""
    return SessionWithHistory(**meta(session).model_dump(), history=messages)


def searched(session: Session) -> SearchedSession:
    """Returns what is told of a session that was found."""
    return SearchedSession(
        created_at=millis(session.created_at),
        last_activity=millis(session.updated_at),
        message_count=session.turns,
    )


def hit(match: TextMatch, session: Session, history: list[Recalled]) -> Hit | None:
    """Returns a place that was found; None where the history does not show it."""
    for index, one in enumerate(history):
        if match.event_id in one.event_ids:
            return Hit(
                session_id=called(session),
                message=one.message,
                matched_text=match.matched,
                context=match.excerpt,
                message_index=index,
            )
    return None


def greeting_of(agent: AgentInfo) -> str | None:
    """Returns what an agent says before anybody has said something; None where it says nothing."""
    said = agent.spec.ext.get(EXT, {}).get(GREETING) if agent.spec is not None else None
    return said if isinstance(said, str) and said else None
