"""Sessions and runs, as the index tables have them."""

from __future__ import annotations

import json
import sqlite3

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.runs import Run, RunStatus, Session, Usage
from holdfast.core.store.conditions import FAMILY, UNREAD, family

_USAGE = (
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_usd",
    "estimated",
    "unpriced",
)
_SUMS = ", ".join(
    f"(SELECT COALESCE({'MAX' if name in ('estimated', 'unpriced') else 'SUM'}({name}), 0)"
    f" FROM runs WHERE session_id IN {FAMILY}) AS {name}"
    for name in _USAGE
)
_LAST = family("s.id", "COALESCE(MAX((SELECT MAX(id) FROM events WHERE session_id = f.id)), 0)")
SESSION = (
    "SELECT s.*, (SELECT status FROM runs WHERE id = s.run_id) AS status,"
    f" (SELECT COUNT(*) FROM approvals WHERE session_id IN {FAMILY} AND status = 'pending')"
    f" + (SELECT COUNT(*) FROM questions WHERE session_id IN {FAMILY} AND open = 1) AS pending,"
    f" {_LAST} AS last_event_id,"
    f" {UNREAD} AS unread,"
    " (SELECT COUNT(DISTINCT run_id) FROM run_messages m WHERE m.session_id = s.id) AS turns,"
    f" {_SUMS} FROM sessions s"
)
RUN = (
    "SELECT r.*, (SELECT parent_run_id FROM sessions WHERE id = r.session_id) AS parent_run_id,"
    " (SELECT json_group_array(id) FROM (SELECT c.id FROM sessions s JOIN runs c ON c.session_id = s.id"
    " WHERE s.parent_run_id = r.id ORDER BY c.first_event_id)) AS child_runs FROM runs r"
)


def _usage(row: sqlite3.Row) -> Usage:
    return Usage.model_validate({name: row[name] for name in _USAGE})


def session_of(row: sqlite3.Row) -> Session:
    """Returns the session of a row of `SESSION`."""
    fields = {
        name: row[name]
        for name in row.keys()  # noqa: SIM118 (a Row iterates over its values)
        if name in Session.model_fields
    }
    if fields["pending"] and fields["status"] == RunStatus.RUNNING:
        fields["status"] = RunStatus.WAITING
    if fields["child_of"] is not None:
        fields["child_of"] = json.loads(fields["child_of"])
    fields["ext"] = json.loads(fields["ext"])
    return Session.model_validate({**fields, "usage": _usage(row)})


def run_of(row: sqlite3.Row) -> Run:
    """Returns the run of a row of `RUN`."""
    names = (
        *("id", "session_id", "agent", "model", "status", "started_at", "ended_at", "steps"),
        "parent_run_id",
    )
    return Run.model_validate(
        {
            **{name: row[name] for name in (*names, "first_event_id", "last_event_id")},
            "child_runs": json.loads(row["child_runs"]),
            "error": ErrorInfo.model_validate_json(row["error"]) if row["error"] else None,
            "usage": _usage(row),
        }
    )
