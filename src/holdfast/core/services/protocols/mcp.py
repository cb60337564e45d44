"""The noun `mcp` of a workbench."""

from __future__ import annotations

from typing import Any, Protocol

from holdfast.core.domain.identity import Scope
from holdfast.core.domain.mcp import McpContent, McpResource, McpServer, McpServerSpec
from holdfast.core.domain.runs import RunOptions, ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.core.domain.values import Wait
from holdfast.core.services.needs import needs


class Mcp(Protocol):
    """The user's MCP servers: programs and addresses whose tools agents can have."""

    @needs(Scope.READ)
    async def list(self) -> tuple[McpServer, ...]:
        """Returns the user's servers and how each is; none is started."""
        ...

    @needs(Scope.READ)
    async def get(self, name: str) -> McpServer:
        """Returns a server with the end of its log. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def add(
        self, server: McpServerSpec, secrets: dict[str, str] | None = None, connect: bool = False
    ) -> McpServer:
        """Adds a server, with the secrets that it refers to; it is started when it is needed, with `connect`
        at once, unless it is disabled.

        Raises `ConflictError` when its name is taken, `ForbiddenError` for a program, which only
        administrators add, `InvalidError` for what is no http or https address and for secrets as
        `set_secret`, and with `connect` `UnavailableError` when it does not start. Then nothing is kept.
        """
        ...

    @needs(Scope.ADMIN)
    async def replace(
        self,
        name: str,
        server: McpServerSpec,
        secrets: dict[str, str] | None = None,
        connect: bool = False,
    ) -> McpServer:
        """Has a server be another one under the same name. As long as its program or its host stay, it keeps
        the secrets that are not given, and `***`, as listings show values, stands for the former value.

        Raises `NotFoundError`, and as `add`. Then the server is as it was.
        """
        ...

    @needs(Scope.ADMIN)
    async def enable(self, name: str, enabled: bool = True) -> McpServer:
        """Lets agents have the tools of a server, or not; one that runs is ended. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def set_secret(self, name: str, secret: str, value: str | None = None) -> McpServer:
        """Keeps a secret that a server's `env` or `headers` refer to; None removes it.

        Raises `NotFoundError`, `InvalidError` for one that it does not refer to or that cannot be sent.
        """
        ...

    @needs(Scope.ADMIN)
    async def remove(self, name: str) -> None:
        """Ends a server and removes it with its secrets and its log. Raises `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def test(self, name: str) -> McpServer:
        """Starts a server, anew where it runs, lists its tools and returns how it is: that it failed is no
        error. Raises `NotFoundError`, and `UnavailableError` when it is disabled."""
        ...

    @needs(Scope.CHAT)
    async def tools(self, name: str) -> tuple[ToolInfo, ...]:
        """Returns the tools of a server, which is started when they are not known yet. Raises
        `NotFoundError`, `UnavailableError` with the reason."""
        ...

    @needs(Scope.CHAT)
    async def resources(self, name: str) -> tuple[McpResource, ...]:
        """Returns what a server lets read, templates of addresses behind; it is started if need be.

        Raises `NotFoundError`, `UnavailableError` with the reason, `ForbiddenError` where a rule denies
        `mcp__SERVER__read_resource`, `ToolError` for what the server answers instead.
        """
        ...

    @needs(Scope.CHAT)
    async def read(self, name: str, uri: str) -> tuple[McpContent, ...]:
        """Returns what a resource of a server holds. Raises what `resources` raises, and `NotFoundError`
        where there is nothing."""
        ...

    @needs(Scope.CHAT)
    async def call(
        self,
        session_id: str,
        name: str,
        tool: str,
        arguments: dict[str, Any],
        options: RunOptions | None = None,
        wait_s: Wait = 0,
    ) -> ToolRun:
        """Runs a tool of the server `name` as `tools.run` does, under the same rules; `tool` is the server's
        own name for it, or the one that agents know. Raises what `tools.run` raises, and `UnavailableError`
        when the server cannot be started."""
        ...
