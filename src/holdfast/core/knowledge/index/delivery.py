"""What Chroma has yet to be told: vectors that wait, and what is no longer wanted.

Chroma takes almost as long for one vector as for a hundred, and may be out of reach. So the database is the
truth, and Chroma follows it: vectors wait in the database until there are enough of them, or nothing else
is to be done, and searches look at those too.
"""

from __future__ import annotations

import sqlite3
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import KnowledgeUnavailable
from holdfast.core.knowledge.index.collections import drop_rows
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.vectors import BATCH, VectorStore

if TYPE_CHECKING:
    from holdfast.core.knowledge.embedding import Vectors

MAX_UNWANTED = 64
"""Documents that may be gone while their vectors are still there: a search has to look past them."""

_READY = "FROM waiting w JOIN documents d ON d.number = w.document WHERE d.status = 'ready'"


class Delivery:
    """Tells Chroma. To be used by one thread at a time, while nothing is taken in."""

    def __init__(self, database: Database, vectors: VectorStore) -> None:
        self._database = database
        self._vectors = vectors

    def is_needed(self) -> bool:
        """Whether there is anything to tell; asks only the database."""
        row = self._database.connection.execute(
            "SELECT EXISTS (SELECT 1 FROM waiting) OR EXISTS (SELECT 1 FROM dropped) "
            "OR EXISTS (SELECT 1 FROM documents WHERE status != 'ready')"
        ).fetchone()
        return bool(row[0])

    def deliver_due(self) -> None:
        """Tells Chroma what has piled up. Raises `KnowledgeUnavailable`."""
        self._send_vectors(least=BATCH)
        unwanted = self._database.connection.execute(
            "SELECT count(*) FROM documents WHERE status != 'ready'"
        ).fetchone()
        if unwanted[0] > MAX_UNWANTED:
            self._clear_documents()

    def forget_pending(self) -> None:
        """Removes a document that could not be taken in; Chroma knows nothing of it yet."""
        try:
            found = self._database.connection.execute("SELECT number FROM documents WHERE status = 'pending'")
            numbers = [row["number"] for row in found.fetchall()]
            with self._database.writing() as connection:
                drop_rows(connection, numbers)
        except sqlite3.Error as error:
            print(f"left for later: {error}", file=sys.stderr)

    def deliver(self) -> None:
        """Tells Chroma everything. Raises `KnowledgeUnavailable`."""
        self._clear_documents()
        self._send_vectors(least=1)
        for (name,) in self._database.connection.execute("SELECT vectors FROM dropped").fetchall():
            self._vectors.drop(name)
            with self._database.writing() as connection:
                connection.execute("DELETE FROM dropped WHERE vectors = ?", (name,))

    def try_deliver(self) -> None:
        """Tells Chroma what it can; what it cannot is kept for another time, and is not lost."""
        try:
            if self.is_needed():
                self.deliver()
        except (KnowledgeUnavailable, sqlite3.Error) as error:
            print(f"left for later: {error}", file=sys.stderr)

    def _send_vectors(self, *, least: int) -> None:
        names = self._database.connection.execute(
            f"SELECT w.vectors {_READY} GROUP BY w.vectors HAVING count(*) >= ?", (least,)
        ).fetchall()
        for (name,) in names:
            while self._send_batch(name, least):
                continue

    def _send_batch(self, name: str, least: int) -> bool:
        found = self._database.connection.execute(
            f"SELECT w.* {_READY} AND w.vectors = ? ORDER BY w.number LIMIT ?", (name, BATCH)
        ).fetchall()
        if len(found) < least:
            return False
        self._vectors.upsert(
            name, [row["chunk"] for row in found], [row["document"] for row in found], matrix(found)
        )
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM waiting WHERE number = ?", [(row["number"],) for row in found]
            )
        return True

    def _clear_documents(self) -> None:
        """Removes what belongs to documents that are not ready, from Chroma and then from the database."""
        found = self._database.connection.execute(
            "SELECT d.number, c.vectors, c.next_vectors FROM documents d "
            "LEFT JOIN collections c ON c.number = d.collection WHERE d.status != 'ready'"
        ).fetchall()
        by_name: defaultdict[str, list[int]] = defaultdict(list)
        for row in found:
            for name in (row["vectors"], row["next_vectors"]):
                if name is not None:
                    by_name[name].append(row["number"])
        for name, numbers in by_name.items():
            self._vectors.delete_documents(name, numbers)
        if found:
            with self._database.writing() as connection:
                drop_rows(connection, [row["number"] for row in found])


def matrix(found: list[sqlite3.Row]) -> Vectors:
    """Returns the vectors of rows of `waiting`, one in each row."""
    import numpy as np  # only where there are vectors

    return np.frombuffer(b"".join(row["vector"] for row in found), dtype="<f4").reshape(len(found), -1)


def cosines(vectors: Vectors, query: Vectors) -> list[float]:
    """Returns the cosine of the angle between `query` and each row; 0 where there is none."""
    import numpy as np  # only where there are vectors

    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    products = vectors @ query
    found: list[float] = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0).tolist()
    return found
