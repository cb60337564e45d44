"""Prompts and resources of MCP servers, for people; the policy's deny rules stand before them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from holdfast.core.approvals.policy import Layers, evaluate
from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.mcp import (
    GET_PROMPT,
    READ_RESOURCE,
    McpAssignment,
    McpContent,
    McpResource,
    McpServerSpec,
    tool_name,
)
from holdfast.core.domain.prompts import GivenContent, ServerPrompt
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import Risk
from holdfast.core.services.mcp_servers import McpServers, placed, refuse_disabled
from holdfast.core.services.policies import Policies
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.limits import MAX_URL
from holdfast.core.tools.mcp.offers import given_contents, given_of, prompts_of
from holdfast.core.tools.mcp.resource_tool import listed_resources, read_resource
from holdfast.core.tools.mcp.servers_file import find
from holdfast.core.tools.registry import near_names

logger = logging.getLogger(__name__)


class McpReading:
    """What servers offer beside tools. Implements `PromptSources`."""

    def __init__(self, servers: McpServers, policies: Policies) -> None:
        self._servers = servers
        self._policies = policies

    def source(
        self, owner: str, assigned: tuple[McpAssignment, ...] | None = None, project: str | None = None
    ) -> ServerSource:
        """See `PromptSources.source`."""
        return ServerSource(self, self._servers, owner, assigned, project)

    async def resources(self, owner: str, spec: McpServerSpec) -> tuple[McpResource, ...]:
        """Returns what a server lets read. Raises `UnavailableError`, `ToolError`, `ForbiddenError`."""
        return await listed_resources(await self._allowed(owner, spec, READ_RESOURCE, ""))

    async def read(
        self, owner: str, spec: McpServerSpec, uri: str, place: str = ""
    ) -> tuple[McpContent, ...]:
        """Returns what a resource holds. Raises as `resources`, and `InvalidError` for what is no address."""
        if not 0 < len(uri) <= MAX_URL or uri != sanitize_line(uri):
            raise InvalidError(f"A resource's address has 1 to {MAX_URL} characters and none of control.")
        return await read_resource(await self._allowed(owner, spec, READ_RESOURCE, uri, place), uri)

    async def prompts(self, owner: str, spec: McpServerSpec, place: str = "") -> tuple[ServerPrompt, ...]:
        """Returns the prompts of a server; it is started when they are not known. Raises as `resources`."""
        refuse_disabled(spec)
        connection = await self._servers.connection(owner, spec, place)
        await connection.listing()
        return prompts_of(spec.name, connection.offer.prompts)

    async def prompt(
        self, owner: str, spec: McpServerSpec, name: str, arguments: Mapping[str, str], place: str = ""
    ) -> tuple[GivenContent, ...]:
        """Returns what a prompt is. Raises as `prompts`, and `NotFoundError`."""
        known = [each.name for each in await self.prompts(owner, spec, place)]
        if name not in known:
            raise NotFoundError(
                f"The MCP server {spec.name} has no prompt {sanitize_line(name)[:80]!r}."
                f"{near_names(name, known)}",
                code="prompt_not_found",
            )
        connection = await self._allowed(owner, spec, GET_PROMPT, name, place)
        given = dict(arguments)
        messages = await connection.use(lambda session, asked: session.prompt(name, given, asked))
        return await asyncio.to_thread(given_of, tuple(messages))

    async def _allowed(
        self, owner: str, spec: McpServerSpec, part: str, subject: str, place: str = ""
    ) -> Connection:
        """Returns the connection to a server. Raises `ForbiddenError` where a rule denies what is asked of
        it; who asks is a person, so nobody else is asked."""
        refuse_disabled(spec)
        name = tool_name(spec.name, part)
        rules = (await self._policies.of(owner)).rules()
        risk = Risk.EXECUTE if spec.command else Risk.NETWORK
        answer = evaluate(name, risk, (subject,), Layers(user=rules))
        if answer.verdict is Verdict.DENY:
            raise ForbiddenError(f"Policy denies {name}: {answer.reason}.", code="policy_denied")
        return await self._servers.connection(owner, spec, place)


class ServerSource:
    """Implements `PromptSource`."""

    def __init__(
        self,
        reading: McpReading,
        servers: McpServers,
        owner: str,
        assigned: tuple[McpAssignment, ...] | None,
        project: str | None,
    ) -> None:
        self._reading = reading
        self._servers = servers
        self._owner = owner
        self._assigned = assigned
        self._project = project

    async def known(self) -> tuple[ServerPrompt, ...]:
        """See `PromptSource.known`."""
        found: list[ServerPrompt] = []
        for spec, place in (await self._specs()).values():
            try:
                connection = await self._servers.connection(self._owner, spec, place)
                if await connection.remembered():
                    found.extend(prompts_of(spec.name, connection.offer.prompts))
            except HoldfastError as error:
                logger.info("the prompts of the MCP server %s are not known: %s", spec.name, error.message)
        return tuple(found)

    async def prompts(self, server: str) -> tuple[ServerPrompt, ...]:
        """See `PromptSource.prompts`."""
        spec, place = await self._spec(server)
        return await self._reading.prompts(self._owner, spec, place)

    async def get(self, server: str, name: str, arguments: Mapping[str, str]) -> tuple[GivenContent, ...]:
        """See `PromptSource.get`."""
        spec, place = await self._spec(server)
        return await self._reading.prompt(self._owner, spec, name, arguments, place)

    async def read(self, server: str, uri: str) -> tuple[GivenContent, ...]:
        """See `PromptSource.read`."""
        spec, place = await self._spec(server)
        contents = await self._reading.read(self._owner, spec, uri, place)
        return await asyncio.to_thread(given_contents, contents)

    async def _spec(self, server: str) -> tuple[McpServerSpec, str]:
        known = await self._specs()
        found = find({name: spec for name, (spec, _) in known.items()}, server)
        return found, known[server][1]

    async def _specs(self) -> dict[str, tuple[McpServerSpec, str]]:
        """Returns the servers by name, each with the project whose file describes it."""
        try:
            own = await self._servers.of(self._owner)
        except InvalidError:
            own = {}  # a file with a mistake: `mcp.list` tells it
        if self._assigned is None:
            return {name: (spec, "") for name, spec in own.items() if spec.enabled}
        found = {}
        for each in self._assigned:
            spec = placed(each, self._project) if each.defined else own.get(each.server)
            if spec is not None and spec.enabled:
                found[spec.name] = (spec, (self._project or "") if each.defined else "")
        return found
