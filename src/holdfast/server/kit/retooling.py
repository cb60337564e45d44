"""Tools that agents name otherwise, or no more: a file that names what is no tool is wrong, and so is each
that extends it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from holdfast.core.domain.agents import AgentInfo, Layer
from holdfast.core.domain.errors import AgentFileError
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.revising import as_entries, revise


async def having(workbench: Workbench, name: str) -> dict[str, str]:
    """Returns the user's agents that have a tool, each with the id of its assignment; without those whose
    files have mistakes, which cannot be changed."""
    own = (one for one in await workbench.agents.list() if one.layer is Layer.USER and one.spec is not None)
    return {one.id: str(each.id) for one in own if one.spec for each in one.spec.tools if each.tool == name}


async def rename_in(agents: Mapping[str, str], workbench: Workbench, name: str, other: str | None) -> None:
    """Names a tool otherwise in `agents`, as `having` gives them, or no more. Those that stay wrong have got
    other mistakes meanwhile."""
    waiting = dict(agents)
    while waiting:
        wrong = {}
        for agent, id in waiting.items():
            change = partial(renamed, name=name, other=other, id=id)
            try:
                await revise(workbench, agent, change, mistaken=True)
            except AgentFileError:
                wrong[agent] = id  # as long as that which it extends is
        if len(wrong) == len(waiting):
            return
        waiting = wrong


def renamed(
    info: AgentInfo, values: Mapping[str, Any], name: str, other: str | None, id: str
) -> dict[str, Any]:
    """Returns the changes by which the `tools:` of an agent file have another name for one of them, or are
    without it; none where they do not name it. `id` is by what clients know the assignment."""
    tools = values.get("tools")
    entries = [
        dict(one) if isinstance(one, dict) else {"tool": one}
        for one in (tools if isinstance(tools, list) else ())
    ]
    if not any(one.get("tool") == name for one in entries):
        return {}
    if other is None:
        made = [one for one in entries if one.get("tool") != name]
    else:
        # Without one of its own, its id would be made of its name.
        made = [{"id": id, **one, "tool": other} if one.get("tool") == name else one for one in entries]
    return {"tools": as_entries(made, "tool")}
