"""Tools of the user's own, and those that come with Holdfast, as Powabase lists them."""

from __future__ import annotations

from holdfast.core.domain.custom_tools import CustomTool
from holdfast.server.dialects.powabase.mapping_custom import (
    Described,
    builtin_tools,
    changed_spec,
    custom_tool,
    tool_spec,
)
from holdfast.server.dialects.powabase.wire_agents import (
    Deleted,
    Tool,
    ToolBody,
    ToolChanges,
    ToolName,
    Tools,
)
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.retooling import having, rename_in


async def list_tools(call: Call) -> Tools:
    """Lists the tools that agents can be assigned: those that come with Holdfast, then the user's own."""
    known = await call.workbench.tools.list()
    own = [await call.workbench.tools.get(one.name) for one in known if one.source == "custom"]
    return Tools(tools=(*builtin_tools(known), *map(custom_tool, own)))


async def create_tool(call: Call) -> Tool:
    """Makes a tool that is a request over HTTP; what its headers have of secrets is kept where keys are."""
    described = tool_spec(call.body)
    tool = await call.workbench.tools.create(described.spec)
    return custom_tool(await _with_secrets(call, tool, described))


async def _with_secrets(call: Call, tool: CustomTool, described: Described) -> CustomTool:
    for name, value in described.secrets.items():
        tool = await call.workbench.tools.set_secret(tool.id, name, value)
    return tool


async def get_tool(call: Call) -> Tool:
    """Returns a tool of the user's own; values of its headers are masked."""
    return custom_tool(await call.workbench.tools.get(str(call.path["id"])))


async def update_tool(call: Call) -> ToolName:
    """Changes what is given of a tool of the user's own."""
    before = await call.workbench.tools.get(str(call.path["id"]))
    described = changed_spec(before, call.body)
    agents = await having(call.workbench, before.spec.name)
    tool = await call.workbench.tools.update(before.id, described.spec, before.version)
    await _with_secrets(call, tool, described)
    if tool.spec.name != before.spec.name:
        await rename_in(agents, call.workbench, before.spec.name, tool.spec.name)
    return ToolName(id=tool.id, name=tool.spec.name)


async def delete_tool(call: Call) -> Deleted:
    """Deletes a tool of the user's own, and takes it away from his agents."""
    tool = await call.workbench.tools.get(str(call.path["id"]))
    agents = await having(call.workbench, tool.spec.name)
    await rename_in(agents, call.workbench, tool.spec.name, None)
    await call.workbench.tools.delete(tool.id)
    return Deleted()


_TOOLS, _TOOL = "/api/tools", "/api/tools/{id:uuid}"

OPERATIONS = (
    Operation("list_tools", "GET", _TOOLS, list_tools, result=Tools),
    Operation("create_tool", "POST", _TOOLS, create_tool, 201, result=Tool, body=ToolBody),
    Operation("get_tool", "GET", _TOOL, get_tool, result=Tool),
    Operation("update_tool", "PUT", _TOOL, update_tool, result=ToolName, body=ToolChanges),
    Operation("delete_tool", "DELETE", _TOOL, delete_tool, result=Deleted),
)
