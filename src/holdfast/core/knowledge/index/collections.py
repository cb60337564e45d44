"""Collections: what is kept of each, and how many documents it has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.ext import Ext
from holdfast.core.domain.knowledge import Chunking, Collection, Folder, RetrievalSettings
from holdfast.core.domain.values import utc_now
from holdfast.core.knowledge.index import rows
from holdfast.core.knowledge.index.cleaning import clean, clean_json
from holdfast.core.knowledge.index.database import Database

_OWN = "FROM documents d WHERE d.collection = c.number AND d.status = 'ready'"
# Joined and grouped, all that is kept of a collection would be sorted once for each of its documents.
_COUNTED = f"""
    SELECT c.*, (SELECT count(*) {_OWN}) AS documents, (SELECT coalesce(sum(d.chunks), 0) {_OWN}) AS chunks,
        (SELECT coalesce(sum(d.size), 0) {_OWN}) AS size
    FROM collections c WHERE {{where}} ORDER BY c.name, c.number
"""


class Collections:
    """Reads and writes the table of collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, owner: str | None = None) -> tuple[Collection, ...]:
        """Returns an owner's, or all, by name."""
        query = _COUNTED.format(where="c.owner = :owner" if owner is not None else "true")
        found = self._database.connection.execute(query, {"owner": owner})
        return tuple(rows.collection(row) for row in found)

    def get(self, collection_id: str) -> Collection:
        """Raises `NotFoundError`."""
        query = _COUNTED.format(where="c.id = ?")
        row = self._database.connection.execute(query, (collection_id,)).fetchone()
        if row is None:
            raise missing(collection_id)
        return rows.collection(row)

    def row(self, collection_id: str) -> sqlite3.Row:
        """Returns all that is kept of a collection, without counting. Raises `NotFoundError`."""
        found = self._database.connection.execute(
            "SELECT * FROM collections WHERE id = ?", (collection_id,)
        ).fetchone()
        if found is None:
            raise missing(collection_id)
        row: sqlite3.Row = found
        return row

    def create(self, collection: Collection) -> Collection:
        """Keeps a new one. Raises `ConflictError` (`collection_exists`)."""
        values = {
            "id": collection.id,
            "owner": collection.owner,
            "name": clean(collection.name),
            "description": clean(collection.description),
            "embedding_model": collection.embedding_model,
            "vectors": collection.id,
            "chunking": collection.chunking.model_dump_json(),
            "retrieval": collection.retrieval.model_dump_json(),
            "folders": _folders(collection.folders),
            "metadata": rows.dump(clean_json(collection.metadata)),
            "ext": rows.dump(clean_json(collection.ext)),
            "created_at": collection.created_at.isoformat(),
            "updated_at": collection.updated_at.isoformat(),
        }
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with self._database.writing() as connection, _unique(collection.name):
            connection.execute(f"INSERT INTO collections ({names}) VALUES ({marks})", values)
        return self.get(collection.id)

    def update(
        self,
        collection_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        retrieval: RetrievalSettings | None = None,
        chunking: Chunking | None = None,
        folders: tuple[Folder, ...] | None = None,
        metadata: Mapping[str, Any] | None = None,
        ext: Ext | None = None,
    ) -> Collection:
        """Changes what is given. Raises `NotFoundError`; `ConflictError` (`collection_exists`)."""
        given = {
            "name": clean(name) if name is not None else None,
            "description": clean(description) if description is not None else None,
            "retrieval": retrieval.model_dump_json() if retrieval is not None else None,
            "chunking": chunking.model_dump_json() if chunking is not None else None,
            "folders": _folders(folders) if folders is not None else None,
            "metadata": rows.dump(clean_json(dict(metadata))) if metadata is not None else None,
            "ext": rows.dump(clean_json(ext)) if ext is not None else None,
        }
        changes = {key: value for key, value in given.items() if value is not None}
        if changes:
            self._change(collection_id, changes)
        return self.get(collection_id)

    def _change(self, collection_id: str, changes: dict[str, str]) -> None:
        changes = {**changes, "updated_at": utc_now().isoformat()}
        assignments = ", ".join(f"{key} = :{key}" for key in changes)
        with self._database.writing() as connection, _unique(changes.get("name", "")):
            connection.execute(
                f"UPDATE collections SET {assignments} WHERE id = :id", {**changes, "id": collection_id}
            )

    def hand_over(self, collection_id: str, owner: str, name: str) -> Collection:
        """Gives a collection another owner and name. Raises `NotFoundError`; `ConflictError`
        (`collection_exists`)."""
        self.row(collection_id)
        with self._database.writing() as connection, _unique(name):
            connection.execute(
                "UPDATE collections SET owner = ?, name = ? WHERE id = ?", (owner, clean(name), collection_id)
            )
        return self.get(collection_id)

    def remove(self, collection_id: str) -> None:
        """Removes a collection with all that the database has of it, at once; its vectors are `dropped`."""
        with self._database.writing() as connection:
            row = self.row(collection_id)
            found = connection.execute("SELECT number FROM documents WHERE collection = ?", (row["number"],))
            drop_rows(connection, [document["number"] for document in found.fetchall()])
            drop_vectors(connection, row["vectors"], row["next_vectors"])
            connection.execute("DELETE FROM collections WHERE number = ?", (row["number"],))


def drop_rows(connection: sqlite3.Connection, documents: Sequence[int]) -> None:
    """Deletes documents by their numbers, with their words, chunks and text."""
    drop_words(connection, documents)
    given = (rows.dump(list(documents)),)
    numbers = "(SELECT value FROM json_each(?))"
    chunks = f"SELECT id FROM chunks WHERE document IN {numbers}"
    connection.execute(f"DELETE FROM passages WHERE id IN ({chunks})", given)
    connection.execute(f"DELETE FROM chunks WHERE document IN {numbers}", given)
    connection.execute(f"DELETE FROM texts WHERE document IN {numbers}", given)
    connection.execute(f"DELETE FROM waiting WHERE document IN {numbers}", given)
    connection.execute(f"DELETE FROM documents WHERE number IN {numbers}", given)


def drop_words(connection: sqlite3.Connection, documents: Sequence[int]) -> None:
    """Takes the words of those of the documents that are ready out of the lexical index."""
    # Asking to delete words that were never put in would damage it.
    connection.execute(
        """
        INSERT INTO words (words, rowid, headings, text, names)
        SELECT 'delete', p.id, p.headings, p.text, p.names
        FROM documents d JOIN chunks k ON k.document = d.number JOIN passages p ON p.id = k.id
        WHERE d.status = 'ready' AND d.number IN (SELECT value FROM json_each(?))
        """,
        (rows.dump(list(documents)),),
    )


def drop_vectors(connection: sqlite3.Connection, *names: str | None) -> None:
    """Notes collections in Chroma that are to be deleted; see `Delivery`."""
    given = [(name,) for name in names if name is not None]
    connection.executemany("INSERT OR IGNORE INTO dropped VALUES (?)", given)
    connection.executemany("DELETE FROM waiting WHERE vectors = ?", given)


def missing(collection_id: str) -> NotFoundError:
    return NotFoundError(f"There is no collection {collection_id!r}.", code="collection_not_found")


@contextmanager
def _unique(name: str) -> Iterator[None]:
    """Says in our words that a name is taken."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise ConflictError(f"There is a collection {name!r} already.", code="collection_exists") from error


def _folders(folders: tuple[Folder, ...]) -> str:
    return rows.dump([clean_json(folder.model_dump(mode="json")) for folder in folders])
