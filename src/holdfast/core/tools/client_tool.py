"""Tools of a user's own that callers execute: models are told of them, and nothing is done here."""

from __future__ import annotations

import json

from holdfast.core.domain.custom_tools import ClientToolSpec, CustomTool
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.tools import ArgumentsBlock, Preview, Risk, Tool, ToolContext, ToolOutput
from holdfast.core.tools.forced import ForcedTool
from holdfast.core.tools.schema_arguments import SchemaArguments, arguments_model


class ClientTool:
    """One of a user's own tools. Runs end with its calls and hand them to who has asked for the run."""

    risk = Risk.READ

    def __init__(self, tool: CustomTool, spec: ClientToolSpec) -> None:
        """Raises `InvalidError` (`invalid_schema`)."""
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

    def subjects(self, arguments: SchemaArguments) -> tuple[str, ...]:
        """Returns the arguments as JSON, in the order of their names."""
        return (json.dumps(arguments.root, sort_keys=True, ensure_ascii=False),)

    async def preview(self, arguments: SchemaArguments, context: ToolContext) -> Preview:
        """Returns the arguments."""
        return Preview(blocks=(ArgumentsBlock(arguments=arguments.root),))

    async def run(self, arguments: SchemaArguments, context: ToolContext) -> ToolOutput:
        raise ToolError(f"{self.name} is executed by who has asked for the run, and nobody does here.")


def is_client_tool(tool: Tool | None) -> bool:
    """Says whether callers execute a tool."""
    return isinstance(tool.inner if isinstance(tool, ForcedTool) else tool, ClientTool)
