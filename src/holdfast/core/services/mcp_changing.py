"""MCP servers of users are added and replaced: whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from holdfast.core.domain.addresses import WebAddress
from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError, UnavailableError
from holdfast.core.domain.mcp import MASK, McpServer, McpServerSpec, McpState, secrets_of
from holdfast.core.services.mcp_servers import McpServers
from holdfast.core.tools.mcp.servers_file import find

_SECRET_LENGTHS = range(8, 4_001)
"""Shorter ones could not be told from ordinary words, and would not be redacted."""

Start = Callable[[str], Awaitable[McpServer]]
"""Starts a server of the user's by its name, and returns how it is."""


class McpChanging:
    """Changes the servers of one user. `admin`: whether he may have programs."""

    def __init__(self, servers: McpServers, owner: str, start: Start, *, admin: bool) -> None:
        self._servers = servers
        self._owner = owner
        self._start = start
        self._admin = admin

    async def add(self, server: McpServerSpec, secrets: Mapping[str, str], connect: bool) -> None:
        """Adds a server. Raises what `Mcp.add` raises; then it is not there."""
        self._check(server, secrets)
        await asyncio.to_thread(self._servers.file(self._owner).add, server)
        try:
            await self._begin(server, secrets, connect)
        except (HoldfastError, asyncio.CancelledError):
            await self._servers.remove(self._owner, server.name)
            raise

    async def replace(
        self, name: str, server: McpServerSpec, secrets: Mapping[str, str], connect: bool
    ) -> None:
        """Replaces a server. Raises what `Mcp.replace` raises; then it is as it was."""
        former = find(await self._servers.of(self._owner), name)
        if server.name != name:
            raise InvalidError(
                f"The MCP server {name} cannot get another name; add one, and remove this one.",
                code="invalid_mcp_server",
            )
        new = _unmasked(server, former)
        self._check(new, secrets)
        before = await self._secrets(former)
        kept = before if _target(new) == _target(former) else {}
        given = {one: value for one, value in kept.items() if one in secrets_of(new)} | dict(secrets)
        try:
            await self._put(new, former, given)
            await self._begin(new, {}, connect)
        except (HoldfastError, asyncio.CancelledError):
            await self._put(former, new, before)
            raise

    async def _put(self, spec: McpServerSpec, instead: McpServerSpec, secrets: Mapping[str, str]) -> None:
        """Has one server in the place of another, with these secrets alone."""
        await asyncio.to_thread(self._servers.file(self._owner).replace, spec)
        for name in {*secrets_of(instead), *secrets_of(spec)}:
            await self._servers.set_secret(self._owner, spec.name, name, secrets.get(name))
        await self._servers.hub.forget(self._owner, spec.name)

    async def _begin(self, server: McpServerSpec, secrets: Mapping[str, str], connect: bool) -> None:
        for name, value in secrets.items():
            await self._servers.set_secret(self._owner, server.name, name, value)
        if not (connect and server.enabled):
            return
        started = await self._start(server.name)
        if started.state is McpState.FAILED:
            raise UnavailableError(
                f"The MCP server {server.name} cannot be started: {started.reason}", code="mcp_unavailable"
            )

    def _check(self, server: McpServerSpec, secrets: Mapping[str, str]) -> None:
        if server.command and not self._admin:
            raise ForbiddenError(
                "Programs have the rights of the engine's owner, so only administrators add servers that are "
                "programs.",
                code="mcp_program_forbidden",
            )
        if server.url is not None:
            WebAddress.parse(server.url)
        for name, value in secrets.items():
            check_secret(server, name, value)

    async def _secrets(self, spec: McpServerSpec) -> dict[str, str]:
        def read() -> dict[str, str]:
            found = {one: self._servers.secret(self._owner, spec.name, one) for one in secrets_of(spec)}
            return {one: value for one, value in found.items() if value is not None}

        return await asyncio.to_thread(read)


def check_secret(spec: McpServerSpec, secret: str, value: str | None) -> None:
    """Raises `InvalidError` for a secret that a server does not refer to, and for a value that cannot be
    sent; None is none."""
    if secret not in secrets_of(spec):
        raise InvalidError(
            f"The MCP server {spec.name} refers to no secret {secret[:80]!r}; write ${{secret:NAME}} into "
            "its env or headers.",
            code="unknown_secret",
        )
    if value is not None and (len(value) not in _SECRET_LENGTHS or not value.isprintable()):
        raise InvalidError(
            f"A secret has {_SECRET_LENGTHS.start} to {_SECRET_LENGTHS.stop - 1} characters and no "
            "control characters.",
            code="invalid_secret",
        )


def _unmasked(server: McpServerSpec, former: McpServerSpec) -> McpServerSpec:
    """Returns a server with what stood in the places of masks, as listings show them; for another target
    that is left out."""
    same = _target(server) == _target(former)

    def values(new: Mapping[str, str], old: Mapping[str, str]) -> dict[str, str]:
        known = {name: old[name] for name in new if same and new[name] == MASK and name in old}
        return {name: value for name, value in new.items() if value != MASK} | known

    changed = {"env": values(server.env, former.env), "headers": values(server.headers, former.headers)}
    return server.model_copy(update=changed)


def _target(spec: McpServerSpec) -> tuple[object, ...]:
    """Returns who gets a server's secrets: the program with its arguments, or the host."""
    if spec.url is None:
        return spec.command
    address = WebAddress.parse(spec.url)
    return address.scheme, address.host, address.port
