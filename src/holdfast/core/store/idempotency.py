"""The answers that are kept for requests that may be repeated."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.idempotency import KEPT_S, KeptAnswer, KeyedRequest
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.store.writer import Writer

_Row = tuple[str, str, int | None, bytes]
_WHERE = "user_id = ? AND operation = ? AND key = ?"


class AnswerStore:
    """Implements `KeptAnswers` on the table `idempotency`. Made once by each engine."""

    def __init__(self, writer: Writer, now: Callable[[], datetime] = utc_now) -> None:
        self._writer = writer
        self._now = now
        self._engine = new_id()

    async def claim(self, request: KeyedRequest) -> KeptAnswer | None:
        """See `KeptAnswers`."""
        row = await self._writer.run(lambda db: self._claim(db, request))
        if row is None:
            return None
        digest, engine, status, body = row
        if digest != request.digest:
            raise ConflictError(
                "This Idempotency-Key was used for another request; choose a new one for each.",
                code="idempotency_key_reused",
            )
        if status is not None:
            return KeptAnswer(status, body)
        if engine == self._engine:
            raise ConflictError(
                "The first request with this Idempotency-Key is still being answered.",
                code="idempotency_in_progress",
                retryable=True,
            )
        raise ConflictError(
            "The engine stopped while it answered the first request with this Idempotency-Key; look whether "
            "it did what was asked, then ask with a new key if it did not.",
            code="idempotency_interrupted",
        )

    def _claim(
        self, db: sqlite3.Connection, request: KeyedRequest
    ) -> tuple[str, str, int | None, bytes] | None:
        """Returns what is kept under the key; when there is nothing, it is this request's from now on."""
        self._prune(db)
        at = self._now().isoformat()
        values = (*_key(request), request.digest, self._engine, at)
        sql = "INSERT OR IGNORE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)"
        if db.execute(sql, values).rowcount == 1:
            return None
        sql = f"SELECT digest, engine, status, body FROM idempotency WHERE {_WHERE}"
        found: _Row = db.execute(sql, _key(request)).fetchone()
        return found

    async def keep(self, request: KeyedRequest, answer: KeptAnswer) -> None:
        """See `KeptAnswers`."""
        sql = f"UPDATE idempotency SET status = ?, body = ? WHERE {_WHERE}"
        await self._writer.run(lambda db: _do(db, sql, (answer.status, answer.body, *_key(request))))

    async def release(self, request: KeyedRequest) -> None:
        """See `KeptAnswers`."""
        await self._writer.run(lambda db: _do(db, f"DELETE FROM idempotency WHERE {_WHERE}", _key(request)))

    async def prune(self) -> None:
        """Forgets what is older than `KEPT_S` seconds; each claim does so too."""
        await self._writer.run(self._prune)

    def _prune(self, db: sqlite3.Connection) -> None:
        oldest = self._now() - timedelta(seconds=KEPT_S)
        _do(db, "DELETE FROM idempotency WHERE at < ?", (oldest.isoformat(),))


def _key(request: KeyedRequest) -> tuple[str, str, str]:
    return request.user_id, request.operation, request.key


def _do(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> None:
    db.execute(sql, values)
