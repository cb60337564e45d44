"""MCP servers of Dexto's users, with their tools and resources."""

from __future__ import annotations

from holdfast.server.dialects.dexto.mapping_mcp import name_of, servers, tools
from holdfast.server.dialects.dexto.mapping_resources import contents, of_server
from holdfast.server.dialects.dexto.servers import (
    add_server,
    any_server,
    execute,
    read_of_server,
    server_of,
    start,
)
from holdfast.server.dialects.dexto.wire_mcp import (
    Arguments,
    Executed,
    ServerAdded,
    ServerBody,
    ServerGone,
    ServerRestarted,
    Servers,
    Tools,
)
from holdfast.server.dialects.dexto.wire_resources import (
    ReadContent,
    ServerResourceContent,
    ServerResources,
)
from holdfast.server.kit.operations import Call, Operation


async def add(call: Call) -> ServerAdded:
    """Adds an MCP server and connects to it; one of the same name gives way."""
    server = await add_server(call.workbench, call.body)
    status = "connected" if server.spec.enabled else "registered"
    return ServerAdded(status=status, name=call.body.name)


async def list_servers(call: Call) -> Servers:
    """Lists the MCP servers that are enabled."""
    return Servers(servers=servers(await call.workbench.mcp.list()))


async def remove_server(call: Call) -> ServerGone:
    """Removes an MCP server."""
    server = await any_server(call.workbench, call.path["serverId"])
    await call.workbench.mcp.remove(server.spec.name)
    return ServerGone(id=call.path["serverId"])


async def restart_server(call: Call) -> ServerRestarted:
    """Starts an MCP server anew."""
    await start(call.workbench, await server_of(call.workbench, call.path["serverId"]))
    return ServerRestarted(id=call.path["serverId"])


async def list_tools(call: Call) -> Tools:
    """Lists the tools of an MCP server."""
    server = await server_of(call.workbench, call.path["serverId"])
    return Tools(tools=tools(server.spec.name, await call.workbench.mcp.tools(server.spec.name)))


async def execute_tool(call: Call) -> Executed:
    """Runs a tool of an MCP server; no model is asked."""
    return await execute(call.workbench, call.path["serverId"], call.path["toolName"], call.body)


async def list_resources(call: Call) -> ServerResources:
    """Lists what an MCP server lets read."""
    server = await server_of(call.workbench, call.path["serverId"])
    found = await call.workbench.mcp.resources(server.spec.name)
    return ServerResources(resources=of_server(name_of(server.spec), found))


async def read_resource(call: Call) -> ServerResourceContent:
    """Reads a resource of an MCP server."""
    server = await server_of(call.workbench, call.path["serverId"])
    found = await read_of_server(call.workbench, server, call.path["resourceId"])
    return ServerResourceContent(data=ReadContent(content=contents(found)))


_ALL, _ONE = "/api/mcp/servers", "/api/mcp/servers/{serverId}"
_RESOURCES = f"{_ONE}/resources"

OPERATIONS = (
    Operation("add_mcp_server", "POST", _ALL, add, result=ServerAdded, body=ServerBody),
    Operation("list_mcp_servers", "GET", _ALL, list_servers, result=Servers),
    Operation("remove_mcp_server", "DELETE", _ONE, remove_server, result=ServerGone),
    Operation("restart_mcp_server", "POST", f"{_ONE}/restart", restart_server, result=ServerRestarted),
    Operation("list_mcp_server_tools", "GET", f"{_ONE}/tools", list_tools, result=Tools),
    Operation(
        "execute_mcp_tool",
        "POST",
        f"{_ONE}/tools/{{toolName}}/execute",
        execute_tool,
        result=Executed,
        body=Arguments,
        required=False,
    ),
    Operation("list_mcp_server_resources", "GET", _RESOURCES, list_resources, result=ServerResources),
    Operation(
        "get_mcp_resource_content",
        "GET",
        f"{_RESOURCES}/{{resourceId}}/content",
        read_resource,
        result=ServerResourceContent,
    ),
)
