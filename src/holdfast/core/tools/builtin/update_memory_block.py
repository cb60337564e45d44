"""Changes a block of memory."""

from __future__ import annotations

import hashlib

from pydantic import Field

from holdfast.core.domain.memory import BLOCK_TOOL, MemoryBlock
from holdfast.core.domain.tools import DiffBlock, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool
from holdfast.core.tools.builtin.search_memory import desk_of
from holdfast.core.tools.diffs import ABSENT, diff_block


class UpdateMemoryBlockArguments(Arguments):
    name: str = Field(min_length=1, max_length=100, description="The block's name")
    content: str = Field(max_length=1_000_000, description="The whole new content, or what is appended")
    append: bool = Field(
        default=False, description="True: put it behind the present content, on a line of its own"
    )


class UpdateMemoryBlock(BuiltinTool):
    name = BLOCK_TOOL
    risk = Risk.WRITE  # it changes what later runs are told
    arguments = UpdateMemoryBlockArguments

    def subjects(self, arguments: UpdateMemoryBlockArguments) -> tuple[str, ...]:
        return (arguments.name,)

    async def preview(self, arguments: UpdateMemoryBlockArguments, context: ToolContext) -> Preview:
        block, content = await desk_of(context).plan_block(
            arguments.name, arguments.content, append=arguments.append
        )
        return Preview(blocks=(_diff(arguments.name, block, content),), fingerprint=_fingerprint(block))

    async def run(self, arguments: UpdateMemoryBlockArguments, context: ToolContext) -> ToolOutput:
        desk = desk_of(context)
        block, content = await desk.plan_block(arguments.name, arguments.content, append=arguments.append)
        written = await desk.write_block(arguments.name, arguments.content, append=arguments.append)
        done = "Made" if block is None else "Changed"
        room = f" of {written.max_chars}" if written.max_chars else ""
        return ToolOutput.text(
            f"{done} the memory block {written.name}: {len(written.content)}{room} characters. "
            "What you were shown of it at the start of this run stays as it was.",
            _diff(written.name, block, content),
        )


def _diff(name: str, block: MemoryBlock | None, content: str) -> DiffBlock:
    before = "" if block is None else block.content
    if not before.endswith("\n") and not content.endswith("\n"):
        # Blocks seldom end with a newline, and no diff need say so.
        before, content = (f"{text}\n" if text else "" for text in (before, content))
    return diff_block(f"memory block {name}", None if block is None else before.encode(), content)


def _fingerprint(block: MemoryBlock | None) -> str:
    if block is None:
        return ABSENT
    return hashlib.sha256(f"{block.id}\n{block.content}".encode()).hexdigest()
