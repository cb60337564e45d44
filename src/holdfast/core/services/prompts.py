"""Prompts, as a workbench offers them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from holdfast.core.agents.registry import AgentRegistry
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Scope
from holdfast.core.domain.messages import FilePart, ImagePart
from holdfast.core.domain.prompts import FoundPrompt, PromptInfo, PromptSpec, ResolvedPrompt
from holdfast.core.domain.runs import Session
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.prompts.front import mistakes_error, parse_prompt
from holdfast.core.services.access import Access
from holdfast.core.services.attachments import Attachments
from holdfast.core.services.own_prompts import OwnPrompts
from holdfast.core.services.prompt_finding import PromptFinder, PromptPlace, own_prompt
from holdfast.core.services.prompt_resolving import Asked, PromptResolver


class PromptService:
    """Implements the `Prompts` of a workbench."""

    def __init__(
        self,
        access: Access,
        finder: PromptFinder,
        own: OwnPrompts,
        resolver: PromptResolver,
        agents: AgentRegistry,
        attachments: Attachments,
    ) -> None:
        self._access = access
        self._finder = finder
        self._own = own
        self._resolver = resolver
        self._agents = agents
        self._attachments = attachments

    async def list(
        self, session_id: str | None = None, project: str | None = None, agent: str | None = None
    ) -> tuple[PromptInfo, ...]:
        place = await self._place(session_id, project, agent)
        return tuple(each.info for each in await self._finder.list(place))

    async def get(
        self,
        name: str,
        session_id: str | None = None,
        project: str | None = None,
        agent: str | None = None,
    ) -> FoundPrompt:
        place = await self._place(session_id, project, agent)
        # Starting a server runs a program: reading alone does not.
        start = self._access.principal.scope.includes(Scope.CHAT)
        return (await self._finder.find(place, name, start=start)).prompt

    async def parse(self, name: str, source: str) -> PromptSpec:
        said = parse_prompt(source.encode("utf-8", "replace"), f"{name}.md", name)
        if said.problems:
            raise mistakes_error(said.problems)
        return PromptSpec(name=name, **dict(said.template))

    async def create(self, prompt: PromptSpec) -> FoundPrompt:
        return own_prompt(await self._own.create(prompt, self._access.owner))

    async def update(self, name: str, prompt: PromptSpec, expected: str | None = None) -> FoundPrompt:
        return own_prompt(await self._own.update(name, prompt, self._access.owner, expected))

    async def delete(self, name: str) -> None:
        await self._own.remove(name, self._access.owner)

    async def attach(self, name: str, data: Upload, file_name: str = "") -> FoundPrompt:
        return own_prompt(await self._own.attach(name, data, file_name, self._access.owner))

    async def attachment(self, name: str) -> Download:
        return await self._own.attachment(name, self._access.owner)

    async def detach(self, name: str) -> FoundPrompt:
        return own_prompt(await self._own.detach(name, self._access.owner))

    async def resolve(
        self,
        name: str,
        arguments: dict[str, str] | None = None,
        words: tuple[str, ...] = (),
        line: str = "",
        session_id: str | None = None,
        project: str | None = None,
        agent: str | None = None,
    ) -> ResolvedPrompt:
        place = await self._place(session_id, project, agent)
        found = await self._finder.find(place, name)
        asked = Asked(arguments or {}, words, line)
        made = await self._resolver.resolve(found, asked, place.session, self._finder.sources(place))
        for part in made.parts:
            if isinstance(part, (ImagePart, FilePart)):  # so that he may send it
                self._attachments.note(self._access.owner, part)
        return made

    async def _place(self, session_id: str | None, project: str | None, agent: str | None) -> PromptPlace:
        owner = self._access.owner
        if session_id is not None:
            return await self._of_session(await self._access.session(session_id))
        folder = self._access.folder(project)
        if agent is None:
            return PromptPlace(owner, folder)
        return PromptPlace(owner, folder, await asyncio.to_thread(self._agents.get, agent, folder, owner))

    async def _of_session(self, session: Session) -> PromptPlace:
        owner, project = self._access.owner, Path(session.project)
        try:
            agent = await asyncio.to_thread(self._agents.get, session.agent, project, owner)
        except NotFoundError:  # it is gone; the session is still there
            agent = None
        return PromptPlace(owner, project, agent, session)
