"""Finds the prompts that can be used from a place: the agent's, the project's, the user's, of MCP servers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.prompts import (
    FoundPrompt,
    OwnPrompt,
    PromptInfo,
    PromptOrigin,
    PromptSource,
    PromptSources,
    ServerPrompt,
)
from holdfast.core.domain.runs import Session
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.prompts.asked import described
from holdfast.core.prompts.folders import PromptFolders
from holdfast.core.prompts.front import written
from holdfast.core.services.own_prompts import OwnPrompts
from holdfast.core.tools.registry import near_names

_ORDER = (
    PromptOrigin.OWN,
    PromptOrigin.FILE,
    PromptOrigin.PROJECT,
    PromptOrigin.AGENT,
    PromptOrigin.MCP,
)
"""Of one name, the first that can be used counts: nobody else's takes the place of one's own."""


@dataclass(frozen=True, slots=True)
class PromptPlace:
    """From where prompts are looked for."""

    owner: str
    project: Path | None = None
    agent: AgentInfo | None = None
    session: Session | None = None
    """Whose files a prompt may take along."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A prompt that was found, with what is needed to resolve it."""

    prompt: FoundPrompt
    source: PromptSource | None = None
    """Of a prompt of an MCP server."""
    server_name: str = ""
    """What the server calls it."""

    @property
    def info(self) -> PromptInfo:
        return self.prompt.info


class PromptFinder:
    """Looks whenever it is asked, so an edit counts at once. No MCP server is started for a listing."""

    def __init__(self, folders: PromptFolders, own: OwnPrompts, sources: PromptSources) -> None:
        self._folders = folders
        self._own = own
        self._sources = sources

    async def list(self, place: PromptPlace) -> tuple[Candidate, ...]:
        """Returns all prompts by name, and of one name in the order in which they count."""
        found = [
            *_of_agent(place.agent),
            *map(Candidate, await asyncio.to_thread(self._folders.list, place.project, place.owner)),
            *(Candidate(own_prompt(each)) for each in await self._own.of(place.owner)),
            *[each async for each in self._of_servers(place)],
        ]
        found.sort(key=lambda each: (each.info.name, not each.info.usable, _ORDER.index(each.info.origin)))
        first: dict[str, str] = {}
        for each in found:
            first.setdefault(each.info.name, each.info.key)
        return tuple(each if first[each.info.name] == each.info.key else _shadowed(each) for each in found)

    async def find(self, place: PromptPlace, name: str, *, start: bool = True) -> Candidate:
        """Returns the prompt of a name, a key, or the id of one of the user's own; `start`: a server may be
        started for it. Raises `NotFoundError`, and `UnavailableError` for a server that cannot be."""
        known = await self.list(place)
        for each in known:
            if _means(name, each.info):
                return each
        kind, _, rest = name.partition(":")
        server, _, own_name = rest.partition(":")
        if start and kind == PromptOrigin.MCP and own_name:
            source = self._source(place, server)
            for offered in await source.prompts(server):
                candidate = _of_server(source, offered)
                if candidate.info.key == name:
                    return candidate
        usable = [each.info.key if each.info.shadowed else each.info.name for each in known]
        raise NotFoundError(
            f"There is no prompt {shorten(sanitize_line(name), 80)!r}.{near_names(name, usable[:50])}",
            code="prompt_not_found",
        )

    def sources(self, place: PromptPlace) -> tuple[PromptSource, ...]:
        """Returns where prompts and resources of MCP servers come from: of those that the agent's file
        describes, and of the user's own."""
        agent = place.agent
        described_there = (
            tuple(each for each in agent.spec.mcp if each.defined and each.enabled)
            if agent is not None and agent.spec is not None and agent.trusted
            else ()
        )
        own = self._sources.source(place.owner)
        if not described_there:
            return (own,)
        project = str(place.project) if place.project is not None else None
        return (self._sources.source(place.owner, described_there, project), own)

    def _source(self, place: PromptPlace, server: str) -> PromptSource:
        """Returns the source that has a server: that of the agent's, where its file describes one."""
        sources = self.sources(place)
        spec = place.agent.spec if place.agent is not None else None
        in_file = spec is not None and any(
            each.server == server for each in spec.mcp if each.defined and each.enabled
        )
        return sources[0 if in_file else -1]

    async def _of_servers(self, place: PromptPlace) -> AsyncIterator[Candidate]:
        seen: set[str] = set()
        for source in self.sources(place):
            for offered in await source.known():
                candidate = _of_server(source, offered)
                if candidate.info.key not in seen:
                    seen.add(candidate.info.key)
                    yield candidate


def _means(name: str, info: PromptInfo) -> bool:
    if name == info.key or (info.id and name == info.id):
        return True
    return name == info.name and not info.shadowed


def own_prompt(own: OwnPrompt) -> FoundPrompt:
    """Returns how a prompt of a user's own is shown."""
    info = PromptInfo(
        key=f"{PromptOrigin.OWN.value}:{own.spec.name}",
        name=own.spec.name,
        origin=PromptOrigin.OWN,
        attachment=own.attachment,
        id=own.id,
        created_at=own.created_at,
        updated_at=own.updated_at,
    )
    return FoundPrompt(
        info=described(own.spec, info), text=own.spec.text, source=written(own.spec), digest=own.digest
    )


def _of_agent(agent: AgentInfo | None) -> Iterable[Candidate]:
    if agent is None or agent.spec is None:
        return
    for prompt in agent.spec.prompts:
        info = PromptInfo(
            key=f"{PromptOrigin.AGENT.value}:{prompt.name}",
            name=prompt.name,
            origin=PromptOrigin.AGENT,
            agent=agent.name,
            path=agent.path,
            trusted=agent.trusted,
        )
        yield Candidate(FoundPrompt(info=described(prompt, info), text=prompt.text, source=written(prompt)))


def _of_server(source: PromptSource, offered: ServerPrompt) -> Candidate:
    # As it is written after a slash and in an address. The server's words are shown, not obeyed.
    name = re.sub(r"[\s/]+", "_", sanitize_line(offered.name).strip()) or "unnamed"
    info = PromptInfo(
        key=f"{PromptOrigin.MCP.value}:{offered.server}:{name}",
        name=name,
        title=shorten(sanitize_line(offered.title), 200),
        description=shorten(sanitize_line(offered.description), 1_000),
        arguments=offered.arguments,
        origin=PromptOrigin.MCP,
        server=offered.server,
    )
    return Candidate(FoundPrompt(info=info), source, offered.name)


def _shadowed(candidate: Candidate) -> Candidate:
    info = candidate.info.model_copy(update={"shadowed": True})
    prompt = candidate.prompt.model_copy(update={"info": info})
    return Candidate(prompt, candidate.source, candidate.server_name)
