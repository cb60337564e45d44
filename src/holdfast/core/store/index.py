"""The index tables: what listings need, kept up to date in the transaction that appends the events."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable

from holdfast.core.domain.approvals import Approval, ApprovalStatus
from holdfast.core.domain.events import (
    EVENT,
    AnyEvent,
    ApprovalRequested,
    ApprovalResolved,
    MessageAdded,
    MessageDequeued,
    MessageQueued,
    PartCompleted,
    QuestionAnswered,
    QuestionAsked,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    SessionAnnotated,
    SessionConfigured,
    SessionCreated,
    SessionDeleted,
    SessionRenamed,
    StepStarted,
    UsageRecorded,
)
from holdfast.core.domain.messages import text_of, without_results
from holdfast.core.domain.runs import QueuedMessage
from holdfast.core.domain.session_events import (
    SessionArchived,
    SessionCleared,
    SessionMark,
    SessionModeChanged,
    SessionRestored,
    SessionSeen,
    SessionShared,
    SessionStarred,
    SessionTrashed,
)
from holdfast.core.store import jobs, modes, run_log, submissions, usage

_DIGEST = re.compile(r'"([0-9a-f]{64})"')
_NOT_INDEXED = ("part.delta", "tool_call.progressed", "part.started")


def index(db: sqlite3.Connection, event_id: int, event: AnyEvent, body: str) -> None:
    """Brings the index up to date with one event; `body` is its JSON."""
    if event.type in _NOT_INDEXED:
        return
    for digest in set(_DIGEST.findall(body)):
        db.execute("INSERT OR IGNORE INTO blob_uses VALUES (?, ?)", (digest, event_id))
    if event.type.startswith("session."):
        _index_session(db, event_id, event)
    elif event.type.startswith("run."):
        _index_run(db, event_id, event)
    elif event.type.startswith(("approval.", "question.")):
        _index_pending(db, event_id, event)
    elif event.type.startswith("job."):
        jobs.index_job(db, event_id, event)
        submissions.index_work(db, event_id, event)
    elif event.type == "model.asked":
        usage.count_asked(db, event_id, event)
    elif event.type == "knowledge.changed":
        submissions.index_removal(db, event)
    else:
        _index_content(db, event_id, event)
    run_log.index_run_log(db, event_id, event)


def _index_session(db: sqlite3.Connection, event_id: int, event: AnyEvent) -> None:
    match event:
        case SessionCreated():
            at, child = event.at.isoformat(), event.child_of
            db.execute(
                "INSERT INTO sessions (id, title, agent, model, project, workspace, created_at, updated_at,"
                " forked_from, owner, imported_from, child_of, root_id, parent_run_id, ext, titled)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    event.session_id,
                    event.title,
                    event.agent,
                    event.model,
                    event.project,
                    event.workspace,
                    at,
                    at,
                    event.forked_from,
                    event.owner,
                    event.imported_from,
                    None if child is None else child.model_dump_json(),
                    None if child is None else child.root_id,
                    None if child is None else child.run_id,
                    json.dumps(event.ext),
                    bool(event.title),
                ),
            )
        case SessionRenamed():
            db.execute(
                "UPDATE sessions SET title = ?, titled = ? WHERE id = ?",
                (event.title, not event.automatic, event.session_id),
            )
        case SessionConfigured():
            db.execute(
                "UPDATE sessions SET agent = ?, model = ? WHERE id = ?",
                (event.agent, event.model, event.session_id),
            )
        case SessionAnnotated():
            db.execute("UPDATE sessions SET ext = ? WHERE id = ?", (json.dumps(event.ext), event.session_id))
        case SessionCleared():
            _clear(db, event_id, event)
        case SessionDeleted():
            _delete(db, event_id, event.session_id)
        case SessionModeChanged():
            modes.index_mode(db, event)
        case (
            SessionStarred()
            | SessionArchived()
            | SessionShared()
            | SessionSeen()
            | SessionTrashed()
            | SessionRestored()
        ):
            name, value = _mark(event_id, event)
            db.execute(f"UPDATE sessions SET {name} = ? WHERE id = ?", (value, event.session_id))


def _mark(event_id: int, event: SessionMark) -> tuple[str, int | str | None]:
    """Returns the column that a mark sets, and to what."""
    match event:
        case SessionStarred(starred=starred):
            return "starred", starred
        case SessionArchived(archived=archived):
            return "archived", archived
        case SessionShared(shared=shared):
            return "shared", shared
        case SessionSeen(through=through):
            return "seen_event_id", event_id if through is None else through
        case SessionTrashed(at=at):
            return "deleted_at", at.isoformat()
        case SessionRestored():
            return "deleted_at", None


def _delete(db: sqlite3.Connection, event_id: int, session_id: str) -> None:
    events = "SELECT id FROM events WHERE session_id = ? AND id < ?"
    db.execute(f"DELETE FROM search WHERE rowid IN ({events})", (session_id, event_id))
    db.execute(f"DELETE FROM blob_uses WHERE event_id IN ({events})", (session_id, event_id))
    db.execute("DELETE FROM events WHERE session_id = ? AND id < ?", (session_id, event_id))
    for table in ("runs", "approvals", "questions", "queue", "run_messages"):
        db.execute(f"DELETE FROM {table} WHERE session_id = ?", (session_id,))
    db.execute("DELETE FROM session_modes WHERE session_id = ?", (session_id,))
    db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))


_IS_TEXT = "(body = '' OR json_extract(body, '$.kind') = 'text')"
"""A part of a reply whose body is too large for the table is a text."""


def _clear(db: sqlite3.Connection, event_id: int, event: SessionCleared) -> None:
    """Takes out what was said, all of it or from a run on; what is about the session itself stays, and the
    messages that wait."""
    of, since = event.session_id, event.since or 0
    waiting = "type = 'message.queued' AND id IN (SELECT event_id FROM queue WHERE session_id = ?1)"
    gone = (
        f"SELECT id FROM events WHERE session_id = ?1 AND id < ?2 AND id >= ?3"
        f" AND NOT (type LIKE 'session.%' OR {waiting})"
    )
    said = f"type = 'message.added' OR (type = 'part.completed' AND {_IS_TEXT})"
    (count,) = db.execute(
        f"SELECT COUNT(*) FROM events WHERE id IN ({gone}) AND ({said})", (of, event_id, since)
    ).fetchone()
    for table, column in (("search", "rowid"), ("blob_uses", "event_id"), ("events", "id")):
        db.execute(f"DELETE FROM {table} WHERE {column} IN ({gone})", (of, event_id, since))
    db.execute("DELETE FROM runs WHERE session_id = ? AND first_event_id >= ?", (of, since))
    for table in ("approvals", "questions", "run_messages"):
        db.execute(
            f"DELETE FROM {table} WHERE session_id = ?1"
            " AND run_id NOT IN (SELECT id FROM runs WHERE session_id = ?1)",
            (of,),
        )
    last = "(SELECT id FROM runs WHERE session_id = ?1 ORDER BY first_event_id DESC LIMIT 1)"
    db.execute(
        f"UPDATE sessions SET run_id = {last}, messages = CASE WHEN ?2 THEN max(0, messages - ?3) ELSE 0 END,"
        " updated_at = ?4, seen_event_id = ?5 WHERE id = ?1",
        (of, since, count, event.at.isoformat(), event_id),
    )


def _index_run(db: sqlite3.Connection, event_id: int, event: AnyEvent) -> None:
    match event:
        case RunStarted():
            db.execute(
                "INSERT INTO runs (id, session_id, agent, model, options, status, started_at,"
                " first_event_id, last_event_id, key_id) VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?, ?)",
                (
                    event.run_id,
                    event.session_id,
                    event.agent,
                    event.model,
                    event.options.model_dump_json(exclude={"history"}),  # the log has it, and it may be long
                    event.at.isoformat(),
                    event_id,
                    event_id,
                    event.key,
                ),
            )
            usage.count(db, event_id, event)
            db.execute(
                "UPDATE sessions SET run_id = ?, updated_at = ?, archived = 0 WHERE id = ?",
                (event.run_id, event.at.isoformat(), event.session_id),
            )
        case RunPaused():
            db.execute("UPDATE runs SET status = 'paused' WHERE id = ?", (event.run_id,))
        case RunResumed():
            _settle_status(db, event.run_id)
        case RunCompleted() | RunFailed() | RunCancelled():
            status = event.type.removeprefix("run.")
            error = event.error.model_dump_json() if isinstance(event, RunFailed) else None
            db.execute(
                "UPDATE runs SET status = ?, ended_at = ?, error = ?, last_event_id = ? WHERE id = ?",
                (status, event.at.isoformat(), error, event_id, event.run_id),
            )
            db.execute(
                "UPDATE sessions SET updated_at = ? WHERE id = ?", (event.at.isoformat(), event.session_id)
            )


def _settle_status(db: sqlite3.Connection, run_id: str) -> None:
    """Says `waiting` while something of the run waits for a person, else `running`."""
    db.execute(
        "UPDATE runs SET status = CASE WHEN"
        " EXISTS (SELECT 1 FROM approvals WHERE run_id = :run AND status = 'pending')"
        " OR EXISTS (SELECT 1 FROM questions WHERE run_id = :run AND open = 1)"
        " THEN 'waiting' ELSE 'running' END WHERE id = :run",
        {"run": run_id},
    )


def _index_pending(db: sqlite3.Connection, event_id: int, event: AnyEvent) -> None:
    match event:
        case ApprovalRequested(approval=approval):
            db.execute(
                "INSERT INTO approvals VALUES (?, ?, ?, ?, ?, ?)",
                (
                    approval.id,
                    event.session_id,
                    event.run_id,
                    approval.status,
                    event_id,
                    approval.model_dump_json(),
                ),
            )
        case ApprovalResolved():
            row = db.execute("SELECT body FROM approvals WHERE id = ?", (event.approval_id,)).fetchone()
            if row is None:  # what asked for it is lost
                return
            approval = Approval.model_validate_json(row[0]).model_copy(
                update={
                    "status": ApprovalStatus(event.status),
                    "decided_at": event.at,
                    "decision": event.decision,
                }
            )
            db.execute(
                "UPDATE approvals SET status = ?, body = ? WHERE id = ?",
                (event.status, approval.model_dump_json(), event.approval_id),
            )
        case QuestionAsked(question=question):
            db.execute(
                "INSERT INTO questions VALUES (?, ?, ?, 1, ?, ?)",
                (
                    question.id,
                    event.session_id,
                    event.run_id,
                    event_id,
                    question.model_copy(update={"asked_at": event.at}).model_dump_json(),
                ),
            )
        case QuestionAnswered():
            db.execute("UPDATE questions SET open = 0 WHERE id = ?", (event.question_id,))
        case _:
            return
    if event.run_id is not None:
        _settle_status(db, event.run_id)


def _index_content(db: sqlite3.Connection, event_id: int, event: AnyEvent) -> None:
    match event:
        case MessageAdded():
            for id in {event.message_id, *event.follow_ups}:
                db.execute(
                    "INSERT OR REPLACE INTO run_messages VALUES (?, ?, ?)",
                    (id, event.session_id, event.run_id),
                )
            db.execute("UPDATE sessions SET messages = messages + 1 WHERE id = ?", (event.session_id,))
            if event.origin in ("send", "steer", "continue", "agent"):
                usage.name_message(db, event)
            if event.origin in ("send", "steer"):
                said = text_of(without_results(event.parts))
                _add_text(db, event_id, event.session_id, "user", event.at.isoformat(), said)
        case PartCompleted(kind="text"):
            db.execute("UPDATE sessions SET messages = messages + 1 WHERE id = ?", (event.session_id,))
            _add_text(db, event_id, event.session_id, "assistant", event.at.isoformat(), event.text)
        case MessageQueued():
            queued = QueuedMessage(
                id=event.message_id,
                session_id=event.session_id,
                parts=event.parts,
                options=event.options,
                key=event.key,
                queued_at=event.at,
                steer=event.steer,
                kind=event.kind,
            )
            db.execute(
                "INSERT INTO queue VALUES (?, ?, ?, ?)",
                (event.message_id, event.session_id, event_id, queued.model_dump_json()),
            )
        case MessageDequeued():
            db.execute(
                "DELETE FROM queue WHERE session_id = ? AND id = ?", (event.session_id, event.message_id)
            )
        case StepStarted():
            db.execute("UPDATE runs SET steps = ? WHERE id = ?", (event.step, event.run_id))
            usage.count(db, event_id, event)
        case UsageRecorded():
            usage.count(db, event_id, event)
            db.execute(
                "UPDATE runs SET input_tokens = input_tokens + ?, output_tokens = output_tokens + ?,"
                " cached_tokens = cached_tokens + ?, reasoning_tokens = reasoning_tokens + ?,"
                " cost_usd = cost_usd + ?, estimated = estimated OR ?, unpriced = unpriced OR ? WHERE id = ?",
                (
                    event.input_tokens,
                    event.output_tokens,
                    event.cached_tokens,
                    event.reasoning_tokens,
                    event.cost_usd or 0.0,
                    event.estimated,
                    event.cost_usd is None,
                    event.run_id,
                ),
            )


def _add_text(db: sqlite3.Connection, event_id: int, session_id: str, role: str, at: str, text: str) -> None:
    if text.strip():
        db.execute(
            "INSERT INTO search (rowid, text, session_id, role, at) VALUES (?, ?, ?, ?, ?)",
            (event_id, text, session_id, role, at),
        )


def rebuild(db: sqlite3.Connection, read_blob: Callable[[str], str | None]) -> int:
    """Makes the index anew from the log, in one transaction; returns how many events were read.

    The rows of `usage` that the log has no events for any more stay as they are.

    `read_blob` returns a body that is too large for the table, None when it is lost.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        for table in ("sessions", "runs", "approvals", "questions", "queue", "blob_uses", "search", "jobs"):
            db.execute(f"DELETE FROM {table}")
        db.execute("DELETE FROM submissions")
        db.execute("DELETE FROM session_modes")
        db.execute("DELETE FROM run_messages")
        run_log.clear(db)
        # Of deltas too, which have no other place in the index.
        db.execute("INSERT INTO blob_uses SELECT blob, id FROM events WHERE blob IS NOT NULL")
        count = 0
        rows = db.execute(
            "SELECT id, body, blob FROM events WHERE type NOT IN ('part.delta', 'tool_call.progressed')"
            " ORDER BY id"
        ).fetchall()
        for event_id, body, blob in rows:
            text = body or read_blob(blob)
            if text is None:
                continue
            index(db, event_id, EVENT.validate_python(json.loads(text)), text)
            count += 1
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return count
