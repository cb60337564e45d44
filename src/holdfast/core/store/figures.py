"""What there is now, counted over all users."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.core.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Present:
    sessions: int
    waiting_approvals: int
    waiting_questions: int
    open_runs: dict[str, int]
    """By status; without those that no run has."""


async def present(reader: Reader) -> Present:
    """Returns the counts; quick, for all but the sessions have an index of their own."""
    counts = await reader.rows(
        "SELECT (SELECT COUNT(*) FROM sessions) AS sessions,"
        " (SELECT COUNT(*) FROM approvals WHERE status = 'pending') AS waiting_approvals,"
        " (SELECT COUNT(*) FROM questions WHERE open = 1) AS waiting_questions"
    )
    runs = await reader.rows(
        "SELECT status, COUNT(*) AS runs FROM runs WHERE status IN ('running', 'paused', 'waiting')"
        " GROUP BY status"
    )
    return Present(**dict(counts[0]), open_runs={row["status"]: row["runs"] for row in runs})
