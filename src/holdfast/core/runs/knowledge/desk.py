"""The knowledge of one run: its collections, its searches, and their record in the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from holdfast.core.domain.agents import KnowledgeAssignment
from holdfast.core.domain.errors import (
    ErrorInfo,
    HoldfastError,
    NotFoundError,
    UnsupportedError,
)
from holdfast.core.domain.events import RetrievalCompleted, UsageRecorded
from holdfast.core.domain.indexing import Asker, KnowledgeIndex, KnowledgeKeeper, Retriever
from holdfast.core.domain.knowledge import Collection, Document, Method, Retrieval, RetrievalStep, Retrieved
from holdfast.core.domain.models import UsageReport
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.passages import DATA_RULE, quoted, retrieved, shown, used_tokens, within_budget
from holdfast.core.domain.text import shorten
from holdfast.core.runs.emitter import Emitter
from holdfast.core.runs.knowledge.assigned import Assigned, assigned
from holdfast.core.runs.knowledge.reading import Reading
from holdfast.core.tools.registry import near_names

MakeAsker = Callable[[str, str, str | None, Callable[[UsageReport], None]], Asker | None]
"""Makes what asks a model, by its name, who asks it and the address of its server, and tells what each answer
took; None for one that cannot be asked."""

_HEAD_CHARS = 600
"""What a result says around its passages, at most."""
_READER = "Answer the question from the text alone, briefly. Say so when the text does not answer it."
_ASKED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class KnowledgePorts:
    """What knowledge needs, the same for all runs."""

    index: KnowledgeIndex
    retriever: Retriever
    asker: MakeAsker
    keeper: KnowledgeKeeper | None = None
    exists: Callable[[], bool] = lambda: True
    """Whether anything was ever kept; the index's process need not start to say that there is nothing."""

    async def collections(self, owner: str) -> tuple[Collection, ...]:
        """Returns an owner's collections. Raises `KnowledgeUnavailable`."""
        return await self.index.collections(owner) if self.exists() else ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a run says of its knowledge."""

    owner: str
    named: tuple[KnowledgeAssignment, ...]
    uses: tuple[KnowledgeUse, ...] = ()
    """Those of the run's options."""
    api_base: str | None = None
    """Address of the model's server, where the agent names one."""


