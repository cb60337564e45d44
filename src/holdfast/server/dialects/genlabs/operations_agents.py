"""GenLabs' agents: made, shown, changed and deleted by who has a secret key, or is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.agreements import DECENTRALIZED
from holdfast.core.domain.custom_tools import CustomTool
from holdfast.core.domain.errors import AgentFileError, ConflictError, NotFoundError
from holdfast.core.domain.identity import Scope
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.genlabs.errors import said
from holdfast.server.dialects.genlabs.keys import both, login_or_key
from holdfast.server.dialects.genlabs.mapping_agents import (
    agent_changes,
    agent_details,
    agent_id,
    agent_values,
    listed_agents,
    named_tools,
    own_agent,
    refused,
)
from holdfast.server.dialects.genlabs.operations_tools import own_tools
from holdfast.server.dialects.genlabs.wire import Message
from holdfast.server.dialects.genlabs.wire_agents import (
    AgentChanges,
    AgentDetails,
    Agents,
    NamedAgent,
    NewAgent,
    Signed,
)
from holdfast.server.kit.operations import Call, Operation, written
from holdfast.server.kit.revising import revise

ID_HEADER = "X-Agent-Id"
"""Tells the id of an agent that was made, for the body has no place for it."""


async def create_agent(call: Call) -> Response:
    """Makes an agent; a decentralized one is made by who accepts the agreement on that."""
    values = agent_values(call.body, (await call.workbench.usage.plans()).regions)
    try:
        info = await call.workbench.agents.compose(values)
    except AgentFileError as error:
        raise refused(error) from None
    await _agreed(call.workbench, info)
    response = written(Message, Message(message="Agent created successfully"), 201)
    response.headers[ID_HEADER] = info.id
    return response


async def _agreed(workbench: Workbench, info: AgentInfo) -> None:
    if info.spec is not None and info.spec.plan == "decentralized":
        await workbench.users.accept(DECENTRALIZED)


async def delete_agent(call: Call) -> Message:
    """Deletes an agent of the caller's own; its sessions stay."""
    info = own_agent(await call.workbench.agents.get(agent_id(call.body.modelId)))
    await call.workbench.agents.delete(info.id)
    return Message(message="Agent deleted successfully")


async def get_agent_details(call: Call) -> AgentDetails:
    """Returns an agent of the caller's own; of its key the name."""
    bench = call.workbench
    info = own_agent(await bench.agents.get(agent_id(call.body.modelId)))
    return agent_details(
        info,
        await _tools(bench),
        await bench.keys.list(),
        model=(await bench.models.choose(info.id)).model,
        regions=(await bench.usage.plans()).regions,
    )


async def _tools(workbench: Workbench) -> dict[str, CustomTool | None]:
    """Returns the names of all tools that there are, with what is known of those of the caller's own."""
    own = {each.spec.name: each for each in await own_tools(workbench)}
    return {each.name: own.get(each.name) for each in await workbench.tools.list()}


async def update_agent(call: Call) -> Message:
    """Changes what is given of an agent of the caller's own."""
    bench, body = call.workbench, call.body
    info = own_agent(await bench.agents.get(agent_id(body.modelId)))
    key = await _key(bench, body.apiKey)
    tools = None if body.tools is None else named_tools(body.tools, await _tools(bench))
    regions = (await bench.usage.plans()).regions

    def revision(now: AgentInfo, values: Mapping[str, Any]) -> dict[str, Any]:
        return agent_changes(body, now, values, key=key, tools=tools, regions=regions)

    try:
        await _agreed(bench, await revise(bench, info.id, revision, mistaken=True))
    except AgentFileError as error:
        raise refused(error) from None
    return Message(message="Model updated successfully")


async def _key(workbench: Workbench, named: str | None) -> str | None:
    """Returns the id of the key that is named; empty: none is to be. Raises `InvalidError`."""
    if not named:
        return named
    try:
        return (await workbench.keys.find(named)).id
    except (NotFoundError, ConflictError):
        raise said("Invalid API key selection") from None


async def get_agents(call: Call) -> Agents:
    """Lists the agents of the caller's own, with what they have used."""
    bench = call.workbench
    used = await bench.usage.report(by="agent", limit=1_000)
    return listed_agents(await bench.agents.list(), used, (await bench.usage.plans()).regions)


OPERATIONS = (
    Operation(
        "create_agent", "POST", "/create_agent", create_agent, 201, result=Message, body=NewAgent,
        required=False, secrets=login_or_key, other_paths=("/create-agent",), least=Scope.ADMIN,
    ),
    Operation(
        "delete_agent", "DELETE", "/delete_agent", delete_agent, result=Message, body=NamedAgent,
        required=False, secrets=both, other_paths=("/delete-agent",), least=Scope.ADMIN,
    ),
    Operation(
        "get_agent_details", "POST", "/get_agent_details", get_agent_details, result=AgentDetails,
        body=NamedAgent, required=False, secrets=both, other_paths=("/get-agent-details",), least=Scope.ADMIN,
    ),
    Operation(
        "update_agent", "PUT", "/update_agent", update_agent, result=Message, body=AgentChanges,
        required=False, secrets=login_or_key, other_paths=("/update-agent",), least=Scope.ADMIN,
    ),
    Operation(
        "get_agents", "POST", "/get_agents", get_agents, result=Agents, body=Signed,
        required=False, secrets=login_or_key, other_paths=("/get-agents",), least=Scope.ADMIN,
    ),
)  # fmt: skip
