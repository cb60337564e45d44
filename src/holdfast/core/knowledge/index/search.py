"""Searching: by meaning, by words, and by both."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.knowledge import Passage, SearchMethod
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.knowledge import fusion, words
from holdfast.core.knowledge.index import rows
from holdfast.core.knowledge.index.cleaning import clean
from holdfast.core.knowledge.index.collections import Collections
from holdfast.core.knowledge.index.database import Database
from holdfast.core.knowledge.index.delivery import cosines, matrix
from holdfast.core.knowledge.index.documents import Documents
from holdfast.core.knowledge.index.embedded import Embedded, Target
from holdfast.core.knowledge.index.vectors import VectorStore
from holdfast.core.knowledge.where import compile_where

if TYPE_CHECKING:
    from holdfast.core.knowledge.embedding import Vectors

MAX_TOP_K = 200
_MAX_HITS = 10_000
_MAX_UNREACHED = 2_000
_AHEAD = 4
"""So many times more hits than are wanted are looked at, before those of other collections are left out."""
_PLAIN: tuple[SearchMethod, ...] = ("hybrid", "vector", "lexical")


@dataclass(slots=True)
class _Scope:
    """One use, with what it needs of its collection."""

    use: KnowledgeUse
    row: sqlite3.Row
    method: SearchMethod
    top_k: int
    documents: list[int] | None
    """Numbers of the documents that alone are searched; None: all."""


@dataclass(slots=True)
class _Ranking:
    """What one side of a search found, best first: chunk ids with their scores and places."""

    scores: dict[int, float] = field(default_factory=dict)
    ranks: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Iterable[tuple[int, float]]) -> _Ranking:
        scores = dict(sorted(found, key=lambda pair: (-pair[1], pair[0])))
        return cls(scores, {chunk_id: rank for rank, chunk_id in enumerate(scores, start=1)})

    @property
    def best(self) -> float:
        return next(iter(self.scores.values()), 0.0)


class Search:
    """Finds passages in several collections at once. May be used by several threads."""

    def __init__(
        self,
        database: Database,
        collections: Collections,
        documents: Documents,
        embedded: Embedded,
        vectors: VectorStore,
    ) -> None:
        self._database = database
        self._collections = collections
        self._documents = documents
        self._embedded = embedded
        self._vectors = vectors

    def search(
        self, uses: Sequence[KnowledgeUse], query: str, *, method: SearchMethod = "hybrid", top_k: int = 8
    ) -> tuple[Passage, ...]:
        """Returns the best passages; see `KnowledgeIndex.search`.

        Raises `NotFoundError`, `InvalidError` (`invalid_filter`), `ModelError`, `KnowledgeUnavailable`, and
        `ConflictError` (`embedding_mismatch`).
        """
        top_k = max(1, min(top_k, MAX_TOP_K))
        scopes = [self._scope(use, method, top_k) for use in uses]
        scopes = [scope for scope in scopes if scope.documents is None or scope.documents]
        found: dict[int, Passage] = {}
        for plain in _PLAIN:
            mine = [scope for scope in scopes if scope.method == plain]
            if mine:
                found |= {p.chunk_id: p for p in self._by(plain, mine, query) if p.chunk_id not in found}
        ordered = sorted(found.values(), key=lambda p: (-p.score, p.vector_rank or 1 << 30, p.chunk_id))
        return tuple(ordered[:top_k])

    def nearest(self, collection_id: str, vector: Sequence[float], top_k: int = 8) -> tuple[Passage, ...]:
        """Returns the passages nearest to a vector, best first, with the cosine as their score. Raises
        `NotFoundError`, `InvalidError` (`wrong_dimensions`), `KnowledgeUnavailable`."""
        import numpy as np  # only where there are vectors

        scope = self._scope(KnowledgeUse(collection=collection_id), "vector", max(1, min(top_k, MAX_TOP_K)))
        dimensions = scope.row["dimensions"]
        if dimensions is None:
            return ()
        if len(vector) != dimensions:
            raise InvalidError(
                f"The vectors of {scope.row['name']!r} have {dimensions} numbers, and this one has"
                f" {len(vector)}; make it with {scope.row['embedding_model']}.",
                code="wrong_dimensions",
            )
        given = np.array(vector, dtype=np.float64)
        largest = np.abs(given).max()
        if not 0 < largest < math.inf:  # it points nowhere
            return ()
        given /= largest  # whose squares may be too much
        query = (given / np.linalg.norm(given)).astype(np.float32)
        found = _Ranking.of(self._nearest(scope, scope.row["vectors"], query).items())
        return tuple(
            passage.model_copy(
                update={
                    "score": found.scores[passage.chunk_id],
                    "vector_rank": found.ranks[passage.chunk_id],
                    "vector_score": found.scores[passage.chunk_id],
                }
            )
            for passage in self._documents.passages(list(islice(found.scores, scope.top_k)))
        )

    def all_passages(self, uses: Sequence[KnowledgeUse], max_chars: int) -> tuple[tuple[Passage, ...], int]:
        """Returns all passages in the order of documents until `max_chars` is full, and their number."""
        scopes = [self._scope(use, "lexical", 1) for use in uses]
        found: list[Passage] = []
        left, total = max_chars, 0
        with self._database.reading() as connection:
            for scope in scopes:
                condition, values = _in_scope(scope)
                joined = (
                    "FROM documents d JOIN collections c ON c.number = d.collection "
                    f"JOIN chunks k ON k.document = d.number JOIN passages p ON p.id = k.id WHERE {condition}"
                )
                total += connection.execute(
                    f"SELECT coalesce(sum(d.chunks), 0) FROM documents d WHERE {condition}", values
                ).fetchone()[0]
                query = f"SELECT {rows.PASSAGE_COLUMNS} {joined} ORDER BY d.name, d.number, k.number"
                for row in connection.execute(query, values):
                    left -= len(row["text"])
                    if left < 0:
                        break
                    found.append(rows.passage(row))
        return tuple(found), total

    def _scope(self, use: KnowledgeUse, method: SearchMethod, top_k: int) -> _Scope:
        row = self._collections.row(use.collection)
        own = use.method if use.method in _PLAIN else method
        scope = _Scope(use, row, own, min(use.top_k or top_k, MAX_TOP_K), None)
        if use.where or use.documents is not None:
            scope.documents = self._numbers(use, row["number"])
        return scope

    def _numbers(self, use: KnowledgeUse, collection: int) -> list[int]:
        condition = compile_where(use.where)
        named = "" if use.documents is None else "AND d.id IN (SELECT value FROM json_each(?))"
        values = [] if use.documents is None else [rows.dump([clean(i) for i in use.documents])]
        found = self._database.connection.execute(
            f"SELECT d.number FROM documents d WHERE d.collection = ? AND d.status = 'ready' {named} "
            f"AND ({condition.sql})",
            (collection, *values, *condition.values),
        )
        return [row["number"] for row in found]

    def _by(self, method: SearchMethod, scopes: Sequence[_Scope], query: str) -> list[Passage]:
        vector = _Ranking() if method == "lexical" else self._by_meaning(scopes, query)
        lexical = _Ranking() if method == "vector" else self._by_words(scopes, query)
        scores = _scores(method, vector, lexical, _most(scopes))
        return [
            passage.model_copy(
                update={
                    "score": scores[passage.chunk_id],
                    "vector_rank": vector.ranks.get(passage.chunk_id),
                    "vector_score": vector.scores.get(passage.chunk_id),
                    "lexical_rank": lexical.ranks.get(passage.chunk_id),
                    "lexical_score": lexical.scores.get(passage.chunk_id),
                }
            )
            for passage in self._documents.passages(self._chosen(scopes, scores))
        ]

    def _chosen(self, scopes: Sequence[_Scope], scores: dict[int, float]) -> list[int]:
        """Returns what each use's own `top_k` and `min_score` let through: only that is read in full."""
        ordered = sorted(scores, key=lambda chunk_id: -scores[chunk_id])
        collections = self._collections_of(ordered) if len(scopes) > 1 else {}
        kept: dict[int, None] = {}
        for scope in scopes:
            number, least = scope.row["number"], scope.use.min_score or 0.0
            mine = (i for i in ordered if collections.get(i, number) == number and scores[i] >= least)
            kept |= dict.fromkeys(islice(mine, scope.top_k))
        return list(kept)

    def _collections_of(self, chunks: Sequence[int]) -> dict[int, int]:
        found = self._database.connection.execute(
            "SELECT k.id, d.collection FROM chunks k JOIN documents d ON d.number = k.document "
            "WHERE k.id IN (SELECT value FROM json_each(?))",
            (rows.dump(list(chunks)),),
        )
        return {row["id"]: row["collection"] for row in found}

    # --- meaning

    def _by_meaning(self, scopes: Sequence[_Scope], query: str) -> _Ranking:
        made = {}
        found: dict[int, float] = {}
        for scope in scopes:
            row = scope.row
            if row["dimensions"] is None:
                continue
            target = Target(row["name"], row["embedding_model"], row["vectors"], row["dimensions"])
            key = (target.model, target.dimensions)
            if key not in made:
                made[key] = self._embedded.query(target, query)
            found |= self._nearest(scope, target.vectors, made[key])
        return _Ranking.of(found.items())

    def _nearest(self, scope: _Scope, vectors: str, query: Vectors) -> dict[int, float]:
        """Returns the chunks nearest to a query, in no order, with the cosine to each."""
        wanted = most = fusion.candidates(scope.top_k)
        waiting = self._waiting(scope, vectors, query)
        while True:
            hits = self._vectors.query(vectors, query, most, documents=scope.documents)
            # Chunks of documents that are gone may stand before those that are wanted. And where a server has
            # the vectors, it says which chunks these are: what is not asked for is not believed.
            scores = dict(hits)
            found = {chunk: scores[chunk] for chunk in self._in_scope(scope, list(scores))} | waiting
            if len(found) >= wanted or len(hits) < most or most >= _MAX_HITS:
                break
            most *= 4
        if len(found) < wanted:
            found |= self._unreached(scope, vectors, query, found)
        return dict(sorted(found.items(), key=lambda pair: -pair[1])[:wanted])

    def _unreached(
        self, scope: _Scope, vectors: str, query: Vectors, found: Collection[int]
    ) -> dict[int, float]:
        """Returns the chunks that no way through the graph leads to, with their cosines: among many of the
        same text, each has only such neighbours, and what stands beside them is cut off."""
        condition, values = _in_scope(scope)
        missed = self._database.connection.execute(
            "SELECT k.id FROM chunks k JOIN documents d ON d.number = k.document "
            f"WHERE {condition} AND k.id NOT IN (SELECT value FROM json_each(?)) LIMIT {_MAX_UNREACHED}",
            (*values, rows.dump(list(found))),
        ).fetchall()
        if not missed:
            return {}
        import numpy as np  # only where there are vectors

        kept = self._vectors.read(vectors, [row["id"] for row in missed], len(query))
        return dict(zip(kept, cosines(np.stack(list(kept.values())), query), strict=True)) if kept else {}

    def _waiting(self, scope: _Scope, vectors: str, query: Vectors) -> dict[int, float]:
        """Returns the chunks that Chroma does not know yet, with their cosines."""
        condition, values = _in_scope(scope)
        found = self._database.connection.execute(
            f"SELECT w.chunk, w.vector FROM waiting w JOIN documents d ON d.number = w.document "
            f"WHERE w.vectors = ? AND {condition}",
            (vectors, *values),
        ).fetchall()
        if not found:
            return {}
        return dict(zip((row["chunk"] for row in found), cosines(matrix(found), query), strict=True))

    # --- words

    def _by_words(self, scopes: Sequence[_Scope], query: str) -> _Ranking:
        asked = words.match(clean(query))
        if asked is None:
            return _Ranking()
        found: dict[int, float] = {}
        for scope in scopes:
            found |= self._said(scope, asked)
        return _Ranking.of(found.items())

    def _said(self, scope: _Scope, asked: str) -> dict[int, float]:
        """Returns the chunks that say best what is asked for, with BM25's score, larger for better."""
        wanted = fusion.candidates(scope.top_k)
        if scope.documents is None:
            # Looking up the document of each of many thousand hits would take longer than finding them.
            hits = self._database.connection.execute(
                "SELECT rowid AS id, rank AS score FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?",
                (asked, _AHEAD * wanted),
            ).fetchall()
            mine = self._in_scope(scope, [row["id"] for row in hits])
            if len(mine) >= wanted or len(hits) < _AHEAD * wanted:
                best = islice((row for row in hits if row["id"] in mine), wanted)
                return {row["id"]: -row["score"] for row in best}
        condition, values = _in_scope(scope)
        found = self._database.connection.execute(
            "SELECT words.rowid AS id, words.rank AS score FROM words "
            "JOIN chunks k ON k.id = words.rowid JOIN documents d ON d.number = k.document "
            f"WHERE words MATCH ? AND {condition} ORDER BY score LIMIT ?",
            (asked, *values, wanted),
        )
        return {row["id"]: -row["score"] for row in found}

    def _in_scope(self, scope: _Scope, chunks: Sequence[int]) -> set[int]:
        condition, values = _in_scope(scope)
        found = self._database.connection.execute(
            "SELECT k.id FROM chunks k JOIN documents d ON d.number = k.document "
            f"WHERE {condition} AND k.id IN (SELECT value FROM json_each(?))",
            (*values, rows.dump(list(chunks))),
        )
        return {row["id"] for row in found}


def _scores(method: SearchMethod, vector: _Ranking, lexical: _Ranking, wanted: int) -> dict[int, float]:
    if method == "vector":
        return vector.scores
    if method == "lexical":
        best = lexical.best
        return {chunk_id: score / best for chunk_id, score in lexical.scores.items()} if best > 0 else {}
    return fusion.fuse(vector.scores, lexical.scores, wanted)


def _most(scopes: Sequence[_Scope]) -> int:
    return sum(fusion.candidates(scope.top_k) for scope in scopes)


def _in_scope(scope: _Scope) -> tuple[str, list[int | str]]:
    condition = "d.status = 'ready' AND d.collection = ?"
    if scope.documents is None:
        return condition, [scope.row["number"]]
    numbers = "AND d.number IN (SELECT value FROM json_each(?))"
    return f"{condition} {numbers}", [scope.row["number"], rows.dump(scope.documents)]
