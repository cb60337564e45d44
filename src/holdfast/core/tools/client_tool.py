"""Tools of a user's own that callers execute: models are told of them, and nothing is done here."""

from __future__ import annotations

from holdfast.core.domain.custom_tools import ClientToolSpec
from holdfast.core.domain.errors import ToolError
from holdfast.core.domain.tools import Risk, Tool, ToolContext, ToolOutput
from holdfast.core.tools.forced import ForcedTool
from holdfast.core.tools.own_tool import OwnTool
from holdfast.core.tools.schema_arguments import SchemaArguments


class ClientTool(OwnTool[ClientToolSpec]):
    """One of a user's own tools. Runs end with its calls and hand them to who has asked for the run."""

    risk = Risk.READ

    @property
    def title(self) -> str:
        """What callers know it by."""
        return self.spec.title or self.spec.name

    async def run(self, arguments: SchemaArguments, context: ToolContext) -> ToolOutput:
        raise ToolError(f"{self.name} is executed by who has asked for the run, and nobody does here.")


def is_client_tool(tool: Tool | None) -> bool:
    """Says whether callers execute a tool."""
    return isinstance(tool.inner if isinstance(tool, ForcedTool) else tool, ClientTool)
