"""What agents and their assignments are known by, where a file does not say it.

The ids are made of what stays while a file is edited, so that they need no place to be kept: of the owner,
the layer and the name for an agent, of the agent and the tool for an assignment. An agent that gets
another name without an `id` in its file is another agent.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence

from holdfast.core.domain.agents import AgentSpec
from holdfast.core.domain.hooks import HookSpec

_NAMESPACE = uuid.UUID("5ba4f1c7-6b4a-4bc2-9d0f-0c9e3b1d7a52")
"""Must never change: every id without a file of its own is made with it."""


def made_id(*parts: str) -> str:
    """Returns the id that these parts always give, and no others."""
    # JSON keeps the parts apart, and takes the surrogates that a path may hold.
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))


def assignment_id(agent_id: str, tool: str) -> str:
    """Returns the id of a tool at an agent, where the file gives it none."""
    return str(uuid.uuid5(uuid.UUID(agent_id), f"tool:{tool}"))


def knowledge_id(agent_id: str, collection: str) -> str:
    """Returns the id of a collection at an agent, where the file gives it none."""
    return str(uuid.uuid5(uuid.UUID(agent_id), f"knowledge:{collection}"))


def mcp_id(agent_id: str, server: str) -> str:
    """Returns the id of an MCP server at an agent, where the file gives it none."""
    return str(uuid.uuid5(uuid.UUID(agent_id), f"mcp:{server}"))


def sub_agent_id(agent_id: str, agent: str) -> str:
    """Returns the id of a sub-agent at an agent, where the file gives it none."""
    return str(uuid.uuid5(uuid.UUID(agent_id), f"subagent:{agent}"))


def hook_ids(agent_id: str, hooks: Sequence[HookSpec]) -> tuple[HookSpec, ...]:
    """Returns the hooks of an agent, each with an id: where the file gives none, it is made of what the hook
    is called or else where it stands and how it decides, and of how many such there were before."""
    seen: Counter[str] = Counter()
    found = []
    for hook in hooks:
        what = json.dumps([hook.name or hook.point.value, hook.type.value])
        made = str(uuid.uuid5(uuid.UUID(agent_id), f"hook:{what}:{seen[what]}"))
        seen[what] += 1
        found.append(hook if hook.id else hook.model_copy(update={"id": made}))
    return tuple(found)


def identified(spec: AgentSpec, agent_id: str) -> AgentSpec:
    """Returns `spec` with the agent's id, and an id for each assignment that has none."""
    tools = tuple(
        each if each.id else each.model_copy(update={"id": assignment_id(agent_id, each.tool)})
        for each in spec.tools
    )
    knowledge = tuple(
        each if each.id else each.model_copy(update={"id": knowledge_id(agent_id, each.collection)})
        for each in spec.knowledge
    )
    mcp = tuple(
        each if each.id else each.model_copy(update={"id": mcp_id(agent_id, each.server)})
        for each in spec.mcp
    )
    subagents = tuple(
        each if each.id else each.model_copy(update={"id": sub_agent_id(agent_id, each.agent)})
        for each in spec.subagents
    )
    hooks = hook_ids(agent_id, spec.hooks)
    return spec.model_copy(
        update={
            "id": agent_id,
            "tools": tools,
            "knowledge": knowledge,
            "mcp": mcp,
            "subagents": subagents,
            "hooks": hooks,
        }
    )
