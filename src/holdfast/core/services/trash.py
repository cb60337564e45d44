"""The trash: one mechanism for everything that a person can delete and bring back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from holdfast.core.agents.editor import AgentEditor, RemovedAgent
from holdfast.core.domain.custom_tools import CustomTool, ToolVersion
from holdfast.core.domain.errors import HoldfastError, InvalidError
from holdfast.core.domain.events import SessionDeleted
from holdfast.core.domain.identity import Principal, Scope
from holdfast.core.domain.knowledge import Collection
from holdfast.core.domain.runs import Run
from holdfast.core.domain.session_events import SessionCleared, SessionRestored, SessionTrashed
from holdfast.core.domain.skills import SkillScope
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.trash import Trashed, TrashKind
from holdfast.core.domain.values import MAX_LIMIT, Page, utc_now
from holdfast.core.files.blobs import FileBlobs
from holdfast.core.runs.supervisor import Supervisor
from holdfast.core.services.custom_tools import CustomTools
from holdfast.core.services.library import Library
from holdfast.core.services.memory_store import MemoryStore, not_in_trash
from holdfast.core.services.needs import Needs
from holdfast.core.services.own_prompts import OwnPrompts
from holdfast.core.services.paging import checked_limit
from holdfast.core.services.skill_places import SkillPlaces
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.skills.editor import RemovedSkill, SkillEditor
from holdfast.core.skills.registry import SkillFolder
from holdfast.core.store.log import EventLog
from holdfast.core.store.trash import Discarded, TrashTable

logger = logging.getLogger(__name__)

_NEEDED: dict[TrashKind, Needs] = {
    "session": Needs(Scope.CHAT),
    "memory_block": Needs(Scope.ADMIN),
    "memory_entry": Needs(Scope.CHAT),
    "agent": Needs(Scope.ADMIN),
    "collection": Needs(Scope.ADMIN),
    "skill": Needs(Scope.ADMIN),
    "prompt": Needs(Scope.ADMIN),
    "tool": Needs(Scope.ADMIN),
}
"""What bringing a thing back, or ending it, needs: the same as deleting it."""


@dataclass(frozen=True)
class Places:
    """Where what is in the trash belongs, sessions aside."""

    memory: MemoryStore
    editor: AgentEditor
    library: Library
    skills: SkillEditor
    skill_places: SkillPlaces
    prompts: OwnPrompts
    tools: CustomTools
    follow: Callable[[Collection], None]
    """Watches the folders that a collection says are watched."""


class TrashCan:
    """What all principals of one engine share of the trash."""

    def __init__(
        self,
        log: EventLog,
        supervisor: Supervisor,
        blobs: FileBlobs,
        workspaces: Workspaces,
        places: Places,
        days: Callable[[], Awaitable[int]],
    ) -> None:
        """`days` says how long things stay."""
        self.table = TrashTable(log.writer, log.reader)
        self.days = days
        self._log = log
        self._supervisor = supervisor
        self._blobs = blobs
        self._workspaces = workspaces
        self._places = places

    async def put_session(self, session_id: str, owner: str) -> None:
        """Puts a session of `owner` into the trash; one that is gone, or whose id is somebody else's now, is
        left alone. Raises `ConflictError` while it runs."""
        async with self._supervisor.idle(session_id):
            if await self._log.reader.session(session_id, owner) is not None:
                ids = (session_id, *await self._children(session_id))
                await self._log.append(*(SessionTrashed(session_id=each) for each in ids), durable=True)

    async def _children(self, session_id: str) -> list[str]:
        """Returns the sessions that sub-agents work in for it: they share its life."""
        return [child.id for child in await self._log.reader.children(session_id)]

    async def remove_session(self, session_id: str) -> None:
        """Deletes a session for good, in the trash or not; one that is gone already is no mistake. Raises
        `ConflictError` while it runs."""
        async with self._supervisor.idle(session_id):
            session = await self._log.reader.session(session_id, in_trash=True)
            if session is None:
                return
            ids = (*await self._children(session_id), session_id)
            digests = set[str]()
            for each in ids:
                digests |= await self._log.reader.blobs_of(each)
            gone = (SessionDeleted(session_id=each, owner=session.owner) for each in ids)
            await self._log.append(*gone, durable=True)
            await self._drop_unused(digests)
            self._supervisor.forget(session_id)
            await asyncio.to_thread(self._workspaces.forget, session_id)

    async def clear_session(self, session_id: str, since: Run | None = None) -> None:
        """Deletes for good what was said in a session, which stays; with `since` only that run and those that
        came after it. Raises `ConflictError` while it runs."""
        async with self._supervisor.idle(session_id):
            session = await self._log.reader.session(session_id)
            if session is None:
                return
            children = [
                child.id
                for child in await self._log.reader.children(session_id)
                if since is None or child.created_at >= since.started_at
            ]
            digests = set[str]()
            for each in (*children, session_id):
                digests |= await self._log.reader.blobs_of(each)
            gone = (SessionDeleted(session_id=each, owner=session.owner) for each in children)
            first = None if since is None else since.first_event_id
            cleared = SessionCleared(session_id=session_id, since=first)
            await self._log.append(*gone, cleared, durable=True)
            await self._drop_unused(digests)
            self._supervisor.forget(session_id)

    async def _drop_unused(self, digests: set[str]) -> None:
        for digest in await self._log.reader.unused_blobs(digests):
            await asyncio.to_thread(self._blobs.path(digest).unlink, missing_ok=True)

    async def put_agent(self, removed: RemovedAgent, owner: str) -> None:
        """Keeps the file of an agent that is being deleted."""
        thing = Discarded("agent", removed.id, owner, removed.name, utc_now())
        await self.table.keep(thing, removed.kept())

    async def put_skill(self, name: str, owner: str, folder: SkillFolder) -> Discarded:
        """Puts a skill of a folder into the trash of a user, and returns it. Raises `NotFoundError`."""
        removed = await asyncio.to_thread(self._places.skills.find, name, folder)
        thing = Discarded("skill", removed.id, owner, removed.name, utc_now())
        # The row first: a folder that nothing names would stay for ever.
        shared = folder.scope is SkillScope.SHARED
        kept = {"name": removed.name, "agent": folder.agent_id, "shared": shared}
        await self.table.keep(thing, kept)
        try:
            await asyncio.to_thread(self._places.skills.put_aside, removed, folder)
        except HoldfastError:
            await self.table.drop(owner, "skill", removed.id)
            raise
        return thing

    async def put_tool(self, name: str, owner: str) -> None:
        """Puts a tool of a user's own into the trash. Raises `NotFoundError`."""
        tool = self._places.tools.get(name, owner)
        versions = await self._places.tools.versions(tool.id, owner)
        kept = {
            "tool": tool.model_dump(mode="json"),
            "versions": [each.model_dump(mode="json") for each in versions],
        }
        await self.table.keep(Discarded("tool", tool.id, owner, tool.spec.name, utc_now()), kept)
        try:
            await self._places.tools.put_aside(tool.id, owner, tool.version)
        except HoldfastError:
            await self.table.drop(owner, "tool", tool.id)
            raise

    async def restore(self, thing: Discarded, *, admin: bool = False) -> None:
        """Brings a thing back for its owner; `admin`: whether he is an administrator now. Raises
        `ConflictError`, `NotFoundError`, and `ForbiddenError` for what only administrators change."""
        match thing.kind:
            case "session":
                async with self._supervisor.held(thing.id):
                    session = await self._log.reader.session(thing.id, thing.owner, in_trash=True)
                    if session is None or session.deleted_at is None:
                        raise not_in_trash(thing.id)
                    ids = (thing.id, *await self._children(thing.id))
                    back = (SessionRestored(session_id=each) for each in ids)
                    await self._log.append(*back, durable=True)
            case "memory_block":
                await self._places.memory.restore_block(thing.owner, thing.id)
            case "memory_entry":
                await self._places.memory.restore_entry(thing.owner, thing.id)
            case "agent":
                body = await self.table.body(thing.owner, "agent", thing.id)
                if body is None:
                    raise not_in_trash(thing.id)
                removed = RemovedAgent.of(thing.id, thing.title, body)
                await asyncio.to_thread(self._places.editor.restore, removed, thing.owner)
                await self.table.drop(thing.owner, "agent", thing.id)
            case "skill":
                await self._restore_skill(thing, admin)
            case "prompt":
                await self._places.prompts.restore(thing.owner, thing.id, thing.title)
            case "tool":
                body = await self.table.body(thing.owner, "tool", thing.id)
                if body is None:
                    raise not_in_trash(thing.id)
                await self._places.tools.restore(*_tool(body))
                await self.table.drop(thing.owner, "tool", thing.id)
            case "collection":
                self._places.follow(await self._places.library.restore(thing))

    async def _restore_skill(self, thing: Discarded, admin: bool) -> None:
        body = await self.table.body(thing.owner, "skill", thing.id) or {}

        def restore() -> None:
            agent, shared = body.get("agent") or None, bool(body.get("shared"))
            folder = self._places.skill_places.find(thing.owner, agent, shared, admin=admin)
            self._places.skills.restore(RemovedSkill(thing.id, thing.title), folder)

        await asyncio.to_thread(restore)
        await self.table.drop(thing.owner, "skill", thing.id)

    async def remove(self, thing: Discarded) -> None:
        """Deletes a thing of the trash for good."""
        if thing.kind == "session":
            await self.remove_session(thing.id)
        elif thing.kind == "collection":
            await self._places.library.remove(thing)
        elif thing.kind == "skill":
            await asyncio.to_thread(self._places.skills.forget, thing.id)
            await self.table.drop(thing.owner, "skill", thing.id)
        elif thing.kind == "tool":
            body = await self.table.body(thing.owner, "tool", thing.id)
            await self.table.drop(thing.owner, "tool", thing.id)
            if body is not None:
                await self._places.tools.forget(_tool(body)[0])
        else:
            await self.table.drop(thing.owner, thing.kind, thing.id)

    async def purge(self) -> int:
        """Deletes for good what has been in the trash for long enough, of all users; returns how much."""
        return await self._remove_all(await self.table.older(utc_now() - timedelta(days=await self.days())))

    async def forget_user(self, user_id: str) -> None:
        """Deletes for good what a user who is gone had deleted; his sessions go when their time is over."""
        await self._remove_all([each for each in await self.table.of(user_id) if each.kind != "session"])

    async def _remove_all(self, things: Sequence[Discarded]) -> int:
        gone = 0
        for thing in things:
            try:
                await self.remove(thing)
                gone += 1
            except HoldfastError as error:
                logger.warning("%s %s stays in the trash: %s", thing.kind, thing.id, error.message)
        return gone


