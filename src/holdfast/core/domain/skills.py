"""Skills: folders of instructions that an agent loads when it needs them, and the port of tools to them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import Field

from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.values import Value

SKILL_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
"""As the name of an agent: it is the name of the skill's folder too."""

CHOICE_PATTERN = r"^(\*|[a-z0-9][a-z0-9_-]{0,63})$"
"""A skill's name, or `*`."""

ALL_SKILLS = "*"
"""In the place of a skill's name: all that can be seen."""

LOAD_TOOL = "load_skill"
"""The tool that comes with skills."""

SkillName = Annotated[str, Field(pattern=SKILL_PATTERN)]
SkillChoice = Annotated[str, Field(pattern=CHOICE_PATTERN)]


class SkillScope(StrEnum):
    """Where a skill was found; of one name, the first scope that has it counts."""

    AGENT = "agent"
    """Beside the agent's file, for this agent alone."""
    PROJECT = "project"
    """In `.holdfast/skills` of the project folder."""
    USER = "user"
    """In the user's own folder."""
    SHARED = "shared"
    """In the folder of all users, which administrators fill."""


class SkillInfo(Value):
    """One skill as a listing shows it; one with mistakes is listed too, and no agent gets it."""

    name: str
    description: str = ""
    scope: SkillScope
    agent: str = ""
    """The agent that it belongs to, of the scope `agent`."""
    path: str
    """Its folder."""
    trusted: bool = True
    """False for a skill of a project folder that the user has not trusted: no agent gets it."""
    more: dict[str, Any] = Field(default_factory=dict)
    """What else the front matter says (`license`, `metadata`, `allowed-tools` …). None of it permits
    anything."""
    digest: str = ""
    """SHA-256 of its text, in hex; empty where that could not be read."""
    problems: tuple[Diagnostic, ...] = ()


class SkillFile(Value):
    """One file of a skill's folder."""

    path: str
    """Relative to the folder, with forward slashes."""
    size: int
    """In bytes."""


class Skill(Value):
    """A whole skill: what it is, its text, and the other files of its folder."""

    info: SkillInfo
    text: str
    """`SKILL.md` as it is written, front matter included."""
    digest: str
    """SHA-256 of the text, in hex; a change may name it, and is refused when the file has changed since."""
    files: tuple[SkillFile, ...] = ()
    """Without `SKILL.md`, by path."""


class SkillSync(Value):
    """What became of the skills that an agent alone has."""

    copied: tuple[str, ...] = ()
    """Those that it has got, or that were old; by name."""
    removed: tuple[str, ...] = ()


def skills_beside(agent_file: Path) -> Path:
    """Returns the folder of skills of an agent alone: `minutes.skills` beside `minutes.yaml`."""
    return agent_file.with_name(f"{agent_file.stem}.skills")


class SkillDesk(Protocol):
    """The skills of one run: what its tools may ask."""

    @property
    def skills(self) -> tuple[SkillInfo, ...]:
        """The skills that the run has, by name."""
        ...

    async def load(self, name: str) -> Skill:
        """Returns a skill of the run. Raises `NotFoundError`, and `InvalidError` when it has got a mistake
        since the run began."""
        ...

    async def read(self, name: str, path: str, max_bytes: int) -> bytes:
        """Returns a file of the skill's folder. Raises `NotFoundError`, `OutsideWorkspace` for a path that
        leads out of the folder, `TooLargeError`."""
        ...
