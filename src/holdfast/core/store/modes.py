"""The modes of sessions in the index: the latest of each, and how much the session had used by then."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from holdfast.core.domain.modes import AutoLimits, SessionMode
from holdfast.core.domain.session_events import SessionGrantsDropped, SessionModeChanged
from holdfast.core.store.conditions import FAMILY, family
from holdfast.core.store.reader import Reader


def index_mode(db: sqlite3.Connection, event: SessionModeChanged) -> None:
    """Notes the mode of a session, and what its runs have used until now: limits count from here. A session
    that is gone has none, or another of its id would begin with it."""
    limits = None if event.limits is None else event.limits.model_dump_json()
    db.execute(
        "INSERT OR REPLACE INTO session_modes SELECT id, ?2, ?3, ?4,"
        f" (SELECT COALESCE(SUM(steps), 0) FROM runs WHERE session_id IN {FAMILY}),"
        f" (SELECT COALESCE(SUM(cost_usd), 0) FROM runs WHERE session_id IN {FAMILY})"
        " FROM sessions s WHERE id = ?1",
        (event.session_id, event.mode, limits, event.at.isoformat()),
    )


async def read_mode(reader: Reader, session_id: str) -> SessionMode | None:
    """Returns the mode of a session with what was used since it was switched on; None where none was."""
    of_all = f"IN {family('m.session_id')}"
    rows = await reader.rows(
        "SELECT mode, limits, since,"
        f" (SELECT COALESCE(SUM(steps), 0) FROM runs WHERE session_id {of_all}) - m.steps AS steps,"
        f" (SELECT COALESCE(SUM(cost_usd), 0) FROM runs WHERE session_id {of_all}) - m.cost_usd"
        " AS cost_usd FROM session_modes m WHERE session_id = ?",
        (session_id,),
    )
    if not rows:
        return None
    row = rows[0]
    limits = None if row["limits"] is None else AutoLimits.model_validate_json(row["limits"])
    return SessionMode.model_validate(
        {
            "mode": row["mode"],
            "limits": limits,
            "since": row["since"],
            "steps": max(0, row["steps"]),
            "cost_usd": max(0.0, row["cost_usd"]),
        }
    )


async def dropped_grants(reader: Reader, session_id: str) -> dict[str, datetime]:
    """Returns the rules whose grants in a session were taken back, and when that was last."""
    rows = await reader.rows(
        "SELECT body FROM events WHERE session_id = ? AND type = 'session.grants_dropped' ORDER BY id",
        (session_id,),
    )
    events = (SessionGrantsDropped.model_validate_json(row["body"]) for row in rows if row["body"])
    return {rule: event.at for event in events for rule in event.rules}
