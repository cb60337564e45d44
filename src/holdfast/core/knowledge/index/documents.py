"""Documents: what is kept of each, its chunks and its text. Only those that are ready are ever seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.knowledge import Chunk, Document, DocumentOrder, Passage
from holdfast.core.domain.values import Page
from holdfast.core.knowledge.index import rows
from holdfast.core.knowledge.index.cleaning import clean, clean_json
from holdfast.core.knowledge.index.collections import Collections
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.paging import read_cursor, within, write_cursor
from holdfast.core.knowledge.where import compile_where

MAX_CHARACTERS = 1_000_000
"""Most characters of a text that are handed out at once."""

_MAX_QUERY = 1_000
_MAX_WORDS = 20
_MAX_TEXT = 1 << 30  # more than a text has; SQLite does not look behind twice of it
_MAX_NUMBER = (1 << 63) - 1

_ORDERS: dict[DocumentOrder, str] = {
    "name": "d.name",
    "size": "d.size",
    "pages": "coalesce(d.pages, 0)",
    "media_type": "d.media_type",
    "added_at": "d.added_at",
}
_DOCUMENT = """
    SELECT d.*, c.id AS collection_id FROM documents d JOIN collections c ON c.number = d.collection
    WHERE d.status = 'ready'
"""
_PASSAGE = f"""
    SELECT {rows.PASSAGE_COLUMNS} FROM chunks k JOIN passages p ON p.id = k.id
    JOIN documents d ON d.number = k.document JOIN collections c ON c.number = d.collection
    WHERE d.status = 'ready'
