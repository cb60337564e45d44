"""What Powabase's agents are given beside tools: knowledge bases, MCP servers, hooks."""

from __future__ import annotations

from functools import partial

from holdfast.core.domain.values import new_dated_id
from holdfast.server.dialects.powabase.mapping_hooks import hook, hooks, with_hook, without_hook
from holdfast.server.dialects.powabase.mapping_knowledge import (
    knowledge_base,
    knowledge_bases,
    with_knowledge,
    without_knowledge,
)
from holdfast.server.dialects.powabase.mapping_mcp import mcp_server, mcp_servers
from holdfast.server.dialects.powabase.operations_agents import PATH
from holdfast.server.dialects.powabase.servers import add_server, change_server, remove_server
from holdfast.server.dialects.powabase.wire_agents import (
    Deleted,
    Hook,
    HookBody,
    Hooks,
    KnowledgeBase,
    KnowledgeBases,
    KnowledgeBody,
    McpBody,
    McpChanges,
    McpServer,
    McpServers,
)
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.revising import revise


async def list_knowledge_bases(call: Call) -> KnowledgeBases:
    """Lists the knowledge bases of an agent."""
    info = await call.workbench.agents.get(str(call.path["id"]))
    return KnowledgeBases(knowledge_bases=knowledge_bases(info, await call.workbench.knowledge.list()))


async def assign_knowledge_base(call: Call) -> KnowledgeBase:
    """Gives an agent a knowledge base, which it can search from then on."""
    agent = str(call.path["id"])
    await call.workbench.agents.get(agent)
    wanted = await call.workbench.knowledge.get(call.body.knowledge_base_id)
    known = await call.workbench.knowledge.list()
    change = partial(with_knowledge, wanted=wanted, config=call.body.config or {}, known=known)
    return knowledge_base(await revise(call.workbench, agent, change), known, wanted.id)


async def unassign_knowledge_base(call: Call) -> Deleted:
    """Takes a knowledge base away from an agent."""
    change = partial(without_knowledge, id=str(call.path["assignment_id"]))
    await revise(call.workbench, str(call.path["id"]), change)
    return Deleted()


async def list_mcp_servers(call: Call) -> McpServers:
    """Lists the MCP servers of an agent; values of headers are masked."""
    info = await call.workbench.agents.get(str(call.path["id"]))
    return McpServers(mcp_servers=mcp_servers(info, await call.workbench.mcp.list()))


async def add_mcp_server(call: Call) -> McpServer:
    """Gives an agent an MCP server, whose tools it has from then on."""
    id = new_dated_id()
    info = await add_server(call.workbench, str(call.path["id"]), id, call.body)
    return mcp_server(info, await call.workbench.mcp.list(), id)


async def update_mcp_server(call: Call) -> McpServer:
    """Changes what is given of an agent's MCP server."""
    id = str(call.path["server_id"])
    info = await change_server(call.workbench, str(call.path["id"]), id, call.body)
    return mcp_server(info, await call.workbench.mcp.list(), id)


async def remove_mcp_server(call: Call) -> Deleted:
    """Takes an MCP server away from an agent."""
    await remove_server(call.workbench, str(call.path["id"]), str(call.path["server_id"]))
    return Deleted()


async def list_hooks(call: Call) -> Hooks:
    """Lists the hooks of an agent, in the order in which they act."""
    return Hooks(hooks=hooks(await call.workbench.agents.get(str(call.path["id"]))))


async def add_hook(call: Call) -> Hook:
    """Gives an agent a hook, which holds from its next run on."""
    id = new_dated_id()
    info = await revise(call.workbench, str(call.path["id"]), partial(with_hook, body=call.body, id=id))
    return hook(info, id)


async def remove_hook(call: Call) -> Deleted:
    """Takes a hook away from an agent."""
    change = partial(without_hook, id=str(call.path["hook_id"]))
    await revise(call.workbench, str(call.path["id"]), change)
    return Deleted()


_KNOWLEDGE, _MCP, _HOOKS = (f"{PATH}/{part}" for part in ("knowledge-bases", "mcp-servers", "hooks"))
_SERVER = f"{_MCP}/{{server_id:uuid}}"

OPERATIONS = (
    Operation("list_agent_knowledge_bases", "GET", _KNOWLEDGE, list_knowledge_bases, result=KnowledgeBases),
    Operation(
        "assign_agent_knowledge_base",
        "POST",
        _KNOWLEDGE,
        assign_knowledge_base,
        201,
        result=KnowledgeBase,
        body=KnowledgeBody,
    ),
    Operation(
        "remove_agent_knowledge_base",
        "DELETE",
        f"{_KNOWLEDGE}/{{assignment_id:uuid}}",
        unassign_knowledge_base,
        result=Deleted,
    ),
    Operation("list_agent_mcp_servers", "GET", _MCP, list_mcp_servers, result=McpServers),
    Operation("add_agent_mcp_server", "POST", _MCP, add_mcp_server, 201, result=McpServer, body=McpBody),
    Operation(
        "update_agent_mcp_server", "PUT", _SERVER, update_mcp_server, result=McpServer, body=McpChanges
    ),
    Operation("remove_agent_mcp_server", "DELETE", _SERVER, remove_mcp_server, result=Deleted),
    Operation("list_agent_hooks", "GET", _HOOKS, list_hooks, result=Hooks),
    Operation("add_agent_hook", "POST", _HOOKS, add_hook, 201, result=Hook, body=HookBody),
    Operation("remove_agent_hook", "DELETE", f"{_HOOKS}/{{hook_id:uuid}}", remove_hook, result=Deleted),
)
