"""Conversations whose last run has handed them over, and that no other agent has taken over."""

from __future__ import annotations

from holdfast.core.store.reader import Reader

_LATEST = 200
"""Sessions that are looked at: what was lost with an engine is among the latest."""


async def left_handed_over(reader: Reader) -> tuple[str, ...]:
    """Returns the ids of the runs that ended so, of sessions that are neither copies nor in the trash."""
    rows = await reader.rows(
        "SELECT r.id FROM (SELECT run_id FROM sessions WHERE forked_from IS NULL AND deleted_at IS NULL"
        " ORDER BY updated_at DESC LIMIT ?) s"
        " JOIN runs r ON r.id = s.run_id AND r.status = 'completed' JOIN events e ON e.id = r.last_event_id"
        " WHERE e.type = 'run.completed' AND json_extract(e.body, '$.reason') = 'handed_over'",
        (_LATEST,),
    )
    return tuple(row["id"] for row in rows)
