"""Knowledge as it is looked at: collections, their documents, searches in them, and how jobs go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from holdfast.core.domain.errors import HoldfastError, InvalidError, UnavailableError
from holdfast.core.domain.events import LoggedEvent
from holdfast.core.domain.options import KnowledgeUse
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl
from holdfast.tui.presenters.choices import Choice
from holdfast.tui.presenters.figures import duration
from holdfast.tui.presenters.knowledge.collections import CollectionView, collection_views, document_view
from holdfast.tui.presenters.knowledge.jobs import JobView, number
from holdfast.tui.presenters.knowledge.state import METHODS, KnowledgeState
from holdfast.tui.presenters.passages import found_passage
from holdfast.tui.presenters.retrievals import METHODS as MEANINGS
from holdfast.tui.presenters.spans import line

if TYPE_CHECKING:
    from holdfast.core.domain.knowledge import Method
    from holdfast.tui.screens.modelled import ModelScreen

DOCUMENTS = 200
"""Documents of one page."""
JOBS = 30
RESULTS = 20
PROGRESS_S = 2.0
"""While a job goes on, collections are read again after so long."""
QUIET_S = 0.3
"""Changes of knowledge within this time are read together."""

Action = Callable[[str], Awaitable[None]]


class KnowledgeControl(ListedControl[KnowledgeState]):
    """Keeps what is shown of knowledge. Nothing is asked for before somebody looks."""

    PARTS = ("knowledge", "header")

    def __init__(self, context: Context) -> None:
        super().__init__(context, context.model.knowledge)
        self._read_at = 0.0
        """When knowledge was read last; monotonic, in seconds."""
        self.actions: dict[str, Action] = {
            "collections": self.show,
            "knowledge.look": self.look,
            "knowledge.choose": self.choose,
            "knowledge.filter": self.filter,
            "knowledge.more": self.more,
            "knowledge.search": self.search,
            "knowledge.method": self.change_method,
        }

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.knowledge import KnowledgeScreen  # start-up time: when it is opened

        return KnowledgeScreen

    async def show(self, name: str = "") -> None:
        """Opens the knowledge screen, at the collection of a name if one is given."""
        await super().show()
        if name:
            found = self._state.named(name)
            if found is None:
                raise InvalidError(f"There is no collection {sanitize_line(name)}.")
            self._state.chosen = found.id
        await self.read_documents()

    async def _read(self) -> None:
        """Reads collections and jobs."""
        workbench = self._context.workbench
        self._read_at = time.monotonic()
        collections, jobs = await asyncio.gather(workbench.knowledge.list(), workbench.jobs.list(limit=JOBS))
        self._state.take_collections(collection_views(collections))
        self._state.jobs.replace(jobs.items)

    async def choose(self, collection_id: str) -> None:
        """Shows the documents of another collection."""
        state = self._state
        if collection_id != state.chosen:
            state.chosen, state.filter, state.documents = collection_id, "", None
            state.results, state.search_note = None, ""
            self.mark()
        await self.read_documents()

    async def filter(self, words: str) -> None:
        """Shows the documents with these words in name or title."""
        self._state.filter = words
        await self.read_documents()

    async def more(self, _: str = "") -> None:
        """Reads the next page of documents."""
        if self._state.cursor is not None:
            await self.read_documents(self._state.cursor)

    async def read_documents(self, cursor: str | None = None) -> None:
        """Reads the documents of the chosen collection that fit the filter."""
        state = self._state
        collection, words = state.chosen, state.filter
        if collection is None:
            self.mark()
            return
        try:
            knowledge = self._context.workbench.knowledge
            page = await knowledge.documents(collection, words, limit=DOCUMENTS, cursor=cursor)
        except HoldfastError as error:
            state.documents_error = sanitize_line(error.message)
            self.mark()
            return
        if (state.chosen, state.filter) != (collection, words):
            return
        known = state.documents or [] if cursor is not None else []
        state.documents = [*known, *map(document_view, page.items)]
        state.cursor, state.documents_error = page.next_cursor, ""
        self.mark()

    def take(self, logged: LoggedEvent) -> None:
        """Takes an event of any session or of none: jobs go on, collections change, passages come."""
        event, state = logged.event, self._state
        if event.type == "retrieval.completed" and event.session_id == self._context.model.session_id:
            self.look_once()
            return
        if event.type == "knowledge.changed":
            self._read_soon()
            return
        if event.type == "memory.changed" or not event.type.startswith("job."):
            return
        effect = state.jobs.apply(event)  # type: ignore[arg-type]  # what begins with job. is of a job
        if effect == "unknown":
            job_id = event.job_id  # type: ignore[union-attr]
            self._context.app.work(partial(self._read_job, job_id), f"job {job_id}")
        elif event.type == "job.started":
            self.look_once()
        elif effect == "ended":
            self._tell(state.jobs.get(event.job_id))  # type: ignore[union-attr]
            self._read_soon()
        elif effect == "changed" and time.monotonic() - self._read_at > PROGRESS_S:
            self._read_soon()
        if effect != "none":
            self.mark()

    def look_once(self) -> None:
        """Begins to keep collections up to date: there is something to say of them now."""
        if not self._looked and self._context.connected:
            self._looked = True
            self._context.app.work(self.look, "knowledge.look")

    def _read_soon(self) -> None:
        """Reads collections and documents again, once for all that happens within a moment."""
        if self._looked:
            self._context.app.work(self._reread, "knowledge.reread")

    async def _reread(self) -> None:
        await asyncio.sleep(QUIET_S)
        await self.reload()
        await self.read_documents()

    async def _read_job(self, job_id: str) -> None:
        self._state.jobs.merge(await self._context.workbench.jobs.get(job_id))
        self.look_once()
        self.mark()

    def _tell(self, job: JobView | None) -> None:
        """Says how a job ended that others may not see."""
        if job is None:
            return
        if job.status == "failed":
            self._context.view.say_error(f"{job.title}: {job.error}")
        elif job.status == "completed":
            failed = f", {job.failed:,} failed: /knowledge says why" if job.failed else ""
            self._context.view.say(f"{job.title}: done, {number(job.chunks, 'chunk')}{failed}.")

    # --- searching

    async def search(self, query: str) -> None:
        """Searches the chosen collection."""
        state = self._state
        collection = self.need()
        if not query.strip():
            return
        state.query, state.searching, state.search_failed = query, True, False
        self.mark()
        try:
            found = await self._context.workbench.knowledge.search(
                query, (KnowledgeUse(collection=collection.id),), cast("Method", state.method), RESULTS
            )
        except HoldfastError as error:
            state.results, state.search_failed = [], True
            state.search_note = sanitize_line(error.message)
        else:
            state.results = [found_passage(one) for one in found.passages]
            state.search_note = (
                f"{number(len(state.results), 'passage')} · {found.method} · {duration(found.duration_ms)}"
            )
        finally:
            state.searching = False
            self.mark()

    async def change_method(self, name: str) -> None:
        """Searches in another way from now on."""
        if name not in METHODS:
            choices = [Choice(m, line((m, "strong")), [line(MEANINGS[m])], m) for m in METHODS]
            chosen = await self._context.app.dialogs.choose("How to search?", choices)
            if chosen is None:
                return
            name = chosen
        self._state.method = name
        self.mark()
        if self._state.query:
            await self.search(self._state.query)

    def need(self) -> CollectionView:
        """Returns the chosen collection. Raises `UnavailableError` when there is none."""
        collection = self._state.collection
        if collection is None:
            raise UnavailableError(
                "There is no collection yet: /collect makes one.", code="no_collection", retryable=False
            )
        return collection
