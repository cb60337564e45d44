"""Changes of agents that depend on what the agent says already, of which two at once must not lose one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import AgentFileError, ConflictError
from holdfast.core.services.workbench import Workbench
from holdfast.server.kit.turns import Turns

_ATTEMPTS = 50
"""In each of them a change of somebody else's is made: a hand, or another API."""
_TURNS = Turns()
"""By the agent, for those who revise it here: they would otherwise be in each other's way again and again."""

Revision = Callable[[AgentInfo, Mapping[str, Any]], Mapping[str, Any]]
"""Returns the changes to an agent, as `agents.edit` takes them, from the agent and the values of its own
text."""


async def revise(
    workbench: Workbench, agent: str, revision: Revision, *, mistaken: bool = False
) -> AgentInfo:
    """Makes the changes that `revision` wants, on the latest text, and returns the agent. It is asked again
    when the text has changed meanwhile; where it wants none, nothing is written.

    Raises what `agents.edit` and `revision` raise, and `AgentFileError` for a file that has mistakes already,
    unless it is `mistaken` that the changes mend.
    """
    async with _TURNS.of(agent):
        for attempt in range(_ATTEMPTS):
            # In this order: an agent that changes in between does not have the digest any more.
            source = await workbench.agents.source(agent)
            info = await workbench.agents.get(agent)
            if info.spec is None and not mistaken:
                raise AgentFileError(list(info.problems))
            changes = dict(revision(info, source.values))
            if not changes:
                return info
            try:
                return await workbench.agents.edit(agent, changes, expected=source.digest)
            except ConflictError as error:
                if error.code != "agent_changed" or attempt == _ATTEMPTS - 1:
                    raise
    raise AssertionError("the last attempt returns or raises")


def own_entries(info: AgentInfo, values: Mapping[str, Any], key: str, named: str) -> list[dict[str, Any]]:
    """Returns the entries of an agent's list as mappings: those of its own text, or else those that it
    inherits, which an own list replaces. `named` is the key that a name alone stands for."""
    if key in values:
        return [dict(each) if isinstance(each, dict) else {named: each} for each in values[key] or ()]
    found = getattr(info.spec, key) if info.spec is not None else ()
    return [each.model_dump(mode="json", exclude_unset=True, exclude={"id"}) for each in found]


def as_entries(entries: Iterable[dict[str, Any]], named: str) -> list[Any]:
    """Returns such entries as a file has them: as names alone where nothing more is said."""
    return [each[named] if each.keys() == {named} else each for each in entries]
