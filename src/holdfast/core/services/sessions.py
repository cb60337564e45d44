"""Sessions: make, list, change, fork, search, export, delete."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Literal

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.conversations import (
    Conversation,
    SessionOrder,
    SessionsFound,
    SharedConversation,
)
from holdfast.core.domain.errors import (
    AgentFileError,
    ConflictError,
    InvalidError,
    NotFoundError,
    StoreError,
)
from holdfast.core.domain.events import (
    AnyEvent,
    EventFilter,
    LoggedEvent,
    RunCancelled,
    SessionAnnotated,
    SessionConfigured,
    SessionCreated,
    SessionRenamed,
)
from holdfast.core.domain.ext import Ext, annotated, checked_ext
from holdfast.core.domain.models import ModelCatalog
from holdfast.core.domain.runs import (
    QueuedMessage,
    SearchHit,
    Session,
    SessionCounts,
    SessionWorkspace,
    TextMatches,
    TextRole,
)
from holdfast.core.domain.search import MAX_QUERY, parsed
from holdfast.core.domain.session_events import SessionArchived, SessionSeen, SessionShared, SessionStarred
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import PlanItem
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.domain.values import Page, new_id
from holdfast.core.files.packing import pack_texts
from holdfast.core.runs.projections.state import RunState
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.access import Access
from holdfast.core.services.conversing import Conversations
from holdfast.core.services.importing import Importer
from holdfast.core.services.paging import checked_limit
from holdfast.core.services.titles import Titles
from holdfast.core.services.trash import TrashCan
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.sessions.export import to_json, to_markdown
from holdfast.core.sessions.fork import Renaming, copied
from holdfast.core.store.log import EventLog
from holdfast.core.store.search import MessageSearch
from holdfast.core.store.session_pages import SessionPages, SessionsWanted
from holdfast.core.store.texts import TextSearch

_LONGEST_TITLE = 200
_LONGEST_ID = 128
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,63}")


class SessionService:
    """Implements the `Sessions` of a workbench."""

    def __init__(  # noqa: PLR0913 (its parts, none optional)
        self,
        access: Access,
        log: EventLog,
        supervisor: Supervisor,
        registry: AgentRegistry,
        catalog: ModelCatalog,
        workspaces: Workspaces,
        trash: TrashCan,
        default_agent: Callable[[], Awaitable[str]],
        titles: Titles,
    ) -> None:
        self._access = access
        self._log = log
        self._supervisor = supervisor
        self._registry = registry
        self._catalog = catalog
        self._workspaces = workspaces
        self._trash = trash
        self._default_agent = default_agent
        self._titles = titles
        self._search = MessageSearch(log.reader)
        self._texts = TextSearch(log.reader)
        self._pages = SessionPages(log.reader)
        self._conversations = Conversations(log)

    async def list(self, query: str = "", limit: int = 200, cursor: str | None = None) -> Page[Session]:
        wanted = parsed(query)
        return await self._log.reader.sessions(wanted, checked_limit(limit), cursor, self._access.owner)

    async def create(
        self,
        agent: str,
        project: str = "",
        title: str = "",
        model: str | None = None,
        id: str | None = None,
        ext: Ext | None = None,
        workspace: SessionWorkspace | None = None,
    ) -> Session:
        if model:
            await self._catalog.get(model, self._access.owner)
        session_id, kept_with = new_id() if id is None else _checked_id(id), checked_ext(ext)
        # A deleted session of that id may still be on its way out, with its folder.
        async with self._supervisor.held(session_id):
            await self._check_free(session_id)
            created = await self._created(agent, project, title, model or None, session_id, workspace)
            await self._log.append(created.model_copy(update={"ext": kept_with}))
        return await self.get(session_id)

    async def _check_free(self, session_id: str) -> None:
        there = await self._log.reader.session(session_id, in_trash=True)
        if there is None:
            return
        if there.deleted_at is not None and there.owner == self._access.owner:
            raise ConflictError(
                f"The session {session_id} is in the trash: restore it, or delete it for good "
                f"(`holdfast sessions delete --permanent {session_id}`).",
                code="session_in_trash",
            )
        raise ConflictError(f"There is a session {session_id} already.", code="session_exists")

    async def _created(
        self,
        agent: str,
        project: str,
        title: str,
        model: str | None,
        session_id: str,
        kind: SessionWorkspace | None = None,
    ) -> SessionCreated:
        """Returns the first event of a session, whose folder is there then."""
        project = str(await asyncio.to_thread(self._access.project, project))
        info = await self._agent(agent, project, self._access.owner)
        assert info.spec is not None
        trusted = info.trusted and self._access.principal.is_admin
        together = self._workspaces.of_agent(self._access.owner, info)
        wanted = kind or info.spec.workspace
        workspace = self._workspaces.place(session_id, wanted, project, together, trusted=trusted)
        return SessionCreated(
            session_id=session_id,
            title=_checked_title(title),
            agent=info.name,
            model=model,
            project=project,
            workspace=str(workspace),
            owner=self._access.owner,
        )

    async def _agent(self, name: str, project: str, owner: str) -> AgentInfo:
        """Returns a valid agent by its name or id; sessions keep the name. Raises `AgentFileError`."""
        return valid(await asyncio.to_thread(self._registry.get, name, Path(project), owner))

    async def get(self, session_id: str) -> Session:
        return await self._access.session(session_id)

    async def rename(self, session_id: str, title: str) -> Session:
        await self.get(session_id)
        title = _checked_title(title)
        if not title:
            raise InvalidError("A title needs at least one visible character.", code="invalid_title")
        await self._log.append(SessionRenamed(session_id=session_id, title=title))
        return await self.get(session_id)

    async def entitle(self, session_id: str) -> Session:
        session = await self._access.own_session(session_id)
        if session.titled:
            return session
        title = _checked_title(await self._titles.of(session))
        async with self._supervisor.held(session_id):
            session = await self._access.own_session(session_id)
            if title and not session.titled:
                await self._log.append(SessionRenamed(session_id=session_id, title=title))
        return await self.get(session_id)

    async def configure(self, session_id: str, agent: str | None = None, model: str | None = None) -> Session:
        session = await self._access.own_session(session_id)
        if agent is not None:
            agent = (await self._agent(agent, session.project, session.owner)).name
        if model:
            await self._catalog.get(model, self._access.owner)
        await self._log.append(
            SessionConfigured(
                session_id=session_id,
                agent=session.agent if agent is None else agent,
                model=session.model if model is None else model or None,
            )
        )
        return await self.get(session_id)

    async def annotate(self, session_id: str, ext: Ext) -> Session:
        async with self._supervisor.held(session_id):
            session = await self._access.own_session(session_id)
            after = annotated(session.ext, ext) or {}
            if after != session.ext:
                await self._log.append(SessionAnnotated(session_id=session_id, ext=after))
        return await self.get(session_id)

    async def delete(self, session_id: str, permanent: bool = False) -> None:
        await self._access.own_session(session_id, in_trash=permanent)
        if permanent:
            await self._trash.remove_session(session_id)
        else:
            await self._trash.put_session(session_id, self._access.owner)

    async def clear(self, session_id: str, since: str | None = None) -> Session:
        await self._access.own_session(session_id)
        run = None if since is None else await self._access.run(since)
        if run is not None and run.session_id != session_id:
            raise NotFoundError(f"The session has no run {run.id}.", code="run_not_found")
        await self._trash.clear_session(session_id, run)
        return await self.get(session_id)

    # --- read whole, and by number

    async def browse(
        self,
        text: str = "",
        agent: str | None = None,
        order: SessionOrder = "updated",
        descending: bool = True,
        offset: int = 0,
        limit: int = 50,
        api: str = "",
    ) -> SessionsFound:
        if len(text) > MAX_QUERY or offset < 0:
            raise InvalidError(
                f"A text of at most {MAX_QUERY} characters is looked for, from an offset that is not "
                "negative.",
                code="invalid_search",
            )
        wanted = SessionsWanted(self._access.owner, text, agent, _path_of(api))
        return await self._pages.page(
            wanted, order, descending=descending, offset=offset, limit=checked_limit(limit)
        )

    async def conversation(self, session_id: str) -> Conversation:
        return await self._conversations.of(await self.get(session_id))

    async def plan(self, session_id: str) -> tuple[PlanItem, ...]:
        return await self._conversations.plan(await self.get(session_id))

    async def share(self, session_id: str, shared: bool = True) -> Session:
        session = await self._access.own_session(session_id)
        if session.shared != shared:
            await self._log.append(SessionShared(session_id=session_id, shared=shared))
        return await self.get(session_id)

    async def shared(self, session_id: str, api: str = "") -> SharedConversation:
        return await self._conversations.shared(session_id, _path_of(api))

    async def find(
        self,
        text: str,
        role: TextRole | None = None,
        session_id: str | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> TextMatches:
        if not text or len(text) > MAX_QUERY or offset < 0:
            raise InvalidError(
                f"A text of 1 to {MAX_QUERY} characters is looked for, from an offset that is not negative.",
                code="invalid_search",
            )
        return await self._texts.find(
            text, self._access.owner, role, session_id, offset, checked_limit(limit)
        )

    async def search(self, query: str, limit: int = 50, cursor: str | None = None) -> Page[SearchHit]:
        wanted = parsed(query, archived="yes")
        return await self._search.page(wanted, checked_limit(limit), cursor, self._access.owner)

    async def counts(self) -> SessionCounts:
        return await self._log.reader.session_counts(self._access.owner)

    async def tally(self, api: str, key: str) -> dict[str, int]:
        if not (_PLAIN.fullmatch(api) and _PLAIN.fullmatch(key)):
            raise InvalidError(
                "Sessions are counted by an API and a key of small letters, digits and _.", code="invalid_ext"
            )
        return await self._log.reader.session_tally(self._access.owner, f"$.{api}.{key}")

    async def star(self, session_id: str, starred: bool = True) -> Session:
        session = await self.get(session_id)
        if session.starred != starred:
            await self._log.append(SessionStarred(session_id=session_id, starred=starred))
        return await self.get(session_id)

    async def archive(self, session_id: str, archived: bool = True) -> Session:
        session = await self.get(session_id)
        if session.archived != archived:
            await self._log.append(SessionArchived(session_id=session_id, archived=archived))
        return await self.get(session_id)

    async def see(self, session_id: str, through: int | None = None) -> Session:
        session = await self.get(session_id)
        if session.unread:
            await self._log.append(SessionSeen(session_id=session_id, through=through))
        return await self.get(session_id)

    async def take_in(
        self, data: Upload, name: str = "", agent: str = "", project: str = ""
    ) -> tuple[Session, ...]:
        importer = Importer(
            self._log,
            self._access.owner,
            lambda named, title: self._created(named, project, title, None, new_id()),
            self._default_agent,
            self.get,
            self._workspaces.forget,
        )
        return await importer.take_in(data, name, agent)

    async def export(self, session_id: str, format: Literal["markdown", "json"]) -> str:
        session = await self.get(session_id)
        events = await self._log.read_all(
            EventFilter(session_id=session_id, deltas=False), owner=session.owner
        )
        if format == "markdown":
            return await asyncio.to_thread(to_markdown, session, events)
        children = [
            (child, await self._log.read_all(EventFilter(session_id=child.id, deltas=False)))
            for child in await self._log.reader.children(session_id)
        ]
        return await asyncio.to_thread(to_json, session, events, children)

    async def bundle(self, session_id: str) -> Download:
        texts = {
            "session.json": await self.export(session_id, "json"),
            "session.md": await self.export(session_id, "markdown"),
        }
        return await asyncio.to_thread(pack_texts, texts, session_id)

    async def queue(self, session_id: str) -> tuple[QueuedMessage, ...]:
        await self.get(session_id)
        return await self._log.reader.queue(session_id)

    async def pull_back(self, session_id: str, message_id: str) -> QueuedMessage:
        await self.get(session_id)
        return await self._supervisor.queues.pull_back(session_id, message_id)

    async def empty_queue(self, session_id: str) -> tuple[QueuedMessage, ...]:
        await self.get(session_id)
        return await self._supervisor.queues.empty(session_id)

    # --- fork

    async def fork(self, session_id: str, before: int | None = None) -> Session:
        source = await self._access.own_session(session_id)
        events = await self._log.read_all(EventFilter(session_id=session_id, deltas=False))
        kept = [logged for logged in events if before is None or logged.id < before]
        new_session = new_id()
        workspace = await asyncio.to_thread(self._workspaces.copy, source, new_session)
        renaming = Renaming(new_session)
        created = SessionCreated(
            session_id=new_session,
            title=shorten(f"{source.title or 'Untitled'} (fork)", _LONGEST_TITLE),
            agent=source.agent,
            model=source.model,
            project=source.project,
            workspace=str(workspace),
            owner=source.owner,
            forked_from=session_id,
            ext=source.ext,
        )
        later = [logged for logged in events if before is not None and logged.id >= before]
        await self._workspaces.rewind(new_session, later)
        try:
            copies = await asyncio.to_thread(_copies, kept, renaming)
            seen = SessionSeen(session_id=new_session)
            await self._log.append_many([created, *copies, seen])  # all of it, or nothing
        except StoreError:
            await asyncio.to_thread(self._workspaces.forget, new_session)
            raise
        return await self.get(new_session)


def _copies(kept: Sequence[LoggedEvent], renaming: Renaming) -> list[AnyEvent]:
    """Returns the copies of events; a run that the fork cuts in the middle is closed as cancelled."""
    copies: list[AnyEvent] = []
    states: dict[str, RunState] = {}
    started = {logged.event.run_id for logged in kept if logged.event.type == "run.started"}
    for logged in copied(kept, {run_id for run_id in started if run_id is not None}):
        event = renaming.event(logged.event)
        if event.run_id is not None:
            state = states.setdefault(event.run_id, RunState(event.session_id, event.run_id))
            state.apply(event)
        copies.append(event)
    for state in states.values():
        if not state.ended:
            copies += state.closing("cancelled")
            copies.append(RunCancelled(session_id=state.session_id, run_id=state.run_id, reason="forked"))
    return copies


def valid(info: AgentInfo) -> AgentInfo:
    """Returns the agent if its file is valid. Raises `AgentFileError` with its mistakes."""
    if info.spec is None:
        raise AgentFileError(list(info.problems))
    return info


def _path_of(api: str) -> str | None:
    """Returns where an API's clients keep their own id of a session. Raises `InvalidError`."""
    if api and not _PLAIN.fullmatch(api):
        raise InvalidError("An API is named by small letters, digits and _.", code="invalid_ext")
    return f"$.{api}.id" if api else None


def _checked_title(title: str) -> str:
    return shorten(sanitize_line(title).strip(), _LONGEST_TITLE)


def _checked_id(session_id: str) -> str:
    if (
        not session_id
        or len(session_id) > _LONGEST_ID
        or not all((c.isascii() and c.isalnum()) or c in "-_." for c in session_id)
    ):
        raise InvalidError(
            f"A session's id has 1 to {_LONGEST_ID} ASCII letters, digits, '-', '_' or '.'.",
            code="invalid_session_id",
        )
    if set(session_id) == {"."}:
        raise InvalidError("A session's id cannot be made of dots.", code="invalid_session_id")
    return session_id
