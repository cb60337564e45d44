"""Webhooks and the log of their deliveries; without their secrets, which are kept where keys are."""

from __future__ import annotations

import json
import logging
import sqlite3
from typing import Any

from holdfast.core.domain.errors import NotFoundError, StoreError
from holdfast.core.domain.events import EVENT, LoggedEvent
from holdfast.core.domain.runs import Session
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.values import Page
from holdfast.core.domain.webhooks import Delivery, FoundEvent, Webhook
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.reader import EVENTS_OF, Reader
from holdfast.core.store.writer import Writer

logger = logging.getLogger(__name__)

KEPT_DELIVERIES = 1_000
"""Of each webhook; older ones are dropped."""
_TRIMMED_EVERY = 100
_STATE = ("cursor", "enabled", "reason", "failing_since", "failures", "succeeded_at")
"""The columns that deliveries change; the others are the owner's."""
_DELIVERY = ", ".join(Delivery.model_fields)
# The runs that a fork has copied, and those that an import has brought, have started before their session.
_HAPPENED = (
    "NOT EXISTS (SELECT 1 FROM runs r JOIN sessions o ON o.id = r.session_id WHERE r.id = events.run_id"
    " AND (o.forked_from IS NOT NULL OR o.imported_from <> '')"
    " AND julianday(r.started_at) <= julianday(o.created_at))"
)


