"""What happens to a run's knowledge before its first step: folders, collections, context."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from holdfast.core.agents.narrow import workspace_folder
from holdfast.core.domain.agents import ALL_COLLECTIONS, AgentSpec, KnowledgeAssignment
from holdfast.core.domain.errors import (
    ErrorInfo,
    ErrorKind,
    HoldfastError,
    KnowledgeUnavailable,
    NotFoundError,
)
from holdfast.core.domain.knowledge import Method, Passage, RetrievalMode, RetrievalStep, Retrieved
from holdfast.core.domain.options import (
    ContextItem,
    ContextSource,
    ItemsContext,
    RetrievedContext,
    StoredContext,
    TextContext,
)
from holdfast.core.domain.passages import divided
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.runs.emitter import Emitter
from holdfast.core.runs.knowledge.assigned import Assigned, assigned, assignments, of_uses
from holdfast.core.runs.knowledge.desk import Desk, KnowledgePorts, Request
from holdfast.core.runs.knowledge.prompt import knowledge_section

FIRST_SYNC_S = 20.0
"""Seconds that a run waits for a folder that is taken in for the first time."""

_BEFORE: tuple[tuple[RetrievalMode, Method | None], ...] = (
    ("context", None),
    ("agentic", "agentic"),
    ("all", "all"),
)
"""The modes that retrieve before the first step, and the method of each; None: the collection's own."""


def run_knowledge(
    ports: KnowledgePorts | None,
    session: Session,
    spec: AgentSpec,
    options: RunOptions,
    emitter: Emitter,
    *,
    direct: bool = False,
    more: Sequence[str] = (),
) -> RunKnowledge | None:
    """Returns the knowledge of a run; None when it has none. `spec` is the agent under the options, `more`
    are collections that tools of its search.

    `direct`: a person runs a tool; where the agent names no collections, it may search all of his.
    """
    named = (
        *assignments(spec, options),
        *(KnowledgeAssignment(collection=name) for name in dict.fromkeys(more)),
    )
    if direct and not named:
        named = (KnowledgeAssignment(collection=ALL_COLLECTIONS),)
    if ports is None or not (named or options.context_source):
        return None
    request = Request(session.owner, named, options.knowledge or (), spec.model_settings.api_base)
    desk = Desk(ports, request, emitter, max_output_chars=spec.limits.max_tool_output_chars)
    return RunKnowledge(ports, request, desk, options, Path(session.project), emitter)


def section(
    knowledge: RunKnowledge | None, emitter: Emitter, tools: Sequence[str], *, cite: bool = True
) -> str:
    """Returns what a run's system prompt says of knowledge: of its own, and of what was found before.

    `cite`: whether passages are to be cited.
    """
    there = knowledge.desk.known if knowledge is not None else ()
    return knowledge_section(there, tools, cited=bool(emitter.context.sources), cite=cite)


