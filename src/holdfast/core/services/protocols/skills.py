"""The noun `skills` of a workbench."""

from __future__ import annotations

from typing import Protocol

from holdfast.core.domain.identity import Scope
from holdfast.core.domain.skills import Skill, SkillInfo, SkillScope, SkillSync
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.services.needs import needs


class Skills(Protocol):
    """Folders of instructions that agents load when they need them: beside an agent's file, in the project
    folder, the user's own, and those of all users.

    What changes one means the user's own; with `agent`, a name or an id, one that an agent of his alone has,
    with `shared` one of all users, which administrators change. That raises `NotFoundError` for an agent that
    there is not, `ForbiddenError` for one that comes with Holdfast and for who is no administrator.
    """

    @needs(Scope.READ)
    async def list(
        self, project: str | None = None, agent: str | None = None, scope: SkillScope | None = None
    ) -> tuple[SkillInfo, ...]:
        """Returns the skills that can be seen from the folder `project`, those with mistakes included; with
        `agent`, a name or an id, the ones that its runs have. With `scope` it is all of this scope alone,
        those too that others of their names hide; without `agent`, the scope `agent` means all agents of the
        user's own. Raises `NotFoundError` for an unknown agent."""
        ...

    @needs(Scope.READ)
    async def get(self, name: str, project: str | None = None, agent: str | None = None) -> Skill:
        """Returns a skill with its text and the names of its files; with `agent` also one beside its file.
        Raises `NotFoundError` with the nearest name."""
        ...

    @needs(Scope.READ)
    async def file(
        self, name: str, path: str, project: str | None = None, agent: str | None = None
    ) -> Download:
        """Returns a file of a skill's folder. Raises `NotFoundError`, `OutsideWorkspace` for a path that
        leads out of the folder."""
        ...

    @needs(Scope.ADMIN)
    async def install(
        self,
        source: str,
        folder: str = "",
        replace: bool = False,
        agent: str | None = None,
        shared: bool = False,
    ) -> SkillInfo:
        """Makes a skill the user's own and returns it.

        `source` is an https address of a zip, of a `SKILL.md` or of a git repository (`….git`, or
        `git+https://…`), or the whole path of a folder, a zip or a `SKILL.md` on the engine's machine.
        `folder` says which skill is meant where there are several. With `replace` a skill of the name goes
        to the trash. Raises `InvalidError` for what is no skill or is not safe to unpack, `TooLargeError`,
        `ForbiddenError` for an address that is not public and for a path that is not the user's to name,
        `ConflictError` when there is one of the name, `ToolError` when it cannot be fetched.
        """
        ...

    @needs(Scope.ADMIN)
    async def upload(
        self,
        data: Upload,
        name: str = "",
        folder: str = "",
        replace: bool = False,
        agent: str | None = None,
        shared: bool = False,
    ) -> SkillInfo:
        """Makes a skill the user's own from the bytes of a zip or of a `SKILL.md`; `name` is what the file is
        called where it comes from, and is not looked at. Raises what `install` raises."""
        ...

    @needs(Scope.ADMIN)
    async def copy(self, name: str, agent: str, replace: bool = False) -> SkillInfo:
        """Gives an agent of the user's own a copy of a skill, the user's or all users', which the agent has
        whatever becomes of the first. Raises what `install` raises, and `NotFoundError`."""
        ...

    @needs(Scope.ADMIN)
    async def sync(self, agent: str, names: tuple[str, ...] | None = None, purge: bool = False) -> SkillSync:
        """Gives an agent of the user's own copies of the skills of these names, the user's or all users', as
        they are now; without names of those that its file names and that there are. With `purge` what it
        alone has and nobody names goes to the trash. Raises what `copy` raises."""
        ...

    @needs(Scope.ADMIN)
    async def save(
        self,
        name: str,
        text: str,
        expected: str | None = None,
        agent: str | None = None,
        shared: bool = False,
    ) -> SkillInfo:
        """Replaces the `SKILL.md` of a skill; its name stays.

        `expected` is the digest of the text that is meant to be replaced. Raises `InvalidError` with every
        mistake, `ConflictError` when it has changed since, `NotFoundError`, `ForbiddenError` for a file that
        is a link.
        """
        ...

    @needs(Scope.ADMIN)
    async def remove(self, name: str, agent: str | None = None, shared: bool = False) -> None:
        """Puts a skill into the trash of who removes it. Raises `NotFoundError`."""
        ...