class WebhookTables:
    """Reads and writes the tables `webhooks` and `deliveries`; a `WebhookStore`."""

    def __init__(self, writer: Writer, reader: Reader, blobs: BlobStore) -> None:
        self._writer = writer
        self._reader = reader
        self._blobs = blobs

    # --- webhooks

    async def of(self, owner: str) -> tuple[Webhook, ...]:
        """Returns the webhooks of a user, oldest first."""
        return await self._webhooks("owner = ?", owner)

    async def get(self, id: str, owner: str | None = None) -> Webhook | None:
        """Returns a webhook; None when there is none, or it is not `owner`'s."""
        found = await self._webhooks("id = ?1 AND (?2 IS NULL OR owner = ?2)", id, owner)
        return found[0] if found else None

    async def enabled(self) -> tuple[Webhook, ...]:
        """Returns all enabled webhooks of users that there are."""
        return await self._webhooks("enabled AND owner IN (SELECT id FROM users)")

    async def ids(self) -> tuple[str, ...]:
        """Returns the ids of all webhooks."""
        return tuple(row["id"] for row in await self._reader.rows("SELECT id FROM webhooks"))

    async def add(self, webhook: Webhook, most: int) -> bool:
        """Keeps a new webhook; says whether its owner had less than `most`."""
        fields = _fields(webhook)
        sql = (
            f"INSERT INTO webhooks ({', '.join(fields)}) SELECT {', '.join(f':{name}' for name in fields)}"
            " WHERE (SELECT COUNT(*) FROM webhooks WHERE owner = :owner) < :most"
        )
        return await self._writer.run(lambda db: db.execute(sql, {**fields, "most": most}).rowcount == 1)

    async def change(self, webhook: Webhook) -> None:
        """Keeps all fields of a webhook that is there."""
        fields = _fields(webhook)
        await self._write(f"UPDATE webhooks SET {_sets(fields)} WHERE id = :id", fields)

    async def remove(self, id: str) -> None:
        """Removes a webhook and its deliveries, at once."""

        def remove(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                db.execute("DELETE FROM deliveries WHERE webhook_id = ?", (id,))
                db.execute("DELETE FROM webhooks WHERE id = ?", (id,))

        await self._writer.run(remove)

    async def move(self, webhook_id: str, cursor: int) -> None:
        """Notes that there is nothing to send up to `cursor`."""
        sql = "UPDATE webhooks SET cursor = MAX(cursor, :cursor) WHERE id = :id"
        await self._write(sql, {"id": webhook_id, "cursor": cursor})

    # --- deliveries

    async def deliveries(self, webhook_id: str, limit: int, cursor: str | None = None) -> Page[Delivery]:
        """Returns the deliveries of a webhook, newest first."""
        place = Keyset("deliveries", webhook_id)
        (before,) = place.read(cursor, int) or [1 << 62]
        rows = await self._reader.rows(
            f"SELECT number, {_DELIVERY} FROM deliveries WHERE webhook_id = ? AND number < ?"
            " ORDER BY number DESC LIMIT ?",
            (webhook_id, before, limit + 1),
        )
        kept, next_cursor = place.cut(rows, limit, "number")
        return Page[Delivery](items=tuple(_delivery(row) for row in kept), next_cursor=next_cursor)

    async def delivery(self, id: str) -> Delivery | None:
        rows = await self._reader.rows(f"SELECT {_DELIVERY} FROM deliveries WHERE id = ?", (id,))
        return _delivery(rows[0]) if rows else None

    async def pending(self, webhook_id: str) -> Delivery | None:
        """Returns the delivery that is to be tried again; there is one at most."""
        rows = await self._reader.rows(
            f"SELECT {_DELIVERY} FROM deliveries WHERE webhook_id = ? AND status = 'pending'", (webhook_id,)
        )
        return _delivery(rows[0]) if rows else None

    async def record(self, delivery: Delivery, webhook: Webhook | None = None) -> None:
        """Keeps how a delivery stands and, with it, the state of its webhook.

        Of a webhook that is gone nothing is kept.
        """
        fields = delivery.model_dump(mode="json")
        sql = (
            f"INSERT INTO deliveries ({_DELIVERY}) SELECT {', '.join(f':{name}' for name in fields)}"
            " WHERE EXISTS (SELECT 1 FROM webhooks WHERE id = :webhook_id)"
            f" ON CONFLICT (id) DO UPDATE SET {_sets(fields)} RETURNING number"
        )

        def keep(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                row = db.execute(sql, fields).fetchone()
                if row is not None and row[0] % _TRIMMED_EVERY == 0:
                    _trim(db, delivery.webhook_id)
                if webhook is not None:
                    state = {name: value for name, value in _fields(webhook).items() if name in _STATE}
                    db.execute(
                        f"UPDATE webhooks SET {_sets(state)} WHERE id = :id", {**state, "id": webhook.id}
                    )

        await self._writer.run(keep)

    # --- events

    async def last_event_id(self) -> int:
        """Returns the id of the newest event ever committed, 0 when there is none."""
        return await self._reader.last_event_id()

    async def next_event(self, webhook: Webhook, types: frozenset[str]) -> FoundEvent | None:
        """Returns the first event over the webhook's cursor that is of `types` and its owner's, and that
        happened: not what a fork has copied or an import has brought."""
        wheres = [
            "id > ?2",
            _HAPPENED,
            f"type IN ({', '.join(f'?{number}' for number in range(3, len(types) + 3))})",
        ]
        values: list[str | int] = [webhook.cursor, *sorted(types)]
        if webhook.session_id is not None:
            wheres.append(f"session_id = ?{len(values) + 2}")
            values.append(webhook.session_id)
        return await self._event(" AND ".join(wheres), webhook, *values)

    async def event(self, webhook: Webhook, event_id: int) -> FoundEvent | None:
        """Returns an event of the webhook's owner, as long as there is one."""
        return await self._event("id = ?2", webhook, event_id)

    async def events_of_run(self, owner: str, run_id: str, after: int, through: int) -> list[LoggedEvent]:
        """Returns the events of a run over `after` up to `through`, in their order; those whose content is
        lost are left out."""
        sql = (
            "SELECT id, type, body, blob FROM events WHERE run_id = ?2 AND id > ?3 AND id <= ?4"
            f" AND {EVENTS_OF} ORDER BY id"
        )
        found = map(self._found, await self._reader.rows(sql, (owner, run_id, after, through)))
        return [each.event for each in found if each.event is not None]

    async def session(self, session_id: str, owner: str) -> Session | None:
        """Returns a session of a user, as long as there is one."""
        return await self._reader.session(session_id, owner)

    async def _event(self, where: str, webhook: Webhook, *values: str | int) -> FoundEvent | None:
        """`?1` is the owner; `where` begins to count at `?2`."""
        sql = f"SELECT id, type, body, blob FROM events WHERE {where} AND {EVENTS_OF} ORDER BY id LIMIT 1"
        rows = await self._reader.rows(sql, (webhook.owner, *values))
        return self._found(rows[0]) if rows else None

    def _found(self, row: sqlite3.Row) -> FoundEvent:
        try:
            body = row["body"] or self._blobs.get(row["blob"]).decode()
        except (NotFoundError, StoreError) as error:
            logger.error("event %d cannot be sent: %s", row["id"], error.message)
            return FoundEvent(row["id"], row["type"], None)
        event = EVENT.validate_python(json.loads(body))
        return FoundEvent(row["id"], row["type"], LoggedEvent.model_construct(id=row["id"], event=event))

    async def _webhooks(self, where: str, *values: str | None) -> tuple[Webhook, ...]:
        sql = f"SELECT * FROM webhooks WHERE {where} ORDER BY created_at, rowid"
        return tuple(_webhook(row) for row in await self._reader.rows(sql, values))

    async def _write(self, sql: str, values: dict[str, Any]) -> None:
        def write(db: sqlite3.Connection) -> None:
            db.execute(sql, values)

        await self._writer.run(write)


def _trim(db: sqlite3.Connection, webhook_id: str) -> None:
    db.execute(
        "DELETE FROM deliveries WHERE webhook_id = ?1 AND status <> 'pending' AND number <= (SELECT number"
        " FROM deliveries WHERE webhook_id = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
        (webhook_id, KEPT_DELIVERIES),
    )


def _sets(fields: dict[str, Any]) -> str:
    # A cursor never goes back, whoever writes last.
    written = {"cursor": "MAX(cursor, :cursor)"}
    return ", ".join(f"{name} = {written.get(name, f':{name}')}" for name in fields)


def _fields(webhook: Webhook) -> dict[str, Any]:
    fields = webhook.model_dump(mode="json")
    return {**fields, "events": json.dumps(fields["events"]), "ext": json.dumps(fields["ext"])}


def _webhook(row: sqlite3.Row) -> Webhook:
    read = {name: json.loads(row[name]) for name in ("events", "ext")}
    return Webhook.model_validate({**dict(row), **read})


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery.model_validate({name: row[name] for name in Delivery.model_fields})
