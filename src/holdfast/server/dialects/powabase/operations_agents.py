"""Powabase's agents: made, found, changed, deleted."""

from __future__ import annotations

from holdfast.server.dialects.powabase.mapping_agents import (
    agent_changes,
    agent_of,
    agent_values,
    listed_agents,
)
from holdfast.server.dialects.powabase.wire_agents import (
    Agent,
    AgentBody,
    AgentChanges,
    AgentQuery,
    Agents,
    Message,
)
from holdfast.server.kit.operations import Call, Operation

PATH = "/api/agents/{id:uuid}"


async def list_agents(call: Call) -> Agents:
    """Lists the agents that the caller can see, with how much they have done."""
    bench = call.workbench
    found = await bench.agents.list()
    counts = await bench.sessions.counts()
    used = await bench.usage.report(by="agent", limit=1_000)
    return listed_agents(found, counts, used, call.query)


async def create_agent(call: Call) -> Agent:
    """Makes an agent."""
    return agent_of(await call.workbench.agents.compose(agent_values(call.body)))


async def get_agent(call: Call) -> Agent:
    """Returns an agent."""
    return agent_of(await call.workbench.agents.get(str(call.path["id"])))


async def update_agent(call: Call) -> Agent:
    """Changes an agent's name, model, system prompt or settings; settings replace those before."""
    agent = str(call.path["id"])
    changes = agent_changes(call.body, (await call.workbench.agents.get(agent)).spec)
    return agent_of(await call.workbench.agents.edit(agent, changes))


async def delete_agent(call: Call) -> Message:
    """Deletes an agent; its sessions stay."""
    await call.workbench.agents.delete(str(call.path["id"]))
    return Message(message="Agent deleted")


OPERATIONS = (
    Operation("list_agents", "GET", "/api/agents", list_agents, result=Agents, query=AgentQuery),
    Operation("create_agent", "POST", "/api/agents", create_agent, 201, result=Agent, body=AgentBody),
    Operation("get_agent", "GET", PATH, get_agent, result=Agent),
    Operation("update_agent", "PATCH", PATH, update_agent, result=Agent, body=AgentChanges),
    Operation("delete_agent", "DELETE", PATH, delete_agent, result=Message),
)
