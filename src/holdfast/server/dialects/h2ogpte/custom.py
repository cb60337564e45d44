"""The user's own tools: found, made, changed and deleted, whether they are functions or MCP servers."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.exceptions import HTTPException

from holdfast.core.domain.custom_tools import PythonToolSpec
from holdfast.core.domain.errors import HoldfastError, InvalidError, NotFoundError
from holdfast.core.domain.mcp import McpServer
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.h2ogpte.mapping_custom import (
    MCP,
    Own,
    Server,
    args_of,
    is_python,
    named,
    no_tool,
    python_of,
    refuse_kind,
    servers_of,
    with_args,
)
from holdfast.server.dialects.h2ogpte.wire_agents import CustomToolChangeForm, CustomToolForm
from holdfast.server.kit.operations import Call
from holdfast.server.kit.reading import parsed, read_anyhow
from holdfast.server.kit.transfer import ReceivedForm, is_form, received_form

MAX_FILE = 1024 * 1024
"""Bytes of a tool's file."""


async def own_tools(workbench: Workbench) -> tuple[Own, ...]:
    """Returns the functions in Python, then the MCP servers."""
    known = [each for each in await workbench.tools.list() if each.source == "custom"]
    found = [await workbench.tools.get(each.id or each.name) for each in known]
    functions = [each for each in found if isinstance(each.spec, PythonToolSpec)]
    return (*functions, *await workbench.mcp.list())


async def own_tool(workbench: Workbench, id: str) -> Own:
    """Returns one of them. Raises `NotFoundError`."""
    try:
        if id.startswith(MCP):
            return await workbench.mcp.get(id.removeprefix(MCP))
        found = await workbench.tools.get(id)
    except NotFoundError:
        raise no_tool(id) from None
    if found.id != id or not isinstance(found.spec, PythonToolSpec):
        raise no_tool(id)
    return found


async def add_tools(call: Call) -> tuple[Own, ...]:
    """Makes the tools that a form describes. Raises `InvalidError`, `UnsupportedError`, `ConflictError`, and
    `HTTPException` (415) for a file of another kind."""
    async with received_form(call.request, MAX_FILE) as form:
        said = parsed(CustomToolForm, form.fields)
        refuse_kind(said.tool_type)
        args, file = args_of(said.tool_args), _content(form)
        if said.tool_type == "general_code":
            spec = python_of(_named(form, said.filename), file or b"", args)
            return (await call.workbench.tools.create(spec),)
    taken = [each.spec.name for each in await call.workbench.mcp.list()]
    return await _add_servers(call.workbench, servers_of(args, file, taken))


async def changed_tool(call: Call) -> Own:
    """Changes a tool as a form or JSON says, and returns it. Raises what `add_tools` raises."""
    own = await own_tool(call.workbench, call.path["tool_id"])
    if not is_form(call.request):
        said = parsed(CustomToolChangeForm, await read_anyhow(call.request, call.door.max_body))
        return await _changed(call.workbench, own, said, None)
    async with received_form(call.request, MAX_FILE) as form:
        said = parsed(CustomToolChangeForm, form.fields)
        return await _changed(call.workbench, own, said, form if form.file else None)


async def _changed(
    workbench: Workbench, own: Own, said: CustomToolChangeForm, form: ReceivedForm | None
) -> Own:
    args, file = args_of(said.tool_args), _content(form) if form else None
    if isinstance(own, McpServer):
        return await _replaced(workbench, own, servers_of(args, file, ()))
    assert isinstance(own.spec, PythonToolSpec)
    spec = with_args(own.spec, args)
    if form is not None:
        spec = python_of(_named(form, said.filename), file or b"", args)
    return await workbench.tools.update(own.id, spec, own.version)


async def delete_tools(workbench: Workbench, ids: Iterable[str]) -> int:
    """Deletes tools; returns how many. Raises `NotFoundError` before one is deleted."""
    found = {id: await own_tool(workbench, id) for id in ids}
    for own in found.values():
        if isinstance(own, McpServer):
            await workbench.mcp.remove(own.spec.name)
        else:
            await workbench.tools.delete(own.id)
    return len(found)


async def _add_servers(workbench: Workbench, servers: Iterable[Server]) -> tuple[McpServer, ...]:
    """Adds all servers, or none."""
    made: list[McpServer] = []
    try:
        for each in servers:
            made.append(await workbench.mcp.add(each.spec, each.secrets))
    except HoldfastError:
        for one in made:
            await workbench.mcp.remove(one.spec.name)
        raise
    return tuple(made)


async def _replaced(workbench: Workbench, own: McpServer, described: tuple[Server, ...]) -> McpServer:
    if len(described) != 1:
        raise InvalidError("mcp_config_json: must name one server here.", code="invalid_request")
    new = named(described[0], own.spec.name)
    return await workbench.mcp.replace(own.spec.name, new.spec, new.secrets)


def _content(form: ReceivedForm) -> bytes | None:
    return None if form.file is None else form.file.file.read()


def _named(form: ReceivedForm, said: str) -> str:
    """Returns the name of a form's file with a function."""
    if form.file is None:
        raise InvalidError("file: is missing; send one .py file.", code="invalid_request")
    name = (said or form.file.name).rpartition("/")[2]
    if not is_python(name):
        raise HTTPException(415, "The file must be a .py file.")
    return name
