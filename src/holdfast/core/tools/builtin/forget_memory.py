"""Deletes something that was remembered."""

from __future__ import annotations

import hashlib

from pydantic import Field

from holdfast.core.domain.tools import CodeBlock, Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.search_memory import desk_of


class ForgetMemoryArguments(Arguments):
    id: str = Field(min_length=1, max_length=100, description="The entry's id, from search_memory")


class ForgetMemory(BuiltinTool):
    name = "forget_memory"
    risk = Risk.WRITE  # it changes what later runs are told
    arguments = ForgetMemoryArguments

    def subjects(self, arguments: ForgetMemoryArguments) -> tuple[str, ...]:
        return (arguments.id,)

    async def preview(self, arguments: ForgetMemoryArguments, context: ToolContext) -> Preview:
        entry = await desk_of(context).entry(arguments.id)
        digest = hashlib.sha256(entry.content.encode()).hexdigest()
        blocks = TextBlock(text="This is forgotten:"), CodeBlock(language="", text=entry.content)
        return Preview(blocks=blocks, fingerprint=digest)

    async def run(self, arguments: ForgetMemoryArguments, context: ToolContext) -> ToolOutput:
        desk = desk_of(context)
        entry = await desk.entry(arguments.id)
        await desk.forget(arguments.id)
        return ToolOutput.text(f"Forgot {entry.id}.", CodeBlock(language="", text=entry.content))
