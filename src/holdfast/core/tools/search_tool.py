"""Tools of a user's own that search one collection of documents."""

from __future__ import annotations

from holdfast.core.domain.custom_tools import CustomTool, SearchToolSpec
from holdfast.core.domain.tools import ArgumentsBlock, Preview, Risk, ToolContext, ToolOutput
from holdfast.core.tools.builtin.search_knowledge import desk_of, found_output
from holdfast.core.tools.schema_arguments import SchemaArguments, arguments_model


class SearchTool:
    """One of a user's own tools. Its collection is among those of the runs that have it."""

    risk = Risk.READ

    def __init__(self, tool: CustomTool, spec: SearchToolSpec) -> None:
        self.custom = tool
        self._spec = spec
        self.arguments = arguments_model(spec.name, spec.parameters)

    @property
    def name(self) -> str:
        return self._spec.name

    @property
    def title(self) -> str:
        """What callers know it by."""
        return self._spec.title or self._spec.name

    @property
    def description(self) -> str:
        return self._spec.description

    @property
    def collection(self) -> str:
        """Id or name of the collection; empty: there is none yet."""
        return self._spec.collection

    def subjects(self, arguments: SchemaArguments) -> tuple[str, ...]:
        """Returns what is looked for."""
        return (str(arguments.root["query"]),)

    async def preview(self, arguments: SchemaArguments, context: ToolContext) -> Preview:
        """Returns the arguments."""
        return Preview(blocks=(ArgumentsBlock(arguments=arguments.root),))

    async def run(self, arguments: SchemaArguments, context: ToolContext) -> ToolOutput:
        if not self.collection:
            return ToolOutput.text(f"{self.title} has no document yet, so nothing was found.")
        query = str(arguments.root["query"])
        items = await desk_of(context).search(query, context.call_id, collections=(self.collection,))
        return found_output(items)
