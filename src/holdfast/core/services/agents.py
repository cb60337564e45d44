"""Agents, as a workbench offers them: found, made, changed, deleted and installed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

from holdfast.core.agents.editor import AgentEditor, names_a_path
from holdfast.core.agents.pins import pin_warnings
from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.agents.scaffold import new_agent_text
from holdfast.core.agents.schema import agent_schema
from holdfast.core.agents.trust import TrustStore
from holdfast.core.config.yaml import read_file
from holdfast.core.domain.agents import AgentInfo, AgentShare, AgentSource, AvailableAgent, Trust
from holdfast.core.domain.errors import Diagnostic, InvalidError, NotFoundError, UnsupportedError
from holdfast.core.domain.values import new_dated_id
from holdfast.core.services.access import Access
from holdfast.core.services.agent_shares import AgentShares, own_agent
from holdfast.core.services.trash import TrashCan


class AgentService:
    """Implements the `Agents` of a workbench. What touches files does so in a thread."""

    def __init__(
        self,
        access: Access,
        registry: AgentRegistry,
        editor: AgentEditor,
        trust: TrustStore,
        trash: TrashCan,
        arguments_of: Callable[[str, str], Collection[str] | None] = lambda tool, owner: None,
        used: Callable[[str], Awaitable[Collection[str]]] | None = None,
        shares: AgentShares | None = None,
    ) -> None:
        """`arguments_of` returns the arguments of a tool that a user's agents can list, None where they are
        not known; `used` the names by which what his agents did is known, also of those that are gone;
        `shares` says with whom agents are shared, None: nobody's are."""
        self._access = access
        self._registry = registry
        self._editor = editor
        self._trust = trust
        self._trash = trash
        self._arguments_of = arguments_of
        self._used = used
        self._shares = shares

    async def list(self, project: str | None = None) -> tuple[AgentInfo, ...]:
        folder = self._access.folder(project)
        found = await asyncio.to_thread(self._registry.list, folder, self._access.owner)
        return tuple(map(_shown, found))

    async def get(self, name: str, project: str | None = None) -> AgentInfo:
        folder = self._access.folder(project)
        return _shown(await asyncio.to_thread(self._registry.get, name, folder, self._access.owner))

    async def source(self, name: str, project: str | None = None) -> AgentSource:
        folder = self._access.folder(project)
        return await asyncio.to_thread(self._editor.source, name, folder, self._access.owner)

    async def validate(self, path: str) -> tuple[Diagnostic, ...]:
        self._access.machine("Reading a file of the engine's machine")
        problems = tuple(await asyncio.to_thread(self._registry.validate, Path(path)))
        return (*problems, *await asyncio.to_thread(self._warnings_of_file, Path(path)))

    async def read(self, path: str) -> str:
        self._access.machine("Reading a file of the engine's machine")
        return await asyncio.to_thread(_text_at, Path(path))

    async def check(
        self, yaml: str, name: str | None = None, project: str | None = None
    ) -> tuple[Diagnostic, ...]:
        folder = self._access.folder(project)
        problems = await asyncio.to_thread(self._editor.check, yaml, name, folder, self._access.owner)
        return (*problems, *await asyncio.to_thread(self._warnings, yaml, "agent.yaml"))

    def _warnings(self, text: str, file: str) -> tuple[Diagnostic, ...]:
        return pin_warnings(text, file, lambda tool: self._arguments_of(tool, self._access.owner))

    def _warnings_of_file(self, path: Path) -> tuple[Diagnostic, ...]:
        text, _ = read_file(path)
        return () if text is None else self._warnings(text, str(path))

    async def schema(self) -> dict[str, Any]:
        known = await asyncio.to_thread(self._registry.known_tools, self._access.owner)
        return agent_schema(known)

    async def template(self, name: str) -> str:
        return new_agent_text(name, new_dated_id())

    async def create(self, yaml: str) -> AgentInfo:
        return _shown(await asyncio.to_thread(self._editor.create, yaml, self._access.owner))

    async def update(
        self, name: str, yaml: str, expected: str | None = None, project: str | None = None
    ) -> AgentInfo:
        folder = self._access.folder(project)
        return _shown(
            await asyncio.to_thread(self._editor.update, name, yaml, self._access.owner, expected, folder)
        )

    async def compose(self, values: dict[str, Any]) -> AgentInfo:
        owner = self._access.owner
        # What another agent did would count as what the new one did.
        taken = await self._used(owner) if self._used is not None else ()
        return _shown(await asyncio.to_thread(self._editor.compose, values, owner, taken))

    async def edit(
        self, name: str, changes: dict[str, Any], expected: str | None = None, project: str | None = None
    ) -> AgentInfo:
        folder = self._access.folder(project)
        return _shown(
            await asyncio.to_thread(self._editor.edit, name, changes, self._access.owner, expected, folder)
        )

    async def delete(self, name: str) -> None:
        removed = await asyncio.to_thread(self._editor.removed, name, self._access.owner)
        await self._trash.put_agent(removed, self._access.owner)
        await asyncio.to_thread(self._editor.delete, name, self._access.owner)
        if self._shares is not None:  # one that is brought back, or has its id, is nobody else's
            await self._shares.end(self._access.owner, removed.id)

    async def share(self, name: str, users: tuple[str, ...]) -> tuple[AgentShare, ...]:
        info = await self._own(name)
        return await self._sharing.share(info, users)

    async def shared_with(self, name: str) -> tuple[AgentShare, ...]:
        return await self._sharing.shared_with(await self._own(name))

    async def _own(self, name: str) -> AgentInfo:
        return await asyncio.to_thread(own_agent, self._registry, name, self._access.owner)

    @property
    def _sharing(self) -> AgentShares:
        if self._shares is None:
            raise UnsupportedError("This engine has no users to share with.", code="no_sharing")
        return self._shares

    async def available(self) -> tuple[AvailableAgent, ...]:
        return tuple(await asyncio.to_thread(self._editor.available, self._access.owner))

    async def install(self, source: str) -> AgentInfo:
        if names_a_path(source):
            self._access.machine("Installing a file of the engine's machine")
        return _shown(await asyncio.to_thread(self._editor.install, source, self._access.owner))

    async def uninstall(self, name: str) -> None:
        await asyncio.to_thread(self._editor.check_installed, name, self._access.owner)
        await self.delete(name)

    async def trust(self, path: str, trusted: bool) -> Trust:
        if not Path(path).is_dir():
            raise InvalidError(f"{path} is not a folder.", code="no_such_folder")
        return await asyncio.to_thread(self._trust.set, Path(path), trusted)

    async def trusted(self, path: str) -> Trust | None:
        folder = self._access.folder(path)
        return None if folder is None else await asyncio.to_thread(self._trust.get, folder)


def _text_at(path: Path) -> str:
    if path.suffix not in (".yaml", ".yml"):
        raise InvalidError(f"{path} is no YAML file: its name ends with neither.", code="not_yaml")
    try:
        text, problems = read_file(path)
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.", code="file_not_found") from None
    if text is None:
        raise InvalidError(f"{path}: {problems[0].message}.", code="not_yaml")
    return text


def _shown(info: AgentInfo) -> AgentInfo:
    """Returns an agent as listings show it: what its hooks send as headers may be secrets."""
    if info.spec is None or not any(hook.headers for hook in info.spec.hooks):
        return info
    hooks = tuple(hook.masked() for hook in info.spec.hooks)
    return info.model_copy(update={"spec": info.spec.model_copy(update={"hooks": hooks})})
