"""What runs have used: a row for each event that says so, written in the transaction of the event.

What a sub-agent has used counts in the session that it works for. The rows outlive their sessions, for what
was spent was spent. A row has its event's id, so that making the index anew writes those that the log still
has once more and leaves the others as they are.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from holdfast.core.domain.events import MessageAdded, RunStarted, StepStarted, UsageRecorded
from holdfast.core.domain.limits import Limit, LimitKind, Unit
from holdfast.core.domain.usage import (
    ModelUsage,
    UsageCounts,
    UsageGroup,
    UsageKey,
    UsageOf,
    UsageSummary,
)
from holdfast.core.domain.user_events import ModelAsked
from holdfast.core.store.reader import Reader

_COUNTS = (
    "runs",
    "steps",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "cost_usd",
    "credits",
    "estimated",
    "unpriced",
)
_FLAGS = ("estimated", "unpriced")
_SUMS = ", ".join(f"COALESCE({'MAX' if name in _FLAGS else 'SUM'}({name}), 0) AS {name}" for name in _COUNTS)
# The events of a fork up to its making are copies, and what was imported happened elsewhere: paid for there.
_INSERT = (
    "INSERT OR REPLACE INTO usage"
    " (event_id, at, owner, session_id, run_id, agent, key_id, message_id, model, plan,"
    f" {', '.join(_COUNTS)})"
    " SELECT :event_id, :at, s.owner, COALESCE(s.root_id, s.id), r.id, r.agent, r.key_id, r.message_id,"
    f" :model, :plan, {', '.join(f':{name}' for name in _COUNTS)}"
    " FROM runs r JOIN sessions s ON s.id = r.session_id"
    " WHERE r.id = :run_id"
    " AND ((s.forked_from IS NULL AND s.imported_from = '') OR :said_at > s.created_at)"
)
_KEYS: Mapping[UsageKey, str] = {
    "day": "date(at, 'unixepoch')",
    "month": "strftime('%Y-%m', at, 'unixepoch')",
    "model": "model",
    "agent": "agent",
    "session": "session_id",
    "run": "run_id",
    "message": "message_id",
    "key": "key_id",
    "user": "owner",
}
_LIMITED: Mapping[LimitKind, str] = {
    "key": "key_id = ?2 AND key_id <> '' AND owner = ?1",
    "agent": "owner = ?1 AND agent = ?2",
    "user": "owner = ?1 AND owner = ?2",
}
_SESSIONS = "COUNT(DISTINCT session_id) AS sessions"
_EVER = 1e18
"""Seconds: more than any time has."""
_LABELS: Mapping[str, str] = {
    # Nobody but its owner sees a session's title.
    "session": "(SELECT title FROM sessions s WHERE s.id = key AND s.owner = ?1 AND s.deleted_at IS NULL)",
    "user": "(SELECT name FROM users u WHERE u.id = key)",
    "key": "(SELECT name FROM credentials c WHERE c.id = key)",
}


def count(db: sqlite3.Connection, event_id: int, event: RunStarted | StepStarted | UsageRecorded) -> None:
    """Adds what the event says was used; nothing when its run or session is not known, or it is a copy."""
    row: dict[str, Any] = {**dict.fromkeys(_COUNTS, 0), "plan": ""}
    match event:
        case RunStarted(model=""):
            return  # a tool that was run directly
        case RunStarted():
            row["runs"] = 1
        case StepStarted():
            row["steps"] = 1
        case UsageRecorded():
            row |= {name: getattr(event, name) for name in _COUNTS if name in UsageRecorded.model_fields}
            row |= {"cost_usd": event.cost_usd or 0.0, "unpriced": event.cost_usd is None, "plan": event.plan}
    when = {"at": event.at.timestamp(), "said_at": event.at.isoformat()}
    db.execute(_INSERT, {**row, **when, "event_id": event_id, "run_id": event.run_id, "model": event.model})


def count_asked(db: sqlite3.Connection, event_id: int, event: ModelAsked) -> None:
    """Adds what was used outside of any run."""
    row: dict[str, Any] = {name: getattr(event, name, 0) for name in _COUNTS}
    row |= {"cost_usd": event.cost_usd or 0.0, "unpriced": event.cost_usd is None}
    row |= {"event_id": event_id, "at": event.at.timestamp(), "owner": event.owner, "key": event.key}
    db.execute(
        "INSERT OR REPLACE INTO usage"
        " (event_id, at, owner, session_id, run_id, agent, key_id, message_id, model, plan,"
        f" {', '.join(_COUNTS)})"
        " VALUES (:event_id, :at, :owner, '', '', '', :key, '', :model, '',"
        f" {', '.join(f':{name}' for name in _COUNTS)})",
        {**row, "model": event.model},
    )


def name_message(db: sqlite3.Connection, event: MessageAdded) -> None:
    """Makes a message the one that what its run uses from now on is for, and the run itself where it is the
    first."""
    values = {"run_id": event.run_id, "message_id": event.message_id}
    db.execute(
        "UPDATE usage SET message_id = :message_id WHERE message_id = ''"
        " AND event_id = (SELECT first_event_id FROM runs WHERE id = :run_id)",
        values,
    )
    db.execute("UPDATE runs SET message_id = :message_id WHERE id = :run_id", values)


class UsageTable:
    """Reads what was used."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def report(
        self,
        by: UsageKey,
        since: datetime | None,
        until: datetime | None,
        *,
        asking: str,
        everybody: bool,
        limit: int,
        of: UsageOf | None = None,
    ) -> UsageSummary:
        """Returns what the user `asking` has used, or everybody, from `since` on and before `until`; with
        `of` only that part of it."""
        of = of or UsageOf()
        values = (
            asking,
            None if everybody else asking,
            -_EVER if since is None else since.timestamp(),
            _EVER if until is None else until.timestamp(),
            of.session,
            of.agent,
            of.key,
            of.user,
            limit,
        )
        rows = await self._reader.rows(
            f"WITH {_wanted(by)} SELECT g.*, {_LABELS.get(by, 'NULL')} AS label FROM ({_first(by)}) g", values
        )
        total = await self._reader.rows(
            f"WITH {_wanted(by)} SELECT (SELECT COUNT(*) FROM counted) AS groups, {_SUMS}, {_SESSIONS}"
            " FROM wanted",
            values[:8],
        )
        return UsageSummary(
            by=by,
            since=since,
            until=until,
            total=UsageCounts.model_validate({**_counts(total[0]), "sessions": total[0]["sessions"]}),
            groups=tuple(_group(row) for row in rows),
            left_out=total[0]["groups"] - len(rows),
        )

    async def spent(self, limit: Limit, unit: Unit, since: datetime | None) -> float:
        """Returns what was used of what a limit is about, in dollars or credits."""
        column = "cost_usd" if unit == "usd" else "credits"
        rows = await self._reader.rows(
            f"SELECT COALESCE(SUM({column}), 0) FROM usage WHERE {_LIMITED[limit.kind]} AND at >= ?3",
            (limit.owner, limit.subject, -_EVER if since is None else since.timestamp()),
        )
        return float(rows[0][0])

    async def spent_on_plans(self, owner: str) -> float:
        """Returns the credits that a user's agents with a plan were charged for."""
        rows = await self._reader.rows(
            "SELECT COALESCE(SUM(credits), 0) FROM usage WHERE owner = ? AND plan <> ''", (owner,)
        )
        return float(rows[0][0])

    async def agents(self, owner: str) -> frozenset[str]:
        """Returns the names of the agents that have used something for a user."""
        rows = await self._reader.rows("SELECT DISTINCT agent FROM usage WHERE owner = ?", (owner,))
        return frozenset(row["agent"] for row in rows)

    async def tools(self, owner: str, since: datetime, agent: str | None) -> dict[str, int]:
        """Returns how often a user's runs that began since then have asked for each tool, the most asked
        first; `agent` narrows it to one. Of deleted sessions nothing is known any more."""
        rows = await self._reader.rows(
            "SELECT CASE WHEN e.body <> '' THEN json_extract(e.body, '$.name') END AS name, e.body, e.blob,"
            " COUNT(*) AS number FROM sessions s JOIN runs r ON r.session_id = s.id"
            " JOIN events e ON e.run_id = r.id AND e.type = 'tool_call.requested'"
            " WHERE s.owner = ?1 AND s.deleted_at IS NULL AND r.started_at >= ?2"
            " AND (?3 IS NULL OR r.agent = ?3)"
            " AND ((s.forked_from IS NULL AND s.imported_from = '') OR r.started_at > s.created_at)"
            " GROUP BY name, e.blob",
            (owner, since.isoformat(), agent),
        )
        found: Counter[str] = Counter()
        for row in rows:
            name = row["name"] or json.loads(await asyncio.to_thread(self._reader.body_of, row))["name"]
            found[name] += row["number"]
        return dict(found.most_common())

    async def models(self, after: int) -> tuple[int, tuple[ModelUsage, ...]]:
        """Returns what all users have used of each model in rows over `after`, and the id to go on from."""
        rows = await self._reader.rows(
            f"SELECT model, MAX(event_id) AS last, {_SUMS} FROM usage WHERE event_id > ?"
            " GROUP BY model ORDER BY MIN(event_id)",
            (after,),
        )
        usage = tuple(
            ModelUsage.model_validate({name: row[name] for name in ModelUsage.model_fields}) for row in rows
        )
        return max((row["last"] for row in rows), default=after), usage


