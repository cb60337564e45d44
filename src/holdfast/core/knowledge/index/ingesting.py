"""Taking documents in: all of one or nothing.

A document's rows are written as `pending`; then its vectors, which wait for Chroma; then, in one
transaction, its words, its being ready, and the old version's end. A process that dies in between leaves a
pending document, which nobody sees and the next start clears.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import threading
from pathlib import Path
from typing import Literal, Protocol

from holdfast.core.config.settings import KnowledgeSettings
from holdfast.core.domain.errors import (
    ContextTooLong,
    HoldfastError,
    InvalidError,
    KnowledgeUnavailable,
    ModelRequestRefused,
)
from holdfast.core.domain.knowledge import Chunking, IngestItem, IngestResult
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.knowledge.index import rows
from holdfast.core.knowledge.index.cleaning import clean, clean_json
from holdfast.core.knowledge.index.collections import Collections, drop_words
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.delivery import Delivery
from holdfast.core.knowledge.index.embedded import Embedded, Target, Unembedded
from holdfast.core.knowledge.index.stopping import Stop
from holdfast.core.knowledge.parsing.model import Parsed
from holdfast.core.knowledge.words import names

_BLOCK = 1 << 20


class Parser(Protocol):
    """Reads and cuts documents, one at a time."""

    def parse(
        self,
        path: Path,
        name: str,
        *,
        max_bytes: int,
        timeout_s: float,
        chunking: Chunking,
        media_type: str = "",
    ) -> Parsed: ...

    def interrupt(self) -> None:
        """Ends the reading that is under way."""
        ...

    def close(self) -> None: ...


class Ingestion:
    """Takes items in. May be used by several threads: one reads while another writes."""

    def __init__(
        self,
        database: Database,
        collections: Collections,
        embedded: Embedded,
        delivery: Delivery,
        parser: Parser,
        writing: threading.Lock,
    ) -> None:
        self._database = database
        self._collections = collections
        self._embedded = embedded
        self._delivery = delivery
        self._parser = parser
        self._reading = threading.Lock()
        self._writing = writing

    def ingest(
        self, collection_id: str, item: IngestItem, settings: KnowledgeSettings, stop: Stop
    ) -> IngestResult:
        """Takes one item in; see `KnowledgeIndex.ingest`. Raises `Stopped` when `stop` was set."""
        item = item.model_copy(
            update={
                "source": clean(item.source),
                "name": clean(item.name),
                "metadata": clean_json(item.metadata),
            }
        )
        collection = self._collections.row(collection_id)
        if (same := self._unchanged(collection, item, _digest(item, settings))) is not None:
            return same
        try:
            parsed = self._read(item, collection, settings, stop)
        except KnowledgeUnavailable:
            raise
        except HoldfastError as error:
            stop.check()  # an interrupted reading fails too
            return _failed(item, error)
        with self._writing:
            stop.check()
            self._delivery.deliver_due()  # before, so that what Chroma does not take does not grow
            try:
                return self._put(collection_id, item, parsed, stop)
            except (ContextTooLong, ModelRequestRefused) as error:
                return _failed(item, error)

    def _read(
        self, item: IngestItem, collection: sqlite3.Row, settings: KnowledgeSettings, stop: Stop
    ) -> Parsed:
        if item.path is None:
            raise InvalidError(f"{item.name} has no file to read.", code="document_unreadable")
        chunking = Chunking.model_validate_json(collection["chunking"])
        with self._reading, stop.interrupting(self._parser.interrupt):
            return self._parser.parse(
                Path(item.path),
                item.name,
                max_bytes=settings.max_file_mb << 20,
                timeout_s=settings.parse_timeout_s,
                chunking=chunking,
                media_type=item.media_type,
            )

    def _unchanged(
        self, collection: sqlite3.Row, item: IngestItem, digest: str | None
    ) -> IngestResult | None:
        """Returns the result for a document that is here already, cut as it would be now."""
        found = self._present(collection["number"], item.source)
        if found is None or digest != found["digest"] or found["chunking"] != collection["chunking"]:
            return None
        metadata = rows.dump(item.metadata) if item.metadata else found["metadata"]
        if (item.name, metadata) != (found["name"], found["metadata"]):
            with self._database.writing() as connection:
                connection.execute(
                    "UPDATE documents SET name = ?, metadata = ? WHERE number = ?",
                    (item.name, metadata, found["number"]),
                )
        return _result(item, "unchanged", found["id"], found["chunks"], found["size"])

    def _present(self, collection: int, source: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._database.connection.execute(
            "SELECT * FROM documents WHERE collection = ? AND source = ? AND status = 'ready'",
            (collection, source),
        ).fetchone()
        return found

    def _put(self, collection_id: str, item: IngestItem, parsed: Parsed, stop: Stop) -> IngestResult:
        # Read anew: it may be gone, or have another model now.
        collection = self._collections.row(collection_id)
        same = self._unchanged(collection, item, parsed.digest)
        if same is not None:
            return same
        old = self._present(collection["number"], item.source)
        target = Target(
            collection["name"], collection["embedding_model"], collection["vectors"], collection["dimensions"]
        )
        document_id = old["id"] if old is not None else new_id()
        try:
            number, chunks = self._begin(collection, item, parsed, old, document_id)
            self._embedded.put(target, chunks, stop.check)
            self._finish(collection["number"], number, old, target)
        except BaseException:
            self._delivery.forget_pending()
            raise
        return _result(item, "changed" if old is not None else "added", document_id, len(chunks), parsed.size)

    def _begin(
        self,
        collection: sqlite3.Row,
        item: IngestItem,
        parsed: Parsed,
        old: sqlite3.Row | None,
        document_id: str,
    ) -> tuple[int, list[Unembedded]]:
        """Writes all of a document but its words; returns its number and its chunks."""
        metadata = rows.dump(item.metadata) if item.metadata or old is None else old["metadata"]
        values = {
            "id": document_id,
            "collection": collection["number"],
            "status": "pending",
            "name": item.name,
            "source": item.source,
            "media_type": parsed.media_type,
            "size": parsed.size,
            "digest": parsed.digest,
            "title": clean(parsed.title),
            "chunks": len(parsed.chunks),
            "pages": parsed.pages,
            "characters": len(parsed.text),
            "chunking": collection["chunking"],
            "metadata": metadata,
            "summary": "",
            "questions": "[]",
            "modified_at": parsed.modified_at.isoformat() if parsed.modified_at else None,
            "added_at": utc_now().isoformat(),
        }
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        with self._database.writing() as connection:
            done = connection.execute(f"INSERT INTO documents ({names}) VALUES ({marks})", values)
            number = int(done.lastrowid or 0)
            connection.execute("INSERT INTO texts VALUES (?, ?)", (number, clean(parsed.text)))
            return number, _insert_chunks(connection, number, parsed)

    def _finish(self, collection: int, number: int, old: sqlite3.Row | None, target: Target) -> None:
        """Makes a document seen, and its old version unseen, at once."""
        with self._database.writing() as connection:
            if old is not None:
                drop_words(connection, [old["number"]])
                connection.execute(
                    "UPDATE documents SET status = 'removing' WHERE number = ?", (old["number"],)
                )
            connection.execute("UPDATE documents SET status = 'ready' WHERE number = ?", (number,))
            connection.execute(
                "INSERT INTO words (rowid, headings, text, names) SELECT p.id, p.headings, p.text, p.names "
                "FROM chunks k JOIN passages p ON p.id = k.id WHERE k.document = ?",
                (number,),
            )
            connection.execute(
                "UPDATE collections SET dimensions = ?, updated_at = ? WHERE number = ?",
                (target.dimensions, utc_now().isoformat(), collection),
            )


def _insert_chunks(connection: sqlite3.Connection, number: int, parsed: Parsed) -> list[Unembedded]:
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'").fetchone()
    first = (last[0] if last is not None else 0) + 1
    texts = [clean(piece.text) for piece in parsed.chunks]
    places = [piece.place for piece in parsed.chunks]
    headings = [[clean(heading) for heading in place.headings] for place in places]
    connection.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (first + i, number, i, p.start, p.end, p.line, p.last_line, p.page, p.last_page)
            for i, p in enumerate(places)
        ],
    )
    connection.executemany(
        "INSERT INTO passages VALUES (?, ?, ?, ?)",
        [
            (first + i, rows.dump(above), text, names(*above, text))
            for i, (above, text) in enumerate(zip(headings, texts, strict=True))
        ],
    )
    return [
        Unembedded.of(first + i, number, above, text)
        for i, (above, text) in enumerate(zip(headings, texts, strict=True))
    ]


def _digest(item: IngestItem, settings: KnowledgeSettings) -> str | None:
    """Returns the SHA-256 of an item's bytes; None where it cannot be had, and reading says why."""
    if item.path is None:
        return None
    digest = hashlib.sha256()
    try:
        # Not waiting: a pipe would be read for ever.
        with os.fdopen(os.open(item.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > settings.max_file_mb << 20:
                return None
            while block := file.read(_BLOCK):
                digest.update(block)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _failed(item: IngestItem, error: HoldfastError) -> IngestResult:
    return IngestResult(source=item.source, name=item.name, status="failed", error=error.info)


def _result(
    item: IngestItem,
    status: Literal["added", "changed", "unchanged"],
    document_id: str,
    chunks: int,
    size: int,
) -> IngestResult:
    return IngestResult(
        source=item.source,
        name=item.name,
        status=status,
        document_id=document_id,
        chunks=chunks,
        size=size,
    )