def _tool(body: dict[str, Any]) -> tuple[CustomTool, tuple[ToolVersion, ...]]:
    versions = tuple(ToolVersion.model_validate(each) for each in body["versions"])
    return CustomTool.model_validate(body["tool"]), versions


class TrashService:
    """Implements the `Trash` of a workbench."""

    def __init__(self, can: TrashCan, principal: Principal) -> None:
        self._can = can
        self._principal = principal

    async def list(
        self, kind: TrashKind | None = None, limit: int = 200, cursor: str | None = None
    ) -> Page[Trashed]:
        owner = self._principal.user_id
        things, next_cursor = await self._can.table.page(owner, kind, checked_limit(limit), cursor)
        kept = timedelta(days=await self._can.days())
        return Page[Trashed](
            items=tuple(
                Trashed(
                    kind=thing.kind,
                    id=thing.id,
                    title=shorten(sanitize_line(thing.title), 200),
                    deleted_at=thing.deleted_at,
                    purged_at=thing.deleted_at + kept,
                )
                for thing in things
            ),
            next_cursor=next_cursor,
        )

    async def restore(self, kind: TrashKind, id: str) -> None:
        self._check("trash.restore", (kind,))
        await self._can.restore(await self._find(kind, id), admin=self._principal.is_admin)

    async def empty(self, kind: TrashKind | None = None, id: str | None = None) -> int:
        self._check("trash.empty", (kind,) if kind else tuple(_NEEDED))
        if id is not None:
            if kind is None:
                raise InvalidError("Name the kind of the one thing that is to go.", code="kind_missing")
            await self._can.remove(await self._find(kind, id))
            return 1
        gone = 0
        while things := (await self._can.table.page(self._principal.user_id, kind, MAX_LIMIT))[0]:
            for thing in things:
                await self._can.remove(thing)
                gone += 1
        return gone

    async def _find(self, kind: TrashKind, id: str) -> Discarded:
        thing = await self._can.table.find(self._principal.user_id, kind, id)
        if thing is None:
            raise not_in_trash(id)
        return thing

    def _check(self, operation: str, kinds: Sequence[TrashKind]) -> None:
        for kind in kinds:
            _NEEDED[kind].check(operation, self._principal)