"""


class Documents:
    """Reads documents, and changes what is said of them."""

    def __init__(self, database: Database, collections: Collections) -> None:
        self._database = database
        self._collections = collections

    def list(
        self, collection_id: str, query: str = "", limit: int = 200, cursor: str | None = None
    ) -> Page[Document]:
        """Returns documents by name; `query`: words in name or title. Raises `NotFoundError`."""
        limit = within(limit)
        values: list[Any] = [self._collections.row(collection_id)["number"]]
        named, words = _worded(query)
        where = ["d.collection = ?", *named]
        values += words
        if cursor is not None:
            where.append("(d.name, d.number) > (?, ?)")
            values += read_cursor(cursor, str, int)
        found = self._database.connection.execute(
            f"{_DOCUMENT} AND {' AND '.join(where)} ORDER BY d.name, d.number LIMIT ?", (*values, limit + 1)
        ).fetchall()
        last = found[limit - 1] if len(found) > limit else None
        return Page(
            items=tuple(rows.document(row) for row in found[:limit]),
            next_cursor=write_cursor(last["name"], last["number"]) if last is not None else None,
        )

    def every(
        self,
        owner: str,
        collection_id: str | None = None,
        query: str = "",
        where: Mapping[str, Any] | None = None,
        order: DocumentOrder = "added_at",
        descending: bool = True,
        limit: int = 200,
        cursor: str | None = None,
    ) -> Page[Document]:
        """Returns an owner's documents, of all his collections or of one. Raises `InvalidError`."""
        limit, column = within(limit), _ORDERS[order]
        condition = compile_where(where)
        conditions = ["c.owner = ?", f"({condition.sql})"]
        values: list[Any] = [owner, *condition.values]
        if collection_id is not None:
            conditions.append("c.id = ?")
            values.append(collection_id)
        named, words = _worded(query)
        conditions += named
        values += words
        if cursor is not None:
            conditions.append(f"({column}, d.number) {'<' if descending else '>'} (?, ?)")
            values += read_cursor(cursor, int if order in ("size", "pages") else str, int)
        way = "DESC" if descending else "ASC"
        found = self._database.connection.execute(
            f"SELECT d.*, c.id AS collection_id, {column} AS place FROM documents d"
            " JOIN collections c ON c.number = d.collection"
            f" WHERE d.status = 'ready' AND {' AND '.join(conditions)}"
            f" ORDER BY {column} {way}, d.number {way} LIMIT ?",
            (*values, limit + 1),
        ).fetchall()
        last = found[limit - 1] if len(found) > limit else None
        return Page(
            items=tuple(rows.document(row) for row in found[:limit]),
            next_cursor=write_cursor(last["place"], last["number"]) if last is not None else None,
        )

    def get(self, document_id: str) -> Document:
        """Raises `NotFoundError`."""
        return rows.document(self._row(document_id))

    def number(self, document_id: str) -> int:
        """Returns the number of a document's present version. Raises `NotFoundError`."""
        number: int = self._row(document_id)["number"]
        return number

    def _row(self, document_id: str) -> sqlite3.Row:
        found = self._database.connection.execute(f"{_DOCUMENT} AND d.id = ?", (document_id,)).fetchone()
        if found is None:
            raise missing(document_id)
        row: sqlite3.Row = found
        return row

    def sources(self, collection_id: str, below: str = "") -> Mapping[str, str]:
        """Returns the ids by source. Raises `NotFoundError`."""
        below = clean(below)
        found = self._database.connection.execute(
            "SELECT source, id FROM documents WHERE collection = ? AND status = 'ready' "
            "AND substr(source, 1, ?) = ?",
            (self._collections.row(collection_id)["number"], len(below), below),
        )
        return {row["source"]: row["id"] for row in found}

    def chunks(self, document_id: str, limit: int = 200, cursor: str | None = None) -> Page[Chunk]:
        """Returns the chunks of a document, in order. Raises `NotFoundError`."""
        limit = within(limit)
        after = read_cursor(cursor, int)[0] if cursor is not None else -1
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT {rows.CHUNK_COLUMNS} FROM chunks k JOIN passages p ON p.id = k.id "
                "WHERE k.document = ? AND k.number > ? ORDER BY k.number LIMIT ?",
                (self.number(document_id), after, limit + 1),
            ).fetchall()
        more = len(found) > limit
        return Page(
            items=tuple(rows.chunk(row, document_id) for row in found[:limit]),
            next_cursor=write_cursor(found[limit - 1]["number"]) if more else None,
        )

    def text(self, document_id: str, start: int = 0, characters: int = 100_000) -> str:
        """Returns a part of a document's text, `MAX_CHARACTERS` at most. Raises `NotFoundError`."""
        start = max(0, min(start, _MAX_TEXT))
        characters = max(0, min(characters, MAX_CHARACTERS))
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT substr(text, ?, ?) FROM texts WHERE document = ?",
                (start + 1, characters, self.number(document_id)),
            ).fetchone()
        return str(found[0])

    def describe(
        self,
        document_id: str,
        *,
        name: str | None = None,
        summary: str | None = None,
        questions: tuple[str, ...] | None = None,
        metadata: Mapping[str, Any] | None = None,
        ext: Ext | None = None,
    ) -> Document:
        """Changes what is given. Raises `NotFoundError`."""
        given = {
            "name": clean(name) if name is not None else None,
            "summary": clean(summary) if summary is not None else None,
            "questions": rows.dump(clean_json(questions)) if questions is not None else None,
            "metadata": rows.dump(clean_json(dict(metadata))) if metadata is not None else None,
            "ext": rows.dump(clean_json(ext)) if ext is not None else None,
        }
        changes = {key: value for key, value in given.items() if value is not None}
        if changes:
            assignments = ", ".join(f"{key} = :{key}" for key in changes)
            with self._database.writing() as connection:
                number = self.number(document_id)
                connection.execute(
                    f"UPDATE documents SET {assignments} WHERE number = :number",
                    {**changes, "number": number},
                )
        return self.get(document_id)

    def passages(self, chunk_ids: Sequence[int]) -> tuple[Passage, ...]:
        """Returns chunks in the order given; those that are gone are left out."""
        found = self._database.connection.execute(
            f"{_PASSAGE} AND k.id IN (SELECT value FROM json_each(?))", (rows.dump(list(chunk_ids)),)
        )
        by_id = {row["id"]: rows.passage(row) for row in found}
        return tuple(by_id[chunk_id] for chunk_id in chunk_ids if chunk_id in by_id)

    def around(self, chunk_id: int, neighbours: int = 1) -> tuple[Passage, ...]:
        """Returns a chunk with its neighbours on each side, in order. Raises `NotFoundError`."""
        neighbours = within(neighbours) if neighbours > 0 else 0
        if abs(chunk_id) > _MAX_NUMBER:
            raise _no_chunk(chunk_id)
        with self._database.reading() as connection:
            here = connection.execute(
                "SELECT k.document, k.number FROM chunks k JOIN documents d ON d.number = k.document "
                "WHERE k.id = ? AND d.status = 'ready'",
                (chunk_id,),
            ).fetchone()
            if here is None:
                raise _no_chunk(chunk_id)
            number = here["number"]
            found = connection.execute(
                f"{_PASSAGE} AND k.document = ? AND k.number BETWEEN ? AND ? ORDER BY k.number",
                (here["document"], number - neighbours, number + neighbours),
            )
            return tuple(rows.passage(row) for row in found)


def missing(document_id: str) -> NotFoundError:
    return NotFoundError(f"There is no document {document_id!r}.", code="document_not_found")


def _no_chunk(chunk_id: int) -> NotFoundError:
    return NotFoundError(f"There is no chunk {chunk_id}.", code="chunk_not_found")


def _worded(query: str) -> tuple[list[str], list[str]]:
    """Returns the conditions for words in name or title, and their values."""
    words = clean(query)[:_MAX_QUERY].split()[:_MAX_WORDS]
    condition = "(d.name LIKE ? ESCAPE '\\' OR d.title LIKE ? ESCAPE '\\')"
    return [condition] * len(words), [pattern for word in words for pattern in [_containing(word)] * 2]


def _containing(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
