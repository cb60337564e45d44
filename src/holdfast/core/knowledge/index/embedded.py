"""Vectors of documents: made by the collection's model, and kept until Chroma is given them."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import ConflictError
from holdfast.core.knowledge.embedding import Embeddings
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.vectors import VectorStore, missing

if TYPE_CHECKING:
    from holdfast.core.knowledge.embedding import Vectors

BATCH = 256
"""Texts that are embedded at once."""


@dataclass(slots=True)
class Target:
    """Where vectors go."""

    collection: str
    """The collection's name, for messages."""
    model: str
    vectors: str
    """Name of the collection in Chroma."""
    dimensions: int | None
    """None while there are none; then they are those of the first."""


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A chunk that has no vector yet."""

    chunk: int
    document: int
    """The number of its document."""
    text: str
    """What is embedded: its headings say what it is about, often better than it does itself."""

    @classmethod
    def of(cls, chunk: int, document: int, headings: Sequence[str], text: str) -> Unembedded:
        return cls(chunk, document, "\n".join((*headings, text)))


class Embedded:
    """Makes vectors. They wait in the database; `Delivery` takes them on."""

    def __init__(self, database: Database, embeddings: Embeddings, vectors: VectorStore) -> None:
        self._database = database
        self._embeddings = embeddings
        self._vectors = vectors

    def put(
        self, target: Target, chunks: Sequence[Unembedded], between: Callable[[], None] = lambda: None
    ) -> None:
        """Embeds chunks, in batches, and keeps their vectors.

        Calls `between` before each batch. Sets `target.dimensions`. Raises `ModelError`,
        `KnowledgeUnavailable`, and `ConflictError` (`embedding_mismatch`).
        """
        for at in range(0, len(chunks), BATCH):
            between()
            part = chunks[at : at + BATCH]
            made = self.make(target, [chunk.text for chunk in part])
            self.prepare(target, made)
            with self._database.writing() as connection:
                self.keep(connection, target, part, made)

    def make(self, target: Target, texts: Sequence[str]) -> Vectors:
        """Returns a vector for each text. Raises as `put`."""
        if target.dimensions is not None and not self._vectors.is_there:
            raise missing(self._vectors.place)
        return self._embeddings.embed(target.model, texts)

    def prepare(self, target: Target, made: Vectors) -> None:
        """Makes the place for vectors where these are the first, or looks whether they fit. Sets
        `target.dimensions`. Raises as `put`."""
        dimensions = int(made.shape[1])
        if target.dimensions is None:
            self._vectors.create(target.vectors)
            target.dimensions = dimensions
        check_dimensions(target.collection, target.model, target.dimensions, dimensions)

    def keep(
        self, connection: sqlite3.Connection, target: Target, chunks: Sequence[Unembedded], vectors: Vectors
    ) -> None:
        """Lets vectors wait for Chroma, in a transaction of the caller's."""
        connection.executemany(
            "INSERT OR REPLACE INTO waiting (vectors, document, chunk, vector) VALUES (?, ?, ?, ?)",
            [
                (target.vectors, chunk.document, chunk.chunk, vector.tobytes())
                for chunk, vector in zip(chunks, vectors.astype("<f4"), strict=True)
            ],
        )

    def query(self, target: Target, text: str) -> Vectors:
        """Returns the vector of a query. Raises as `put`."""
        made = self._embeddings.embed(target.model, [text], query=True)
        if target.dimensions is not None:
            check_dimensions(target.collection, target.model, target.dimensions, int(made.shape[1]))
        vector: Vectors = made[0]
        return vector


def check_dimensions(collection: str, model: str, kept: int, made: int) -> None:
    """Raises `ConflictError` (`embedding_mismatch`) for vectors that do not fit to those that are kept."""
    if kept != made:
        command = shlex.join(("holdfast", "knowledge", "reembed", collection, "--model", model))
        raise ConflictError(
            f"The vectors of {collection!r} have {kept} dimensions, but {model} makes {made} now. "
            f"Make them anew with `{command}`.",
            code="embedding_mismatch",
            details={"collection": collection, "model": model, "dimensions": kept},
        )
