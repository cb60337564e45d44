"""Skills: listed, read, installed, edited, removed."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from holdfast.core.domain.errors import ConflictError, ForbiddenError, HoldfastError
from holdfast.core.domain.text import sanitize_line
from holdfast.tui.control.base import Context
from holdfast.tui.control.listed import ListedControl, saving
from holdfast.tui.control.undoing import UndoingControl
from holdfast.tui.presenters.skills import (
    CHANGED_HERE,
    SkillsState,
    SkillView,
    body_of,
    skill_views,
    text_of,
)

if TYPE_CHECKING:
    from holdfast.core.domain.skills import SkillInfo
    from holdfast.tui.control.desk import Action
    from holdfast.tui.screens.modelled import ModelScreen

SOURCE = "Install a skill: a folder, a zip or a SKILL.md on the engine's machine, or an https address"
WHICH = "Which folder of it? (several skills are in there)"


class SkillsControl(ListedControl[SkillsState]):
    """What a person does with skills. Nothing is asked for before somebody looks."""

    PARTS = ("skills",)

    def __init__(self, context: Context, undoing: UndoingControl, trust: Action) -> None:
        """`trust` records the person's word on the folder."""
        super().__init__(context, context.model.skills)
        self._trust = trust
        self._undoing = undoing
        self._current = ""
        self.actions: dict[str, Action] = {
            "skills": self.show,
            "skills.new": self.new,
            "skills.read": self.read,
            "skills.edit": self.edit,
            "skills.remove": self.remove,
            "skills.trust": self.trust,
        }

    @property
    def _project(self) -> str | None:
        return self._context.app.start.project or None

    # --- what is shown

    def _screen(self) -> type[ModelScreen]:
        from holdfast.tui.screens.skills import SkillsScreen  # start-up time: when it is opened

        return SkillsScreen

    async def _read(self) -> None:
        """Reads the skills that can be seen."""
        state, agent = self._state, self._context.model.agent
        seen, given = await asyncio.gather(
            self._context.workbench.skills.list(self._project), self._given(agent)
        )
        state.skills, state.error = skill_views(seen, given), ""
        state.agent, state.texts = sanitize_line(agent), {}
        if state.skill(self._current) is None:
            self._current = next((one.id for one in state.skills), "")
        await self._read_text(self._current)

    async def _given(self, agent: str) -> tuple[SkillInfo, ...]:
        """Returns what the agent's runs have; nothing for one whose file has mistakes, or is gone."""
        if not agent:
            return ()
        try:
            return await self._context.workbench.skills.list(self._project, agent)
        except HoldfastError as error:
            if error.code in ("agent_not_found", "invalid_agent"):
                return ()
            raise

    async def look_at(self, row_id: str) -> None:
        """Reads the text of a skill."""
        self._current = row_id
        if row_id not in self._state.texts:
            await self._read_text(row_id)
            self.mark()

    async def _read_text(self, row_id: str) -> None:
        one = self._state.skill(row_id)
        if one is None:
            return
        agent = one.agent or None
        try:
            skill = await self._context.workbench.skills.get(one.name, self._project, agent)
        except HoldfastError:  # gone, or no text that can be read: its problems say so
            return
        if skill.info.scope.value == one.scope:  # else another one of its name counts before it
            self._state.texts[row_id] = text_of(skill)

    async def read(self, row_id: str) -> None:
        """Shows a skill's instructions as they read."""
        await self.look_at(row_id)
        one, text = self._state.skill(row_id), self._state.texts.get(row_id)
        if one is None or text is None:
            self._context.view.say("There is no text of it to be read.")
            return
        self._context.app.dialogs.markdown(one.name, one.path, body_of(text.text))

    # --- what is done

    async def new(self, source: str = "") -> None:
        """Installs a skill."""
        dialogs, skills = self._context.app.dialogs, self._context.workbench.skills
        wanted = source or await dialogs.ask(SOURCE, "")
        if not wanted:
            return
        folder, replace = "", False
        while True:
            try:
                made = await skills.install(wanted, folder, replace)
                break
            except ConflictError as error:
                if error.code != "skill_exists" or replace:
                    raise
                if not await dialogs.confirm(f"{error.message} Replace it?", "replace it"):
                    return
                replace = True
            except HoldfastError as error:
                if error.code != "several_skills" or folder:
                    raise
                self._context.view.say(error.message)
                folder = await dialogs.ask(WHICH, "")
                if not folder:
                    return
        self._state.wanted = f"user/{made.name}"
        await self.show()
        self._context.view.say(f"{made.name} is installed. `skills: [{made.name}]` gives it to an agent.")

    async def edit(self, row_id: str) -> None:
        """Lets the person edit the `SKILL.md` of a skill of their own."""
        one = self._own(row_id)
        if one is None:
            return
        skills = self._context.workbench.skills
        skill = await skills.get(one.name)
        write = partial(skills.save, one.name, shared=one.scope == "shared")
        save = saving(write, skill.digest, "skill_changed")
        await self._context.app.dialogs.edit_text(f"{one.name}/SKILL.md", text_of(skill).text, save)
        await self.reload()

    def _own(self, row_id: str) -> SkillView | None:
        one = self._state.skill(row_id)
        if one is not None and one.scope not in CHANGED_HERE:
            raise ForbiddenError(f"{one.name} is not changed here: change it where it is, in {one.path}.")
        return one

    async def remove(self, row_id: str) -> None:
        """Puts a skill of the person's own into the trash."""
        one = self._own(row_id)
        if one is None:
            return
        workbench = self._context.workbench
        await workbench.skills.remove(one.name, shared=one.scope == "shared")
        await self.reload()
        thrown = await workbench.trash.list("skill", limit=1)
        things = [("skill", each.id) for each in thrown.items if each.title == one.name]
        self._undoing.deleted(f"the skill “{one.name}”", things)

    async def trust(self, row_id: str) -> None:
        """Trusts the project folder, after a question: all that it says counts then."""
        one = self._state.skill(row_id)
        if one is None or one.trusted:
            return
        project = self._context.app.start.project
        question = f"Trust {project}? Its agents, rules, skills and hooks count then, not this skill alone."
        if await self._context.app.dialogs.confirm(question, "trust the folder"):
            await self._trust("yes")
            await self.reload()
