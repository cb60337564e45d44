"""Messages of Sage's API: skills."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from holdfast.server.dialects.sage.wire import Query, Said, Sent

Dimension = Literal["system", "user", "agent"]


class SkillsQuery(Query):
    """Which skills are listed."""

    agent_id: str | None = None
    """Only what this agent has."""
    dimension: str | None = None
    """`system`: all users'; `user`: one's own; `agent`: those that agents alone have. `all`, and nothing: the
    first two; anything else is of no skill."""


class AvailableQuery(Query):
    """Whose skills are listed."""

    agent_id: str = Field(min_length=1)


class SkillQuery(Query):
    """Which skill is meant."""

    name: str = Field(min_length=1)
    agent_id: str | None = None
    """The agent that alone has it."""


class Skill(Said):
    """A skill."""

    name: str
    description: str
    user_id: str
    dimension: Dimension
    owner_user_id: str
    agent_id: str | None
    agent_name: str | None
    path: str
    """Of the folder, from where skills of the dimension are."""


class Skills(Said):
    """Skills."""

    skills: list[Skill]


class AvailableSkill(Said):
    """A skill that an agent can have."""

    name: str
    description: str
    source_dimension: Dimension
    source_path: str
    need_update: bool
    """Whether the agent has a copy that is not as the skill is now."""
    agent_path: str | None
    """Where its copy is."""


class AvailableSkills(Said):
    """The skills that an agent can have."""

    skills: list[AvailableSkill]


class UploadForm(Sent):
    """What stands in a form beside archives, or beside an address."""

    is_system: bool = False
    """For all users."""
    is_agent: bool = False
    """For the agent alone that `agent_id` names."""
    agent_id: str | None = None


class ImportBody(UploadForm):
    """From where a skill is fetched."""

    url: str = Field(min_length=1, max_length=4_000)


class SkillText(Sent):
    """A new text of a skill."""

    name: str = Field(min_length=1)
    content: str
    agent_id: str | None = None


class CopyForm(Sent):
    """Which agent gets a copy of a skill."""

    skill_name: str = Field(min_length=1)
    agent_id: str = Field(min_length=1)


class CopiesBody(Sent):
    """Which agent gets copies of which skills."""

    agent_id: str = Field(min_length=1)
    skill_names: list[str] | None = Field(default=None, max_length=500)
    """None: those that the agent names."""


class SyncBody(Sent):
    """Whose agent gets copies of the skills that it names."""

    user_id: str = ""
    agent_id: str = Field(min_length=1)
    purge_extra: bool = False


class Uploaded(Said):
    """Whose a new skill is."""

    user_id: str


class UploadResult(Said):
    """What became of one archive."""

    filename: str
    success: bool
    message: str


class UploadedBatch(Said):
    """What became of several archives."""

    results: list[UploadResult]
    success_count: int
    failed_count: int
    user_id: str


class Content(Said):
    """The text of a skill."""

    content: str


class Synced(Said):
    """What became of the skills that an agent alone has."""

    agent_id: str
    synced_skills: list[str]
    removed_skills: list[str]
