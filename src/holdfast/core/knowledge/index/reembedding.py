"""Another embedding model for a collection: new vectors beside the old, switched when all are there."""

from __future__ import annotations

import sqlite3
import threading

from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.knowledge.index import rows
from holdfast.core.knowledge.index.collections import Collections, drop_vectors
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.delivery import Delivery
from holdfast.core.knowledge.index.documents import missing
from holdfast.core.knowledge.index.embedded import Embedded, Target
from holdfast.core.knowledge.index.stopping import Stop

_UNFINISHED = "FROM documents WHERE collection = ? AND status = 'ready' AND next_vectors IS NOT ?"


class Reembedding:
    """Makes the vectors of a collection anew. What is done is kept: it goes on after any interruption."""

    def __init__(
        self,
        database: Database,
        collections: Collections,
        embedded: Embedded,
        delivery: Delivery,
        writing: threading.Lock,
    ) -> None:
        self._database = database
        self._collections = collections
        self._embedded = embedded
        self._delivery = delivery
        self._writing = writing

    def begin(self, collection_id: str, model: str) -> int:
        """Begins, or goes on where `model` was begun with; returns how many documents there are in all."""
        with self._writing:
            with self._database.writing() as connection:
                row = self._collections.row(collection_id)
                if row["next_model"] != model:
                    self._begin(connection, row, model)
                found = connection.execute(
                    "SELECT count(*) FROM documents WHERE collection = ? AND status = 'ready'",
                    (row["number"],),
                ).fetchone()
            self.settle(row["number"])
        return int(found[0])

    def _begin(self, connection: sqlite3.Connection, row: sqlite3.Row, model: str) -> None:
        drop_vectors(connection, row["next_vectors"])
        newest = connection.execute("SELECT max(number) FROM documents").fetchone()[0]
        connection.execute(
            "UPDATE collections SET next_model = ?, next_vectors = ?, next_dimensions = NULL, next_since = ? "
            "WHERE number = ?",
            (model, f"{row['id']}.{new_id()[:8]}", newest or 0, row["number"]),
        )

    def document(self, collection_id: str, model: str, document_id: str, stop: Stop) -> int:
        """Embeds one document; the last one switches the collection to `model`.

        Returns how many chunks it has. Raises `ConflictError` (`reembedding_not_begun`), `NotFoundError`,
        `ModelError`, `KnowledgeUnavailable`, and `Stopped`.
        """
        with self._writing:
            stop.check()
            row = self._collections.row(collection_id)
            done = row["next_model"] is None and row["embedding_model"] == model
            if row["next_model"] != model and not done:
                raise ConflictError(
                    f"{row['name']!r} is not being embedded by {model}; begin that first.",
                    code="reembedding_not_begun",
                )
            found = self._database.connection.execute(
                "SELECT number, next_vectors, chunks FROM documents "
                "WHERE id = ? AND collection = ? AND status = 'ready'",
                (document_id, row["number"]),
            ).fetchone()
            if found is None:
                raise missing(document_id)
            if not done:  # else the last one was, and whoever asks did not hear of it
                self._document(row, found, stop)
            return int(found["chunks"])

    def _document(self, row: sqlite3.Row, document: sqlite3.Row, stop: Stop) -> None:
        self._delivery.deliver_due()
        if document["next_vectors"] != row["next_vectors"]:
            self._embed(row, document["number"], stop)
        left = self._left(row)
        if all(number > row["next_since"] for number in left):
            # Nobody who began before they were added knows of them.
            for number in left:
                self._embed(self._collections.row(row["id"]), number, stop)
        self.settle(row["number"])

    def _embed(self, row: sqlite3.Row, number: int, stop: Stop) -> None:
        target = Target(row["name"], row["next_model"], row["next_vectors"], row["next_dimensions"])
        chunks = self._database.connection.execute(
            "SELECT p.id, p.headings, p.text FROM chunks k JOIN passages p ON p.id = k.id "
            "WHERE k.document = ? ORDER BY k.number",
            (number,),
        ).fetchall()
        self._embedded.put(target, [rows.unembedded(chunk, number) for chunk in chunks], stop.check)
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE documents SET next_vectors = ? WHERE number = ?", (target.vectors, number)
            )
            connection.execute(
                "UPDATE collections SET next_dimensions = ? WHERE number = ?",
                (target.dimensions, row["number"]),
            )

    def _left(self, row: sqlite3.Row) -> list[int]:
        found = self._database.connection.execute(
            f"SELECT number {_UNFINISHED}", (row["number"], row["next_vectors"])
        )
        return [left["number"] for left in found]

    def settle(self, collection: int) -> None:
        """Switches a collection, by its number, to its new vectors when no document is without."""
        with self._database.writing() as connection:
            row = connection.execute("SELECT * FROM collections WHERE number = ?", (collection,)).fetchone()
            if row is None or row["next_vectors"] is None:
                return
            if connection.execute(
                f"SELECT 1 {_UNFINISHED} LIMIT 1", (collection, row["next_vectors"])
            ).fetchone():
                return
            drop_vectors(connection, row["vectors"])
            connection.execute(
                "UPDATE collections SET embedding_model = next_model, vectors = next_vectors, "
                "dimensions = next_dimensions, next_model = NULL, next_vectors = NULL, "
                "next_dimensions = NULL, next_since = NULL, updated_at = ? WHERE number = ?",
                (utc_now().isoformat(), collection),
            )
            connection.execute("UPDATE documents SET next_vectors = NULL WHERE collection = ?", (collection,))
