"""One retrieval under way: its collections, and the searches that every method is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from holdfast.core.domain.errors import KnowledgeUnavailable, NotFoundError, UnsupportedError
from holdfast.core.domain.indexing import Asker, KnowledgeIndex
from holdfast.core.domain.knowledge import Collection, Method, Passage, RetrievalStep, SearchMethod
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.knowledge.retrieval.merging import distinct, fused

GONE = (NotFoundError, KnowledgeUnavailable)
"""What a collection raises that was deleted, or whose index cannot be reached: the others go on."""


@dataclass(frozen=True, slots=True)
class Target:
    """A collection, and how it is searched in this retrieval."""

    collection: Collection
    use: KnowledgeUse
    """With all that the collection itself says filled in; by id."""
    method: Method
    top_k: int
    max_tokens: int

    def wider(self, times: int) -> Target:
        """Returns the target with so many times more passages."""
        use = self.use.model_copy(update={"top_k": times * self.top_k})
        return replace(self, use=use, top_k=times * self.top_k)


def wanted(targets: Sequence[Target]) -> int:
    """Returns how many passages are wanted of all targets together."""
    return max(target.top_k for target in targets)


@dataclass(slots=True)
class Search:
    """What the steps of one retrieval share. `ask` is the model, where there is one."""

    index: KnowledgeIndex
    ask: Asker | None
    steps: list[RetrievalStep] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Names of collections that could not be searched."""

    async def run(
        self, targets: Sequence[Target], query: str, method: SearchMethod, times: int = 1
    ) -> list[Passage]:
        """Searches the collections once for `times` as many passages as are wanted, and says so in the steps.

        Raises `NotFoundError` or `KnowledgeUnavailable` when none of them can be searched.
        """
        top_k = times * wanted(targets)
        more = [target.wider(times) for target in targets]
        found = distinct(
            await self.each(
                more,
                lambda uses: self.index.search(uses, query, method=method, top_k=top_k),
                lambda lists: fused(lists)[:top_k],
            )
        )
        self.steps.append(RetrievalStep(action="search", text=query, found=len(found)))
        return found

    async def each(
        self,
        targets: Sequence[Target],
        work: Callable[[Sequence[KnowledgeUse]], Awaitable[Sequence[Passage]]],
        join: Callable[[Sequence[Sequence[Passage]]], list[Passage]],
    ) -> list[Passage]:
        """Does something with all collections at once; where one of them is gone, with each by itself, and
        joins what the others gave."""
        uses = [target.use.model_copy(update={"method": None}) for target in targets]
        try:
            return list(await work(uses))
        except GONE:
            if len(uses) == 1:
                raise
        results = await asyncio.gather(*(work([use]) for use in uses), return_exceptions=True)
        lists: list[Sequence[Passage]] = []
        errors: list[BaseException] = []
        for target, result in zip(targets, results, strict=True):
            if isinstance(result, GONE):
                self.lose(target.collection.name, result)
                errors.append(result)
            elif isinstance(result, BaseException):
                raise result
            else:
                lists.append(result)
        if not lists:
            raise errors[0]
        return join(lists)

    def lose(self, name: str, error: BaseException) -> None:
        """Notes that a collection could not be searched, once."""
        if name not in self.lost:
            self.lost.append(name)
            self.steps.append(
                RetrievalStep(action="search", text=f"{name} could not be searched: {error}", found=0)
            )

    async def told(self, prompt: str, system: str, max_tokens: int = 1_000) -> str:
        """Returns what the model answers. Raises `ModelError`, and `UnsupportedError` without a model."""
        if self.ask is None:
            raise UnsupportedError(
                "This way of searching asks a model, and there is none. Use hybrid, vector or lexical."
            )
        return await self.ask(prompt, system=system, max_tokens=max_tokens)
