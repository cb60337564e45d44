"""h2oGPTe's agents, the tools that they have, which of them a user prefers, and tools of his own."""

from __future__ import annotations

from starlette.responses import Response

from holdfast.server.dialects.h2ogpte.custom import (
    add_tools,
    changed_tool,
    delete_tools,
    own_tool,
    own_tools,
)
from holdfast.server.dialects.h2ogpte.mapping_agents import (
    agent_of,
    preference_of,
    preferring,
    tools_of,
)
from holdfast.server.dialects.h2ogpte.mapping_custom import custom_tool, file_name, id_of, listed, source_of
from holdfast.server.dialects.h2ogpte.wire import Count
from holdfast.server.dialects.h2ogpte.wire_agents import (
    Agent,
    AgentToolSpec,
    CustomTool,
    CustomToolListed,
    CustomToolMade,
    ToolPreferenceBody,
)
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.reading import ids_of

AGENTS = "/api/v1/agents"
PREFERENCE = f"{AGENTS}/tool_preference"
CUSTOM = f"{AGENTS}/custom_tools"
ONE = f"{CUSTOM}/{{tool_id}}"
FILE = "application/octet-stream"
FORM = "multipart/form-data"


async def get_all_agents(call: Call) -> tuple[Agent, ...]:
    """Lists the agents."""
    return tuple(agent_of(each) for each in await call.workbench.agents.list())


async def list_agent_tools(call: Call) -> tuple[AgentToolSpec, ...]:
    """Lists the tools that agents have, and those of the caller's own that they have beside them."""
    agent = (await call.workbench.engine.settings()).default_agent
    given = await call.workbench.tools.given(agent)
    return tools_of(given, await own_tools(call.workbench))


async def list_agent_tool_preference(call: Call) -> tuple[str, ...]:
    """Lists the tools that the caller prefers; none: all are used that are on by default."""
    return preference_of(await call.workbench.users.annotations())


async def update_agent_tool_preference(call: Call) -> None:
    """Sets the tools that the caller prefers."""
    body: ToolPreferenceBody = call.body
    await call.workbench.users.annotate(preferring(dict.fromkeys(body.reference_value)))


async def delete_agent_tool_preference(call: Call) -> None:
    """Forgets which tools the caller prefers."""
    await call.workbench.users.annotate(preferring(()))


async def list_custom_agent_tools(call: Call) -> tuple[CustomToolListed, ...]:
    """Lists the caller's own tools: functions in Python, and MCP servers."""
    owner = principal_of(call.request).name
    return tuple(listed(each, owner) for each in await own_tools(call.workbench))


async def add_custom_agent_tool(call: Call) -> tuple[CustomToolMade, ...]:
    """Makes a tool of a file with a function in Python, or tools of MCP servers."""
    return tuple(CustomToolMade(agent_custom_tool_id=id_of(each)) for each in await add_tools(call))


async def get_custom_agent_tool(call: Call) -> CustomTool:
    """Returns a tool of the caller's own."""
    return custom_tool(await own_tool(call.workbench, call.path["tool_id"]), principal_of(call.request).name)


async def update_custom_agent_tool(call: Call) -> CustomToolMade:
    """Changes what is said of a tool of the caller's own, or its file."""
    return CustomToolMade(agent_custom_tool_id=id_of(await changed_tool(call)))


async def delete_custom_agent_tool(call: Call) -> Count:
    """Deletes tools of the caller's own."""
    return Count(count=await delete_tools(call.workbench, ids_of(call.path["tool_ids"])))


async def download_custom_agent_tool(call: Call) -> Response:
    """Sends the file of a tool of the caller's own."""
    own = await own_tool(call.workbench, call.path["tool_id"])
    # The name stands there once: clients take what follows after `filename=` for it.
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(own)}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(source_of(own), headers=headers, media_type=FILE)


OPERATIONS = (
    Operation("get_all_agents", "GET", AGENTS, get_all_agents, result=tuple[Agent, ...]),
    Operation(
        "list_agent_tools", "GET", f"{AGENTS}/tools", list_agent_tools, result=tuple[AgentToolSpec, ...]
    ),
    Operation(
        "list_agent_tool_preference", "GET", PREFERENCE, list_agent_tool_preference, result=tuple[str, ...]
    ),
    Operation(
        "update_agent_tool_preference",
        "POST",
        PREFERENCE,
        update_agent_tool_preference,
        204,
        body=ToolPreferenceBody,
    ),
    Operation("delete_agent_tool_preference", "DELETE", PREFERENCE, delete_agent_tool_preference, 204),
    Operation(
        "list_custom_agent_tools",
        "GET",
        CUSTOM,
        list_custom_agent_tools,
        result=tuple[CustomToolListed, ...],
    ),
    Operation(
        "add_custom_agent_tool",
        "POST",
        CUSTOM,
        add_custom_agent_tool,
        201,
        tuple[CustomToolMade, ...],
        takes=FORM,
    ),
    Operation("get_custom_agent_tool", "GET", ONE, get_custom_agent_tool, result=CustomTool),
    Operation(
        "update_custom_agent_tool", "PUT", ONE, update_custom_agent_tool, result=CustomToolMade, takes=FORM
    ),
    Operation(
        "delete_custom_agent_tool",
        "DELETE",
        f"{CUSTOM}/{{tool_ids}}",
        delete_custom_agent_tool,
        result=Count,
    ),
    Operation("download_custom_agent_tool", "GET", f"{ONE}/download", download_custom_agent_tool, gives=FILE),
)
