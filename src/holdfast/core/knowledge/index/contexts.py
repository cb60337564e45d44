"""Retrievals that are kept under an id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.knowledge import ContextRecord, Passage, Retrieved
from holdfast.core.domain.passages import shown
from holdfast.core.domain.values import Page
from holdfast.core.knowledge.index import rows
from holdfast.core.knowledge.index.cleaning import clean_json
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.paging import read_cursor, within, write_cursor

MAX_CONTEXTS = 1_000
MAX_PAGE_CHARS = 16_000_000
"""Of the records of one page, as they are kept; a page has one record at least."""


class Contexts:
    """Reads and writes the table of contexts."""

    def __init__(self, database: Database, most: int = MAX_CONTEXTS) -> None:
        """`most` are those of one owner."""
        self._database = database
        self._most = most

    def keep(self, record: ContextRecord) -> None:
        """Raises `ConflictError`: `context_exists` for an id that is taken, `too_many_contexts`."""
        body = _written(record)
        with self._database.writing() as connection:
            kept = connection.execute("SELECT count(*) FROM contexts WHERE owner = ?", (record.owner,))
            if kept.fetchone()[0] >= self._most:
                raise ConflictError(
                    f"{self._most} retrievals are kept already; drop some first.", code="too_many_contexts"
                )
            done = connection.execute(
                "INSERT OR IGNORE INTO contexts VALUES (?, ?, ?, ?)",
                (record.id, record.owner, record.created_at.isoformat(), body),
            )
            if not done.rowcount:
                raise ConflictError(f"There is a context {record.id!r} already.", code="context_exists")

    def get(self, context_id: str) -> ContextRecord:
        """Raises `NotFoundError`."""
        row = self._database.connection.execute(
            "SELECT body FROM contexts WHERE id = ?", (context_id,)
        ).fetchone()
        if row is None:
            raise _missing(context_id)
        return _read(row["body"])

    def list(self, owner: str, limit: int = 50, cursor: str | None = None) -> Page[ContextRecord]:
        """Returns an owner's, newest first; fewer than `limit` where they are long."""
        limit = within(limit)
        before = read_cursor(cursor, str, str) if cursor is not None else None
        older = "AND (created_at, id) < (?, ?)" if before is not None else ""
        values = (owner, *(before or ()), limit + 1)
        found: list[sqlite3.Row] = []
        size, last = 0, None
        with self._database.reading() as connection:
            for row in connection.execute(
                f"SELECT * FROM contexts WHERE owner = ? {older} ORDER BY created_at DESC, id DESC LIMIT ?",
                values,
            ):
                size += len(row["body"])
                if found and (len(found) == limit or size > MAX_PAGE_CHARS):
                    last = found[-1]
                    break
                found.append(row)
        return Page(
            items=tuple(_read(row["body"]) for row in found),
            next_cursor=write_cursor(last["created_at"], last["id"]) if last is not None else None,
        )

    def drop(self, context_id: str) -> None:
        """Raises `NotFoundError`."""
        with self._database.writing() as connection:
            if not connection.execute("DELETE FROM contexts WHERE id = ?", (context_id,)).rowcount:
                raise _missing(context_id)

    def forget(self, owner: str) -> None:
        """Deletes all that a user has kept."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM contexts WHERE owner = ?", (owner,))


def _written(record: ContextRecord) -> str:
    """Returns a record as it is kept: what is shown, and the passages of the retrieval, are those of its
    items, and are kept there alone."""
    fields = clean_json(record.model_dump(mode="json"))
    same = record.text == shown(record.items) and record.retrieval.passages == _passages(record.items)
    if same:
        del fields["text"], fields["retrieval"]["passages"]
    return rows.dump(fields)


def _read(body: str) -> ContextRecord:
    fields = json.loads(body)
    if "text" in fields:
        return ContextRecord.model_validate(fields)
    record = ContextRecord.model_validate({**fields, "text": ""})
    retrieval = record.retrieval.model_copy(update={"passages": _passages(record.items)})
    return record.model_copy(update={"text": shown(record.items), "retrieval": retrieval})


def _passages(items: Iterable[Retrieved]) -> tuple[Passage, ...]:
    return tuple(item.passage for item in items if item.passage is not None)


def _missing(context_id: str) -> NotFoundError:
    return NotFoundError(f"There is no stored context {context_id!r}.", code="context_not_found")
