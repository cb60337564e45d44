"""The history of approvals: who allowed what, when, and with what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from holdfast.core.domain.approvals import Approval, ApprovalStatus
from holdfast.core.domain.values import Page
from holdfast.core.store.conditions import family, like
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.reader import Reader

_MOST_WORDS = 20
_SAID = " || ' ' || ".join(
    f"COALESCE(json_extract(body, '$.{name}'), '')"
    for name in ("tool", "agent", "subject", "decision.decided_by", "decision.client", "decision.reason")
)
_AT = "julianday(COALESCE(json_extract(body, '$.decided_at'), json_extract(body, '$.requested_at')))"


async def read_history(  # noqa: PLR0913 (each narrows the record in another way)
    reader: Reader,
    owner: str,
    *,
    query: str = "",
    status: ApprovalStatus | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    session_id: str | None = None,
    limit: int = 200,
    cursor: str | None = None,
) -> Page[Approval]:
    """Returns approvals of a user, the latest first: from `since` on and before `until`, with every word of
    `query` in tool, agent, subject, who decided, with what, or why; those of a session with those of its
    sub-agents. Raises `InvalidError` for a cursor."""
    words = query.casefold().split()[:_MOST_WORDS]
    bounds = [None if each is None else each.isoformat() for each in (since, until)]
    place = Keyset("decisions", owner, words, status, *bounds, session_id)
    # With the plus the latest are read first, and no more than a page has; else all would be sorted.
    wheres = ["+session_id IN (SELECT id FROM sessions WHERE owner = ? AND deleted_at IS NULL)"]
    values: list[Any] = [owner]
    if (before := place.read(cursor, int)) is not None:
        wheres.append("event_id < ?")
        values += before
    for word in words:
        wheres.append(f"({_SAID}) LIKE ? ESCAPE '\\'")
        values.append(f"%{like(word)}%")
    if session_id is not None:
        wheres.append(f"session_id IN {family('?')}")
        values += (session_id, session_id)
    for sql, value in (
        ("status = ?", status),
        (f"{_AT} >= julianday(?)", bounds[0]),
        (f"{_AT} < julianday(?)", bounds[1]),
    ):
        if value is not None:
            wheres.append(sql)
            values.append(value)
    rows = await reader.rows(
        f"SELECT body, event_id FROM approvals WHERE {' AND '.join(wheres)} ORDER BY event_id DESC LIMIT ?",
        [*values, limit + 1],
    )
    kept, next_cursor = place.cut(rows, limit, "event_id")
    items = tuple(Approval.model_validate_json(row["body"]) for row in kept)
    return Page[Approval](items=items, next_cursor=next_cursor)


async def read_grants(reader: Reader, session_id: str) -> tuple[Approval, ...]:
    """Returns the approvals of a session, and of those that sub-agents work in for it, that hold for more
    than the one call, oldest first."""
    rows = await reader.rows(
        "SELECT body FROM approvals"
        f" WHERE session_id IN {family('?1')} AND status = 'approved'"
        " AND json_extract(body, '$.decision.scope') <> 'once' ORDER BY event_id",
        (session_id,),
    )
    return tuple(Approval.model_validate_json(row["body"]) for row in rows)
