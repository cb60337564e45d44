"""Limits, and the requests that count for them. They are no projections of the log."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from holdfast.core.domain.limits import Limit, LimitKind, Payer, Tier, begin
from holdfast.core.store.reader import Reader
from holdfast.core.store.writer import Writer

MINUTE_S = 60.0
_KEPT_S = 2 * 86_400.0
"""Requests are forgotten after two days: no window is longer than one."""
_OF: Mapping[LimitKind, str] = {
    "key": "owner = ?1 AND key_id = ?2",
    "agent": "owner = ?1 AND agent = ?2",
    "user": "owner = ?1 AND owner = ?2",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is one too many."""

    limit: Limit
    tier: Tier
    period: Literal["minute", "day"]
    until: float | None
    """Seconds since 1970 at which there is room again; None: when the next day begins."""


class LimitTables:
    """Reads and writes the tables `limits`, `requests` and `credit_accounts`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def all(self) -> tuple[Limit, ...]:
        """Returns all limits."""
        rows = await self._reader.rows("SELECT * FROM limits ORDER BY kind, subject, owner")
        return tuple(Limit.model_validate({**row, "budgets": json.loads(row["budgets"])}) for row in rows)

    async def keep(self, limit: Limit) -> None:
        """Keeps a limit in the place of the one that the subject had."""
        fields = limit.model_dump(mode="json")
        values = {**fields, "budgets": json.dumps(fields["budgets"])}
        sql = "INSERT OR REPLACE INTO limits VALUES (:kind, :subject, :owner, :tier, :budgets)"
        await self._writer.run(lambda db: db.execute(sql, values) and None)

    async def remove(self, limit: Limit) -> None:
        """Forgets a limit."""
        values = (limit.kind, limit.subject, limit.owner)
        sql = "DELETE FROM limits WHERE kind = ? AND subject = ? AND owner = ?"
        await self._writer.run(lambda db: db.execute(sql, values) and None)

    async def given(self, owner: str) -> float | None:
        """Returns the credits that a user was given in all; None: none were yet."""
        rows = await self._reader.rows("SELECT given FROM credit_accounts WHERE owner = ?", (owner,))
        return float(rows[0][0]) if rows else None

    async def give(self, owner: str, credits: float) -> None:
        """Says how many credits a user was given in all."""
        sql = "INSERT OR REPLACE INTO credit_accounts VALUES (?, ?)"
        await self._writer.run(lambda db: db.execute(sql, (owner, credits)) and None)

    async def forget_user(self, owner: str) -> None:
        """Forgets the limits of a user, and what was asked for."""

        def forget(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM limits WHERE owner = ?", (owner,))
            db.execute("DELETE FROM requests WHERE owner = ?", (owner,))

        await self._writer.run(forget)

    async def take(self, payer: Payer, tiers: Sequence[tuple[Limit, Tier]], now: datetime) -> Refused | None:
        """Counts a request, if there is room for it in all tiers; returns the one in which there is none.

        The one thread that writes looks and counts, so that requests at once cannot pass a limit together.
        """

        def take(db: sqlite3.Connection) -> Refused | None:
            for limit, tier in tiers:
                if (refused := _refused(db, limit, tier, now)) is not None:
                    return refused
            at = now.timestamp()
            db.execute("DELETE FROM requests WHERE at < ?", (at - _KEPT_S,))
            db.execute("INSERT INTO requests VALUES (?, ?, ?, ?)", (at, payer.owner, payer.key, payer.agent))
            return None

        return await self._writer.run(take)

    async def asked(self, limit: Limit, since: float) -> int:
        """Returns how many requests counted for a limit since then, in seconds since 1970."""
        sql = f"SELECT COUNT(*) FROM requests WHERE {_OF[limit.kind]} AND at > ?3"
        rows = await self._reader.rows(sql, (limit.owner, limit.subject, since))
        return int(rows[0][0])


def since_day(now: datetime) -> float:
    """Returns the last moment that does not belong to the day of `now` any more."""
    day = begin("day", now)
    assert day is not None
    return day.timestamp() - 1e-6


def _refused(db: sqlite3.Connection, limit: Limit, tier: Tier, now: datetime) -> Refused | None:
    minute_ago = now.timestamp() - MINUTE_S
    if tier.per_minute is not None:
        latest = _latest(db, limit, minute_ago, tier.per_minute)
        if latest is not None:
            return Refused(limit, tier, "minute", latest + MINUTE_S)
    if tier.per_day is not None and _latest(db, limit, since_day(now), tier.per_day) is not None:
        return Refused(limit, tier, "day", None)
    return None


def _latest(db: sqlite3.Connection, limit: Limit, since: float, count: int) -> float | None:
    """Returns when the last but `count` - 1 request came since then; None when there were fewer."""
    sql = f"SELECT at FROM requests WHERE {_OF[limit.kind]} AND at > ?3 ORDER BY at DESC LIMIT 1 OFFSET ?4"
    row = db.execute(sql, (limit.owner, limit.subject, since, count - 1)).fetchone()
    return None if row is None else float(row[0])