class Desk:
    """A run's `KnowledgeDesk`. Methods that plan or draft ask the run's model."""

    def __init__(
        self,
        ports: KnowledgePorts,
        request: Request,
        emitter: Emitter,
        *,
        max_output_chars: int,
    ) -> None:
        self._ports = ports
        self._request = request
        self._emitter = emitter
        self._max_output_chars = max_output_chars
        self._there: tuple[Assigned, ...] = ()
        self._listed = False
        """Whether they are as they were when they were last looked at, as far as is known."""
        self.missing: tuple[str, ...] = ()
        """Collections that the run names and that do not exist, once they have been listed."""

    @property
    def ids(self) -> dict[str, str]:
        """The two ids that every event of the run has."""
        return {"session_id": self._emitter.state.session_id, "run_id": self._emitter.state.run_id}

    @property
    def known(self) -> tuple[Assigned, ...]:
        """The run's collections, as far as they have been listed."""
        return self._there

    async def collections(self, *, again: bool = False) -> tuple[Assigned, ...]:
        """Returns the run's collections. Raises `KnowledgeUnavailable`."""
        if again or not self._listed:
            there = await self._ports.collections(self._request.owner)
            self._there, self.missing = assigned(self._request.named, self._request.uses, there)
            self._listed = True
        return self._there

    # --- what the tools ask

    async def search(
        self, query: str, call_id: str, *, collections: Sequence[str] = (), top_k: int | None = None
    ) -> tuple[Retrieved, ...]:
        """Does as `KnowledgeDesk.search`. Raises `NotFoundError` for a collection that the run does not have,
        and when there is none; what the search itself raises is in the log as well."""
        chosen = await self._chosen(collections)
        items, error = await self._look(query, chosen, call_id=call_id, top_k=top_k)
        if error is not None:
            raise error
        return items

    async def _chosen(self, names: Sequence[str]) -> tuple[Assigned, ...]:
        there = await self.collections()
        known = [each.collection.name for each in there]
        unknown = [name for name in names if not any(_is(each.collection, name) for each in there)]
        if unknown:
            there = await self.collections(again=True)  # it may have been made meanwhile
            unknown = [name for name in names if not any(_is(each.collection, name) for each in there)]
        if unknown:
            near = near_names(unknown[0], known)
            raise NotFoundError(
                f"There is no collection {shorten(unknown[0], 80)!r} in this run.{near}",
                code="collection_not_found",
            )
        if not there:
            raise NotFoundError(
                "There is no collection that this run may search. `holdfast knowledge create NAME` makes "
                "one, or /knowledge in the app.",
                code="collection_not_found",
            )
        return tuple(each for each in there if not names or any(_is(each.collection, name) for name in names))

    async def read(self, document: str, start: int = 0, characters: int = 4_000) -> tuple[Document, str]:
        """Does as `KnowledgeDesk.read`."""
        return await (await self._reading()).part(document, start, characters)

    async def texts(
        self, documents: Sequence[str] = (), max_chars: int = 1_000_000
    ) -> tuple[tuple[Document, str], ...]:
        """Does as `KnowledgeDesk.texts`."""
        return await (await self._reading()).texts(documents, max_chars)

    async def _reading(self) -> Reading:
        return Reading(self._ports.index, await self.collections(), self._emitter.context.sources)

    async def ask(self, questions: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Does as `KnowledgeDesk.ask`."""
        model, usage = self._emitter.state.model, list[UsageReport]()
        asker = self._ports.asker(model, self._request.owner, self._request.api_base, usage.append)
        if asker is None:
            raise UnsupportedError("The offline model cannot answer questions on a text; choose another one.")
        room = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def answer(question: str, text: str) -> str:
            async with room:
                return await asker(f"{question}\n\n{DATA_RULE}\n\n{quoted(text)}", system=_READER)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(answer(*each)) for each in questions]
        except* HoldfastError as errors:
            raise _first(errors) from None
        finally:
            await self._emitter.emit(*self._used(model, usage))
        return tuple(task.result() for task in tasks)

    def _used(self, model: str, usage: Sequence[UsageReport]) -> list[UsageRecorded]:
        return [UsageRecorded(**self.ids, model=model, **each.model_dump(exclude={"type"})) for each in usage]

    # --- before the first step

    async def look_up(
        self,
        query: str,
        chosen: Sequence[Assigned],
        method: Method | None = None,
        *,
        most_tokens: int | None = None,
    ) -> None:
        """Searches for a message and records it; what goes wrong is in the log, and the run goes on.
        `most_tokens` holds where the collections would allow more."""
        await self._look(query, chosen, method=method, most_tokens=most_tokens)

    async def give(
        self,
        items: tuple[Retrieved, ...],
        source: Literal["stored", "text", "items"],
        *,
        max_tokens: int | None = None,
        context_id: str | None = None,
        steps: tuple[RetrievalStep, ...] = (),
    ) -> None:
        """Records what the caller has given as the context of the run."""
        items = self._emitter.context.numbered(within_budget(items, max_tokens))
        event = RetrievalCompleted(
            **self.ids,
            source=source,
            context_id=context_id,
            items=items,
            steps=steps,
            tokens=used_tokens(items),
            max_tokens=max_tokens,
        )
        await self._emitter.emit(event)

    async def say(
        self, error: ErrorInfo, collections: tuple[str, ...] = (), context_id: str | None = None
    ) -> None:
        """Records that something could not be looked up before the first step."""
        source: Literal["knowledge", "stored"] = "stored" if context_id else "knowledge"
        event = RetrievalCompleted(
            **self.ids, source=source, context_id=context_id, collections=collections, error=error
        )
        await self._emitter.emit(event)

    # --- searching

    async def _look(
        self,
        query: str,
        chosen: Sequence[Assigned],
        *,
        call_id: str | None = None,
        method: Method | None = None,
        top_k: int | None = None,
        most_tokens: int | None = None,
    ) -> tuple[tuple[Retrieved, ...], HoldfastError | None]:
        """Searches and records it; returns what was found with its numbers, and what went wrong."""
        model, usage = self._emitter.state.model, list[UsageReport]()
        max_tokens = max(each.max_tokens for each in chosen)
        max_tokens = min(max_tokens, most_tokens or max_tokens)
        found, error = Retrieval(query=query, method=method or _method(chosen)), None
        began = time.perf_counter()
        try:
            ask = self._ports.asker(model, self._request.owner, self._request.api_base, usage.append)
            found = await self._searched(query, chosen, method, top_k, max_tokens, ask)
        except HoldfastError as failure:
            error = failure
            self._listed = False  # a collection may be gone
        except asyncio.CancelledError:
            await self._emitter.emit(*self._used(model, usage))
            raise
        items = within_budget(retrieved(found.passages), max_tokens)
        items = self._emitter.context.numbered(items if call_id is None else self._short_enough(items))
        event = RetrievalCompleted(
            **self.ids,
            call_id=call_id,
            query=query,
            method=found.method,
            collections=tuple(each.collection.name for each in chosen),
            items=items,
            steps=found.steps,
            tokens=used_tokens(items),
            max_tokens=max_tokens,
            duration_ms=round((time.perf_counter() - began) * 1000, 1),
            error=error.info if error is not None else None,
        )
        logged, *_ = await self._emitter.emit(event, *self._used(model, usage))
        assert isinstance(logged.event, RetrievalCompleted)
        return logged.event.items, error

    async def _searched(
        self,
        query: str,
        chosen: Sequence[Assigned],
        method: Method | None,
        top_k: int | None,
        max_tokens: int,
        ask: Asker | None,
    ) -> Retrieval:
        """Searches; where a method needs a model and there is none, with one that does not."""
        retrieve = self._ports.retriever.retrieve
        uses = [each.use for each in chosen]
        try:
            return await retrieve(query, uses, method=method, top_k=top_k, max_tokens=max_tokens, ask=ask)
        except UnsupportedError:
            if ask is not None:
                raise
        found = await retrieve(query, uses, method="hybrid", top_k=top_k, max_tokens=max_tokens)
        step = RetrievalStep(
            action="plan", text="The offline model can neither plan nor draft: searched once."
        )
        return found.model_copy(update={"steps": (step, *found.steps)})

    def _short_enough(self, items: tuple[Retrieved, ...]) -> tuple[Retrieved, ...]:
        """Returns the items with so many used that the result of the call, which shows them, is not cut."""
        room = self._max_output_chars - _HEAD_CHARS
        kept: list[Retrieved] = []
        for item in items:
            room -= len(shown([item.model_copy(update={"number": 100_000})])) + 2
            kept.append(item.model_copy(update={"used": item.used and room >= 0}))
        return tuple(kept)


def _first(errors: BaseExceptionGroup[HoldfastError]) -> HoldfastError:
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _is(collection: Collection, name: str) -> bool:
    return name in (collection.id, collection.name)


def _method(chosen: Sequence[Assigned]) -> Method:
    return chosen[0].use.method or chosen[0].collection.retrieval.method
