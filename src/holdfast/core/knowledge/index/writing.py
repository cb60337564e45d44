"""Documents that were read are put into the index: all of one or nothing.

A transaction and a call of the embedding model take nearly as long for one small document as for dozens. So
those of a collection that wait at the same time are written together, by the thread whose turn it is; others
do not wait for the provider that makes their vectors. A large document is written in steps: its rows as
`pending`; then its vectors, which wait for Chroma; then, in one transaction, its words, its being ready, and
the old version's end. A process that dies in between leaves a pending document, which nobody sees and the
next start clears.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakValueDictionary

from holdfast.core.domain.errors import ContextTooLong, ModelRequestRefused
from holdfast.core.domain.knowledge import IngestItem, IngestResult
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.knowledge.index import rows
from holdfast.core.knowledge.index.cleaning import clean
from holdfast.core.knowledge.index.collections import Collections, drop_words
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.delivery import Delivery
from holdfast.core.knowledge.index.embedded import BATCH, Embedded, Target, Unembedded
from holdfast.core.knowledge.index.stopping import Stop, Stopped
from holdfast.core.knowledge.parsing.model import Parsed
from holdfast.core.knowledge.words import names

if TYPE_CHECKING:
    from holdfast.core.knowledge.embedding import Vectors

ROOM = 16_000_000
"""Characters of documents that may wait to be written; while there are more, no other one is read."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A document that was read, and what became of it."""

    collection_id: str
    item: IngestItem
    parsed: Parsed
    stop: Stop
    result: IngestResult | None = None


@dataclass(slots=True)
class _Version:
    """A document as it is to be kept."""

    document: Waiting
    id: str
    old: sqlite3.Row | None
    """The version whose place it takes."""

    @property
    def result(self) -> IngestResult:
        status: Literal["added", "changed"] = "changed" if self.old is not None else "added"
        parsed = self.document.parsed
        return outcome(self.document.item, status, self.id, len(parsed.chunks), parsed.size)


