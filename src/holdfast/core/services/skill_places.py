"""The folders in which a user's skills can be changed."""

from __future__ import annotations

from holdfast.core.agents.editor import AgentEditor
from holdfast.core.domain.errors import ForbiddenError, InvalidError
from holdfast.core.domain.skills import SkillScope, skills_beside
from holdfast.core.skills.registry import SkillFolder, SkillRegistry


class SkillPlaces:
    """Finds folders: the user's own, that of an agent of his, and that of all users."""

    def __init__(self, registry: SkillRegistry, agents: AgentEditor) -> None:
        self._registry = registry
        self._agents = agents

    def find(
        self, owner: str, agent: str | None = None, shared: bool = False, *, admin: bool = False
    ) -> SkillFolder:
        """Returns the folder of a user's own skills, or of those of the agent that `agent` names, or of those
        of all users. Blocks.

        Raises `NotFoundError` for an agent that the user has not, `ForbiddenError` for one that comes with
        Holdfast (`agent_readonly`) and, unless he is an administrator, for the skills of all users
        (`admin_only`); `InvalidError` for both at once.
        """
        if agent is not None and shared:
            raise InvalidError(
                "A skill is an agent's or all users', not both; leave one of `agent` and `shared` out.",
                code="invalid_request",
            )
        if shared:
            if not admin:
                raise ForbiddenError("Only administrators change the skills of all users.", code="admin_only")
            return self._registry.shared()
        if agent is None:
            return self._registry.folder(owner)
        found = self._agents.own(agent, owner)
        path = skills_beside(found.file.path)
        return SkillFolder(SkillScope.AGENT, path, found.file.name, agent_id=found.id)
