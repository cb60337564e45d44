"""The shape of knowledge.db, as forward-only steps.

`PRAGMA user_version` counts the steps taken. A step is never changed once released: add another one.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from holdfast.core.domain.errors import KnowledgeUnavailable

STEPS: tuple[tuple[str, str], ...] = (
    (
        "collections_documents_chunks",
        """
        CREATE TABLE collections (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL,
            name TEXT NOT NULL,
            description TEXT NOT NULL,
            embedding_model TEXT NOT NULL,
            dimensions INTEGER,
            vectors TEXT NOT NULL,                 -- name of its collection in Chroma
            next_model TEXT,                       -- while it is re-embedded: the model it gets,
            next_vectors TEXT,                     -- where those vectors are,
            next_dimensions INTEGER,
            next_since INTEGER,                    -- and the newest document when that began
            chunking TEXT NOT NULL,                -- JSON, as the next four
            retrieval TEXT NOT NULL,
            folders TEXT NOT NULL,
            metadata TEXT NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            UNIQUE (owner, name)
        );

        CREATE TABLE documents (
            number INTEGER PRIMARY KEY AUTOINCREMENT,  -- what Chroma knows it by; another for each version
            id TEXT NOT NULL,                      -- the same for all versions
            collection INTEGER NOT NULL,
            status TEXT NOT NULL,                  -- pending, ready, removing
            next_vectors TEXT,                     -- where its next vectors are complete
            name TEXT NOT NULL,
            source TEXT NOT NULL,
            media_type TEXT NOT NULL,
            size INTEGER NOT NULL,
            digest TEXT NOT NULL,
            title TEXT NOT NULL,
            chunks INTEGER NOT NULL,
            pages INTEGER,
            characters INTEGER NOT NULL,
            chunking TEXT NOT NULL,                -- JSON: how it was cut
            metadata TEXT NOT NULL,                -- JSON
            summary TEXT NOT NULL,
            questions TEXT NOT NULL,               -- JSON
            modified_at TEXT,
            added_at TEXT NOT NULL
        );
        CREATE UNIQUE INDEX documents_by_id ON documents (id) WHERE status = 'ready';
        CREATE UNIQUE INDEX documents_by_source ON documents (collection, source) WHERE status = 'ready';
        CREATE INDEX documents_by_name ON documents (collection, status, name, number);
        -- Has all that is counted of a collection, which every search asks for.
        CREATE INDEX documents_counted ON documents (collection, status, chunks, size);
        CREATE INDEX documents_unsettled ON documents (status) WHERE status != 'ready';

        CREATE TABLE texts (document INTEGER PRIMARY KEY, text TEXT NOT NULL);

        -- Narrow, so that finding a chunk's document reads few pages; what it says is in `passages`.
        CREATE TABLE chunks (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            document INTEGER NOT NULL,
            number INTEGER NOT NULL,
            start INTEGER NOT NULL,
            end INTEGER NOT NULL,
            line INTEGER,
            last_line INTEGER,
            page INTEGER,
            last_page INTEGER
        );
        CREATE UNIQUE INDEX chunks_by_document ON chunks (document, number);

        CREATE TABLE passages (
            id INTEGER PRIMARY KEY,                -- of the chunk
            headings TEXT NOT NULL,                -- JSON; as words they are searched with the text
            text TEXT NOT NULL,
            names TEXT NOT NULL                    -- words that names in both are made of; see `words.names`
        );

        -- Holds the words of ready documents only.
        CREATE VIRTUAL TABLE words USING fts5 (
            headings, text, names, content = 'passages', content_rowid = 'id', tokenize = 'porter unicode61'
        );

        -- Vectors that Chroma has yet to be given.
        CREATE TABLE waiting (
            number INTEGER PRIMARY KEY,
            vectors TEXT NOT NULL,                 -- name of the collection in Chroma
            document INTEGER NOT NULL,
            chunk INTEGER NOT NULL,
            vector BLOB NOT NULL                   -- float32
        );
        CREATE UNIQUE INDEX waiting_by_chunk ON waiting (vectors, chunk);
        CREATE INDEX waiting_by_document ON waiting (document);

        -- Collections in Chroma that nothing uses any more.
        CREATE TABLE dropped (vectors TEXT PRIMARY KEY);

        CREATE TABLE contexts (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            created_at TEXT NOT NULL,
            body TEXT NOT NULL                     -- JSON
        );
        CREATE INDEX contexts_by_owner ON contexts (owner, created_at, id);
        """,
    ),
    (
        "ext",
        """
        ALTER TABLE collections ADD COLUMN ext TEXT NOT NULL DEFAULT '{}';  -- JSON
        ALTER TABLE documents ADD COLUMN ext TEXT NOT NULL DEFAULT '{}';    -- JSON
        """,
    ),
)
VERSION = len(STEPS)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Brings the database to this version.

    Raises `KnowledgeUnavailable` (`knowledge_too_new`) for a database of a newer version.
    """
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise KnowledgeUnavailable(
            f"The index of documents {path} has version {found}, this Holdfast knows {VERSION}. "
            "Start the newer Holdfast that wrote it, or point HOLDFAST_HOME at another folder.",
            code="knowledge_too_new",
            retryable=False,
        )
    for number, (_, script) in enumerate(STEPS[found:], start=found + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error:
            connection.rollback()
            raise
