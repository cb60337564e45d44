"""Operations of Sage's API: tools."""

from __future__ import annotations

from holdfast.core.domain.errors import InvalidError, NotFoundError, UnavailableError
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.mapping_tools import called, executed, refused, tools
from holdfast.server.dialects.sage.sessions import EXT
from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.wire_tools import ExecBody, Executed, Tools, ToolsQuery
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.server_names import called_by


async def list_tools(call: Call) -> Envelope[Tools]:
    """Lists the tools that agents can have: those that come with the engine, the user's own, and those of his
    MCP servers."""
    workbench, kind = call.workbench, call.query.type
    found = await workbench.tools.list(servers=kind != "basic")
    known = await workbench.mcp.list() if any(each.source == "mcp" for each in found) else ()
    names = {each.spec.name: called_by(each.spec, EXT) for each in known}
    return ok(call, tools(found, names, principal_of(call.request).user_id, kind), "tools_listed")


async def execute(call: Call) -> Envelope[Executed]:
    """Runs a tool directly, under the rules of the user and of the agent of new sessions; nobody is waited
    for."""
    body, workbench = call.body, call.workbench
    given = body.tool_params or body.arguments
    name, arguments = called(body.tool_name, given, await workbench.tools.list())
    try:
        run = await workbench.tools.run_alone(name, arguments)
    except (NotFoundError, InvalidError, UnavailableError) as error:
        return ok(call, refused(error), "tool_executed")
    return ok(call, executed(run), "tool_executed")


OPERATIONS: tuple[Operation, ...] = (
    Operation("list_tools", "GET", "/api/tools", list_tools, result=Envelope[Tools], query=ToolsQuery),
    Operation("execute_tool", "POST", "/api/tools/exec", execute, result=Envelope[Executed], body=ExecBody),
)
