"""What the operations of Sage's agents have in common: the agent that is meant, and what there is for one."""

from __future__ import annotations

from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.delegating import DELEGATION_TOOLS
from holdfast.core.domain.errors import NotFoundError, UnsupportedError
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.sage.errors import failure
from holdfast.server.dialects.sage.mapping_agents import Offered
from holdfast.server.kit.operations import Call


async def agent_meant(call: Call, forbidden: str = "") -> AgentInfo:
    """Returns the agent that the path names. Raises `InvalidError` for one that cannot be seen, and with
    `forbidden`, a text, for one that is not the caller's own."""
    return await named_agent(call, str(call.path["agent_id"]), forbidden)


async def named_agent(call: Call, id: str, forbidden: str = "") -> AgentInfo:
    """Does as `agent_meant` for an id."""
    try:
        info = await call.workbench.agents.get(id)
    except NotFoundError as error:
        raise failure("agent_missing", id=id[:80], detail=error.message) from None
    if forbidden and info.layer is not Layer.USER:
        raise failure(forbidden)
    return info


async def usual_agent(workbench: Workbench) -> str:
    """Returns the name of the agent that is taken where none is named."""
    return (await workbench.engine.settings()).default_agent


async def offered(workbench: Workbench) -> Offered:
    """Returns what there is that an agent of the caller's may name."""
    tools = await workbench.tools.list()
    agents = [each for each in await workbench.agents.list() if each.spec is not None]
    models = [each.model for each in await workbench.models.own()]
    return Offered(
        # Handing work on comes with the mode.
        tools=tuple(
            each.name
            for each in tools
            if each.source in ("builtin", "custom") and each.name not in DELEGATION_TOOLS
        ),
        servers=tuple(each.spec.name for each in await workbench.mcp.list() if each.spec.enabled),
        collections=await _collections(workbench),
        agents=tuple(each.id for each in agents),
        unnamed=tuple(each.id for each in agents if not each.is_anothers),
        models={each.id: each.full_name for each in models},
    )


async def _collections(workbench: Workbench) -> tuple[str, ...]:
    try:
        return tuple(each.id for each in await workbench.knowledge.list())
    except UnsupportedError:  # this engine has no knowledge
        return ()
