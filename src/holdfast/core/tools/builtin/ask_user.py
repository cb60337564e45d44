"""Asks the person a question. The executor of a run does it: this says what the tool looks like."""

from __future__ import annotations

from pydantic import Field

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.tools import Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool

ASK_USER = "ask_user"
"""The name by which the executor knows the call that waits for an answer instead of running."""


class AskUserArguments(Arguments):
    question: str = Field(min_length=1, description="The question, in one or a few sentences")
    choices: tuple[str, ...] = Field(default=(), max_length=20, description="Answers to choose from")
    free_text: bool = Field(default=True, description="Whether another answer than the choices is taken")


class AskUser(BuiltinTool):
    name = ASK_USER
    risk = Risk.READ
    arguments = AskUserArguments

    async def preview(self, arguments: AskUserArguments, context: ToolContext) -> Preview:
        lines = [arguments.question, *(f"- {choice}" for choice in arguments.choices)]
        return Preview(blocks=(TextBlock(text="\n".join(lines)),))

    async def run(self, arguments: AskUserArguments, context: ToolContext) -> ToolOutput:
        raise ToolError("A question can only be asked inside a run.", code="unsupported")
