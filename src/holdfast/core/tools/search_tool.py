"""Tools of a user's own that search one collection of documents."""

from __future__ import annotations

from holdfast.core.domain.custom_tools import SearchToolSpec
from holdfast.core.domain.tools import Risk, ToolContext, ToolOutput
from holdfast.core.tools.builtin.search_knowledge import desk_of, found_output
from holdfast.core.tools.own_tool import OwnTool
from holdfast.core.tools.schema_arguments import SchemaArguments


class SearchTool(OwnTool[SearchToolSpec]):
    """One of a user's own tools. Its collection is among those of the runs that have it."""

    risk = Risk.READ

    @property
    def title(self) -> str:
        """What callers know it by."""
        return self.spec.title or self.spec.name

    @property
    def collection(self) -> str:
        """Id or name of the collection; empty: there is none yet."""
        return self.spec.collection

    def subjects(self, arguments: SchemaArguments) -> tuple[str, ...]:
        """Returns what is looked for."""
        return (str(arguments.root["query"]),)

    async def run(self, arguments: SchemaArguments, context: ToolContext) -> ToolOutput:
        if not self.collection:
            return ToolOutput.text(f"{self.title} has no document yet, so nothing was found.")
        query = str(arguments.root["query"])
        items = await desk_of(context).search(query, context.call_id, collections=(self.collection,))
        return found_output(items)
