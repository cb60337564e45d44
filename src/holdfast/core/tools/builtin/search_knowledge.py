"""Searches the collections of documents that a run has."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.knowledge import Retrieved
from holdfast.core.domain.passages import DATA_RULE, shown, where
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.tools import KnowledgeDesk, Risk, TableBlock, ToolContext, ToolOutput
from holdfast.core.tools.base import Arguments, BuiltinTool

SEARCH_KNOWLEDGE = "search_knowledge"
_EXCERPT = 160


class SearchKnowledgeArguments(Arguments):
    query: str = Field(min_length=1, max_length=2_000, description="What to look for")
    collections: tuple[str, ...] = Field(
        default=(), max_length=100, description="Names of the collections to search; omitted: all of them"
    )
    top_k: int | None = Field(
        default=None, ge=1, le=50, description="Passages to return at most; omitted: as the collections say"
    )


class SearchKnowledge(BuiltinTool):
    """Asks the run's desk, which records every search in the log."""

    name = SEARCH_KNOWLEDGE
    risk = Risk.READ
    arguments = SearchKnowledgeArguments

    async def run(self, arguments: SearchKnowledgeArguments, context: ToolContext) -> ToolOutput:
        items = await desk_of(context).search(
            arguments.query, context.call_id, collections=arguments.collections, top_k=arguments.top_k
        )
        return found_output(items)


def found_output(items: Sequence[Retrieved]) -> ToolOutput:
    """Returns what a search has found as a call gives it."""
    used = [item for item in items if item.used]
    if not used:
        return ToolOutput.text(_nothing(len(items)))
    left = len(items) - len(used)
    head = f"{len(used)} passages. {DATA_RULE}" if len(used) > 1 else f"1 passage. {DATA_RULE}"
    tail = f"\n\n[{_more(left)}; ask for less at once]" if left else ""
    return ToolOutput.text(f"{head}\n\n{shown(used)}{tail}", _table(used))


def desk_of(context: ToolContext) -> KnowledgeDesk:
    """Returns the run's desk. Raises `ToolError` when the run has no knowledge."""
    if context.knowledge is None:
        raise ToolError("This run has no collections of documents.", code="no_knowledge")
    return context.knowledge


def _nothing(dropped: int) -> str:
    if dropped:
        return f"{_more(dropped)}. Ask for something more exact."
    return "Nothing was found. Try other words."


def _more(count: int) -> str:
    return f"{count} more {'passage' if count == 1 else 'passages'} found, for which there was no room"


def _table(items: Sequence[Retrieved]) -> TableBlock:
    rows = []
    for item in items:
        passage = item.passage
        if passage is None:
            continue
        document, score = sanitize_line(passage.document), f"{passage.score:.3f}"
        text = shorten(sanitize_line(passage.text), _EXCERPT)
        rows.append((f"[{item.number}]", document, where(passage.place), score, text))
    return TableBlock(headers=("", "Document", "Place", "Score", "Text"), rows=tuple(rows))
