"""Searches in knowledge, and retrievals that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from holdfast.core.config.settings import Settings
from holdfast.core.domain.errors import InvalidError, UnsupportedError
from holdfast.core.domain.identity import Principal, Scope
from holdfast.core.domain.indexing import Asker
from holdfast.core.domain.knowledge import Collection, ContextRecord, Method, Retrieval, Retrieved
from holdfast.core.domain.models import ModelCatalog, ModelClient
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.passages import retrieved, shown, within_budget
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.knowledge.retrieval.methods import ASKING
from holdfast.core.knowledge.retrieval.searcher import Searcher
from holdfast.core.services.asking import OFFLINE, ModelAsker
from holdfast.core.services.library import Library
from holdfast.core.services.needs import Needs
from holdfast.core.services.owned import OwnedKnowledge

LONGEST_QUERY = 20_000
MOST_COLLECTIONS = 50
MOST_PASSAGES = 200
_TOKENS = range(100, 1_000_001)
_ASKS = Needs(Scope.CHAT)
"""What a search needs that asks a model: looking costs nothing, asking does."""


class Searches:
    """Searches in what one user has."""

    def __init__(
        self,
        library: Library,
        own: OwnedKnowledge,
        client: ModelClient,
        catalog: ModelCatalog,
        settings: Callable[[Path | None], Settings],
        principal: Principal,
        redact: Callable[[str], str],
        check_countable: Callable[[], None],
    ) -> None:
        self._library = library
        self._own = own
        self._client = client
        self._catalog = catalog
        self._settings = settings
        self._principal = principal
        self._redact = redact
        self._check_countable = check_countable

    async def model(self, named: str | None) -> str:
        """Returns the model that is asked: the named one, or that of a new session. Raises
        `UnsupportedError` for the offline one, which answers no questions, and (`not_counted`) for who has a
        budget, and `ModelNotFound`."""
        self._check_countable()
        settings = await asyncio.to_thread(self._settings, None)
        choice = await self._catalog.choose(
            flag=named,
            session=None,
            agent=None,
            settings=settings.models.default,
            owner=self._principal.user_id,
        )
        if choice.model == OFFLINE:
            raise UnsupportedError(
                "This asks a model, and the offline one cannot answer. "
                "Name another, or set a provider's key.",
                code="needs_model",
            )
        return choice.model

    async def search(
        self,
        query: str,
        uses: Sequence[KnowledgeUse],
        method: Method | None,
        *,
        top_k: int | None = None,
        max_tokens: int | None = None,
        model: str | None = None,
    ) -> Retrieval:
        """Returns what `Knowledge.search` does."""
        _check(query, uses, top_k)
        there = await self._own.named([use.collection for use in uses])
        return await self._found(query, uses, there, method, top_k=top_k, max_tokens=max_tokens, model=model)

    async def _found(
        self,
        query: str,
        uses: Sequence[KnowledgeUse],
        there: Sequence[Collection],
        method: Method | None,
        *,
        top_k: int | None = None,
        max_tokens: int | None,
        model: str | None,
    ) -> Retrieval:
        """Searches; `there` are the collections of the uses, which may name them by name."""
        methods = {method or use.method or own.retrieval.method for use, own in zip(uses, there, strict=True)}
        return await Searcher(self._library.index).retrieve(
            query,
            [use.model_copy(update={"collection": own.id}) for use, own in zip(uses, there, strict=True)],
            method=method,
            top_k=top_k,
            max_tokens=max_tokens,
            ask=await self._asker(there, methods, model),
        )

    async def _asker(
        self, collections: Sequence[Collection], methods: set[Method], model: str | None
    ) -> Asker | None:
        """Returns what asks a model, where one is asked; a reranker does without when there is none."""
        if methods & set(ASKING):
            _ASKS.check("knowledge.search", self._principal)
            return self._asking(await self.model(model))
        may_ask = self._principal.scope.includes(_ASKS.scope)
        if not may_ask or not any(each.retrieval.rerank for each in collections):
            return None
        try:
            return self._asking(await self.model(model))
        except UnsupportedError:
            return None

    def _asking(self, model: str) -> ModelAsker:
        return ModelAsker(self._client, model, self._redact, owner=self._principal.user_id)

    async def keep(
        self,
        query: str,
        uses: Sequence[KnowledgeUse],
        method: Method | None,
        *,
        max_tokens: int | None = None,
        model: str | None = None,
    ) -> ContextRecord:
        """Returns what `Knowledge.keep` does."""
        if max_tokens is not None and max_tokens not in _TOKENS:
            raise InvalidError(
                f"A context has {_TOKENS.start} to {_TOKENS.stop - 1} tokens.", code="invalid_max_tokens"
            )
        _check(query, uses)
        there = await self._own.named([use.collection for use in uses])
        found = await self._found(query, uses, there, method, max_tokens=max_tokens, model=model)
        budget = max_tokens or max(collection.retrieval.max_tokens for collection in there)
        items = _numbered(within_budget(retrieved(found.passages), budget))
        record = ContextRecord(
            id=new_id(),
            owner=self._principal.user_id,
            query=query,
            retrieval=found,
            max_tokens=budget,
            text=shown(items),
            items=items,
            created_at=utc_now(),
        )
        await self._library.index.keep_context(record)
        return record


def _check(query: str, uses: Sequence[KnowledgeUse], top_k: int | None = None) -> None:
    if not query.strip() or len(query) > LONGEST_QUERY:
        raise InvalidError(f"A query has 1 to {LONGEST_QUERY} characters.", code="invalid_query")
    if not 1 <= len(uses) <= MOST_COLLECTIONS:
        raise InvalidError(f"Name 1 to {MOST_COLLECTIONS} collections to search.", code="invalid_collections")
    if top_k is not None and not 1 <= top_k <= MOST_PASSAGES:
        raise InvalidError(f"top_k is 1 to {MOST_PASSAGES}.", code="invalid_top_k")


def _numbered(items: Sequence[Retrieved]) -> tuple[Retrieved, ...]:
    return tuple(
        item.model_copy(update={"number": number}) if item.used else item
        for number, item in enumerate(items, 1)
    )
