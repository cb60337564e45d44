"""Removal of what is half done or no longer wanted, from Chroma and then from the database."""

from __future__ import annotations

import sqlite3
import sys
from collections import defaultdict

from holdfast.core.domain.errors import KnowledgeUnavailable
from holdfast.core.knowledge.index.collections import drop_rows
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.vectors import VectorStore


class Sweeper:
    """Clears documents that are not ready. To be used by one thread, while nothing is taken in."""

    def __init__(self, database: Database, vectors: VectorStore) -> None:
        self._database = database
        self._vectors = vectors

    def is_needed(self) -> bool:
        """Whether there is something to clear; asks only the database."""
        row = self._database.connection.execute(
            "SELECT EXISTS (SELECT 1 FROM documents WHERE status != 'ready') "
            "OR EXISTS (SELECT 1 FROM dropped)"
        ).fetchone()
        return bool(row[0])

    def try_sweep(self) -> None:
        """Clears what it can. What Chroma keeps it from is cleared another time, and seen by nobody."""
        try:
            if self.is_needed():
                self.sweep()
        except (KnowledgeUnavailable, sqlite3.Error) as error:
            print(f"cleared later: {error}", file=sys.stderr)

    def sweep(self) -> None:
        """Clears all of it. Raises `KnowledgeUnavailable`, `sqlite3.Error`."""
        self._sweep_documents()
        found = self._database.connection.execute("SELECT vectors FROM dropped").fetchall()
        for (name,) in found:
            self._vectors.drop(name)
            with self._database.writing() as connection:
                connection.execute("DELETE FROM dropped WHERE vectors = ?", (name,))

    def _sweep_documents(self) -> None:
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
