"""Operations of Sage's API: MCP servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.core.domain.errors import ConflictError, InvalidError, UnavailableError
from holdfast.core.domain.mcp import McpServer, McpState
from holdfast.server.dialects.sage.answering import ok
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_mcp import changed_server, new_server, servers
from holdfast.server.dialects.sage.sessions import EXT
from holdfast.server.dialects.sage.wire import Envelope
from holdfast.server.dialects.sage.wire_mcp import (
    McpBody,
    ServerDone,
    ServerGone,
    ServerRefreshed,
    Servers,
    ServerToggled,
)
from holdfast.server.kit.auth import principal_of
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.server_names import find_called
from holdfast.server.kit.turns import Turns

_ADDING = Turns()
"""By the user, who may give one name to two servers at the same time."""


async def add(call: Call) -> Envelope[ServerDone]:
    """Adds an MCP server and connects to it; of one that cannot be reached nothing is kept."""
    body = call.body
    async with _ADDING.of(principal_of(call.request).user_id):
        known = await call.workbench.mcp.list()
        if find_called(known, body.name, EXT) is not None:
            raise failure("mcp_exists", 400, name=body.name)
        made = new_server(body, {each.spec.name for each in known})
        with _reaching(body.name):
            await call.workbench.mcp.add(made.spec, made.secrets, connect=True)
    return ok(call, ServerDone(server_name=body.name), "mcp_added", name=body.name)


async def list_servers(call: Call) -> Envelope[Servers]:
    """Lists the user's MCP servers."""
    found = await call.workbench.mcp.list()
    return ok(call, servers(found, principal_of(call.request).user_id), "mcp_listed")


async def update(call: Call) -> Envelope[ServerDone]:
    """Has an MCP server be another one under the same name; one that cannot be reached changes nothing."""
    former = await _named(call)
    name = call.path["server_name"]
    made = changed_server(call.body.model_copy(update={"name": name}), former.spec)
    with _reaching(name):
        await call.workbench.mcp.replace(former.spec.name, made.spec, made.secrets, connect=True)
    return ok(call, ServerDone(server_name=name), "mcp_updated", name=name)


async def refresh(call: Call) -> Envelope[ServerRefreshed]:
    """Starts an MCP server anew, also one that is disabled, which it is no more then."""
    server = await _named(call)
    if not server.spec.enabled:
        await call.workbench.mcp.enable(server.spec.name)
    failed = (await call.workbench.mcp.test(server.spec.name)).state is McpState.FAILED
    name = call.path["server_name"]
    said = "mcp_not_refreshed" if failed else "mcp_refreshed"
    status = ServerRefreshed(server_name=name, status="failed" if failed else "refreshed")
    return ok(call, status, said, name=name)


async def toggle(call: Call) -> Envelope[ServerToggled]:
    """Disables an MCP server, or enables one that is disabled."""
    server, name = await _named(call), call.path["server_name"]
    disabled = server.spec.enabled
    await call.workbench.mcp.enable(server.spec.name, not disabled)
    said = "mcp_disabled" if disabled else "mcp_enabled"
    return ok(call, ServerToggled(server_name=name, disabled=disabled), said, name=name)


async def remove(call: Call) -> Envelope[ServerGone]:
    """Removes an MCP server with its key."""
    server, name = await _named(call), call.path["server_name"]
    await call.workbench.mcp.remove(server.spec.name)
    return ok(call, ServerGone(server_name=name), "mcp_removed", name=name)


async def _named(call: Call) -> McpServer:
    """Returns the server that the path names. Raises `InvalidError` where the user has none of the name."""
    name = call.path["server_name"]
    found = find_called(await call.workbench.mcp.list(), name, EXT)
    if found is None:
        raise failure("mcp_not_there", 400, name=name)
    return found


@contextmanager
def _reaching(name: str) -> Iterator[None]:
    """Tells why a server could not be added or changed."""
    try:
        yield
    except ConflictError as error:
        if error.code != "mcp_server_exists":
            raise
        raise failure("mcp_exists", 400, name=name) from error
    except (UnavailableError, InvalidError) as error:
        raise failure("mcp_not_added", name=name, detail=error.message) from error


_ONE = "/api/mcp/{server_name}"

OPERATIONS: tuple[Operation, ...] = (
    Operation("add_mcp_server", "POST", "/api/mcp/add", add, result=Envelope[ServerDone], body=McpBody),
    Operation("list_mcp_servers", "GET", "/api/mcp/list", list_servers, result=Envelope[Servers]),
    Operation("delete_mcp_server", "DELETE", _ONE, remove, result=Envelope[ServerGone]),
    Operation("refresh_mcp_server", "POST", f"{_ONE}/refresh", refresh, result=Envelope[ServerRefreshed]),
    Operation("update_mcp_server", "PUT", _ONE, update, result=Envelope[ServerDone], body=McpBody),
    Operation("toggle_mcp_server", "PUT", f"{_ONE}/toggle", toggle, result=Envelope[ServerToggled]),
)
