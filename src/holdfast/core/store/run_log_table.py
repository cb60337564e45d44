"""Reads the log of runs: pages in any order, of what is looked for."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from holdfast.core.domain.run_log import RunEntry, RunQuery, RunSort
from holdfast.core.domain.text import sanitize_line
from holdfast.core.store.conditions import like
from holdfast.core.store.reader import Reader
from holdfast.core.store.run_log import USED

_MOST_WORDS = 20
_SEEN = "l.owner = :owner AND l.trashed = 0 AND l.copied = 0"
_TOP = f"{_SEEN} AND l.parent_run_id IS NULL"
_ORDER: Mapping[RunSort, str] = {
    "agent": "{1} COLLATE NOCASE {0}, l.started_at DESC, l.first_event_id DESC",
    "time": "l.started_at {0}, l.first_event_id {0}",
    "credits": "l.credits {0}, l.started_at DESC, l.first_event_id DESC",
    "cost": "l.cost_usd {0}, l.started_at DESC, l.first_event_id DESC",
    "response_time": "l.response_ms {0} NULLS LAST, l.started_at DESC, l.first_event_id DESC",
}
_ENTRY = (
    "l.*, EXISTS (SELECT 1 FROM sessions s WHERE s.id = l.session_id) AS session,"
    " (SELECT name FROM credentials c WHERE c.id = l.key_id) AS key_name,"
    " (SELECT COUNT(*) FROM run_log b WHERE b.parent_run_id = l.run_id) AS below"
)


class RunLogTable:
    """Reads the log of runs."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(
        self, query: RunQuery, owner: str, names: Mapping[str, str]
    ) -> tuple[tuple[RunEntry, ...], int]:
        """Returns the runs that are wanted, and how many there are in all. `names` are those that people are
        shown of agents, where these have any."""
        shown = names if query.sort == "agent" or query.text.strip() else {}
        source = "run_log l LEFT JOIN json_each(:names) n ON n.key = l.agent" if shown else "run_log l"
        name = "COALESCE(n.value, l.agent)" if shown else "l.agent"
        where, values = _conditions(query, owner, name)
        order = _ORDER[query.sort].format("DESC" if query.descending else "ASC", name)
        values |= {"names": json.dumps(dict(shown)), "limit": query.limit, "offset": query.offset}
        found = await self._reader.rows(
            f"SELECT l.run_id FROM {source} WHERE {where} ORDER BY {order} LIMIT :limit OFFSET :offset",
            values,
        )
        total = await self._reader.rows(f"SELECT COUNT(*) FROM {source} WHERE {where}", values)
        ids = [row["run_id"] for row in found]
        rows = await self._reader.rows(
            f"SELECT {_ENTRY} FROM run_log l WHERE l.run_id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
        entries = {row["run_id"]: _entry(row, names) for row in rows}
        return tuple(entries[id] for id in ids if id in entries), total[0][0]

    async def agents(self, owner: str) -> dict[str, int]:
        """Returns how many runs of each agent there are, without those of sub-agents, by name."""
        rows = await self._reader.rows(
            f"SELECT l.agent, COUNT(*) AS runs FROM run_log l WHERE {_TOP} GROUP BY l.agent ORDER BY l.agent",
            {"owner": owner},
        )
        return {row["agent"]: row["runs"] for row in rows}

    async def entry(self, run_id: str, owner: str, names: Mapping[str, str]) -> RunEntry | None:
        """Returns one run, also one that was copied with a fork; None where it is not the owner's."""
        rows = await self._reader.rows(
            f"SELECT {_ENTRY} FROM run_log l WHERE l.run_id = ? AND l.owner = ? AND l.trashed = 0",
            (run_id, owner),
        )
        return _entry(rows[0], names) if rows else None

    async def of_session(
        self, session_id: str, before: int | None, limit: int, names: Mapping[str, str]
    ) -> tuple[tuple[RunEntry, int], ...]:
        """Returns the last `limit` runs of a session that began before an event (None: all), newest first,
        each with the event that it began with."""
        rows = await self._reader.rows(
            f"SELECT {_ENTRY} FROM run_log l WHERE l.session_id = ?1"
            " AND (?2 IS NULL OR l.first_event_id < ?2) ORDER BY l.first_event_id DESC LIMIT ?3",
            (session_id, before, limit),
        )
        return tuple((_entry(row, names), row["first_event_id"]) for row in rows)

    async def below(
        self, run_id: str, owner: str, limit: int, names: Mapping[str, str]
    ) -> tuple[RunEntry, ...]:
        """Returns the runs that sub-agents have made for a run, and for those, in the order of their
        starts."""
        rows = await self._reader.rows(
            "WITH RECURSIVE below (id) AS (SELECT run_id FROM run_log WHERE parent_run_id = :run_id UNION"
            " SELECT l.run_id FROM run_log l JOIN below b ON l.parent_run_id = b.id)"
            f" SELECT {_ENTRY} FROM run_log l WHERE l.run_id IN (SELECT id FROM below) AND l.owner = :owner"
            " ORDER BY l.first_event_id LIMIT :limit",
            {"run_id": run_id, "owner": owner, "limit": limit},
        )
        return tuple(_entry(row, names) for row in rows)


def _conditions(query: RunQuery, owner: str, name: str) -> tuple[str, dict[str, Any]]:
    wheres = [_SEEN if query.session is not None else _TOP]
    if query.parent is not None:
        wheres = [_SEEN, "l.parent_run_id = :parent"]
    values: dict[str, Any] = {"owner": owner, "parent": query.parent}
    if query.agents is not None:
        wheres.append("l.agent IN (SELECT value FROM json_each(:agents))")
        values["agents"] = json.dumps(query.agents)
    if query.session is not None:
        wheres.append("l.session_id = :session")
        values["session"] = query.session
    if query.status is not None:
        wheres.append("l.status = :status")
        values["status"] = query.status
    if query.since is not None:
        # Runs keep the time of their end as text, in UTC.
        wheres.append(
            "EXISTS (SELECT 1 FROM runs r WHERE r.id = l.run_id"
            " AND (r.ended_at IS NULL OR julianday(r.ended_at) >= julianday(:since)))"
        )
        values["since"] = query.since.astimezone(UTC).isoformat()
    for number, word in enumerate(query.text.replace("\0", " ").split()[:_MOST_WORDS]):
        wheres.append(
            f"({name} LIKE :name{number} ESCAPE '\\' OR l.message_event_id IN"
            f" (SELECT rowid FROM search WHERE search MATCH :word{number}))"
        )
        values[f"name{number}"] = f"%{like(word)}%"
        values[f"word{number}"] = f'"{word.replace(chr(34), chr(34) * 2)}"*'
    return " AND ".join(wheres), values


def _entry(row: sqlite3.Row, names: Mapping[str, str]) -> RunEntry:
    fields = {name: row[name] for name in _FIELDS}
    usage = {name: row[name] for name in USED if name != "credits"}
    more = {
        "id": row["run_id"],
        "agent_name": names.get(row["agent"]) or row["agent"],
        "prompt": sanitize_line(row["prompt"]),
        "started_at": datetime.fromtimestamp(row["started_at"], UTC),
        "usage": usage,
        "key": row["key_id"],
        "key_name": row["key_name"] or "",
    }
    return RunEntry.model_validate({**fields, **more})


_FIELDS = (
    *("session_id", "session", "agent", "model", "status", "error", "response_ms", "model_ms", "choice_ms"),
    *("parameters_ms", "steps", "tools", "tool_ms", "credits", "logged", "parent_run_id", "below"),
)
