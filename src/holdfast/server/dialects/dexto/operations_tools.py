"""The tools of Dexto's agents, and what agents can be built of."""

from __future__ import annotations

from holdfast.server.dialects.dexto.mapping_tools import discovery, tools
from holdfast.server.dialects.dexto.servers import server_names, tools_of_all
from holdfast.server.dialects.dexto.wire_tools import Discovery, Tools
from holdfast.server.kit.operations import Call, Operation


async def list_tools(call: Call) -> Tools:
    """Lists the tools of the active agent: its own, the user's, and those of MCP servers."""
    return tools(await tools_of_all(call.workbench), await server_names(call.workbench))


async def get_discovery(call: Call) -> Discovery:
    """Says what an agent can be built of."""
    return discovery(await call.workbench.tools.list())


OPERATIONS = (
    Operation("list_tools", "GET", "/api/tools", list_tools, result=Tools),
    Operation("get_discovery", "GET", "/api/discovery", get_discovery, result=Discovery),
)
