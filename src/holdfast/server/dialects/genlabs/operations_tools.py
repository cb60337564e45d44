"""GenLabs' tools: made, listed, shown, changed and deleted by who has a secret key, or is logged in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from holdfast.core.domain.custom_tools import CustomTool
from holdfast.core.domain.errors import ConflictError, NotFoundError
from holdfast.core.domain.identity import Scope
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.genlabs.files import drop_file, erase, read_file, write_file
from holdfast.server.dialects.genlabs.keys import login_or_key
from holdfast.server.dialects.genlabs.mapping_tools import (
    SEARCH,
    changed_spec,
    checked,
    listed_tools,
    new_spec,
    own_tool,
    tool_details,
    tool_number,
    type_of,
)
from holdfast.server.dialects.genlabs.wire import Message
from holdfast.server.dialects.genlabs.wire_agents import Signed
from holdfast.server.dialects.genlabs.wire_tools import (
    NamedTool,
    NewTool,
    ToolChanges,
    ToolDetails,
    ToolMade,
    Tools,
)
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.retooling import having, rename_in
from holdfast.server.kit.turns import Turns

_ATTEMPTS = 5
"""In each of them another door has made a tool of that name, or changed that tool."""
_TURNS = Turns()
"""By the user, who may make several tools of one name at the same time, or several changes of one tool."""

Made = TypeVar("Made")


async def create_tool(call: Call) -> ToolMade:
    """Makes a tool: one that callers execute, or one that searches a document."""
    body = checked(call.body)
    tool = await _in_turn(call.workbench, partial(_created, call.workbench, body))
    if body.file:
        try:
            tool = await write_file(call.workbench, tool, body.file, body.file_name)
        except BaseException:
            await erase(call.workbench, tool)
            raise
    return ToolMade(message="Tool created successfully", tool_id=tool.number)


async def _created(workbench: Workbench, body: NewTool) -> CustomTool:
    taken = {each.name for each in await workbench.tools.list()}
    return await workbench.tools.create(new_spec(body, taken))


async def _in_turn(workbench: Workbench, once: Callable[[], Awaitable[Made]]) -> Made:
    """Does it after what the same user does already, and again where another door was in its way."""
    user = (await workbench.users.me()).user_id
    async with _TURNS.of(user):
        for attempt in range(_ATTEMPTS):
            try:
                return await once()
            except ConflictError as error:
                if error.code not in ("tool_exists", "tool_changed") or attempt == _ATTEMPTS - 1:
                    raise
    raise AssertionError("the last attempt returns or raises")


async def get_tools(call: Call) -> Tools:
    """Lists the tools of the caller's own."""
    return listed_tools(await own_tools(call.workbench))


async def own_tools(workbench: Workbench) -> list[CustomTool]:
    """Returns the tools of the caller's own."""
    found = []
    for each in await workbench.tools.list():
        if each.source == "custom":
            with suppress(NotFoundError):  # it has gone since
                found.append(await workbench.tools.get(each.id or each.name))
    return found


async def get_tool_details(call: Call) -> ToolDetails:
    """Returns a tool of the caller's own, with its file."""
    tool = own_tool(await own_tools(call.workbench), tool_number(call.body.toolId))
    return tool_details(tool, await read_file(call.workbench, tool))


async def update_tool(call: Call) -> Message:
    """Changes what is given of a tool of the caller's own."""
    bench, body = call.workbench, call.body
    before, tool = await _in_turn(bench, partial(_changed, bench, body))
    if body.file:
        try:
            await write_file(bench, tool, body.file, body.file_name)
        except BaseException:
            with suppress(ConflictError):  # somebody has changed it meanwhile
                await bench.tools.update(tool.id, before.spec, tool.version)
            raise
    if type_of(before) == SEARCH != type_of(tool):
        await drop_file(bench, before)
    return Message(message="Tool updated successfully")


async def _changed(workbench: Workbench, body: ToolChanges) -> tuple[CustomTool, CustomTool]:
    """Returns the tool before and after."""
    before = own_tool(await own_tools(workbench), tool_number(body.toolId))
    return before, await workbench.tools.update(before.id, changed_spec(before, body), before.version)


async def delete_tool(call: Call) -> Message:
    """Deletes a tool of the caller's own with its document, and takes it away from his agents."""
    bench = call.workbench
    tool = own_tool(await own_tools(bench), int(call.path["tool_id"]))
    await rename_in(await having(bench, tool.spec.name), bench, tool.spec.name, None)
    await bench.tools.delete(tool.id)
    await drop_file(bench, tool)
    return Message(message="Tool deleted successfully")


OPERATIONS = (
    Operation(
        "create_tool", "POST", "/create_tool", create_tool, 201, result=ToolMade, body=NewTool,
        required=False, holds_file=True, secrets=login_or_key, other_paths=("/create-tool",),
        least=Scope.ADMIN,
    ),
    Operation(
        "get_tools", "POST", "/get_tools", get_tools, result=Tools, body=Signed,
        required=False, secrets=login_or_key, other_paths=("/get-tools",), least=Scope.ADMIN,
    ),
    Operation(
        "delete_tool", "DELETE", "/delete_tool/{tool_id:int}", delete_tool, result=Message, body=Signed,
        required=False, secrets=login_or_key, other_paths=("/delete-tool/{tool_id:int}",), least=Scope.ADMIN,
    ),
    Operation(
        "update_tool", "PUT", "/update_tool", update_tool, result=Message, body=ToolChanges,
        required=False, holds_file=True, secrets=login_or_key, other_paths=("/update-tool",),
        least=Scope.ADMIN,
    ),
    Operation(
        "get_tool_details", "POST", "/get_tool_details", get_tool_details, result=ToolDetails,
        body=NamedTool, required=False, secrets=login_or_key, other_paths=("/get-tool-details",),
        least=Scope.ADMIN,
    ),
)  # fmt: skip
