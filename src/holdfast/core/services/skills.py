"""Skills, as a workbench offers them: found, installed, changed and removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.agents.trust import TrustStore
from holdfast.core.config.settings import Settings
from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError, ToolError
from holdfast.core.domain.skills import ALL_SKILLS, Skill, SkillInfo, SkillScope, SkillSync
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.files.fetch import as_download
from holdfast.core.files.jail import WorkspaceJail
from holdfast.core.services.access import Access
from holdfast.core.services.skill_places import SkillPlaces
from holdfast.core.services.trash import TrashCan
from holdfast.core.skills.contents import Contents, checked, too_large
from holdfast.core.skills.editor import SkillEditor
from holdfast.core.skills.folders import collected
from holdfast.core.skills.front import MAX_TEXT_BYTES, SKILL_FILE
from holdfast.core.skills.git import GitFetcher, is_git
from holdfast.core.skills.limits import MAX_PACKED_BYTES
from holdfast.core.skills.packed import is_zip, unpacked
from holdfast.core.skills.registry import SkillFolder, SkillRegistry, beside, find
from holdfast.core.tools.web import WebFetcher, WebPage


class SkillSources:
    """Gets the files of skills from where people name them: addresses, repositories, paths, bytes."""

    def __init__(self, web: WebFetcher, git: GitFetcher, settings: Callable[[Path | None], Settings]) -> None:
        self._web = web
        self._git = git
        self._settings = settings

    async def fetched(self, source: str, folder: str) -> Contents:
        """Returns what is at an address. Raises what `Skills.install` raises."""
        private = (await asyncio.to_thread(self._settings, None)).tools.allow_private_hosts
        if is_git(source):
            data = await self._git.fetch(source, folder, allow_private=private)
        else:
            data = await self._page(source, private)
        return await asyncio.to_thread(contents_of, data)

    async def _page(self, source: str, private: bool) -> bytes:
        address = WebAddress.parse(source)
        if address.scheme != "https":
            raise InvalidError(
                "Skills are fetched over https only: what comes over http may be changed on its way.",
                code="invalid_source",
            )
        page = await self._web.fetch(
            address, max_bytes=MAX_PACKED_BYTES, allow_private=private, any_site=True, https_only=True
        )
        assert isinstance(page, WebPage)  # other sites are followed
        if page.status >= 400:
            raise ToolError(f"{address} answered with status {page.status}.", code="unreachable")
        if page.cut:
            raise too_large(f"{address} has more than {MAX_PACKED_BYTES // 2**20} MiB.")
        return page.data


class SkillService:
    """Implements the `Skills` of a workbench. What touches files does so in a thread."""

    def __init__(
        self,
        access: Access,
        registry: SkillRegistry,
        editor: SkillEditor,
        places: SkillPlaces,
        sources: SkillSources,
        agents: AgentRegistry,
        trash: TrashCan,
    ) -> None:
        self._access = access
        self._registry = registry
        self._editor = editor
        self._places = places
        self._sources = sources
        self._agents = agents
        self._trash = trash

    async def list(
        self, project: str | None = None, agent: str | None = None, scope: SkillScope | None = None
    ) -> tuple[SkillInfo, ...]:
        owner = self._access.owner
        if scope is SkillScope.AGENT and agent is None:
            return await asyncio.to_thread(self._beside_agents, owner)
        folder, info = await self._where(project, agent)
        if scope is not None:
            return await asyncio.to_thread(self._registry.of_scope, scope, folder, owner, info)
        if info is None:
            return tuple(await asyncio.to_thread(self._registry.list, folder, owner))
        return tuple(await asyncio.to_thread(self._registry.of_agent, info, folder, owner))

    async def get(self, name: str, project: str | None = None, agent: str | None = None) -> Skill:
        folder, info = await self._where(project, agent)
        return await asyncio.to_thread(self._registry.get, name, folder, self._access.owner, info)

    async def file(
        self, name: str, path: str, project: str | None = None, agent: str | None = None
    ) -> Download:
        folder, info = await self._where(project, agent)
        seen = await asyncio.to_thread(self._registry.list, folder, self._access.owner, info)
        return await asyncio.to_thread(_download, Path(find(seen, name).path), path)

    async def install(
        self,
        source: str,
        folder: str = "",
        replace: bool = False,
        agent: str | None = None,
        shared: bool = False,
    ) -> SkillInfo:
        place = await self._place(agent, shared)
        folder = folder.strip("/")  # as shells complete it
        if folder:
            checked(folder)
        if "://" in source or is_git(source):
            contents = await self._sources.fetched(source, folder)
        else:
            contents = await asyncio.to_thread(_on_disk, self._access.source(source))
        return await self._keep(contents, folder, place, replace)

    async def upload(
        self,
        data: Upload,
        name: str = "",
        folder: str = "",
        replace: bool = False,
        agent: str | None = None,
        shared: bool = False,
    ) -> SkillInfo:
        place = await self._place(agent, shared)
        content = await asyncio.to_thread(_bytes, data)
        contents = await asyncio.to_thread(contents_of, content)
        return await self._keep(contents, folder, place, replace)

    async def copy(self, name: str, agent: str, replace: bool = False) -> SkillInfo:
        place = await self._place(agent)
        seen = await asyncio.to_thread(self._registry.list, None, self._access.owner)
        contents = await asyncio.to_thread(collected, Path(find(seen, name).path))
        return await self._keep(contents, "", place, replace)

    async def sync(self, agent: str, names: tuple[str, ...] | None = None, purge: bool = False) -> SkillSync:
        place, owner = await self._place(agent), self._access.owner
        seen = await asyncio.to_thread(self._registry.list, None, owner)
        info = await asyncio.to_thread(self._agents.get, agent, None, owner)
        if names is not None:
            wanted = {name: find(seen, name) for name in names}
        else:
            named = info.spec.skills if info.spec else ()
            usable = (one for one in seen if not one.problems)
            wanted = {one.name: one for one in usable if ALL_SKILLS in named or one.name in named}
        has = {one.name: one for one in await asyncio.to_thread(self._registry.inside, place)}
        old = [n for n, one in wanted.items() if n not in has or has[n].digest != one.digest]
        for name in old:
            await self.copy(name, agent, replace=True)
        stays = {*wanted, *(info.spec.skills if info.spec else ())}
        gone = [name for name in has if purge and name not in stays]
        for name in gone:
            await self._trash.put_skill(name, owner, place)
        return SkillSync(copied=tuple(sorted(old)), removed=tuple(sorted(gone)))

    async def save(
        self,
        name: str,
        text: str,
        expected: str | None = None,
        agent: str | None = None,
        shared: bool = False,
    ) -> SkillInfo:
        place = await self._place(agent, shared)
        return await asyncio.to_thread(self._editor.save, name, text, place, expected)

    async def remove(self, name: str, agent: str | None = None, shared: bool = False) -> None:
        await self._trash.put_skill(name, self._access.owner, await self._place(agent, shared))

    def _beside_agents(self, owner: str) -> tuple[SkillInfo, ...]:
        own = (each for each in self._agents.list(None, owner) if each.layer is Layer.USER)
        return tuple(info for agent in own for info in self._registry.inside(beside(agent)))

    async def _place(self, agent: str | None, shared: bool = False) -> SkillFolder:
        admin = self._access.principal.is_admin
        return await asyncio.to_thread(self._places.find, self._access.owner, agent, shared, admin=admin)

    async def _keep(self, contents: Contents, folder: str, place: SkillFolder, replace: bool) -> SkillInfo:
        owner, admin = self._access.owner, self._access.principal.is_admin
        name, files = await asyncio.to_thread(self._editor.check, contents, folder)
        former = None
        if replace and await asyncio.to_thread(self._editor.taken, name, place):
            former = await self._trash.put_skill(name, owner, place)
        try:
            return await asyncio.to_thread(self._editor.install, name, files, place)
        except HoldfastError:
            if former is not None:
                await self._trash.restore(former, admin=admin)
            raise

    async def _where(self, project: str | None, agent: str | None) -> tuple[Path | None, AgentInfo | None]:
        folder = self._access.folder(project)
        if agent is None:
            return folder, None
        return folder, await asyncio.to_thread(self._agents.get, agent, folder, self._access.owner)


def contents_of(data: bytes) -> Contents:
    """Returns the files that a zip holds, or the one `SKILL.md` that `data` is."""
    if is_zip(data):
        return unpacked(data)
    if len(data) > MAX_TEXT_BYTES:
        raise too_large(
            f"This is no zip, and longer than the {MAX_TEXT_BYTES // 1024} KiB of a {SKILL_FILE}."
        )
    return {SKILL_FILE: data}


def trusted_by(trust: TrustStore) -> Callable[[Path], bool]:
    """Returns what tells whether the user trusts a folder; a trust file with a mistake trusts none."""

    def trusts(folder: Path) -> bool:
        try:
            word = trust.get(folder)
        except InvalidError:  # the agents' listing says so
            return False
        return word is not None and word.trusted

    return trusts


def jailed(folder: Path) -> closing[WorkspaceJail]:
    """Opens a folder that nothing leads out of, for a while. Raises `NotFoundError` when there is none."""
    return closing(WorkspaceJail(folder))


def _on_disk(path: Path) -> Contents:
    if path.is_dir():
        return collected(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PACKED_BYTES + 1)
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}.", code="no_such_file") from error
    return contents_of(data)


def _bytes(data: Upload) -> bytes:
    return data if isinstance(data, bytes) else data.read(MAX_PACKED_BYTES + 1)


def _download(folder: Path, path: str) -> Download:
    with jailed(folder) as jail:
        return as_download(jail.open_file(path), path)
