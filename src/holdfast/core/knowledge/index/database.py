"""knowledge.db: one connection for each thread, and transactions on it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.core.domain.errors import KnowledgeUnavailable
from holdfast.core.knowledge.index.migrations import migrate

BUSY_S = 30.0
"""Seconds that a transaction waits for another thread's."""


class Database:
    """The database of the index. Raises `sqlite3.Error` as it comes; `translated` says it in our words."""

    def __init__(self, path: Path) -> None:
        """Opens the database, makes it when there is none, and brings it to this version."""
        self.path = path
        self._own = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite's own would be open to others
        with translated(path):
            try:
                connection = self.connection
                connection.execute("PRAGMA journal_mode = WAL")
                migrate(connection, path)
            except BaseException:
                self.close()
                raise

    @property
    def connection(self) -> sqlite3.Connection:
        """The calling thread's own."""
        found: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if found is None:
            # Not only of this thread, because `close` is called by another.
            found = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            found.row_factory = sqlite3.Row
            found.execute("PRAGMA synchronous = NORMAL")
            self._own.connection = found
            with self._lock:
                self._all.append(found)
        return found

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """All that is read inside is of one moment."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside is kept at its end, or nothing."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        connection = self.connection
        connection.execute(begin)
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Closes the connections of all threads."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._own = threading.local()


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns what SQLite says into `KnowledgeUnavailable`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise KnowledgeUnavailable(
            f"The index of documents {path} cannot be used: {error}. "
            "Look at the disk's free space and the file's permissions."
        ) from error
    except sqlite3.DatabaseError as error:
        raise KnowledgeUnavailable(
            f"The index of documents {path} is damaged: {error}. Put a copy of it back, or move the folder "
            f"{path.parent} away and add the documents again.",
            code="knowledge_damaged",
            retryable=False,
        ) from error
