"""MCP servers as a service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from holdfast.core.domain.errors import HoldfastError, NotFoundError
from holdfast.core.domain.logs import without_keys
from holdfast.core.domain.mcp import (
    McpContent,
    McpResource,
    McpServer,
    McpServerSpec,
    McpState,
    masked,
    secrets_of,
)
from holdfast.core.domain.runs import RunOptions, ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.core.domain.user_events import McpChange, McpChanged
from holdfast.core.services.access import Access
from holdfast.core.services.given_tools import tool_info
from holdfast.core.services.mcp_changing import McpChanging, check_secret
from holdfast.core.services.mcp_reading import McpReading
from holdfast.core.services.mcp_servers import McpServers, refuse_disabled
from holdfast.core.services.protocols.tools import Tools
from holdfast.core.store.log import EventLog
from holdfast.core.tools.mcp.servers_file import find
from holdfast.core.tools.registry import near_names

_SHOWN_LOG = 4_000


class McpService:
    """Implements the `Mcp` of a workbench."""

    def __init__(
        self,
        access: Access,
        servers: McpServers,
        reading: McpReading,
        tools: Tools,
        redact: Callable[[str], str],
        log: EventLog,
    ) -> None:
        self._access = access
        self._servers = servers
        self._reading = reading
        self._tools = tools
        self._redact = redact
        self._log = log
        self._changing = McpChanging(servers, access.owner, self.test, admin=access.principal.is_admin)

    async def list(self) -> tuple[McpServer, ...]:
        known = await self._servers.of(self._access.owner)
        return tuple([await self._shown(spec) for spec in known.values()])

    async def get(self, name: str) -> McpServer:
        return await self._whole(await self._spec(name))

    async def add(
        self, server: McpServerSpec, secrets: dict[str, str] | None = None, connect: bool = False
    ) -> McpServer:
        await self._changing.add(server, secrets or {}, connect)
        await self._tell(server, "added")
        return await self._whole(server)

    async def replace(
        self,
        name: str,
        server: McpServerSpec,
        secrets: dict[str, str] | None = None,
        connect: bool = False,
    ) -> McpServer:
        await self._changing.replace(name, server, secrets or {}, connect)
        spec = await self._spec(name)
        await self._tell(spec, "replaced")
        return await self._whole(spec)

    async def enable(self, name: str, enabled: bool = True) -> McpServer:
        spec = (await self._spec(name)).model_copy(update={"enabled": enabled})
        await asyncio.to_thread(self._servers.file(self._access.owner).replace, spec)
        await self._servers.hub.forget(self._access.owner, name)
        return await self._whole(spec)

    async def set_secret(self, name: str, secret: str, value: str | None = None) -> McpServer:
        spec = await self._spec(name)
        check_secret(spec, secret, value)
        await self._servers.set_secret(self._access.owner, name, secret, value)
        await self._servers.hub.forget(self._access.owner, name)  # it is started anew with the secret
        return await self._whole(spec)

    async def remove(self, name: str) -> None:
        gone = await self._spec(name)
        await self._servers.remove(self._access.owner, name)
        await self._tell(gone, "removed")

    async def test(self, name: str) -> McpServer:
        spec = await self._spec(name)
        refuse_disabled(spec)
        connection = await self._servers.connection(self._access.owner, spec)
        ran = connection.state is McpState.READY
        try:
            listing = await connection.check()
        except HoldfastError as error:
            await self._tell(spec, "failed", reason=connection.reason or error.message)
            return await self._whole(spec)  # its state says what is wrong
        tools = tuple(each.name for each in listing.tools)
        await self._tell(spec, "restarted" if ran else "connected", tools=tools)
        return await self._whole(spec)

    async def _tell(self, spec: McpServerSpec, change: McpChange, **more: Any) -> None:
        event = McpChanged(owner=self._access.owner, server=spec.name, change=change, ext=spec.ext, **more)
        await self._log.append(event)

    async def tools(self, name: str) -> tuple[ToolInfo, ...]:
        found = await self._servers.tools(self._access.owner, await self._spec(name))
        return tuple(tool_info(each, "mcp") for each in found)

    async def resources(self, name: str) -> tuple[McpResource, ...]:
        return await self._reading.resources(self._access.owner, await self._spec(name))

    async def read(self, name: str, uri: str) -> tuple[McpContent, ...]:
        contents = await self._reading.read(self._access.owner, await self._spec(name), uri)
        if not contents:
            raise NotFoundError(
                f"The MCP server {name} has nothing at {uri[:200]!r}.", code="mcp_resource_not_found"
            )
        return contents

    async def call(
        self,
        session_id: str,
        name: str,
        tool: str,
        arguments: dict[str, Any],
        options: RunOptions | None = None,
        wait_s: float = 0,
    ) -> ToolRun:
        await self._access.session(session_id)
        found = await self._servers.tools(self._access.owner, await self._spec(name))
        named = {each.own_name: each.name for each in found} | {each.name: each.name for each in found}
        if tool not in named:
            raise NotFoundError(
                f"The MCP server {name} has no tool {tool[:80]!r}.{near_names(tool, named)}",
                code="tool_not_found",
            )
        return await self._tools.run(session_id, named[tool], arguments, options, wait_s)

    async def _spec(self, name: str) -> McpServerSpec:
        return find(await self._servers.of(self._access.owner), name)

    async def _shown(self, spec: McpServerSpec) -> McpServer:
        connection = await self._servers.connection(self._access.owner, spec)
        known = connection.known
        return McpServer(
            spec=masked(spec),
            state=connection.state,
            reason=connection.reason,
            failures=connection.failures,
            started_at=connection.started_at,
            tools=None if known is None else len(known.tools),
            left_out=() if known is None else known.left_out,
        )

    async def _whole(self, spec: McpServerSpec) -> McpServer:
        owner = self._access.owner

        def look() -> dict[str, Any]:
            unset = [
                each for each in secrets_of(spec) if self._servers.secret(owner, spec.name, each) is None
            ]
            # More than is shown: a secret that is cut is not known for one.
            said = self._servers.hub.log(owner, spec.name).tail(2 * _SHOWN_LOG)
            return {"missing": tuple(unset), "log": self._redact(without_keys(said))[-_SHOWN_LOG:]}

        shown = await self._shown(spec)
        return shown.model_copy(update=await asyncio.to_thread(look))
