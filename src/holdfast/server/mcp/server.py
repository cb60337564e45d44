"""The MCP server: its tools are the agents that the caller can see, and one that fetches a run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container
from contextlib import AbstractAsyncContextManager
from typing import Any

from anyio import CancelScope, move_on_after
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
)

from holdfast import __version__
from holdfast.core.domain.errors import ConflictError, HoldfastError, NotFoundError
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import Run, RunOptions, Session
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.starting import new_session, start_now
from holdfast.server.mcp.asked import PREFIX, AgentAsked, RunAsked, agent_tool, run_tool
from holdfast.server.mcp.call import Call
from holdfast.server.mcp.caller import Caller
from holdfast.server.mcp.results import GET_RUN, failure

Context = ServerRequestContext[Any, Any]
Open = Callable[[Context], AbstractAsyncContextManager[Workbench]]
"""Gives what the client of a request sees, as long as the request goes on. Raises `HoldfastError`."""

_LOG = logging.getLogger(__name__)
_CANCEL_S = 10.0
_INSTRUCTIONS = (
    "Each tool agent_NAME asks an agent of Holdfast, which works on its own and may take a while. Go on with "
    f"a conversation by its session_id. {GET_RUN} waits for what has not ended yet. What needs a person's "
    "word is asked of the user, never of you."
)


def agent_server(open_workbench: Open, *, agents: Container[str] | None = None, project: str = "") -> Server:
    """Returns the server. `agents` are the names of those that are shown, as they are seen from the folder
    `project` of the engine's machine, in which new sessions are started too. None: all but those that other
    users share, whose descriptions would be read by the client's model unasked; they can be called."""
    desk = _Desk(open_workbench, agents, project)
    return Server(
        "holdfast",
        version=__version__,
        title="Holdfast",
        instructions=_INSTRUCTIONS,
        on_list_tools=desk.tools,
        on_call_tool=desk.call,
    )


class _Desk:
    """Answers the requests of clients."""

    def __init__(self, open_workbench: Open, agents: Container[str] | None, project: str) -> None:
        self._open = open_workbench
        self._agents = agents
        self._project = project

    async def tools(self, context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        """Lists the tools."""
        try:
            async with self._open(context) as workbench:
                listed = await workbench.agents.list(self._project or None)
        except HoldfastError as error:
            raise MCPError(INTERNAL_ERROR, error.message, {"code": error.code}) from None
        named = self._agents is not None
        shown = [
            agent
            for agent in listed
            if agent.spec is not None and self._shows(agent.name) and (named or not agent.is_anothers)
        ]
        return ListToolsResult(tools=[*map(agent_tool, shown), run_tool()])

    async def call(
        self, context: Context, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """Calls a tool. Raises `MCPError` for one that there is not; all other errors are results."""
        agent = params.name.removeprefix(PREFIX)
        if params.name != GET_RUN and (agent == params.name or not self._shows(agent)):
            raise _unknown(params.name)
        try:
            async with self._open(context) as workbench:
                if params.name == GET_RUN:
                    return await self._fetch(workbench, Caller(context), params)
                return await self._ask(workbench, Caller(context), agent, params)
        except HoldfastError as error:
            if error.code == "agent_not_found":
                raise _unknown(params.name, error.message) from None
            return failure(error)

    async def _ask(
        self, workbench: Workbench, caller: Caller, agent: str, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        asked = AgentAsked.read(params.arguments)
        known = params.request_state
        if known is not None:
            run = await self._run(workbench, known)
        else:
            with CancelScope(shield=True):  # a run that nobody knows of could not be cancelled
                run = await self._start(workbench, agent, asked)
        call = Call(workbench, caller, run, asked.wait_s)
        try:
            if known is not None:
                await call.take_up(params.input_responses)
            return await call.result()
        except asyncio.CancelledError:
            await _cancel(workbench, call.run_id)
            raise
        finally:
            await call.close()

    async def _fetch(
        self, workbench: Workbench, caller: Caller, params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        asked = RunAsked.read(params.arguments)
        run = await self._run(workbench, asked.run_id)
        call = Call(workbench, caller, run, asked.wait_s)
        try:
            await call.take_up(params.input_responses)
            return await call.result(patient=True)
        finally:
            await call.close()

    async def _start(self, workbench: Workbench, agent: str, asked: AgentAsked) -> Run:
        """Starts a run, in a new session where none is named."""
        options = RunOptions(model=asked.model or None)
        parts = (TextPart(text=asked.message),)
        if asked.session_id:
            session = await self._session(workbench, agent, asked.session_id)
            return await workbench.runs.get(await start_now(workbench, session, parts, options))
        async with new_session(workbench, agent, self._project) as session:
            run_id = await start_now(workbench, session, parts, options)
        return await workbench.runs.get(run_id)

    async def _session(self, workbench: Workbench, agent: str, session_id: str) -> Session:
        session = await workbench.sessions.get(session_id)
        if session.agent != agent:
            raise ConflictError(
                f"This conversation is with {session.agent}: call {PREFIX}{session.agent}.",
                code="other_agent",
            )
        return session

    async def _run(self, workbench: Workbench, run_id: str) -> Run:
        run = await workbench.runs.get(run_id)
        if not self._shows(run.agent):
            raise NotFoundError(f"There is no run {run_id} of an agent here.", code="run_not_found")
        return run

    def _shows(self, agent: str) -> bool:
        return self._agents is None or agent in self._agents


async def _cancel(workbench: Workbench, run_id: str) -> None:
    """Ends the run whose caller has cancelled his call, or is gone."""
    with move_on_after(_CANCEL_S, shield=True):
        try:
            await workbench.runs.cancel(run_id)
        except HoldfastError as error:
            _LOG.warning("run %s could not be cancelled: %s", run_id, error.message)


def _unknown(tool: str, why: str = "") -> MCPError:
    message = f"There is no tool {tool!r} here. {why}".strip()
    return MCPError(INVALID_PARAMS, message, {"code": "unknown_tool"})
