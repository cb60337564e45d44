"""What tools Powabase's agents are assigned."""

from __future__ import annotations

from functools import partial

from holdfast.server.dialects.powabase.mapping_tools import (
    assignment,
    assignment_of,
    assignments,
    check_override,
    chosen,
    tool_of,
    with_tool,
    without_tool,
)
from holdfast.server.dialects.powabase.operations_agents import PATH
from holdfast.server.dialects.powabase.wire_agents import (
    Deleted,
    OverrideBody,
    ToolAssignment,
    ToolAssignmentBody,
    ToolAssignments,
)
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.revising import revise


async def connection(call: Call) -> str | None:
    """Returns the name of the PostgreSQL database that schemas are of: the only one of the settings."""
    names = list((await call.workbench.engine.settings()).tools.postgres)
    return names[0] if len(names) == 1 else None


async def list_tools(call: Call) -> ToolAssignments:
    """Lists the tools that an agent is assigned."""
    info = await call.workbench.agents.get(str(call.path["id"]))
    return ToolAssignments(tools=assignments(info, await call.workbench.tools.list()))


async def assign_tool(call: Call) -> ToolAssignment:
    """Assigns a tool to an agent; one that it has already gets the override that is given."""
    known, place = await call.workbench.tools.list(), await connection(call)
    agent, override = str(call.path["id"]), call.body.config_override
    await call.workbench.agents.get(agent)
    tool = chosen(call.body, known)
    check_override(tool.parts, override)
    change = partial(with_tool, tool=tool, override=override, known=known, connection=place)
    return assignment_of(await revise(call.workbench, agent, change), known, tool)


async def override_tool(call: Call) -> ToolAssignment:
    """Replaces the `config_override` of an assignment; nothing else in the body counts."""
    known, place = await call.workbench.tools.list(), await connection(call)
    agent, id = str(call.path["id"]), str(call.path["assignment_id"])
    info = await call.workbench.agents.get(agent)
    tool = tool_of(info, known, id)
    if "config_override" not in call.body.model_fields_set:
        return assignment(info, known, id)
    override = call.body.config_override
    check_override(tool.parts, override)
    change = partial(with_tool, tool=tool, override=override, known=known, connection=place)
    return assignment(await revise(call.workbench, agent, change), known, id)


async def unassign_tool(call: Call) -> Deleted:
    """Takes a tool away from an agent."""
    change = partial(without_tool, id=str(call.path["assignment_id"]), connection=await connection(call))
    await revise(call.workbench, str(call.path["id"]), change)
    return Deleted()


TOOLS, TOOL = f"{PATH}/tools", f"{PATH}/tools/{{assignment_id:uuid}}"

OPERATIONS = (
    Operation("list_agent_tools", "GET", TOOLS, list_tools, result=ToolAssignments),
    Operation(
        "assign_agent_tool", "POST", TOOLS, assign_tool, 201, result=ToolAssignment, body=ToolAssignmentBody
    ),
    Operation(
        "update_agent_tool",
        "PATCH",
        TOOL,
        override_tool,
        result=ToolAssignment,
        body=OverrideBody,
        required=False,
    ),
    Operation("remove_agent_tool", "DELETE", TOOL, unassign_tool, result=Deleted),
)
