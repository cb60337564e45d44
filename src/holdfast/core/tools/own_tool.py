"""What all tools of a user's own have: their names and schemas come from what the user has kept."""

from __future__ import annotations

import json
from typing import Generic, TypeVar

from holdfast.core.domain.custom_tools import (
    ClientToolSpec,
    CustomTool,
    HttpToolSpec,
    PythonToolSpec,
    SearchToolSpec,
)
from holdfast.core.domain.tools import ArgumentsBlock, Preview, ToolContext
from holdfast.core.tools.schema_arguments import SchemaArguments, arguments_model

Spec = TypeVar("Spec", bound=HttpToolSpec | PythonToolSpec | ClientToolSpec | SearchToolSpec)


class OwnTool(Generic[Spec]):
    """One of a user's own tools, of one kind."""

    def __init__(self, tool: CustomTool, spec: Spec, arguments: type[SchemaArguments] | None = None) -> None:
        """`spec` is the tool's, `arguments` the model of its arguments where that is made already. Raises
        `InvalidError` (`invalid_schema`)."""
        self.custom = tool
        self.spec = spec
        self.arguments = arguments or arguments_model(spec.name, spec.parameters)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def description(self) -> str:
        return self.spec.description

    def subjects(self, arguments: SchemaArguments) -> tuple[str, ...]:
        """Returns the arguments as JSON, in the order of their names."""
        return (json.dumps(arguments.root, sort_keys=True, ensure_ascii=False),)

    async def preview(self, arguments: SchemaArguments, context: ToolContext) -> Preview:
        """Returns the arguments."""
        return Preview(blocks=(ArgumentsBlock(arguments=arguments.root),))
