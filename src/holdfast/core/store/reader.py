"""Reads of the database: pages of the log, and what the index tables list."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import aiosqlite

from holdfast.core.domain.approvals import Approval
from holdfast.core.domain.contents import contents_of
from holdfast.core.domain.errors import StoreError
from holdfast.core.domain.events import DELTAS, EVENT, EventFilter, LoggedEvent
from holdfast.core.domain.runs import QueuedMessage, Run, Session, SessionCounts
from holdfast.core.domain.search import SessionQuery
from holdfast.core.domain.tools import BlobStore, Question
from holdfast.core.domain.values import Page
from holdfast.core.store.conditions import UNREAD, conditions, family, like
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.rows import RUN, SESSION, run_of, session_of
from holdfast.core.store.translate import translate

_DELTAS = ", ".join(f"'{name}'" for name in DELTAS)
_STEP = 10_000
"""Ids that are looked through at once for events of one user."""

_BLOBS = (
    "SELECT digest FROM blob_uses UNION ALL SELECT blob FROM prompts UNION ALL SELECT blob FROM uploads"
    " UNION ALL SELECT json_extract(body, '$.blob') FROM trash WHERE kind = 'prompt'"
)
"""The digests of all blobs that events, prompts and waiting uploads use, and prompts in the trash."""
_AT_ONCE = 500
"""Values that one query is asked for."""

_NO_END = 1 << 62
"""An id that no event reaches."""

EVENTS_OF = (
    "CASE WHEN owner IS NOT NULL THEN owner = ?1"
    " WHEN type = 'session.deleted' THEN COALESCE(json_extract(body, '$.owner'), 'local') = ?1"
    " ELSE EXISTS (SELECT 1 FROM sessions s WHERE s.id = events.session_id AND s.owner = ?1"
    " AND (s.deleted_at IS NULL OR type = 'session.trashed')) END"
)
"""Admits the events of a user. The id of a deleted session may be another user's by now; of one in the trash
there is only the event that says so."""
_OWNED = "session_id IN (SELECT id FROM sessions WHERE owner = ? AND deleted_at IS NULL)"
_OWNED2 = "session_id IN (SELECT id FROM sessions WHERE owner = ?2 AND deleted_at IS NULL)"


class Reader:
    """Read-only view of the database; what a writer has published is always in it."""

    def __init__(self, db: aiosqlite.Connection, blobs: BlobStore, path: Path) -> None:
        self._db = db
        self._path = path
        self._blobs = blobs

    @classmethod
    async def open(cls, path: Path, blobs: BlobStore) -> Reader:
        """Opens the database that a writer has made."""
        try:
            db = await aiosqlite.connect(path, isolation_level=None, timeout=5)
            await db.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be read: {error}") from error
        db.row_factory = sqlite3.Row
        return cls(db, blobs, path)

    async def close(self) -> None:
        await self._db.close()

    async def rows(self, sql: str, values: Iterable[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Returns the rows of a query of another module of the store. Raises `StoreError`."""
        return await self._all(sql, values)

    async def _all(self, sql: str, values: Iterable[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        whole: dict[str, Any] | list[Any]
        if isinstance(values, Mapping):
            whole = {name: _whole(value) for name, value in values.items()}
        else:
            whole = [_whole(value) for value in values]
        try:
            return list(await self._db.execute_fetchall(sql, whole))
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def body_of(self, row: sqlite3.Row) -> str:
        """Returns the JSON of an event, of whose row `body` and `blob` were read."""
        return row["body"] or self._blobs.get(row["blob"]).decode()

    def _logged(self, row: sqlite3.Row) -> LoggedEvent:
        body = self.body_of(row)
        return LoggedEvent.committed(row["id"], EVENT.validate_python(json.loads(body)), body)

    # --- the log

    async def last_event_id(self) -> int:
        """Returns the id of the newest event ever committed, 0 when there is none."""
        rows = await self._all("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        return int(rows[0][0]) if rows else 0

    async def events(
        self, filter: EventFilter, after: int, limit: int, owner: str | None = None
    ) -> list[LoggedEvent]:
        """Returns the next events over `after` that `filter` admits, of `owner`'s sessions (None: of all)."""
        wheres = ["id > ?2 AND id <= ?3"]
        if owner is not None:
            wheres.append(EVENTS_OF)
        if filter.session_id is not None:
            wheres.append("session_id = ?4")
        if filter.run_id is not None:
            wheres.append("run_id = ?5")
        wheres.append("?7 IS NULL" if filter.job_id is None else "job_id = ?7")
        if not filter.deltas:
            wheres.append(f"type NOT IN ({_DELTAS})")
        sql = f"SELECT id, body, blob FROM events WHERE {' AND '.join(wheres)} ORDER BY id LIMIT ?6"
        indexed = any((filter.session_id, filter.run_id, filter.job_id))
        last = await self.last_event_id()
        # One who has few among many looks through them in steps, between which other readers have their turn.
        step = last if indexed or owner is None else _STEP
        found: list[LoggedEvent] = []
        for start in range(after, last, max(1, step)):
            named = (filter.session_id, filter.run_id)
            values = (owner, start, start + step, *named, limit - len(found), filter.job_id)
            found += [self._logged(row) for row in await self._all(sql, values)]
            if len(found) == limit:
                break
        return found

    async def page_before(self, session_id: str, before: int | None, limit: int) -> list[LoggedEvent]:
        """Returns the last `limit` events under `before`, extended backwards to the start of a run.

        Deltas come only from a run that has not ended: elsewhere the completed parts say it all. The end of
        an older session of the same id is none of this one's events.
        """
        end = before if before is not None else _NO_END
        open_runs = "SELECT id FROM runs WHERE session_id = ? AND ended_at IS NULL"
        wanted = (
            f"session_id = ? AND id < ? AND (type NOT IN ({_DELTAS}, 'session.deleted')"
            f" OR run_id IN ({open_runs}))"
        )
        rows = await self._all(
            f"SELECT id, run_id FROM events WHERE {wanted} ORDER BY id DESC LIMIT ?",
            (session_id, end, session_id, limit),
        )
        if not rows:
            return []
        first = rows[-1]["id"]
        if rows[-1]["run_id"] is not None:
            starts = await self._all("SELECT first_event_id FROM runs WHERE id = ?", (rows[-1]["run_id"],))
            first = min(first, *(row[0] for row in starts)) if starts else first
        around = await self._all(
            "SELECT MIN(first_event_id) FROM runs WHERE session_id = ? AND first_event_id < ?"
            " AND (ended_at IS NULL OR last_event_id >= ?)",
            (session_id, first, first),
        )
        first = around[0][0] or first
        page = await self._all(
            f"SELECT id, body, blob FROM events WHERE {wanted} AND id >= ? ORDER BY id",
            (session_id, end, session_id, first),
        )
        return [self._logged(row) for row in page]

    async def has_events_before(self, session_id: str, before: int) -> bool:
        """Says whether the session has events of ids under `before`."""
        sql = "SELECT 1 FROM events WHERE session_id = ? AND id < ? AND type <> 'session.deleted' LIMIT 1"
        return bool(await self._all(sql, (session_id, before)))

    async def events_of_type(self, session_id: str, type: str) -> list[LoggedEvent]:
        """Returns all events of one type of a session, oldest first."""
        rows = await self._all(
            "SELECT id, body, blob FROM events WHERE session_id = ? AND type = ? ORDER BY id",
            (session_id, type),
        )
        return [self._logged(row) for row in rows]

    async def events_with(self, digest: str, owner: str) -> list[LoggedEvent]:
        """Returns the messages and starts of runs of `owner`'s sessions in which a digest stands anywhere."""
        rows = await self._all(
            "SELECT e.id, e.body, e.blob FROM blob_uses u JOIN events e ON e.id = u.event_id"
            " JOIN sessions s ON s.id = e.session_id"
            " WHERE u.digest = ? AND s.owner = ? AND s.deleted_at IS NULL"
            " AND e.type IN ('message.added', 'message.queued', 'run.started') ORDER BY e.id DESC LIMIT 100",
            (digest, owner),
        )
        return [self._logged(row) for row in rows]

    async def unused_blobs(self, digests: set[str]) -> set[str]:
        """Returns those of `digests` that neither an event nor a prompt uses."""
        unused = set()
        for digest in digests:
            if not await self._all(f"SELECT 1 FROM ({_BLOBS}) WHERE digest = ? LIMIT 1", (digest,)):
                unused.add(digest)
        return unused

    async def own_blobs(self, digests: Iterable[str], owner: str) -> set[str]:
        """Returns those of `digests` whose contents `owner`'s sessions hold."""
        wanted, used = list(digests), set[str]()
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            rows = await self._all(
                "SELECT DISTINCT u.digest FROM blob_uses u JOIN events e ON e.id = u.event_id"
                " JOIN sessions s ON s.id = e.session_id"
                f" WHERE s.owner = ? AND u.digest IN ({', '.join('?' * len(some))})",
                (owner, *some),
            )
            used.update(row["digest"] for row in rows)
        return {digest for digest in used if await self._holds(digest, "s.owner = ?", owner)}

    async def holds(self, session_id: str, digest: str) -> bool:
        """Says whether a message or a result of the session holds the content."""
        return await self._holds(digest, "s.id = ?", session_id)

    async def _holds(self, digest: str, condition: str, value: str) -> bool:
        rows = await self._all(
            "SELECT e.id, e.body, e.blob FROM blob_uses u JOIN events e ON e.id = u.event_id"
            f" JOIN sessions s ON s.id = e.session_id WHERE u.digest = ? AND {condition} LIMIT 100",
            (digest, value),
        )
        return any(digest in contents_of(self._logged(row).event) for row in rows)

    async def all_blobs(self) -> set[str]:
        """Returns the digests of all blobs that events and prompts use."""
        return {
            row[0] for row in await self._all(f"SELECT DISTINCT digest FROM ({_BLOBS})") if row[0] is not None
        }

    async def blobs_of(self, session_id: str) -> set[str]:
        """Returns the digests of all blobs that events of the session use."""
        rows = await self._all(
            "SELECT DISTINCT digest FROM blob_uses WHERE event_id IN"
            " (SELECT id FROM events WHERE session_id = ?)",
            (session_id,),
        )
        return {row[0] for row in rows}

    # --- listings; their cursors are places in the order of the rows

    async def sessions(
        self, query: SessionQuery, limit: int, cursor: str | None = None, owner: str | None = None
    ) -> Page[Session]:
        """Returns sessions, latest first, that `query` admits and whose titles have every word of it;
        `owner`'s if given.

        One that is used while its listing is paged goes to the front: it may be missed, never repeated.
        """
        place = Keyset("sessions", query.key)
        admitted, values = conditions(query)
        wheres = [*("s.title LIKE ? ESCAPE '\\'" for _ in query.words), *admitted]
        values = [*(f"%{like(word)}%" for word in query.words), *values]
        if owner is not None:
            wheres.append("s.owner = ?")
            values.append(owner)
        if (after := place.read(cursor, str, str)) is not None:
            wheres.append("(s.updated_at, s.id) < (?, ?)")
            values.extend(after)
        rows = await self._all(
            f"{SESSION} WHERE {' AND '.join(wheres)} ORDER BY s.updated_at DESC, s.id DESC LIMIT ?",
            [*values, limit + 1],
        )
        kept, next_cursor = place.cut(rows, limit, "updated_at", "id")
        return Page[Session](items=tuple(session_of(row) for row in kept), next_cursor=next_cursor)

    async def session(
        self, session_id: str, owner: str | None = None, *, in_trash: bool = False
    ) -> Session | None:
        """Returns a session, None where there is none or it is not `owner`'s; with `in_trash` also one that
        is in the trash."""
        rows = await self._all(
            f"{SESSION} WHERE s.id = ?1 AND (?2 IS NULL OR s.owner = ?2) AND (?3 OR s.deleted_at IS NULL)",
            (session_id, owner, in_trash),
        )
        return session_of(rows[0]) if rows else None

    async def counts(self, owner: str | None = None) -> tuple[int, int]:
        """Returns how many sessions there are, and how many approvals and questions wait."""
        rows = await self._all(
            "WITH mine AS (SELECT id, root_id FROM sessions"
            " WHERE deleted_at IS NULL AND (?1 IS NULL OR owner = ?1))"
            " SELECT (SELECT COUNT(*) FROM mine WHERE root_id IS NULL),"
            " (SELECT COUNT(*) FROM approvals WHERE status = 'pending'"
            " AND session_id IN (SELECT id FROM mine))"
            " + (SELECT COUNT(*) FROM questions WHERE open = 1 AND session_id IN (SELECT id FROM mine))",
            (owner,),
        )
        return rows[0][0], rows[0][1]

    async def session_counts(self, owner: str) -> SessionCounts:
        """Returns how many sessions a user has, and how many of them ask for attention."""
        rows = await self._all(
            "WITH mine AS (SELECT s.*, deleted_at IS NULL AND NOT archived AS listed FROM sessions s"
            " WHERE owner = ?1 AND root_id IS NULL),"
            " asking AS (SELECT session_id FROM approvals WHERE status = 'pending'"
            " UNION SELECT session_id FROM questions WHERE open = 1),"
            " waiting AS (SELECT COALESCE(root_id, id) FROM sessions WHERE id IN asking)"
            " SELECT COALESCE(SUM(listed), 0) AS sessions, COALESCE(SUM(listed AND starred), 0) AS starred,"
            f" COALESCE(SUM(listed AND {UNREAD} > 0), 0) AS unread,"
            " COALESCE(SUM(listed AND id IN waiting), 0) AS waiting,"
            " COALESCE(SUM(deleted_at IS NULL AND archived), 0) AS archived,"
            " COALESCE(SUM(deleted_at IS NOT NULL), 0) AS trash FROM mine s",
            (owner,),
        )
        agents = await self._all(
            "SELECT agent, COUNT(*) AS sessions FROM sessions"
            " WHERE owner = ? AND root_id IS NULL AND deleted_at IS NULL GROUP BY agent",
            (owner,),
        )
        by_agent = {row["agent"]: row["sessions"] for row in agents}
        return SessionCounts.model_validate({**dict(rows[0]), "agents": by_agent})

    async def session_tally(self, owner: str, path: str) -> dict[str, int]:
        """Returns how many sessions a user has of each text that stands at a path of their `ext`."""
        rows = await self._all(
            "SELECT json_extract(ext, ?2) AS said, COUNT(*) AS sessions FROM sessions"
            " WHERE owner = ?1 AND root_id IS NULL AND deleted_at IS NULL AND NOT archived"
            " AND json_type(ext, ?2) = 'text' GROUP BY said",
            (owner, path),
        )
        return {row["said"]: row["sessions"] for row in rows}

    async def run(self, run_id: str, owner: str | None = None) -> Run | None:
        rows = await self._all(f"{RUN} WHERE id = ?1 AND (?2 IS NULL OR {_OWNED2})", (run_id, owner))
        return run_of(rows[0]) if rows else None

    async def run_of_message(self, message_id: str, owner: str) -> Run | None:
        """Returns the run that a message has begun or entered; clients choose ids, so that another session
        may have the same: then the latest."""
        rows = await self._all(
            f"{RUN} WHERE id IN (SELECT run_id FROM run_messages WHERE message_id = ?1) AND {_OWNED2}"
            " ORDER BY first_event_id DESC LIMIT 1",
            (message_id, owner),
        )
        return run_of(rows[0]) if rows else None

    async def runs(self, session_id: str, limit: int, cursor: str | None = None) -> Page[Run]:
        """Returns the runs of a session, latest first."""
        place = Keyset("runs", session_id)
        (before,) = place.read(cursor, int) or [_NO_END]
        rows = await self._all(
            f"{RUN} WHERE session_id = ? AND first_event_id < ? ORDER BY first_event_id DESC LIMIT ?",
            (session_id, before, limit + 1),
        )
        kept, next_cursor = place.cut(rows, limit, "first_event_id")
        return Page[Run](items=tuple(run_of(row) for row in kept), next_cursor=next_cursor)

    async def last_agent_run(self, session_id: str) -> Run | None:
        """Returns the last run of the session that was no tool run directly."""
        rows = await self._all(
            f"{RUN} WHERE session_id = ? AND model <> '' ORDER BY first_event_id DESC LIMIT 1",
            (session_id,),
        )
        return run_of(rows[0]) if rows else None

    async def children(self, session_id: str) -> tuple[Session, ...]:
        """Returns the sessions that sub-agents work in for a session, at any depth, oldest first; those in
        the trash too."""
        rows = await self._all(f"{SESSION} WHERE s.root_id = ? ORDER BY s.rowid", (session_id,))
        return tuple(session_of(row) for row in rows)

    async def open_runs(self, owner: str | None = None) -> tuple[Run, ...]:
        """Returns the runs that have not ended, oldest first; `owner`'s if given."""
        rows = await self._all(
            f"{RUN} WHERE status IN ('running', 'paused', 'waiting') AND (?1 IS NULL"
            " OR session_id IN (SELECT id FROM sessions WHERE owner = ?1)) ORDER BY first_event_id",
            (owner,),
        )
        return tuple(run_of(row) for row in rows)

    async def approvals(
        self,
        session_id: str | None,
        pending: bool,
        limit: int,
        cursor: str | None = None,
        owner: str | None = None,
    ) -> Page[Approval]:
        """Returns approvals, oldest first: those that wait, or all; of a session with its sub-agents'."""
        place = Keyset("approvals", session_id, pending)
        (after,) = place.read(cursor, int) or [0]
        wheres, values = ["event_id > ?"], [after]
        if owner is not None:
            wheres.append(_OWNED)
            values.append(owner)
        if pending:
            wheres.append("status = 'pending'")
        if session_id is not None:
            wheres.append(f"session_id IN {family('?')}")
            values += (session_id, session_id)
        rows = await self._all(
            f"SELECT body, event_id FROM approvals WHERE {' AND '.join(wheres)} ORDER BY event_id LIMIT ?",
            [*values, limit + 1],
        )
        kept, next_cursor = place.cut(rows, limit, "event_id")
        items = tuple(Approval.model_validate_json(row["body"]) for row in kept)
        return Page[Approval](items=items, next_cursor=next_cursor)

    async def approval(self, approval_id: str, owner: str | None = None) -> Approval | None:
        rows = await self._all(
            f"SELECT body FROM approvals WHERE id = ?1 AND (?2 IS NULL OR {_OWNED2})", (approval_id, owner)
        )
        return Approval.model_validate_json(rows[0][0]) if rows else None

    async def questions(
        self, session_id: str | None, limit: int, cursor: str | None = None, owner: str | None = None
    ) -> Page[Question]:
        """Returns the questions that wait for an answer, oldest first; of a session with its sub-agents'."""
        place = Keyset("questions", session_id)
        (after,) = place.read(cursor, int) or [0]
        rows = await self._all(
            "SELECT body, event_id FROM questions WHERE open = 1 AND event_id > ?3"
            f" AND (?1 IS NULL OR session_id IN {family('?1')}) AND (?2 IS NULL OR {_OWNED2})"
            " ORDER BY event_id LIMIT ?4",
            (session_id, owner, after, limit + 1),
        )
        kept, next_cursor = place.cut(rows, limit, "event_id")
        items = tuple(Question.model_validate_json(row["body"]) for row in kept)
        return Page[Question](items=items, next_cursor=next_cursor)

    async def question_exists(self, question_id: str, owner: str | None = None) -> bool:
        """Says whether the question was ever asked."""
        sql = f"SELECT 1 FROM questions WHERE id = ?1 AND (?2 IS NULL OR {_OWNED2})"
        return bool(await self._all(sql, (question_id, owner)))

    async def queue(self, session_id: str) -> tuple[QueuedMessage, ...]:
        rows = await self._all("SELECT body FROM queue WHERE session_id = ? ORDER BY event_id", (session_id,))
        return tuple(QueuedMessage.model_validate_json(row[0]) for row in rows)

    async def queued_since(self, run_id: str) -> bool:
        """Says whether a message waits that came after the start of a run of its session."""
        rows = await self._all(
            "SELECT 1 FROM runs r JOIN queue q ON q.session_id = r.session_id"
            " WHERE r.id = ? AND q.event_id > r.first_event_id LIMIT 1",
            (run_id,),
        )
        return bool(rows)

    async def message_exists(self, session_id: str, message_id: str) -> bool:
        """Says whether the session ever had a message of that id, sent or in the queue."""
        rows = await self._all(
            "SELECT blob FROM events WHERE session_id = ? AND type IN ('message.added', 'message.queued')"
            " AND (blob IS NOT NULL OR json_extract(body, '$.message_id') = ?)",
            (session_id, message_id),
        )
        return any(
            row["blob"] is None or json.loads(self._blobs.get(row["blob"]))["message_id"] == message_id
            for row in rows
        )

    async def was_said(self, session_id: str, message_id: str) -> bool:
        """Says whether a message of that id has begun or entered a run of the session."""
        sql = "SELECT 1 FROM run_messages WHERE session_id = ? AND message_id = ?"
        return bool(await self._all(sql, (session_id, message_id)))

    async def owners(self) -> dict[str, str]:
        """Returns the owner of each session that is not the local user's."""
        rows = await self._all("SELECT id, owner FROM sessions WHERE owner <> 'local'")
        return {row["id"]: row["owner"] for row in rows}

    async def workspaces(self, owner: str) -> dict[str, list[str]]:
        """Returns the workspaces of `owner`'s sessions, the latest first, each with the ids of those."""
        rows = await self._all(
            "SELECT id, workspace FROM sessions WHERE owner = ? AND deleted_at IS NULL AND root_id IS NULL"
            " ORDER BY updated_at DESC, rowid DESC",
            (owner,),
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["workspace"], []).append(row["id"])
        return found


def _whole(value: Any) -> Any:
    """Returns a value for a query: half of a surrogate pair, which JSON can say and SQLite cannot hold, is in
    no row anyway."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
