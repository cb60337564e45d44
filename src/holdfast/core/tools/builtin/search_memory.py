"""Searches what was remembered."""

from __future__ import annotations

import json

from pydantic import Field

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.memory import MemoryEntry, MemoryHit
from holdfast.core.domain.text import shorten
from holdfast.core.domain.tools import MemoryDesk, Risk, TableBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool


class SearchMemoryArguments(Arguments):
    query: str = Field(
        max_length=1_000, description="Words to look for; entries that hold any of them are found"
    )
    limit: int = Field(default=10, ge=1, le=50, description="Entries at most")


class SearchMemory(BuiltinTool):
    name = "search_memory"
    risk = Risk.READ
    arguments = SearchMemoryArguments

    def subjects(self, arguments: SearchMemoryArguments) -> tuple[str, ...]:
        return (arguments.query,)

    async def run(self, arguments: SearchMemoryArguments, context: ToolContext) -> ToolOutput:
        hits = await desk_of(context).search(arguments.query, arguments.limit)
        if not hits:
            return ToolOutput.text("Nothing is remembered about that.")
        rows = tuple(
            (shorten(hit.entry.content, 500), ", ".join(hit.entry.tags), f"{hit.score:.2f}") for hit in hits
        )
        table = TableBlock(headers=("Remembered", "Tags", "Score"), rows=rows)
        return ToolOutput.text("\n".join(map(_line, hits)), table)


def desk_of(context: ToolContext) -> MemoryDesk:
    """Returns the memory of the run. Raises `ToolError` where it has none."""
    if context.memory is None:
        raise ToolError("There is no memory in this run.")
    return context.memory


def _line(hit: MemoryHit) -> str:
    """Returns an entry as one line of JSON: nothing that stands in it can pass for another entry."""
    return json.dumps(_fields(hit.entry), ensure_ascii=False)


def _fields(entry: MemoryEntry) -> dict[str, object]:
    pinned = {"pinned": True} if entry.pinned else {}
    return {
        "id": entry.id,
        "content": entry.content,
        "tags": entry.tags,
        "from": entry.source,
        "date": entry.updated_at.date().isoformat(),
        **pinned,
    }
