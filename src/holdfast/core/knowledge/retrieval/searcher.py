"""Finds passages by any method, in several collections at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from holdfast.core.domain.errors import HoldfastError, ModelError, NotFoundError, UnsupportedError
from holdfast.core.domain.indexing import Asker, KnowledgeIndex, Reranker
from holdfast.core.domain.knowledge import Method, Passage, Retrieval, RetrievalStep
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.knowledge.retrieval.merging import distinct, fused
from holdfast.core.knowledge.retrieval.methods import ASKING, everything
from holdfast.core.knowledge.retrieval.reranking import ModelReranker
from holdfast.core.knowledge.retrieval.searching import GONE, Search, Target, wanted

RERANKED = 3
"""How many times more are found than are wanted where they are put into another order afterwards."""


class Searcher:
    """A `Retriever` on an index. `reranker` orders what every retrieval has found, if there is one."""

    def __init__(self, index: KnowledgeIndex, reranker: Reranker | None = None) -> None:
        self._index = index
        self._reranker = reranker

    async def retrieve(
        self,
        query: str,
        uses: Sequence[KnowledgeUse],
        *,
        method: Method | None = None,
        top_k: int | None = None,
        max_tokens: int | None = None,
        ask: Asker | None = None,
    ) -> Retrieval:
        """Searches the collections (by id) with `query`; without `top_k` and `max_tokens` the largest of
        theirs hold for all together.

        A collection that is gone or cannot be reached is said in the steps, and the others are searched.
        Raises `NotFoundError` or `KnowledgeUnavailable` when none can be, `UnsupportedError` for a method
        that needs a model when there is no `ask`, `ModelError`.
        """
        began = time.perf_counter()
        search = Search(self._index, ask)
        targets = await self._targets(search, uses, method, top_k, max_tokens)
        lists: list[list[Passage]] = []
        by_method: dict[Method, list[Target]] = {}
        for target in targets:
            by_method.setdefault(target.method, []).append(target)
        errors: list[HoldfastError] = []
        for name, several in by_method.items():
            try:
                lists.append(await self._found(search, name, several, query))
            except GONE as error:
                for target in several:
                    search.lose(target.collection.name, error)
                errors.append(error)
        if targets and len(errors) == len(by_method):
            raise errors[0]
        passages = fused(lists)
        if "all" not in by_method:
            passages = passages[: wanted(targets) if targets else 0]
        return Retrieval(
            query=query,
            method=next(iter(by_method)) if len(by_method) == 1 else method or "hybrid",
            passages=tuple(passages),
            steps=tuple(search.steps),
            duration_ms=round((time.perf_counter() - began) * 1000, 1),
        )

    async def _targets(
        self,
        search: Search,
        uses: Sequence[KnowledgeUse],
        method: Method | None,
        top_k: int | None,
        max_tokens: int | None,
    ) -> list[Target]:
        """Returns what can be searched, each with how. Raises what the first raised when none can be."""
        results = await asyncio.gather(
            *(self._index.collection(use.collection) for use in uses), return_exceptions=True
        )
        targets: list[Target] = []
        errors: list[HoldfastError] = []
        for use, result in zip(uses, results, strict=True):
            if isinstance(result, GONE):
                search.lose(use.collection, result)
                errors.append(result)
                continue
            if isinstance(result, BaseException):
                raise result
            own = result.retrieval
            filled = use.model_copy(
                update={
                    "collection": result.id,
                    "top_k": top_k or use.top_k or own.top_k,
                    "min_score": own.min_score if use.min_score is None else use.min_score,
                }
            )
            targets.append(
                Target(
                    collection=result,
                    use=filled,
                    method=method or use.method or own.method,
                    top_k=top_k or use.top_k or own.top_k,
                    max_tokens=max_tokens or own.max_tokens,
                )
            )
        if errors and not targets:
            raise errors[0]
        return targets

    async def _found(
        self, search: Search, method: Method, targets: Sequence[Target], query: str
    ) -> list[Passage]:
        if method == "all":
            return await everything(search, targets, max(target.max_tokens for target in targets))
        reranker = self._chosen(search, targets)
        if reranker is None:
            return await self._searched(search, method, targets, query, 1)
        found = await self._searched(search, method, targets, query, RERANKED)
        return (await self._reranked(search, reranker, query, found))[: wanted(targets)]

    async def _searched(
        self, search: Search, method: Method, targets: Sequence[Target], query: str, times: int
    ) -> list[Passage]:
        if method in ASKING:
            return await ASKING[method](search, targets, query, times)
        assert method in ("hybrid", "vector", "lexical")
        return await search.run(targets, query, method, times)

    def _chosen(self, search: Search, targets: Sequence[Target]) -> Reranker | None:
        if self._reranker is not None:
            return self._reranker
        if search.ask is None or not any(target.collection.retrieval.rerank for target in targets):
            return None
        return ModelReranker(search.ask)

    async def _reranked(
        self, search: Search, reranker: Reranker, query: str, found: Sequence[Passage]
    ) -> list[Passage]:
        """Returns the passages in the reranker's order. What was found counts more than its order: a
        reranker that fails leaves it as it is."""
        try:
            ordered = distinct(await reranker.rerank(query, found))
        except (ModelError, UnsupportedError, NotFoundError) as error:
            search.steps.append(RetrievalStep(action="rerank", text=f"not put in order: {error.message}"))
            return list(found)
        search.steps.append(RetrievalStep(action="rerank", text="put in order", found=len(ordered)))
        return ordered
