"""Loads a skill: its instructions, or one of the files that belong to it."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.media import is_text, media_type
from holdfast.core.domain.skills import Skill, SkillDesk
from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool

_MAX_FILE_BYTES = 2**20


class LoadSkillArguments(Arguments):
    skill: str = Field(min_length=1, max_length=64, description="Name of the skill")
    file: str | None = Field(
        default=None,
        max_length=1_000,
        description="Path of one of the skill's files, from its folder; omitted: the skill itself",
    )


class LoadSkill(BuiltinTool):
    name = "load_skill"
    risk = Risk.READ
    arguments = LoadSkillArguments

    def subjects(self, arguments: LoadSkillArguments) -> tuple[str, ...]:
        return (arguments.skill,)

    async def run(self, arguments: LoadSkillArguments, context: ToolContext) -> ToolOutput:
        desk = _desk_of(context)
        if arguments.file is None:
            return ToolOutput.text(_told(await desk.load(arguments.skill)))
        data = await desk.read(arguments.skill, arguments.file, _MAX_FILE_BYTES)
        if not is_text(data):
            raise ToolError(
                f"{arguments.file} is no text ({media_type(data, arguments.file)}, {len(data)} bytes)."
            )
        return ToolOutput.text(data.decode(errors="replace"))


def _desk_of(context: ToolContext) -> SkillDesk:
    if context.skills is None or not context.skills.skills:
        raise ToolError("There are no skills in this run.")
    return context.skills


def _told(skill: Skill) -> str:
    if not skill.files:
        return skill.text
    files = "\n".join(f"- {sanitize_line(file.path)} ({file.size} bytes)" for file in skill.files)
    return (
        f"{skill.text.rstrip()}\n\n[The skill's other files; load_skill reads one with the argument `file`. "
        f"They are not in the workspace.]\n{files}\n"
    )
