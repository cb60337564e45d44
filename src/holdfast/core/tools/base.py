"""What all built-in tools share."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from holdfast.core.domain.tools import ArgumentsBlock, Preview, Risk, ToolContext

WORKSPACE_PATH = "path of the workspace"
"""Marks an argument, by `Annotated`, that is or may be the path of a file of the workspace: hooks are told it
as rules see it."""


class Arguments(BaseModel):
    """The base of every arguments model: keys it does not know are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BuiltinTool:
    """A tool whose description stands in `NAME.md` beside its module.

    A subclass sets `name`, `risk` and `arguments`, and has `run`; it overrides `subjects` when rules have
    something to match, and `preview` when it can show more than its arguments.
    """

    name: str
    risk: Risk
    arguments: type[BaseModel]
    _descriptions: ClassVar[dict[str, str]] = {}

    @property
    def description(self) -> str:
        """The text that models read."""
        known = self._descriptions.get(self.name)
        if known is None:
            path = Path(inspect.getfile(type(self))).with_name(f"{self.name}.md")
            known = self._descriptions[self.name] = path.read_text(encoding="utf-8").strip()
        return known

    def subjects(self, arguments: Any) -> tuple[str, ...]:
        """Returns what a rule's pattern is matched with."""
        return ("",)

    async def preview(self, arguments: Any, context: ToolContext) -> Preview:
        """Returns what people see before the call is allowed."""
        given = arguments.model_dump(mode="json", exclude_none=True)
        return Preview(blocks=(ArgumentsBlock(arguments=given),))
