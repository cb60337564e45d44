"""What a query for sessions says, as SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from holdfast.core.domain.search import SessionQuery

UNREAD = (
    "(SELECT COUNT(*) FROM runs r WHERE r.session_id = s.id AND r.last_event_id > s.seen_event_id"
    " AND r.ended_at > s.created_at AND r.model <> '')"
)
"""Counts the runs that have ended since the owner looked; what a fork has copied was looked at before."""


def family(of: str, what: str = "f.id") -> str:
    """Returns the query of `what` there is of a session and those that sub-agents work in for it, their ids;
    `of` is the SQL of its own id."""
    return f"(SELECT {what} FROM sessions f WHERE f.id = {of} OR f.root_id = {of})"


FAMILY = family("s.id")
"""Those of the session of the row `s`."""
_WAITING = (
    f"(EXISTS (SELECT 1 FROM approvals a WHERE a.session_id IN {FAMILY} AND a.status = 'pending')"
    f" OR EXISTS (SELECT 1 FROM questions q WHERE q.session_id IN {FAMILY} AND q.open = 1))"
)
_ARCHIVED = {"no": "s.archived = 0", "yes": "1", "only": "s.archived = 1"}


def conditions(query: SessionQuery, at: str = "s.updated_at") -> tuple[list[str], list[Any]]:
    """Returns the conditions on a row of `sessions s` and their values; `at` is the time that counts. Never
    admits what is in the trash, nor the sessions that sub-agents work in."""
    wheres = ["s.deleted_at IS NULL", "s.root_id IS NULL", _ARCHIVED[query.archived]]
    values: list[Any] = []
    if query.agents:
        wheres.append(f"s.agent IN ({', '.join('?' * len(query.agents))})")
        values += query.agents
    for project in query.projects:
        wheres.append("s.project LIKE ? ESCAPE '\\'")
        values.append(f"%{like(project)}%")
    for sign, moment in ((">=", query.since), ("<", query.until)):
        if moment is not None:
            wheres.append(f"{at} {sign} ?")
            values.append(_text(moment))
    if query.starred:
        wheres.append("s.starred = 1")
    if query.unread:
        wheres.append(f"{UNREAD} > 0")
    if query.waiting:
        wheres.append(_WAITING)
    return wheres, values


def like(word: str) -> str:
    """Returns `word` for a LIKE with the escape character `\\`."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
