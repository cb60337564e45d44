"""Lets another agent take the conversation over."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.delegating import HAND_OVER
from holdfast.core.domain.tools import Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.delegate import MAX_TASK, desk_of


class HandOverArguments(Arguments):
    agent: str = Field(min_length=1, max_length=64, description="Name of the agent")
    task: str = Field(
        min_length=1, max_length=MAX_TASK, description="What it is to do now; it sees the conversation"
    )


class HandOver(BuiltinTool):
    name = HAND_OVER
    risk = Risk.WRITE  # whoever goes on has rules of its own
    arguments = HandOverArguments

    def subjects(self, arguments: HandOverArguments) -> tuple[str, ...]:
        return (arguments.agent,)

    async def run(self, arguments: HandOverArguments, context: ToolContext) -> ToolOutput:
        name = await desk_of(context).hand_over(arguments.agent)
        return ToolOutput.text(f"{name} goes on with the conversation.")
