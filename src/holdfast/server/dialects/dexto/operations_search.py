"""Searches in what was said."""

from __future__ import annotations

from holdfast.core.domain.runs import Session, TextMatch, TextMatches
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.history import history
from holdfast.server.dialects.dexto.mapping_messages import Recalled
from holdfast.server.dialects.dexto.mapping_sessions import hit, searched
from holdfast.server.dialects.dexto.places import found
from holdfast.server.dialects.dexto.wire_sessions import (
    Hit,
    MessageHits,
    MessageSearchQuery,
    SessionHit,
    SessionHits,
    SessionSearchQuery,
)
from holdfast.server.kit.operations import Call, Operation


async def search_messages(call: Call) -> MessageHits:
    """Finds messages in which a text stands, the best first."""
    query: MessageSearchQuery = call.query
    matches = await _matches(call.workbench, query)
    shown = _Shown(call.workbench)
    hits = [each for match in matches.items if (each := await shown.hit(match)) is not None]
    more = query.offset + len(matches.items) < matches.total
    return MessageHits(results=hits, total=matches.total, has_more=more, query=query.q)


async def search_sessions(call: Call) -> SessionHits:
    """Finds sessions in which a text stands, those with the most messages that have it first."""
    query: SessionSearchQuery = call.query
    matches = await call.workbench.sessions.find(query.q, limit=1)
    shown = _Shown(call.workbench)
    results = []
    for each in matches.sessions:
        if (first := await shown.hit(each.first)) is not None:
            metadata = searched((await shown.place(each.session_id))[0])
            named = {"session_id": first.session_id, "match_count": each.count}
            results.append(SessionHit(**named, first_match=first, metadata=metadata))
    return SessionHits(results=results, total=len(results), query=query.q)


async def _matches(workbench: Workbench, query: MessageSearchQuery) -> TextMatches:
    nothing = TextMatches(total=0, items=(), sessions=())
    session = await found(workbench, query.session_id) if query.session_id else None
    if query.role == "system" or (query.session_id and session is None):
        return nothing
    id = session.id if session is not None else None
    return await workbench.sessions.find(query.q, query.role, id, query.offset, query.limit)


class _Shown:
    """Shows what was found; each session is read once."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._places: dict[str, tuple[Session, list[Recalled]]] = {}

    async def place(self, session_id: str) -> tuple[Session, list[Recalled]]:
        """Returns a session and its history."""
        if session_id not in self._places:
            session = await self._workbench.sessions.get(session_id)
            self._places[session_id] = session, await history(self._workbench, session, images=False)
        return self._places[session_id]

    async def hit(self, match: TextMatch) -> Hit | None:
        """Returns a place that was found; None where the history does not show it."""
        session, said = await self.place(match.session_id)
        return hit(match, session, said)


OPERATIONS = (
    Operation(
        "search_messages",
        "GET",
        "/api/search/messages",
        search_messages,
        result=MessageHits,
        query=MessageSearchQuery,
    ),
    Operation(
        "search_sessions",
        "GET",
        "/api/search/sessions",
        search_sessions,
        result=SessionHits,
        query=SessionSearchQuery,
    ),
)
