"""All servers of an engine: one connection for each user and definition."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from holdfast.core.domain.errors import ToolError, UnavailableError
from holdfast.core.domain.mcp import McpServerSpec, McpState, secrets_of
from holdfast.core.domain.paths import path_of
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.references import with_secrets
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.kept import KeptTools
from holdfast.core.tools.mcp.port import McpSession, Opener, Target
from holdfast.core.tools.mcp.resource_tool import ResourceTool
from holdfast.core.tools.mcp.server_log import ServerLog
from holdfast.core.tools.mcp.tool import McpTool

RUN_PLACE = "run:"
"""Begins the place of servers that one run alone has."""
MAX_RUNNING = 50
"""Servers that one user has running at once."""

ServerTool = McpTool | ResourceTool
"""One of the tools that a server brings."""

_ENDED = (McpState.STOPPED, McpState.FAILED)

Secret = Callable[[str, str, str], str | None]
"""Returns a secret of a user's server by its name, or None. Blocks."""


class McpHub:
    """Finds connections. `close` ends them all."""

    def __init__(
        self,
        logs: Path,
        cache: Path,
        environment: Mapping[str, str],
        secret: Secret,
        opener: Opener | None = None,
        *,
        confiner: ProcessRunner | None = None,
        confines: Callable[[], bool] = lambda: False,
    ) -> None:
        """`logs` is the folder for what programs write to stderr, `cache` the one for what servers offered;
        `environment` what programs see, without keys; `opener` starts servers: the library, unless tests say
        otherwise. `confiner` confines programs, those too that do not say whether they are to be where
        `confines` says so (it blocks)."""
        self._logs = logs
        self._confiner = confiner
        self._confines = confines
        self._cache = cache
        self._environment = environment
        self._secret = secret
        self._opener = opener or _open
        self._connections: dict[tuple[str, str, bool, str], Connection] = {}
        self._tools: dict[str, tuple[object, tuple[ServerTool, ...]]] = {}
        self._ending: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def connection(self, owner: str, spec: McpServerSpec, *, admin: bool, place: str = "") -> Connection:
        """Returns the connection to a server; `admin`: whether its user is one, who may run programs and
        reach private networks; `place`: the project whose file describes it, empty for the user's own.

        Raises `UnavailableError` for too many, and while the engine stops."""
        if self._closed:
            raise UnavailableError("The engine is stopping.", code="mcp_unavailable")
        key = (owner, spec.model_dump_json(), admin, place)
        known = self._connections.get(key)
        if known is not None:
            return known
        self._forget_stopped(owner, spec.name, place)
        if sum(of == owner for of, *_ in self._connections) >= MAX_RUNNING:
            raise UnavailableError(f"More than {MAX_RUNNING} MCP servers are in use.", code="mcp_unavailable")
        made = Connection(
            spec,
            lambda: self._target(owner, spec, admin, place),
            self._opener,
            kept=None if place.startswith(RUN_PLACE) else self.kept(owner, spec),
        )
        self._connections[key] = made
        return made

    async def tools(self, connection: Connection) -> tuple[ServerTool, ...]:
        """Returns the tools of a server, the same objects as long as it offers the same. Raises as
        `Connection.listing`."""
        listing = await connection.listing()
        key = str(id(connection))
        kept = self._tools.get(key)
        if kept is None or kept[0] is not listing:
            made: list[ServerTool] = [McpTool(connection, tool) for tool in listing.tools]
            reading = ResourceTool(connection)
            if connection.offer.resources and all(each.name != reading.name for each in made):
                made.append(reading)
            kept = self._tools[key] = (listing, tuple(made))
        return kept[1]

    def log(self, owner: str, name: str) -> ServerLog:
        """Returns the log of a server's program."""
        # A user's id is a file's name as it is nowhere checked here; a digest always is one.
        user = hashlib.sha256(owner.encode()).hexdigest()[:16]
        return ServerLog(self._logs / user / f"{name}.log")

    def kept(self, owner: str, spec: McpServerSpec) -> KeptTools:
        """Returns what is kept of the tools of a server."""
        digest = hashlib.sha256(f"{owner} {spec.model_dump_json()}".encode()).hexdigest()
        return KeptTools(self._cache / f"{digest}.json")

    async def forget(self, owner: str, name: str) -> None:
        """Ends the servers of a name, which has been removed or changed."""
        gone = [key for key, one in self._connections.items() if key[0] == owner and one.spec.name == name]
        await self._end([self._connections.pop(key) for key in gone])

    def release(self, owner: str, place: str) -> None:
        """Ends the servers of a place in the background, and removes their logs."""
        gone = [key for key in self._connections if (key[0], key[3]) == (owner, place)]
        if not gone:
            return
        ended = [self._connections.pop(key) for key in gone]
        self._ending.update(ended)  # at once: `close` waits for them

        async def end() -> None:
            await self._end(ended)
            for each in ended:
                await asyncio.to_thread(self.log(owner, each.spec.name).remove)

        task = asyncio.create_task(end())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def forget_user(self, owner: str) -> None:
        """Ends the servers of a user who is gone."""
        gone = [key for key in self._connections if key[0] == owner]
        await self._end([self._connections.pop(key) for key in gone])

    async def close(self) -> None:
        """Ends all servers."""
        self._closed = True
        await self._end([*self._connections.values(), *self._ending])
        self._connections.clear()
        await asyncio.gather(*self._tasks)

    async def _end(self, connections: list[Connection]) -> None:
        for each in connections:
            self._tools.pop(str(id(each)), None)
        self._ending.update(connections)
        try:
            await asyncio.gather(*(each.retire() for each in connections))
        finally:
            self._ending.difference_update(connections)

    def _forget_stopped(self, owner: str, name: str, place: str) -> None:
        """Drops other definitions of the name in the same place that do not run: the file was changed. Where
        there are too many, those of other places go, too."""
        full = sum(of == owner for of, *_ in self._connections) >= MAX_RUNNING
        for key, one in list(self._connections.items()):
            same = one.spec.name == name and key[3] == place
            if key[0] == owner and (same or full) and one.state in _ENDED:
                del self._connections[key]
                one.retired = True
                self._tools.pop(str(id(one)), None)

    async def _target(self, owner: str, spec: McpServerSpec, admin: bool, place: str) -> Target:
        if spec.command and not admin:
            raise ToolError("only administrators use MCP servers that are programs")
        filled = await asyncio.to_thread(self._filled, owner, spec)
        cwd = path_of(spec.cwd) if spec.cwd else Path.home()
        return Target(
            spec=filled,
            environment={**self._environment, **filled.env},
            cwd=str(cwd),
            allow_private=admin,
            confiner=self._confiner if await asyncio.to_thread(self._confined, spec, place) else None,
            log=self.log(owner, spec.name).write,
        )

    def _confined(self, spec: McpServerSpec, place: str) -> bool:
        """Says whether a program is to be confined. Where all are to be, a user may say otherwise of his own
        servers only."""
        confine = bool(spec.confine)
        if spec.confine is None or place:
            confine = confine or self._confines()
        if not spec.command:
            return False
        if confine and self._confiner is None:
            raise ToolError("nothing confines programs here")
        return confine

    def _filled(self, owner: str, spec: McpServerSpec) -> McpServerSpec:
        found: dict[str, str] = {}
        for name in secrets_of(spec):
            secret = self._secret(owner, spec.name, name)
            if secret is None:
                raise ToolError(f"its secret {name} is not set; run: holdfast mcp secret {spec.name} {name}")
            found[name] = secret

        def fill(values: dict[str, str]) -> dict[str, str]:
            return {name: with_secrets(each, found) for name, each in values.items()}

        return spec.model_copy(update={"env": fill(spec.env), "headers": fill(spec.headers)})


@asynccontextmanager
async def _open(target: Target) -> AsyncIterator[McpSession]:
    # Half a second of imports, in a thread: the engine's loop goes on meanwhile.
    module = await asyncio.to_thread(importlib.import_module, "holdfast.core.tools.mcp.session")
    async with module.open_session(target) as session:
        yield session
