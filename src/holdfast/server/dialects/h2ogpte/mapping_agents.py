"""Agents, the tools that they have, and which of them a run has, in h2oGPTe's words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.approvals import Verdict
from holdfast.core.domain.given_tools import GivenTools
from holdfast.core.domain.mcp import server_of
from holdfast.server.dialects.h2ogpte.mapping_custom import Own, is_default, tool_name
from holdfast.server.dialects.h2ogpte.wire_agents import Agent, AgentToolSpec

NAME = "h2ogpte"
"""Under this name a user and a tool keep what only this API knows."""


def agent_of(info: AgentInfo) -> Agent:
    """Returns an agent as it is listed."""
    return Agent(
        id=info.id,
        value=info.name,
        label=info.display_name or label_of(info.name),
        enabled=info.spec is not None,
        owner=info.author or "holdfast",
        description=info.description,
    )


def tools_of(given: GivenTools, own: Iterable[Own]) -> tuple[AgentToolSpec, ...]:
    """Returns the tools that runs of an agent have, and the user's own that they have beside them."""
    found = {
        each.tool.name: AgentToolSpec(
            name=each.tool.name,
            description=label_of(each.tool.name),
            enabled=each.verdict is not Verdict.DENY,
            default=True,
        )
        for each in given.tools
    }
    for one in own:
        name = tool_name(one)
        if is_default(one) and name not in found:
            found[name] = AgentToolSpec(name=name, description=label_of(name), enabled=True, default=True)
    return tuple(found.values())


def label_of(name: str) -> str:
    """Returns what people call a tool or an agent of this name."""
    server = server_of(name)
    plain = name if server is None else f"{server} {name.removeprefix(f'mcp__{server}__')}"
    return " ".join(word.capitalize() for word in plain.replace("_", " ").replace("-", " ").split())


def preference_of(ext: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Returns the tools that a user prefers, by what is kept with him; none: he has not said."""
    return tuple(map(str, ext.get(NAME, {}).get("tool_preference", ())))


def preferring(names: Collection[str]) -> dict[str, dict[str, Any]]:
    """Returns what is kept with a user who prefers tools; none: nothing."""
    return {NAME: {"tool_preference": list(names)} if names else {}}
