"""The ways to find passages. Each takes what is searched and the question, and returns passages, best first;
`times` as many as are wanted, where they are put into another order afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from holdfast.core.domain.errors import ModelError, NotFoundError
from holdfast.core.domain.knowledge import Method, Passage, RetrievalStep
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.passages import CHARS_PER_TOKEN
from holdfast.core.knowledge.retrieval.merging import distinct, fused, groups
from holdfast.core.knowledge.retrieval.prompts import (
    ANSWER,
    DRAFT,
    FILTER,
    PLAN,
    PLAN_AGAIN,
    SYSTEM,
    described,
    excerpts,
    numbered,
    numbers_in,
    queries_in,
)
from holdfast.core.knowledge.retrieval.searching import Search, Target, wanted

WIDE = 3
"""How many times more `wide` retrieves than is wanted."""
NEIGHBOURS = 1
"""Chunks on each side that `wide` looks at."""
ROUNDS = 3
"""How often `agentic` plans at most."""
MAX_CHARS = 60_000
"""Characters of passages that a model is shown at most."""
_AT_ONCE = 8

Targets = Sequence[Target]


async def hyde(search: Search, targets: Targets, query: str, times: int = 1) -> list[Passage]:
    """Drafts an answer, and searches with the question and the draft."""
    draft = await search.told(DRAFT.format(question=query), SYSTEM)
    search.steps.append(RetrievalStep(action="draft", text=draft))
    return await search.run(targets, _both(query, draft), "hybrid", times)


async def hyde_twice(search: Search, targets: Targets, query: str, times: int = 1) -> list[Passage]:
    """Does as `hyde`, answers from what that has found, and searches again with the answer."""
    first = await hyde(search, targets, query, times)
    if not first:
        return first
    pieces = numbered(([each] for each in first), MAX_CHARS)
    answer = await search.told(ANSWER.format(question=query, passages=pieces), SYSTEM)
    search.steps.append(RetrievalStep(action="draft", text=answer))
    return await search.run(targets, _both(query, answer), "hybrid", times) or first


def _both(query: str, draft: str) -> str:
    return f"{query}\n{draft}" if draft else query


async def wide(search: Search, targets: Targets, query: str, times: int = 1) -> list[Passage]:
    """Finds more than is wanted, looks at the neighbours too, and has a model choose what matters."""
    found = await search.run(targets, query, "hybrid", WIDE * times)
    if not found:
        return found
    top_k = times * wanted(targets)
    pieces = groups(await _with_neighbours(search, found))
    shown = numbered(pieces, MAX_CHARS)
    answer = await search.told(FILTER.format(question=query, passages=shown), SYSTEM)
    chosen = numbers_in(answer, len(pieces))
    if chosen is None:
        text = "the model's choice could not be read: the best of the search are taken"
        search.steps.append(RetrievalStep(action="filter", text=text, found=min(top_k, len(found))))
        return found[:top_k]
    kept = distinct(passage for number in chosen for passage in pieces[number - 1])[:top_k]
    text = f"{len(chosen)} of {len(pieces)} pieces matter"
    search.steps.append(RetrievalStep(action="filter", text=text, found=len(kept)))
    return kept


async def _with_neighbours(search: Search, found: Sequence[Passage]) -> list[Passage]:
    """Returns the passages with those beside them, in the order in which they were found; what was found
    keeps its scores."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def around(passage: Passage) -> tuple[Passage, ...]:
        try:
            async with room:
                return await search.index.around(passage.chunk_id, NEIGHBOURS)
        except NotFoundError:  # its document was replaced meanwhile
            return (passage,)

    known = {passage.chunk_id: passage for passage in found}
    several = await asyncio.gather(*(around(passage) for passage in found))
    together = [known.get(each.chunk_id, each) for few in several for each in few]
    search.steps.append(
        RetrievalStep(action="read", text="neighbours of what was found", found=len(together))
    )
    return distinct(together)


async def everything(search: Search, targets: Targets, max_tokens: int) -> list[Passage]:
    """Returns all that fits, in the order of the documents."""
    totals: list[int] = []

    async def read(uses: Sequence[KnowledgeUse]) -> Sequence[Passage]:
        passages, total = await search.index.all_passages(uses, max_tokens * CHARS_PER_TOKEN)
        totals.append(total)
        return passages

    found = distinct(await search.each(targets, read, lambda lists: [each for few in lists for each in few]))
    text = f"{len(found)} of {sum(totals)} passages fit in {max_tokens} tokens"
    search.steps.append(RetrievalStep(action="read", text=text, found=len(found)))
    return found


async def agentic(search: Search, targets: Targets, query: str, times: int = 1) -> list[Passage]:
    """Has a model plan searches, look at what they found, and plan again."""
    lists: list[list[Passage]] = []
    asked: list[str] = []
    top_k = times * wanted(targets)
    there = described(target.collection for target in targets)
    for number in range(ROUNDS):
        prompt = PLAN.format(question=query, collections=there)
        if number:
            found = excerpts(fused(lists)[: 3 * top_k])
            prompt = PLAN_AGAIN.format(question=query, queries="; ".join(asked), passages=found)
        planned = await _plan(search, prompt, first=not number)
        queries = [each for each in planned if each not in asked]
        if not queries:
            break
        search.steps.append(RetrievalStep(action="plan", text="; ".join(queries)))
        asked += queries
        lists += [await search.run(targets, each, "hybrid", times) for each in queries]
    if not asked:
        return await search.run(targets, query, "hybrid", times)
    return fused(lists)[:top_k]


async def _plan(search: Search, prompt: str, *, first: bool) -> list[str]:
    """Returns the queries of a plan. A model that fails later takes nothing of what was found before."""
    try:
        answer = await search.told(prompt, SYSTEM)
    except ModelError as error:
        if first:
            raise
        search.steps.append(RetrievalStep(action="plan", text=f"no further plan: {error.message}"))
        return []
    queries = queries_in(answer)
    if queries is None:
        search.steps.append(RetrievalStep(action="plan", text="the model's plan could not be read"))
    return queries or []


ASKING: dict[Method, Callable[[Search, Targets, str, int], Awaitable[list[Passage]]]] = {
    "hyde1": hyde,
    "hyde2": hyde_twice,
    "wide": wide,
    "agentic": agentic,
}
"""The methods that ask a model."""
