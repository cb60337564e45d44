"""What all principals of one engine share of MCP servers: files, secrets, connections, and a run's tools."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from holdfast.core.config.paths import Paths
from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError, UnavailableError
from holdfast.core.domain.identity import LOCAL, Role
from holdfast.core.domain.mcp import McpAssignment, McpServerSpec, secrets_of, server_of
from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import Tool
from holdfast.core.identity.secret_store import SecretStore
from holdfast.core.store.accounts import Accounts
from holdfast.core.tools.mcp.connection import Connection
from holdfast.core.tools.mcp.hub import RUN_PLACE, McpHub, ServerTool
from holdfast.core.tools.mcp.servers_file import ServersFile, find
from holdfast.core.tools.mcp.tool import AbsentTool
from holdfast.core.tools.registry import near_names

logger = logging.getLogger(__name__)

START_WAIT_S = 10.0
"""Longest time that a run waits for a server to start. It goes on starting, for the next run."""
ALONE_WAIT_S = 30.0
"""The same for a server that this run alone has: there is no next one."""
RESUME_WAIT_S = 1.0
"""The same for a run of before that is taken up."""
SECTION_HEADER = "# MCP servers that are not available"


@dataclass(frozen=True, slots=True)
class RunMcp:
    """What MCP servers bring to a run."""

    tools: dict[str, Tool] = field(default_factory=dict)
    unavailable: tuple[str, ...] = ()
    """Why tools of some servers are missing, a line each."""

    @property
    def sections(self) -> tuple[str, ...]:
        """What the model is told of servers that it cannot use."""
        lines = [f"- {line}" for line in self.unavailable]
        return ("\n".join([SECTION_HEADER, *lines]),) if lines else ()


class McpServers:
    """The servers of all users."""

    def __init__(
        self,
        paths: Paths,
        accounts: Accounts,
        secrets: SecretStore,
        environment: Mapping[str, str],
        confiner: ProcessRunner | None = None,
        confines: Callable[[], bool] = lambda: False,
    ) -> None:
        """`confiner` confines programs; those that do not say whether they are to be where `confines` says
        so."""
        self._paths = paths
        self._accounts = accounts
        self._secrets = secrets
        self._files: dict[str, ServersFile] = {}
        self.hub = McpHub(
            *(paths.logs / "mcp", paths.cache / "mcp", environment, self.secret),
            confiner=confiner,
            confines=confines,
        )

    def file(self, owner: str) -> ServersFile:
        """Returns the file with a user's servers; one object each, for it has a lock."""
        if owner not in self._files:
            self._files[owner] = ServersFile(self._paths.user_mcp(owner))
        return self._files[owner]

    async def of(self, owner: str) -> dict[str, McpServerSpec]:
        """Returns a user's servers by name. Raises `InvalidError` for a file with a mistake."""
        return await asyncio.to_thread(self.file(owner).read)

    async def connection(self, owner: str, spec: McpServerSpec, place: str = "") -> Connection:
        """Returns the connection to a server of a user, or to one that a file of the project `place`
        describes."""
        user = await self._accounts.user(owner)
        admin = owner == LOCAL or (user is not None and user.role is Role.ADMIN)
        return self.hub.connection(owner, spec, admin=admin, place=place)

    async def tools(self, owner: str, spec: McpServerSpec, place: str = "") -> tuple[ServerTool, ...]:
        """Returns the tools of a server. Raises `UnavailableError` when it is disabled or does not start."""
        refuse_disabled(spec)
        return await self.hub.tools(await self.connection(owner, spec, place))

    async def tools_of_all(self, owner: str) -> tuple[ServerTool, ...]:
        """Returns the tools of the servers of a user's own that are enabled and answer in time."""
        own, broken = await self._own(owner)
        if broken:
            logger.info("there are no MCP servers: %s", broken)

        async def of(spec: McpServerSpec) -> tuple[ServerTool, ...]:
            try:
                async with asyncio.timeout(START_WAIT_S):
                    return await self.tools(owner, spec)
            except (TimeoutError, HoldfastError) as error:
                logger.info("the tools of the MCP server %s are not known: %s", spec.name, error)
                return ()

        found = await asyncio.gather(*(of(spec) for spec in own.values() if spec.enabled))
        return tuple(tool for each in found for tool in each)

    # --- runs

    async def run(
        self,
        session: Session,
        spec: AgentSpec,
        options: RunOptions,
        open_calls: Iterable[str],
        run_id: str = "",
    ) -> RunMcp:
        """Returns what a run of the agent has. A server that cannot be used is told of and fails nothing;
        neither does a call of before (`open_calls`) whose tool is gone. The servers of its options are
        `run_id`'s alone, until `release`. One none of whose tools the options leave is not started."""
        own, broken = await self._own(session.owner)
        before = tuple(open_calls)
        # A run that is taken up when the engine starts must not hold that up.
        wait_s = RESUME_WAIT_S if before else START_WAIT_S
        alone_s = RESUME_WAIT_S if before else ALONE_WAIT_S
        found = await asyncio.gather(
            *(
                self._assigned(session, each, own, broken, wait_s, session.project if each.defined else "")
                for each in spec.mcp
                if each.enabled and _is_wanted(each.server, options)
            ),
            *(
                self._assigned(session, each.assignment(), own, broken, alone_s, run_place(run_id))
                for each in options.mcp_servers
                if _is_wanted(each.name, options)
            ),
        )
        tools: dict[str, Tool] = {tool.name: tool for each in found for tool in each.tools.values()}
        if options.tools is not None:
            tools = {name: tool for name, tool in tools.items() if name in options.tools}
        unavailable = tuple(line for each in found for line in each.unavailable)
        why = "; ".join(unavailable) or "its server does not offer it any more"
        gone = {name for name in before if server_of(name) is not None} - tools.keys()
        return RunMcp({**tools, **{name: AbsentTool(name, why) for name in gone}}, unavailable)

    async def check(self, owner: str, spec: AgentSpec, options: RunOptions) -> None:
        """Raises `InvalidError` for servers of a run's options whose names are others' already: rules that
        were made for those would hold for them."""
        if not options.mcp_servers:
            return
        own, _ = await self._own(owner)
        taken = own.keys() | {each.server for each in spec.mcp}
        for each in options.mcp_servers:
            if each.name in taken:
                raise InvalidError(
                    f"`mcp_servers` names {each.name}, which is another server already; choose another name.",
                    code="invalid_mcp_server",
                )

    def release(self, owner: str, run_id: str) -> None:
        """Ends the servers of a run's options, in the background."""
        self.hub.release(owner, run_place(run_id))

    async def direct(self, session: Session, spec: AgentSpec, name: str, open_calls: Iterable[str]) -> Tool:
        """Returns a tool that a person runs: of the agent's servers or of the user's own. Raises
        `NotFoundError`, `UnavailableError`; for a call of before (`open_calls`) nothing."""
        if name not in open_calls:
            return await self._direct(session, spec, name)
        try:
            async with asyncio.timeout(RESUME_WAIT_S):
                return await self._direct(session, spec, name)
        except TimeoutError:
            return AbsentTool(name, "its server is still starting")
        except HoldfastError as error:
            return AbsentTool(name, error.message)

    async def _direct(self, session: Session, spec: AgentSpec, name: str) -> Tool:
        server = server_of(name) or ""
        inline = next((each for each in spec.mcp if each.server == server and each.defined), None)
        described = (
            find(await self.of(session.owner), server) if inline is None else placed(inline, session.project)
        )
        place = "" if inline is None else session.project
        tools = {tool.name: tool for tool in await self.tools(session.owner, described, place)}
        if name not in tools:
            raise NotFoundError(
                f"The MCP server {server} has no tool {name[:80]!r}.{near_names(name, tools)}",
                code="tool_not_found",
            )
        return tools[name]

    async def _own(self, owner: str) -> tuple[dict[str, McpServerSpec], str]:
        try:
            return await self.of(owner), ""
        except InvalidError as error:
            return {}, error.message

    async def _assigned(
        self,
        session: Session,
        assigned: McpAssignment,
        own: dict[str, McpServerSpec],
        broken: str,
        wait_s: float,
        place: str,
    ) -> RunMcp:
        spec = placed(assigned, session.project) if assigned.defined else own.get(assigned.server)
        if spec is None:
            why = f"the file with the user's servers has a mistake: {broken}" if broken else "it is not known"
            return RunMcp(unavailable=(f"{assigned.server}: {sanitize_line(why)}",))
        if not spec.enabled:
            return RunMcp(unavailable=(f"{spec.name}: it is disabled",))
        try:
            async with asyncio.timeout(wait_s):
                tools = await self.tools(session.owner, spec, place)
        except TimeoutError:
            return RunMcp(unavailable=(f"{spec.name}: it is still starting",))
        except HoldfastError as error:
            return RunMcp(unavailable=(f"{spec.name}: {error.message}",))
        return RunMcp({tool.name: tool for tool in tools if _wanted(tool, assigned)})

    # --- secrets

    def secret(self, owner: str, server: str, name: str) -> str | None:
        """Returns a secret of a user's server, or None. Blocks."""
        return self._secrets.get(f"{owner}/{server}/{name}")

    async def set_secret(self, owner: str, server: str, name: str, value: str | None) -> None:
        """Keeps a secret of a server; None removes it."""
        key = f"{owner}/{server}/{name}"
        if value is None:
            await asyncio.to_thread(self._secrets.remove, key)
        else:
            await asyncio.to_thread(self._secrets.set, key, value)

    async def remove(self, owner: str, name: str) -> None:
        """Removes a server with its secrets and its log. Raises `NotFoundError`."""
        gone = await asyncio.to_thread(self.file(owner).remove, name)
        await self.hub.forget(owner, name)
        for secret in secrets_of(gone):
            await self.set_secret(owner, name, secret, None)
        await asyncio.to_thread(self.hub.log(owner, name).remove)
        await asyncio.to_thread(self.hub.kept(owner, gone).remove)

    async def forget_user(self, owner: str) -> None:
        """Ends the servers of a user who is gone and removes their secrets; his file goes with his folder."""
        await self.hub.forget_user(owner)
        for key in await self._secret_keys(owner):
            await asyncio.to_thread(self._secrets.remove, key)
        self._files.pop(owner, None)

    async def _secret_keys(self, owner: str) -> set[str]:
        """Returns the keys of a user's secrets: those that his servers refer to, and what else lies in the
        file; a keyring does not tell its names."""
        own, _ = await self._own(owner)
        named = {f"{owner}/{spec.name}/{name}" for spec in own.values() for name in secrets_of(spec)}
        filed = await asyncio.to_thread(self._secrets.names_in_file)
        return named | {key for key in filed if key.startswith(f"{owner}/")}

    async def close(self) -> None:
        """Ends all servers."""
        await self.hub.close()


def run_place(run_id: str) -> str:
    """Returns the place of servers that one run alone has: no project is called so."""
    return f"{RUN_PLACE}{run_id}"


def _is_wanted(server: str, options: RunOptions) -> bool:
    """Says whether a run with these options can have tools of a server."""
    return options.tools is None or any(server_of(name) == server for name in options.tools)


def refuse_disabled(spec: McpServerSpec) -> None:
    """Raises `UnavailableError` for a server that is not to be started."""
    if not spec.enabled:
        raise UnavailableError(f"The MCP server {spec.name} is disabled.", code="mcp_unavailable")


def _wanted(tool: ServerTool, assigned: McpAssignment) -> bool:
    return assigned.tools is None or any(fnmatchcase(tool.own_name, each) for each in assigned.tools)


def placed(assigned: McpAssignment, project: str | None) -> McpServerSpec:
    """Returns a server that an agent's file describes; its program starts in the project, if there is one."""
    spec = assigned.spec()
    if not spec.command or project is None:
        return spec
    cwd = spec.cwd or "."
    # Whose home `~` is, the hub finds out, which tells of what does not start.
    return spec.model_copy(update={"cwd": cwd if cwd.startswith("~") else str(Path(project, cwd))})
