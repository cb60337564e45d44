"""The files of agents: listed, sent and fetched, deleted."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.config.settings import Settings
from holdfast.core.domain.agent_files import AgentFileInfo, AgentFolder
from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError, TooLargeError
from holdfast.core.domain.files import FileStat
from holdfast.core.domain.media import media_type
from holdfast.core.domain.transfer import CHUNK, Download, Upload
from holdfast.core.files.fetch import fetch_file
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.files.packing import pack
from holdfast.core.services.access import Access
from holdfast.core.services.fetching import fetched
from holdfast.core.services.workspaces import Workspaces
from holdfast.core.tools.web import WebFetcher

MOST_LISTED = 10_000
"""Files and folders of one listing."""
_MOST_SEEN = 100_000
"""Those that are looked at for one, deeper ones too."""
_MOST_HASHED = 64 * 2**20
"""Bytes of a file whose hash is told: one request may name many, and the same one often."""


class AgentFileService:
    """Implements the `AgentFiles` of a workbench. What touches files does so in a thread."""

    def __init__(
        self,
        access: Access,
        registry: AgentRegistry,
        workspaces: Workspaces,
        web: WebFetcher,
        settings: Callable[[Path | None], Settings],
    ) -> None:
        self._access = access
        self._registry = registry
        self._workspaces = workspaces
        self._web = web
        self._settings = settings

    async def list(self, agent: str, path: str = "", depth: int | None = None) -> AgentFolder:
        info, jail = await self._found(agent)

        def look() -> AgentFolder:
            if jail is None:
                return AgentFolder(agent_id=info.id, path="", files=())
            files, cut = _listed(jail, path, depth)
            return AgentFolder(agent_id=info.id, path=jail.relative(path), files=files, cut=cut)

        return await asyncio.to_thread(look)

    async def look(self, agent: str, path: str) -> AgentFileInfo:
        _, jail = await self._found(agent)
        if jail is None:
            raise _no_file(path)
        return await asyncio.to_thread(_looked, jail, path)

    async def download(self, agent: str, path: str) -> Download:
        info, jail = await self._found(agent)
        if jail is None:
            raise _no_file(path)

        def read(jail: WorkspaceJail) -> Download:
            facts = jail.stat(path)
            if not facts.is_dir:
                return fetch_file(jail, facts.path)
            return pack(jail, facts.path, facts.path.rpartition("/")[2] or info.display_name or info.name)

        return await asyncio.to_thread(read, jail)

    async def upload(self, agent: str, path: str, data: Upload) -> AgentFileInfo:
        info, _ = await self._found(agent)
        source = io.BytesIO(data) if isinstance(data, bytes) else data

        def write() -> AgentFileInfo:
            jail = self._workspaces.make_of_agent(self._access.owner, info)
            jail.check_name(path)
            jail.write_chunks(path, iter(lambda: source.read(CHUNK), b""))
            return _info(jail.stat(path))

        return await asyncio.to_thread(write)

    async def fetch(self, agent: str, path: str, url: str) -> AgentFileInfo:
        await self._found(agent)
        settings = await asyncio.to_thread(self._settings, None)
        limit = settings.server.max_upload_mb * 2**20
        page = await fetched(self._web, url, limit, settings)
        if page.cut:
            raise TooLargeError(
                f"What is there has more than {limit // 2**20} MiB, the setting `server.max_upload_mb`.",
                code="too_large",
            )
        return await self.upload(agent, path, page.data)

    async def delete(self, agent: str, path: str) -> None:
        _, jail = await self._found(agent)
        if jail is None:
            raise _no_file(path)
        await asyncio.to_thread(_delete, jail, path)

    async def clear(self, agent: str) -> None:
        info, _ = await self._found(agent)
        await asyncio.to_thread(self._workspaces.remove_of_agent, self._access.owner, info)

    async def _found(self, agent: str) -> tuple[AgentInfo, WorkspaceJail | None]:
        owner = self._access.owner
        info = await asyncio.to_thread(self._registry.get, agent, None, owner)
        return info, self._workspaces.open_of_agent(owner, info)


def _listed(jail: WorkspaceJail, path: str, depth: int | None) -> tuple[tuple[AgentFileInfo, ...], bool]:
    top = jail.stat(path)
    if not top.is_dir:
        raise InvalidError(f"{path} is not a folder.", code="not_a_folder")
    levels = 0 if not top.path else top.path.count("/") + 1
    found: list[AgentFileInfo] = []
    for seen, entry in enumerate(jail.walk(top.path)):
        if len(found) == MOST_LISTED or seen == _MOST_SEEN:
            return tuple(found), True
        if depth is None or entry.path.count("/") - levels <= depth:
            found.append(_info(entry))
    deepest = depth is not None and any(
        each.is_folder and each.path.count("/") - levels == depth for each in found
    )
    return tuple(found), deepest


def _looked(jail: WorkspaceJail, path: str) -> AgentFileInfo:
    facts = jail.stat(path)
    if facts.is_dir:
        return _info(facts)
    with jail.open_file(facts.path) as file:
        head = file.read(CHUNK)
        total, rest = hashlib.md5(head, usedforsecurity=False), _MOST_HASHED - len(head)
        while rest >= 0 and (piece := file.read(CHUNK)):
            total.update(piece)
            rest -= len(piece)
    kind = media_type(head, facts.path.rpartition("/")[2])
    return _info(facts).model_copy(update={"media_type": kind, "md5": total.hexdigest() if rest >= 0 else ""})


def _delete(jail: WorkspaceJail, path: str) -> None:
    facts = jail.stat(path)
    if not facts.path:
        raise InvalidError("That is the folder itself; name something in it.", code="invalid_path")
    if not facts.is_dir:
        jail.delete(facts.path)
        return
    for entry in reversed(list(_everything(jail, facts.path))):
        (jail.delete_folder if entry.is_dir else jail.delete)(entry.path)
    jail.delete_folder(facts.path)
    try:
        jail.stat(facts.path)
    except NotFoundError:
        return
    raise ConflictError(
        f"Something in {facts.path} could not be deleted: it holds what is neither a file nor a folder.",
        code="folder_not_empty",
    )


def _everything(jail: WorkspaceJail, path: str) -> Iterator[FileStat]:
    return jail.walk(path, hidden=True, skip=frozenset())


def _info(facts: FileStat) -> AgentFileInfo:
    return AgentFileInfo(
        path=facts.path,
        is_folder=facts.is_dir,
        size=facts.size,
        changed_at=datetime.fromtimestamp(facts.modified_ns / 1e9, UTC),
    )


def _no_file(path: str) -> NotFoundError:
    return NotFoundError(f"There is no file {path[:200]}", code="file_not_found")
