"""Agents: which there are, which is active, and how they come and go."""

from __future__ import annotations

from contextlib import suppress

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.dexto.active import AGENT, active_agent, keep_with_user
from holdfast.server.dialects.dexto.mapping_agents import (
    composed,
    entry_of,
    kind_of,
    own_names,
    title_of,
    titled,
)
from holdfast.server.dialects.dexto.mapping_config import slug
from holdfast.server.dialects.dexto.saving import make_agent
from holdfast.server.dialects.dexto.wire_agents import (
    AgentList,
    Chosen,
    CreateAgent,
    Created,
    CurrentAgent,
    Install,
    Installed,
    NameCheck,
    Switched,
    Uninstall,
    Uninstalled,
)
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.kit.yaml_text import read_yaml


async def list_agents(call: Call) -> AgentList:
    """Returns the agents that can be used, those that could be installed, and the active one."""
    agents, available = await call.workbench.agents.list(), await call.workbench.agents.available()
    shipped = [one.name for one in available]
    own = own_names(agents)
    return AgentList(
        installed=[entry_of(one, shipped) for one in agents if one.name in own],
        available=[entry_of(one, shipped) for one in available if one.name not in own],
        current=await current(call),
    )


async def current(call: Call) -> CurrentAgent:
    """Returns the active agent."""
    with suppress(NotFoundError):
        agent = await active_agent(call.workbench)
        return CurrentAgent(id=agent.name, name=title_of(agent))
    return CurrentAgent(id=None, name=None)


async def install(call: Call) -> Installed:
    """Makes an agent of the registry, or of a file on the engine's machine, one of the user's own."""
    asked: Install = call.body
    await _refuse_taken(call.workbench, asked.id)
    if asked.source_path is not None:
        made = await _from_file(call.workbench, asked)
        return Installed(id=made.name, name=title_of(made), type="custom")
    if asked.id not in await _shipped(call.workbench):
        raise InvalidError(f"Agent '{asked.id}' not found in registry", code="registry_agent_not_found")
    made = await call.workbench.agents.install(asked.id)
    return Installed(id=made.name, name=title_of(made), type="builtin")


async def _from_file(workbench: Workbench, asked: Install) -> AgentInfo:
    main = asked.metadata.main if asked.metadata is not None else None
    path = "/".join(part for part in (asked.source_path, main) if part)
    try:
        text = await workbench.agents.read(path)
    except NotFoundError as error:
        raise InvalidError(error.message, code="config_file_not_found") from None
    more = asked.metadata
    made = CreateAgent.model_construct(
        id=slug(asked.id),
        name=asked.name or titled(asked.id),
        description=more.description if more else "",
        author=more.author if more else None,
        tags=tuple(more.tags) if more else (),
        config=read_yaml(text).value or {},
    )
    return await _make(workbench, made)


async def create(call: Call) -> Created:
    """Makes an agent of what a Dexto agent file says, given as an object."""
    asked: CreateAgent = call.body
    await _refuse_taken(call.workbench, asked.id)
    made = await _make(call.workbench, asked)
    return Created(id=made.name, name=title_of(made))


async def _make(workbench: Workbench, asked: CreateAgent) -> AgentInfo:
    values, found = composed(asked)
    return await make_agent(workbench, values, found)


async def _refuse_taken(workbench: Workbench, id: str) -> None:
    if id in own_names(await workbench.agents.list()):
        raise InvalidError(f"Agent '{id}' already exists", code="registry_agent_already_exists")


async def _shipped(workbench: Workbench) -> list[str]:
    return [one.name for one in await workbench.agents.available()]


async def switch(call: Call) -> Switched:
    """Makes another agent the active one, by its id, or by the path of its file."""
    asked: Chosen = call.body
    found = await _chosen(call.workbench, asked)
    if found.spec is None:
        said = "; ".join(str(one) for one in found.problems)
        raise InvalidError(f"Agent '{asked.id}' cannot be used: {said}", code="agent_invalid_config")
    await keep_with_user(call.workbench, lambda kept: {AGENT: found.id})
    return Switched(id=found.name, name=title_of(found))


async def _chosen(workbench: Workbench, asked: Chosen) -> AgentInfo:
    if asked.path is None:
        return await workbench.agents.get(asked.id)
    found = (one for one in await workbench.agents.list() if one.path == asked.path)
    if (agent := next(found, None)) is None:
        raise NotFoundError(f"No agent has the file '{asked.path}'", code="agent_not_found")
    return agent


async def validate_name(call: Call) -> NameCheck:
    """Says whether an agent can have a name."""
    asked: Chosen = call.body
    shipped = await _shipped(call.workbench)
    if asked.id not in shipped and asked.id not in own_names(await call.workbench.agents.list()):
        return NameCheck(valid=True)
    kind = kind_of(asked.id, shipped)
    return NameCheck(valid=False, conflict=kind, message=f"Agent name '{asked.id}' is taken ({kind})")


async def uninstall(call: Call) -> Uninstalled:
    """Puts an agent of the user's own into the trash."""
    asked: Uninstall = call.body
    if asked.id not in own_names(await call.workbench.agents.list()):
        raise InvalidError(f"Agent '{asked.id}' is not installed", code="registry_agent_not_installed")
    if asked.id == (await call.workbench.engine.settings()).default_agent and not asked.force:
        message = f"Agent '{asked.id}' is the default agent; use force to remove it all the same"
        raise InvalidError(message, code="registry_agent_protected")
    try:
        await call.workbench.agents.delete(asked.id)
    except NotFoundError as gone:
        raise ConflictError(f"Agent '{asked.id}' is being removed already", code="agent_busy") from gone
    return Uninstalled(id=asked.id)


OPERATIONS = (
    Operation("list_agents", "GET", "/api/agents", list_agents, result=AgentList),
    Operation("get_current_agent", "GET", "/api/agents/current", current, result=CurrentAgent),
    Operation(
        "install_agent", "POST", "/api/agents/install", install, status=201, result=Installed, body=Install
    ),
    Operation("switch_agent", "POST", "/api/agents/switch", switch, result=Switched, body=Chosen),
    Operation(
        "validate_agent_name",
        "POST",
        "/api/agents/validate-name",
        validate_name,
        result=NameCheck,
        body=Chosen,
    ),
    Operation(
        "uninstall_agent", "POST", "/api/agents/uninstall", uninstall, result=Uninstalled, body=Uninstall
    ),
    Operation(
        "create_custom_agent",
        "POST",
        "/api/agents/custom/create",
        create,
        status=201,
        result=Created,
        body=CreateAgent,
    ),
)