def _wanted(by: UsageKey) -> str:
    return (
        f"wanted AS (SELECT *, {_KEYS[by]} AS key FROM usage"
        " WHERE (?2 IS NULL OR owner = ?2) AND at >= ?3 AND at < ?4"
        " AND (?5 IS NULL OR session_id = ?5 OR run_id IN (SELECT id FROM runs WHERE session_id = ?5))"
        " AND (?6 IS NULL OR agent = ?6) AND (?7 IS NULL OR key_id = ?7) AND (?8 IS NULL OR owner = ?8)),"
        f" counted AS (SELECT key, MIN(at) AS first_at, MAX(at) AS last_at, {_SESSIONS}, {_SUMS}"
        " FROM wanted GROUP BY key)"
    )


def _first(by: UsageKey) -> str:
    """Returns the query of the groups that come before the limit."""
    if by in ("day", "month"):
        return "SELECT * FROM (SELECT * FROM counted ORDER BY key DESC LIMIT ?9) ORDER BY key"
    return "SELECT * FROM counted ORDER BY cost_usd DESC, input_tokens + output_tokens DESC, key LIMIT ?9"


def _counts(row: sqlite3.Row) -> dict[str, Any]:
    return {name: row[name] for name in _COUNTS}


def _group(row: sqlite3.Row) -> UsageGroup:
    span = {name: datetime.fromtimestamp(row[name], UTC) for name in ("first_at", "last_at")}
    more = {"key": row["key"], "label": row["label"] or "", "sessions": row["sessions"], **span}
    return UsageGroup.model_validate({**_counts(row), **more})
