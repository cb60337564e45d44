"""The skills of one run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.errors import InvalidError, NotFoundError
from holdfast.core.domain.runs import RunOptions, Session
from holdfast.core.domain.skills import LOAD_TOOL, Skill, SkillInfo
from holdfast.core.skills.registry import SkillRegistry, find, mistakes_error


class RunSkills:
    """The `SkillDesk` of a run: the agent's skills as they were when it began, their texts as they are."""

    def __init__(self, registry: SkillRegistry, skills: Sequence[SkillInfo]) -> None:
        self._registry = registry
        self.skills = tuple(skills)

    async def load(self, name: str) -> Skill:
        found = await asyncio.to_thread(self._registry.load, find(self.skills, name))
        if found.info.problems:
            raise mistakes_error(found.info.problems)
        return found

    async def read(self, name: str, path: str, max_bytes: int) -> bytes:
        try:
            return await asyncio.to_thread(self._registry.read, find(self.skills, name), path, max_bytes)
        except NotFoundError as error:
            if error.code == "skill_not_found":
                raise
            raise NotFoundError(
                f"The skill {name} has no file {path[:200]!r}; load it without `file` to see what it has.",
                code="skill_file_not_found",
            ) from error


async def run_skills(
    registry: SkillRegistry, session: Session, agent: AgentInfo, options: RunOptions
) -> RunSkills:
    """Returns the skills of a run: the agent's, narrowed to what the options say."""
    found = await asyncio.to_thread(registry.of_agent, agent, Path(session.project), session.owner)
    wanted = options.skills
    return RunSkills(registry, [one for one in found if wanted is None or one.name in wanted])


async def check_skills(
    registry: SkillRegistry, session: Session, agent: AgentInfo, options: RunOptions
) -> None:
    """Raises `InvalidError` (`unknown_skill`) for options that name a skill which the agent has not."""
    if not options.skills:
        return
    found = await asyncio.to_thread(registry.of_agent, agent, Path(session.project), session.owner)
    for name in options.skills:
        try:
            find(found, name)
        except NotFoundError as error:
            raise InvalidError(
                f"The agent {agent.name} has no such skill: {error.message}", code="unknown_skill"
            ) from None


def skill_tools(skills: RunSkills, options: RunOptions) -> tuple[str, ...]:
    """Returns the tool that skills bring to a run, unless its caller leaves it out or has one of the name."""
    left_out = options.tools is not None and LOAD_TOOL not in options.tools
    callers = any(tool.name == LOAD_TOOL for tool in options.client_tools)
    return () if left_out or callers or not skills.skills else (LOAD_TOOL,)
