"""The log of runs as a table: a row for each run, kept up to date in the transaction of its events.

What sub-agents have used counts in the runs above them, too. A run that is not `logged` leaves no text here;
its row outlives its session, as usage does, for what was spent was spent. The rows of others go with theirs.
"""

from __future__ import annotations

import sqlite3

from holdfast.core.domain.events import (
    AnyEvent,
    MessageAdded,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    SessionDeleted,
    StepCompleted,
    StepStarted,
    ToolCallCompleted,
    UsageRecorded,
)
from holdfast.core.domain.messages import text_of, without_results
from holdfast.core.domain.run_log import MAX_PROMPT
from holdfast.core.domain.session_events import SessionCleared, SessionRestored, SessionTrashed

USED = (
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_usd",
    "credits",
    "estimated",
    "unpriced",
)
_ABOVE = (
    "WITH RECURSIVE above (id) AS (SELECT :run_id UNION"
    " SELECT l.parent_run_id FROM run_log l JOIN above a ON l.run_id = a.id"
    " WHERE l.parent_run_id IS NOT NULL)"
)
"""The ids of a run and of all above it."""


def index_run_log(db: sqlite3.Connection, event_id: int, event: AnyEvent) -> None:
    """Brings the table up to date with one event, after the other tables."""
    match event:
        case RunStarted():
            _begin(db, event_id, event)
        case RunCompleted() | RunFailed() | RunCancelled():
            _end(db, event)
        case MessageAdded(origin="send" | "continue" | "agent"):
            prompt = text_of(without_results(event.parts))[:MAX_PROMPT]
            db.execute(
                "UPDATE run_log SET prompt = ?, message_event_id = ? WHERE run_id = ? AND logged = 1"
                " AND message_event_id IS NULL",
                (prompt, event_id, event.run_id),
            )
        case StepStarted():
            db.execute(
                "UPDATE run_log SET steps = ?, purpose = ? WHERE run_id = ?",
                (event.step, event.purpose, event.run_id),
            )
        case StepCompleted():
            db.execute(
                "UPDATE run_log SET model_ms = model_ms + :ms,"
                " choice_ms = choice_ms + CASE purpose WHEN 'tool_choice' THEN :ms ELSE 0 END,"
                " parameters_ms = parameters_ms + CASE purpose WHEN 'tool_parameters' THEN :ms ELSE 0 END"
                " WHERE run_id = :run_id",
                {"ms": event.timing.total_ms, "run_id": event.run_id},
            )
        case ToolCallCompleted(outcome="ok" | "error" | "timeout" | "client"):
            db.execute(
                "UPDATE run_log SET tools = tools + 1, tool_ms = tool_ms + ? WHERE run_id = ?",
                (event.duration_ms, event.run_id),
            )
        case UsageRecorded():
            _use(db, event)
        case SessionTrashed() | SessionRestored():
            trashed = isinstance(event, SessionTrashed)
            db.execute(
                "UPDATE run_log SET trashed = ? WHERE root_id = ? AND logged = 1",
                (trashed, event.session_id),
            )
        case SessionCleared(since=int() as since):
            _forget(db, event.session_id, since)
        case SessionDeleted() | SessionCleared():
            _forget(db, event.session_id)
        case _ if event.type.startswith(("approval.", "question.", "run.")):
            _hold(db, event)


def _begin(db: sqlite3.Connection, event_id: int, event: RunStarted) -> None:
    # The events of a fork up to its making are copies, and what was imported happened elsewhere.
    db.execute(
        "INSERT OR REPLACE INTO run_log (run_id, first_event_id, owner, session_id, root_id, parent_run_id,"
        " agent, model, key_id, status, started_at, logged, copied)"
        " SELECT :run_id, :event_id, owner, id, COALESCE(root_id, id), parent_run_id, :agent, :model, :key,"
        " 'running', :at, :logged,"
        " (forked_from IS NOT NULL OR imported_from <> '') AND :said_at <= created_at"
        " FROM sessions WHERE id = :session_id",
        {
            "run_id": event.run_id,
            "event_id": event_id,
            "agent": event.agent,
            "model": event.model,
            "key": event.key,
            "at": event.at.timestamp(),
            "said_at": event.at.isoformat(),
            "logged": event.logged,
            "session_id": event.session_id,
        },
    )


def _end(db: sqlite3.Connection, event: RunCompleted | RunFailed | RunCancelled) -> None:
    _hold(db, event)
    code = event.error.code if isinstance(event, RunFailed) else ""
    db.execute(
        "UPDATE run_log SET status = :status, error = :code, response_ms ="
        " CASE :code WHEN 'interrupted' THEN model_ms + tool_ms"  # the engine was gone meanwhile
        " ELSE MAX(0, (:at - started_at) * 1000 - idle_ms) END WHERE run_id = :run_id",
        {
            "status": event.type.removeprefix("run."),
            "code": code,
            "at": event.at.timestamp(),
            "run_id": event.run_id,
        },
    )


def _hold(db: sqlite3.Connection, event: AnyEvent) -> None:
    """Counts the time in which the run is paused, or waits for a person."""
    db.execute(
        "UPDATE run_log SET status = r.status,"
        " idle_ms = idle_ms + CASE WHEN r.status NOT IN ('paused', 'waiting') AND idle_since IS NOT NULL"
        " THEN (:at - idle_since) * 1000 ELSE 0 END,"
        " idle_since = CASE WHEN r.status IN ('paused', 'waiting') THEN COALESCE(idle_since, :at) END"
        " FROM runs r WHERE r.id = :run_id AND run_log.run_id = :run_id",
        {"at": event.at.timestamp(), "run_id": event.run_id},
    )


def _use(db: sqlite3.Connection, event: UsageRecorded) -> None:
    db.execute(
        f"{_ABOVE} UPDATE run_log SET input_tokens = input_tokens + :input_tokens,"
        " output_tokens = output_tokens + :output_tokens, cached_tokens = cached_tokens + :cached_tokens,"
        " reasoning_tokens = reasoning_tokens + :reasoning_tokens, cost_usd = cost_usd + :cost_usd,"
        " credits = credits + :credits, estimated = estimated OR :estimated, unpriced = unpriced OR :unpriced"
        " WHERE run_id IN (SELECT id FROM above)",
        {
            **{name: getattr(event, name) for name in USED if name in UsageRecorded.model_fields},
            "cost_usd": event.cost_usd or 0.0,
            "unpriced": event.cost_usd is None,
            "run_id": event.run_id,
        },
    )


def _forget(db: sqlite3.Connection, session_id: str, since: int = 0) -> None:
    """Takes the rows of a session out that was deleted or cleared, all or from an event on, but for those
    without words."""
    db.execute(
        "DELETE FROM run_log WHERE session_id = ? AND first_event_id >= ?"
        " AND (logged = 1 OR copied = 1 OR parent_run_id IS NOT NULL)",
        (session_id, since),
    )


def clear(db: sqlite3.Connection) -> None:
    """Takes out what the log of events can make anew."""
    db.execute("DELETE FROM run_log WHERE first_event_id IN (SELECT id FROM events)")
