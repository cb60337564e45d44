"""Keeps something for later conversations."""

from __future__ import annotations

import hashlib

from pydantic import Field

from holdfast.core.domain.text import sanitize_line
from holdfast.core.domain.tools import CodeBlock, Preview, Risk, TextBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.search_memory import desk_of

_LONGEST_SUBJECT = 200


class RememberArguments(Arguments):
    content: str = Field(
        min_length=1,
        max_length=10_000,
        description="What to remember, to be understood without this conversation",
    )
    tags: tuple[str, ...] = Field(default=(), max_length=10, description="Words to sort it by")


class Remember(BuiltinTool):
    name = "remember"
    risk = Risk.WRITE  # it changes what later runs are told
    arguments = RememberArguments

    def subjects(self, arguments: RememberArguments) -> tuple[str, ...]:
        """Returns the tags. Without any it is the content, so that "always" allows this one alone."""
        if arguments.tags:
            return tuple(tag.strip() for tag in arguments.tags)  # as they are kept
        if len(arguments.content) <= _LONGEST_SUBJECT:
            return (arguments.content,)
        digest = hashlib.sha256(arguments.content.encode("utf-8", "replace")).hexdigest()
        return (f"{arguments.content[:_LONGEST_SUBJECT]}… ({digest[:16]})",)

    async def preview(self, arguments: RememberArguments, context: ToolContext) -> Preview:
        # As code: nothing of it is hidden by being rendered.
        blocks = CodeBlock(language="", text=arguments.content), *_tags(arguments.tags)
        return Preview(blocks=blocks)

    async def run(self, arguments: RememberArguments, context: ToolContext) -> ToolOutput:
        entry = await desk_of(context).remember(arguments.content, arguments.tags)
        return ToolOutput.text(
            f"Remembered as {entry.id}.", CodeBlock(language="", text=entry.content), *_tags(entry.tags)
        )


def _tags(tags: tuple[str, ...]) -> tuple[TextBlock, ...]:
    return (TextBlock(text=f"Tags: {sanitize_line(', '.join(tags))}"),) if tags else ()