class Writer:
    """Puts documents in. May be used by several threads."""

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
        self._waiting: list[Waiting] = []
        self._turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._changed = threading.Condition()

    def wait_for_room(self) -> None:
        """Returns when so little waits that another document may be read."""
        with self._changed:
            self._changed.wait_for(lambda: sum(len(each.parsed.text) for each in self._waiting) < ROOM)

    def put(self, document: Waiting) -> IngestResult:
        """Puts a document in, and others that wait with it. Raises as `Embedded.put`, and `Stopped`."""
        with self._changed:
            self._waiting.append(document)
            turn = self._turns.setdefault(document.collection_id, threading.Lock())
        with turn:
            if document.result is None:
                self._lead(document)
        if document.result is None:
            raise Stopped  # in the moment before it was written
        return document.result

    def _lead(self, document: Waiting) -> None:
        """Writes a document with those that may be written with it; these try again when that fails."""
        group = self._taken(document)
        try:
            document.stop.check()
            with self._writing:
                self._delivery.deliver_due()  # before, so that what Chroma does not take does not grow
            try:
                self._write([document, *group])
            except (ContextTooLong, ModelRequestRefused):
                if not group:
                    raise
                self._write([document])  # it may be another one that the model does not take
        finally:
            with self._changed:
                self._waiting += [each for each in group if each.result is None]

    def _taken(self, document: Waiting) -> list[Waiting]:
        """Takes what is written with a document: of its collection, one batch for the model at most."""
        with self._changed:
            self._waiting.remove(document)
            chunks, sources = len(document.parsed.chunks), {document.item.source}
            group: list[Waiting] = []
            for each in self._waiting:
                if each.collection_id != document.collection_id or each.item.source in sources:
                    continue
                chunks += len(each.parsed.chunks)
                if chunks > BATCH:
                    break
                sources.add(each.item.source)
                group.append(each)
            self._waiting = [each for each in self._waiting if each not in group]
            self._changed.notify_all()
            return group

    def _write(self, documents: Sequence[Waiting]) -> None:
        """Gives each its result, or none of them; those that are stopped get none."""
        # Read anew: it may be gone, or have another model now.
        collection = self._collections.row(documents[0].collection_id)
        same = [self.unchanged(collection, each.item, each.parsed.digest) for each in documents]
        new = [
            each
            for each, unchanged in zip(documents, same, strict=True)
            if unchanged is None and not each.stop.is_set
        ]
        versions: Sequence[_Version] = ()
        if len(new) == 1 and len(new[0].parsed.chunks) > BATCH:
            versions = self._write_large(new[0])
        elif new:
            versions = self._write_small(new)
        for each, unchanged in zip(documents, same, strict=True):
            each.result = unchanged
        for version in versions:
            version.document.result = version.result

    def _version(self, collection: sqlite3.Row, document: Waiting) -> _Version:
        old = self._present(collection["number"], document.item.source)
        return _Version(
            document, old["id"] if old is not None else document.item.document_id or new_id(), old
        )

    def _write_small(self, documents: Sequence[Waiting]) -> Sequence[_Version]:
        """Writes documents, whose vectors are made before: others are written while a provider is asked."""
        texts = [text for document in documents for text in _texts(document.parsed)]
        while True:
            target = _target(self._collections.row(documents[0].collection_id))
            vectors = self._embedded.make(target, texts) if texts else None
            with self._writing:
                collection = self._collections.row(documents[0].collection_id)
                now = _target(collection)
                if (now.model, now.vectors) != (target.model, target.vectors):
                    continue  # it was embedded anew meanwhile
                versions = [self._version(collection, document) for document in documents]
                self._keep_small(collection, now, versions, vectors)
                return versions

    def _keep_small(
        self, collection: sqlite3.Row, target: Target, versions: Sequence[_Version], vectors: Vectors | None
    ) -> None:
        if vectors is not None:
            self._embedded.prepare(target, vectors)
        with self._database.writing() as connection:
            chunks: list[Unembedded] = []
            for version in versions:
                number, inserted = _insert(connection, collection, version)
                _finish(connection, collection["number"], number, version.old, target)
                chunks += inserted
            if vectors is not None:
                self._embedded.keep(connection, target, chunks, vectors)

    def _write_large(self, document: Waiting) -> Sequence[_Version]:
        with self._writing:
            collection = self._collections.row(document.collection_id)
            target, version = _target(collection), self._version(collection, document)
            try:
                with self._database.writing() as connection:
                    number, chunks = _insert(connection, collection, version)
                self._embedded.put(target, chunks, document.stop.check)
                with self._database.writing() as connection:
                    _finish(connection, collection["number"], number, version.old, target)
            except BaseException:
                self._delivery.forget_pending()
                raise
            return (version,)

    def unchanged(self, collection: sqlite3.Row, item: IngestItem, digest: str | None) -> IngestResult | None:
        """Returns the result for a document that is here already, cut as it would be now."""
        found = self._present(collection["number"], item.source)
        if found is None or digest != found["digest"] or found["chunking"] != collection["chunking"]:
            return None
        said = (item.name, *_said(item, found))
        if said != (found["name"], found["metadata"], found["ext"]):
            with self._database.writing() as connection:
                connection.execute(
                    "UPDATE documents SET name = ?, metadata = ?, ext = ? WHERE number = ?",
                    (*said, found["number"]),
                )
        return outcome(item, "unchanged", found["id"], found["chunks"], found["size"])

    def _present(self, collection: int, source: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self._database.connection.execute(
            "SELECT * FROM documents WHERE collection = ? AND source = ? AND status = 'ready'",
            (collection, source),
        ).fetchone()
        return found


def _target(collection: sqlite3.Row) -> Target:
    return Target(
        collection["name"], collection["embedding_model"], collection["vectors"], collection["dimensions"]
    )


def _insert(
    connection: sqlite3.Connection, collection: sqlite3.Row, version: _Version
) -> tuple[int, list[Unembedded]]:
    """Writes all of a document but its words, as `pending`; returns its number and its chunks."""
    values = _values(collection, version)
    columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    done = connection.execute(f"INSERT INTO documents ({columns}) VALUES ({marks})", values)
    number = int(done.lastrowid or 0)
    parsed = version.document.parsed
    connection.execute("INSERT INTO texts VALUES (?, ?)", (number, clean(parsed.text)))
    return number, _insert_chunks(connection, number, parsed)


def _values(collection: sqlite3.Row, version: _Version) -> dict[str, Any]:
    item, parsed, old = version.document.item, version.document.parsed, version.old
    metadata, ext = _said(item, old)
    return {
        "id": version.id,
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
        "ext": ext,
        "summary": "",
        "questions": "[]",
        "modified_at": parsed.modified_at.isoformat() if parsed.modified_at else None,
        "added_at": utc_now().isoformat(),
    }


def _said(item: IngestItem, old: sqlite3.Row | None) -> tuple[str, str]:
    """Returns what is said of a document, as it is kept: what an item does not say stays as it was."""
    metadata = rows.dump(item.metadata) if item.metadata or old is None else old["metadata"]
    ext = rows.dump(item.ext) if item.ext or old is None else old["ext"]
    return metadata, ext


def _insert_chunks(connection: sqlite3.Connection, number: int, parsed: Parsed) -> list[Unembedded]:
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'").fetchone()
    first = (last[0] if last is not None else 0) + 1
    places = [piece.place for piece in parsed.chunks]
    connection.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (first + i, number, i, p.start, p.end, p.line, p.last_line, p.page, p.last_page)
            for i, p in enumerate(places)
        ],
    )
    pieces = list(_pieces(parsed))
    connection.executemany(
        "INSERT INTO passages VALUES (?, ?, ?, ?)",
        [
            (first + i, rows.dump(headings), text, names(*headings, text))
            for i, (headings, text) in enumerate(pieces)
        ],
    )
    return [Unembedded.of(first + i, number, headings, text) for i, (headings, text) in enumerate(pieces)]


def _pieces(parsed: Parsed) -> Iterator[tuple[list[str], str]]:
    """Yields headings and text of each chunk, as they are kept."""
    for piece in parsed.chunks:
        yield [clean(heading) for heading in piece.place.headings], clean(piece.text)


def _texts(parsed: Parsed) -> Iterator[str]:
    """Yields what is embedded of a document that is not in the database yet."""
    for headings, text in _pieces(parsed):
        yield Unembedded.of(0, 0, headings, text).text


def _finish(
    connection: sqlite3.Connection, collection: int, number: int, old: sqlite3.Row | None, target: Target
) -> None:
    """Makes a document seen, and its old version unseen, at once."""
    if old is not None:
        drop_words(connection, [old["number"]])
        connection.execute("UPDATE documents SET status = 'removing' WHERE number = ?", (old["number"],))
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


def outcome(
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