class RunKnowledge:
    """The knowledge of one run: its desk, and what is looked up before its first step."""

    def __init__(
        self,
        ports: KnowledgePorts,
        request: Request,
        desk: Desk,
        options: RunOptions,
        project: Path,
        emitter: Emitter,
    ) -> None:
        self.desk = desk
        self._ports = ports
        self._request = request
        self._options = options
        self._project = project
        self._emitter = emitter

    async def begin(self) -> None:
        """Lists the run's collections, and retrieves what the model is to see before its first step, once in
        a run. What goes wrong is said in the log, and the run goes on."""
        state, told = self._emitter.state, self._emitter.context.looked_up
        first = state.step == 0 and not state.retrieved
        if first:
            await self._keep_folders()
        try:
            there = await self.desk.collections(again=first)
        except KnowledgeUnavailable as error:
            there = ()
            if first:
                names = tuple(each.collection for each in self._request.named)
                await self.desk.say(error.info, names)
        if not first:
            return
        if self.desk.missing and not told:
            await self.desk.say(_missing(self.desk.missing), self.desk.missing)
        source = self._options.context_source
        if source is not None:
            await self._give(source)
        elif not told:  # a run that continues another one has what was looked up for that
            await self._look_up(there)

    async def _look_up(self, there: Sequence[Assigned]) -> None:
        query = self._emitter.context.question
        for mode, method in _BEFORE:
            chosen = [each for each in there if each.mode == mode]
            if chosen and (query or method == "all"):
                await self.desk.look_up(query, chosen, method, most_tokens=self._budget)

    async def _keep_folders(self) -> None:
        folders = [each for each in self._request.named if each.path is not None]
        await asyncio.gather(*(self._keep(each) for each in folders))

    async def _keep(self, assignment: KnowledgeAssignment) -> None:
        keeper, name = self._ports.keeper, assignment.collection
        if keeper is None or assignment.path is None:
            return
        try:
            folder = workspace_folder(assignment.path, self._project).resolve()
            done = await keeper.keep_in_step(self._request.owner, name, folder, FIRST_SYNC_S)
        except HoldfastError as error:
            await self.desk.say(error.info, (name,))
            return
        except (RuntimeError, OSError) as error:  # `~nobody`, a loop of links
            await self.desk.say(_unreadable(assignment.path, error), (name,))
            return
        if not done:
            await self.desk.say(_syncing(name, assignment.path), (name,))

    # --- what the caller gives

    async def _give(self, source: ContextSource) -> None:
        try:
            await self._take(source)
        except HoldfastError as error:
            stored = source.id if isinstance(source, StoredContext) else None
            await self.desk.say(error.info, context_id=stored)

    async def _take(self, source: ContextSource) -> None:
        match source:
            case RetrievedContext(collections=uses):
                named = of_uses(uses)
                there = await self._ports.collections(self._request.owner)
                chosen, missing = assigned(named, uses, there)
                if missing:
                    await self.desk.say(_missing(missing), missing)
                if chosen:
                    question = self._emitter.context.question
                    await self.desk.look_up(question, chosen, most_tokens=self._budget)
            case StoredContext(id=context_id):
                record = await self._ports.index.context(context_id)
                if record.owner != self._request.owner:
                    raise no_context(context_id)
                items = tuple(item.model_copy(update={"number": None}) for item in record.items)
                most = min(record.max_tokens, self._budget or record.max_tokens)
                await self.desk.give(items, "stored", max_tokens=most, context_id=context_id)
            case TextContext(text=text):
                await self.desk.give(divided(text, self._budget), "text", max_tokens=self._budget)
            case ItemsContext(items=given, max_tokens=wanted):
                items, steps = await self._items(given)
                limits = [each for each in (wanted, self._budget) if each is not None]
                await self.desk.give(items, "items", max_tokens=min(limits, default=None), steps=steps)

    @property
    def _budget(self) -> int | None:
        """Half of what the run's requests may have in all, where something says so."""
        most = self._options.max_context_tokens
        return None if most is None else most // 2

    async def _items(
        self, given: tuple[ContextItem, ...]
    ) -> tuple[tuple[Retrieved, ...], tuple[RetrievalStep, ...]]:
        """Returns the given pieces, those by id as the owner's chunks; what is gone is said."""
        ids = [int(item.id) for item in given if item.id is not None]
        known: dict[int, Passage] = {}
        if ids:
            own = {each.id for each in await self._ports.collections(self._request.owner)}
            passages = await self._ports.index.passages(ids)
            known = {each.chunk_id: each for each in passages if each.collection_id in own}
        items: list[Retrieved] = []
        steps: list[RetrievalStep] = []
        for item in given:
            if item.id is None:
                items.append(Retrieved(text=item.text, meta=item.meta))
            elif (passage := known.get(int(item.id))) is not None:
                items.append(Retrieved(passage=passage, meta=item.meta))
            else:
                steps.append(RetrievalStep(action="read", text=f"there is no chunk {item.id}", found=0))
        return tuple(items), tuple(steps)


def no_context(context_id: str) -> NotFoundError:
    """Returns the error for a stored context that there is not."""
    return NotFoundError(f"There is no stored context {context_id[:80]!r}.", code="context_not_found")


def _missing(names: tuple[str, ...]) -> ErrorInfo:
    several = ", ".join(names)
    return NotFoundError(
        f"There is no collection {several}: it was deleted, or never made.", code="collection_not_found"
    ).info


def _syncing(name: str, path: str) -> ErrorInfo:
    return ErrorInfo(
        kind=ErrorKind.UNAVAILABLE,
        code="knowledge_syncing",
        message=f"The collection {name} is still taken in from {path}: searches find what is there so far.",
        retryable=True,
    )


def _unreadable(path: str, error: BaseException) -> ErrorInfo:
    return NotFoundError(f"The folder {path} cannot be found: {error}.", code="folder_not_found").info
