"""Whether documents, chunks, words and vectors agree; and making them agree."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable

from holdfast.core.domain.errors import KnowledgeUnavailable
from holdfast.core.domain.knowledge import IndexProblem
from holdfast.core.knowledge.index import rows
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.delivery import Delivery
from holdfast.core.knowledge.index.embedded import Embedded, Target
from holdfast.core.knowledge.index.vectors import MISSING, UNREADABLE, VectorsDamaged, VectorStore

_READY = (
    "FROM documents d JOIN chunks k ON k.document = d.number JOIN passages p ON p.id = k.id "
    "WHERE d.status = 'ready'"
)


class Check:
    """Compares what is kept in several places. Nothing is taken in meanwhile."""

    def __init__(
        self,
        database: Database,
        embedded: Embedded,
        vectors: VectorStore,
        delivery: Delivery,
        writing: threading.Lock,
    ) -> None:
        self._database = database
        self._embedded = embedded
        self._vectors = vectors
        self._delivery = delivery
        self._writing = writing

    def run(self, *, repair: bool) -> tuple[IndexProblem, ...]:
        """Returns what does not agree. Raises `KnowledgeUnavailable`, and `ModelError` when vectors of a
        provider's model are to be made anew."""
        with self._writing:
            problems = self._folder(repair=repair)
            if problems and not repair:
                return (*problems, *self._words(repair=False))
            self._deliver()
            collections = self._database.connection.execute("SELECT * FROM collections").fetchall()
            problems += [p for row in collections for p in self._collection(row, repair=repair)]
            problems += self._words(repair=repair)
            problems += self._unknown_vectors(repair=repair)
            if repair:
                self._delivery.deliver()
            return tuple(problems)

    def _folder(self, *, repair: bool) -> list[IndexProblem]:
        """Looks whether Chroma can use its folder; it gets another one where it cannot."""
        if not self._vectors.is_own or not self._vectors.is_there:
            return []
        try:
            self._vectors.names()
        except KnowledgeUnavailable as error:
            if error.code != UNREADABLE:
                raise
            if repair:
                self._vectors.set_aside()
            return [IndexProblem(collection_id="", collection="", problem=error.message, repaired=repair)]
        return []

    def _deliver(self) -> None:
        """Tells Chroma what waits. Where it cannot take it, what is wrong there is found next."""
        try:
            self._delivery.deliver()
        except KnowledgeUnavailable as error:
            if error.code not in (MISSING, UNREADABLE):
                raise

    # --- one collection

    def _collection(self, row: sqlite3.Row, *, repair: bool) -> list[IndexProblem]:
        connection = self._database.connection
        short = connection.execute(
            "SELECT d.number, d.name FROM documents d LEFT JOIN texts t ON t.document = d.number "
            "WHERE d.collection = ? AND d.status = 'ready' AND (t.document IS NULL OR d.chunks != "
            "(SELECT count(*) FROM chunks k JOIN passages p ON p.id = k.id WHERE k.document = d.number))",
            (row["number"],),
        ).fetchall()
        problems = [
            _problem(row, f"{document['name']} has not all of its chunks; add it again") for document in short
        ]
        wanted = {
            chunk["id"]: chunk["document"]
            for chunk in connection.execute(
                f"SELECT k.id, k.document {_READY} AND d.collection = ?", (row["number"],)
            )
        }
        return problems + self._vectors_of(row, wanted, repair=repair)

    def _vectors_of(self, row: sqlite3.Row, wanted: dict[int, int], *, repair: bool) -> list[IndexProblem]:
        if row["dimensions"] is None and not wanted:
            return []
        said, found = self._found(row["vectors"])
        missing = {chunk_id: d for chunk_id, d in wanted.items() if found.get(chunk_id) != d}
        surplus = [chunk_id for chunk_id in found if chunk_id not in wanted]
        if said:
            wrong = [said]
        else:
            wrong = [f"{len(missing)} of {len(wanted)} chunks have no vector"] if missing else []
            wrong += [f"{len(surplus)} vectors belong to no chunk"] if surplus else []
        if repair and wrong:
            if said:
                self._vectors.drop(row["vectors"])
            self._vectors.create(row["vectors"])
            self._vectors.delete(row["vectors"], surplus)
            self._embed(row, missing)
        return [_problem(row, problem, repaired=repair) for problem in wrong]

    def _found(self, name: str) -> tuple[str, dict[int, int]]:
        """Returns what is wrong with all of a collection's vectors, and those that can be read."""
        try:
            return "", self._vectors.readable(name)
        except VectorsDamaged:
            return "its vectors cannot be read", {}
        except KnowledgeUnavailable as error:
            if error.code != MISSING:
                raise
            return "its vectors are gone", {}

    def _embed(self, row: sqlite3.Row, missing: dict[int, int]) -> None:
        target = Target(row["name"], row["embedding_model"], row["vectors"], row["dimensions"])
        for document in sorted(set(missing.values())):
            chunks = self._database.connection.execute(
                f"SELECT p.id, p.headings, p.text {_READY} AND d.number = ?", (document,)
            ).fetchall()
            lost = [rows.unembedded(chunk, document) for chunk in chunks if chunk["id"] in missing]
            self._embedded.put(target, lost)

    # --- all of them

    def _words(self, *, repair: bool) -> list[IndexProblem]:
        connection = self._database.connection
        wanted = _ids(connection.execute(f"SELECT k.id {_READY}"))
        # What is indexed stands here; asking `words` itself would read the texts it is made from.
        found = _ids(connection.execute("SELECT id FROM words_docsize"))
        if wanted == found and self._sound():
            return []
        problem = (
            f"the words of {len(wanted ^ found)} chunks are missing or too many"
            if wanted != found
            else ("the index of words is damaged")
        )
        if repair:
            with self._database.writing() as writing:
                writing.execute("INSERT INTO words (words) VALUES ('delete-all')")
                writing.execute(
                    f"INSERT INTO words (rowid, headings, text, names) "
                    f"SELECT p.id, p.headings, p.text, p.names {_READY}"
                )
        return [IndexProblem(collection_id="", collection="", problem=problem, repaired=repair)]

    def _sound(self) -> bool:
        try:
            with self._database.writing() as connection:
                connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        except sqlite3.DatabaseError:
            return False
        return True

    def _unknown_vectors(self, *, repair: bool) -> list[IndexProblem]:
        """Finds collections in Chroma that are none of ours; a server may well have others."""
        known: set[str] = set()
        for row in self._database.connection.execute("SELECT vectors, next_vectors FROM collections"):
            known |= {row["vectors"], row["next_vectors"]}
        if not self._vectors.is_own or not self._vectors.is_there:
            return []
        unknown = self._vectors.names() - known
        for name in unknown if repair else ():
            self._vectors.drop(name)
        return [
            IndexProblem(
                collection_id=name, collection="", problem="vectors of no collection", repaired=repair
            )
            for name in sorted(unknown)
        ]


def _ids(found: Iterable[sqlite3.Row]) -> set[int]:
    return {row["id"] for row in found}


def _problem(row: sqlite3.Row, problem: str, *, repaired: bool = False) -> IndexProblem:
    return IndexProblem(collection_id=row["id"], collection=row["name"], problem=problem, repaired=repaired)
