"""MCP servers of Dexto's users: added, restarted, and asked for what they have."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError, ToolError
from holdfast.core.domain.mcp import McpContent, McpServer, McpState
from holdfast.core.domain.messages import ImagePart
from holdfast.core.domain.runs import RunOptions, Session, ToolRun
from holdfast.core.domain.tools import ToolInfo
from holdfast.core.domain.values import MAX_WAIT_S
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.active import EXT, active_agent
from holdfast.server.dialects.dexto.mapping_mcp import (
    executed,
    find,
    name_of,
    new_server,
    no_server,
    not_connected,
    nothing_to_run,
    refused,
    with_server,
)
from holdfast.server.dialects.dexto.mapping_resources import of_server, own_uri
from holdfast.server.dialects.dexto.saving import own_copy, put_in
from holdfast.server.dialects.dexto.wire_mcp import Executed, ServerBody
from holdfast.server.dialects.dexto.wire_resources import Resource
from holdfast.server.kit.revising import revise

_LOG = logging.getLogger(__name__)
_HIDDEN = "hidden"


async def server_of(workbench: Workbench, id: str) -> McpServer:
    """Returns a server that is to be used, by the name that Dexto's clients give it. Raises
    `NotFoundError`."""
    found = await any_server(workbench, id)
    if not found.spec.enabled:
        raise no_server(id)
    return found


async def any_server(workbench: Workbench, id: str) -> McpServer:
    """Returns a server, also one that is disabled. Raises `NotFoundError`."""
    found = find(await workbench.mcp.list(), id)
    if found is None:
        raise no_server(id)
    return found


async def add_server(workbench: Workbench, body: ServerBody) -> McpServer:
    """Adds a server, in the place of one of the same name, and starts it unless it is disabled. Raises
    `UnavailableError` when it does not start: it is there all the same."""
    known = await workbench.mcp.list()
    before = find(known, body.name)
    taken = {each.spec.name for each in known if each is not before}
    made = new_server(body, taken)
    if before is not None:
        await workbench.mcp.remove(before.spec.name)
    added = await put_in(workbench, made)
    ready = await start(workbench, added) if added.spec.enabled else added
    if body.persist_to_agent:
        await _persist(workbench, added.spec.name)
    return ready


async def start(workbench: Workbench, server: McpServer) -> McpServer:
    """Starts a server, anew where it runs. Raises `UnavailableError`."""
    tested = await workbench.mcp.test(server.spec.name)
    if tested.state is McpState.FAILED:
        raise not_connected(tested)
    return tested


async def _persist(workbench: Workbench, name: str) -> None:
    """Has the active agent's file name a server; one that comes with Holdfast becomes the user's own. That it
    cannot be changed does not undo the server."""
    try:
        agent = await own_copy(workbench, await active_agent(workbench))
        await revise(workbench, agent.name, partial(with_server, name=name))
    except HoldfastError as error:
        _LOG.info("the MCP server %s is not kept in the agent's file: %s", name, error.message)


def is_hidden(session: Session) -> bool:
    """Says whether a session is there for the call of a tool alone."""
    return bool(session.ext.get(EXT, {}).get(_HIDDEN))


async def own_servers(workbench: Workbench) -> tuple[str, ...]:
    """Returns the servers whose tools every run has: all of the user's that are enabled."""
    return tuple(each.spec.name for each in await _usable(workbench) if each.spec.enabled)


async def server_names(workbench: Workbench) -> dict[str, str]:
    """Returns what clients call each server, by our name of it."""
    return {each.spec.name: name_of(each.spec) for each in await _usable(workbench)}


async def _usable(workbench: Workbench) -> tuple[McpServer, ...]:
    """Returns the user's servers; a file of servers that has a mistake brings none."""
    try:
        return await workbench.mcp.list()
    except InvalidError as error:
        _LOG.warning("there are no MCP servers: %s", error.message)
        return ()


async def execute(workbench: Workbench, id: str, tool: str, arguments: dict[str, Any]) -> Executed:
    """Has a tool of a server run, as a call that the caller himself allows: what a rule denies is not done.
    It is a run of a session that is gone afterwards. Raises `NotFoundError` for a server alone."""
    server = find(await workbench.mcp.list(), id)
    if server is None or not server.spec.enabled:
        raise nothing_to_run(id)
    agent = await active_agent(workbench)
    session = await workbench.sessions.create(agent.name, ext={EXT: {_HIDDEN: True}})
    try:
        options = RunOptions(approve=ApproveMode.ALL, approvals="deny")
        run = await workbench.mcp.call(session.id, server.spec.name, tool, arguments, options, MAX_WAIT_S)
        while not run.status.ended:
            run = await workbench.tools.result(run.run_id, MAX_WAIT_S)
        return executed(run, await _images(workbench, run))
    except HoldfastError as error:
        return refused(error)
    finally:
        await workbench.sessions.delete(session.id, permanent=True)


async def _images(workbench: Workbench, run: ToolRun) -> dict[str, str]:
    found = {each.blob for each in run.content if isinstance(each, ImagePart)}
    return {each: (await workbench.files.image(run.session_id, each)).data for each in found}


async def tools_of_all(workbench: Workbench) -> list[ToolInfo]:
    """Returns the tools that the active agent's runs have: of its file, and of the user's servers that
    answer."""
    agent = await active_agent(workbench)
    found = [each.tool for each in (await workbench.tools.given(agent.name)).tools]

    async def of(server: str) -> tuple[ToolInfo, ...]:
        try:
            return await workbench.mcp.tools(server)
        except HoldfastError as error:
            _LOG.info("the tools of %s are not known: %s", server, error.message)
            return ()

    own = await asyncio.gather(*map(of, await own_servers(workbench)))
    return [*found, *(each for several in own for each in several)]


async def resources_of_all(workbench: Workbench) -> list[Resource]:
    """Returns what all servers let read that answer."""

    async def of(server: McpServer) -> list[Resource]:
        try:
            return of_server(name_of(server.spec), await workbench.mcp.resources(server.spec.name))
        except HoldfastError as error:
            _LOG.info("the resources of %s are not known: %s", server.spec.name, error.message)
            return []

    known = [each for each in await workbench.mcp.list() if each.spec.enabled]
    return [each for found in await asyncio.gather(*map(of, known)) for each in found]


async def read_of_server(workbench: Workbench, server: McpServer, uri: str) -> tuple[McpContent, ...]:
    """Returns what a resource of a server holds. Raises `NotFoundError` for one that it does not have, and
    what `mcp.read` raises."""
    name, own = server.spec.name, own_uri(name_of(server.spec), uri)
    try:
        return await workbench.mcp.read(name, own)
    except ToolError:
        if any(each.uri == own for each in await workbench.mcp.resources(name)):
            raise
    raise NotFoundError(f"MCP resource not found: {uri}", code="mcp_resource_not_found")
